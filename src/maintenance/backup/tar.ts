import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { MaintenanceError } from '../maintenance-error.ts'
import type { Range } from './range-file.ts'

/* The `ustar` form, which every tar reads: a header of 512 bytes, the file, zeros up to the next 512; two such of zeros. */

export const TAR_BLOCK = 512
/** Larger sizes do not fit into eleven octal digits. */
const OCTAL_SIZE_MAX = 8 ** 11 - 1

export function tarHeader(name: string, bytes: number, mtimeMs: number): Uint8Array {
  const header = new Uint8Array(TAR_BLOCK)
  const text = (offset: number, value: string): void => {
    for (let at = 0; at < value.length; at++) header[offset + at] = value.charCodeAt(at)
  }
  text(0, name)
  text(100, '0000600\0')
  text(108, '0000000\0')
  text(116, '0000000\0')
  if (bytes <= OCTAL_SIZE_MAX) text(124, `${octal(bytes, 11)}\0`)
  else new DataView(header.buffer).setBigUint64(128, BigInt(bytes))
  if (bytes > OCTAL_SIZE_MAX) header[124] = 0x80
  text(136, `${octal(Math.floor(mtimeMs / 1000), 11)}\0`)
  text(148, '        ')
  text(156, '0')
  text(257, 'ustar\x0000')
  const sum = header.reduce((total, byte) => total + byte, 0)
  text(148, `${octal(sum, 6)}\0 `)
  return header
}

export function paddingOf(bytes: number): number {
  return (TAR_BLOCK - (bytes % TAR_BLOCK)) % TAR_BLOCK
}

/** Where each file of a tar file is. @throws MaintenanceError when it is none, or was cut */
export function readTar(file: string): ReadonlyMap<string, Range> {
  const files = new Map<string, Range>()
  const fileBytes = statSync(file).size
  const fd = openSync(file, 'r')
  try {
    const header = new Uint8Array(TAR_BLOCK)
    for (let at = 0; ; ) {
      if (readSync(fd, header, 0, TAR_BLOCK, at) < TAR_BLOCK) throw truncated(file)
      if (header.every((byte) => byte === 0)) return files
      if (!isHeader(header)) {
        throw new MaintenanceError(`${file} is no backup: at byte ${at} there is no tar header`)
      }
      const bytes = sizeIn(header)
      const start = at + TAR_BLOCK
      at = start + bytes + paddingOf(bytes)
      if (at > fileBytes) throw truncated(file)
      files.set(textIn(header, 0, 100), { file, start, bytes })
    }
  } finally {
    closeSync(fd)
  }
}

function truncated(file: string): MaintenanceError {
  return new MaintenanceError(`${file} is cut off: its end is missing; use another backup`)
}

function isHeader(header: Uint8Array): boolean {
  let sum = 0
  header.forEach((byte, at) => {
    sum += at >= 148 && at < 156 ? 0x20 : byte
  })
  return textIn(header, 257, 5) === 'ustar' && Number.parseInt(textIn(header, 148, 8), 8) === sum
}

function sizeIn(header: Uint8Array): number {
  if (header[124] === 0x80) return Number(new DataView(header.buffer).getBigUint64(128))
  return Number.parseInt(textIn(header, 124, 12), 8)
}

function textIn(header: Uint8Array, offset: number, length: number): string {
  let text = ''
  for (let at = offset; at < offset + length && header[at] !== 0; at++) {
    text += String.fromCharCode(header[at]!)
  }
  return text.trim()
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
