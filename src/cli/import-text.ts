import type { ExportReport, ImportReport, ProgressHandler } from '../apache-files/index.ts'
import { formatHex } from '../base/index.ts'

const PROGRESS_MS = 2000

/** Prints how far a long step is, now and then. */
export function progressPrinter(): ProgressHandler {
  let lastMs = performance.now()
  return (what, done, all, unit) => {
    const nowMs = performance.now()
    if (nowMs - lastMs < PROGRESS_MS) return
    lastMs = nowMs
    const text = all > 0 ? `${number(done)} of ${number(all)}` : number(done)
    const share = all > 0 ? ` (${Math.min(100, Math.floor((100 * done) / all))} %)` : ''
    process.stderr.write(`${what}: ${text} ${unit}${share}\n`)
  }
}

export function describeImport(from: string, to: string, report: ImportReport): string {
  const { acceptedEpoch, currentEpoch, znodes, sessions, torn, mismatch } = report
  const lines = [
    `imported ${from} into ${to}`,
    `  snapshot  ${report.snapshot}, zxid ${formatHex(report.snapshotZxid)}`,
    `  log       ${count(report.entries, 'transaction')} in ${count(report.logFiles, 'file')}, up to zxid ${formatHex(report.lastZxid)}`,
    `  verified  every checksum, ${count(report.digestsVerified, 'tree digest')}`,
    `  epochs    accepted ${acceptedEpoch}, current ${currentEpoch}`,
    `  state     ${count(znodes, 'znode')}, ${count(sessions, 'session')}`,
  ]
  for (const { path, reason } of report.unusable) {
    lines.push(`  not used  ${path}: ${reason}`)
  }
  for (const { path, offset, bytes } of report.bridged) {
    lines.push(
      `  skipped   ${path}: ${count(bytes, 'byte')} of an unfinished record at offset ${number(offset)}; the next file goes on without a hole`,
    )
  }
  if (torn !== null) {
    lines.push(
      `  left out  ${torn.path}: the last ${count(torn.bytes, 'byte')}, from offset ${number(torn.offset)} on`,
    )
  }
  if (mismatch !== null) lines.push(`  differs   ${mismatch}`)
  return `${lines.join('\n')}\n`
}

export function describeExport(from: string, to: string, report: ExportReport): string {
  const { acceptedEpoch, currentEpoch, znodes, sessions, log } = report
  const lines = [
    `exported ${from} to ${to}`,
    `  snapshot  ${report.snapshot}, ${count(report.snapshotBytes, 'byte')}: ${count(znodes, 'znode')}, ${count(sessions, 'session')}`,
    log === null
      ? '  log       none: nothing comes after the snapshot'
      : `  log       ${log}: ${count(report.entries, 'transaction')} after it`,
    `  zxid      ${formatHex(report.lastZxid)}`,
    `  epochs    accepted ${acceptedEpoch}, current ${currentEpoch}`,
  ]
  return `${lines.join('\n')}\n`
}

function count(value: number, unit: string): string {
  return `${number(value)} ${unit}${value === 1 ? '' : 's'}`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
