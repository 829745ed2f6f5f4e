import type { Zxid } from '../base/index.ts'
import { MaintenanceError } from './maintenance-error.ts'

/** Told now and then how far a long step is; `all` is 0 where nobody knows. */
export type Progress = (what: string, done: number, all: number, unit: string) => void

export const NO_PROGRESS: Progress = () => {}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1.5 MiB`. */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  if (unit === 0) return count(bytes, 'byte')
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}

export function count(value: number, unit: string): string {
  return `${number(value)} ${unit}${value === 1 ? '' : 's'}`
}

/** UTC, in milliseconds: what cannot be a time is shown as the number. */
export function time(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

/** `0x` and hex digits, or decimal. @throws MaintenanceError naming `flag` */
export function parseZxid(text: string, flag: string): Zxid {
  if (/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) {
    const value = BigInt(text)
    if (value < 1n << 64n) return BigInt.asIntN(64, value) as Zxid
  }
  throw new MaintenanceError(`${flag} is ${text}: give a zxid such as 0x100000020`, true)
}

/** ISO 8601, or milliseconds since 1970. Without a zone it is local time, as everywhere. @throws MaintenanceError */
export function parseTime(text: string, flag: string): number {
  const ms = /^\d{12,14}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isNaN(ms)) return ms
  throw new MaintenanceError(`${flag} is ${text}: give a time such as 2026-11-21T17:00:00Z`, true)
}

/** A column of cells for each row, as wide as it needs; numbers to the right. */
export function table(rows: readonly (readonly string[])[], indent: string): string {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length)
    })
  }
  const lines = rows.map((row) => {
    const cells = row.map((cell, at) => {
      if (at === row.length - 1) return cell
      return /^[\d,.]+( \w+)?$/.test(cell) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)
    })
    return `${indent}${cells.join('  ')}`.trimEnd()
  })
  return lines.join('\n')
}
