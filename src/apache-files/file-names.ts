import type { Zxid } from '../base/index.ts'

/** `snapshot.1f` with maybe a suffix, or `log.20`. Everything else in a data folder is not read. */
export interface ApacheFileName {
  readonly kind: 'log' | 'snapshot'
  /** Of a snapshot: its state has at least every transaction up to this one. Of a log: its first transaction. */
  readonly zxid: Zxid
  /** How the whole file is packed. */
  readonly packing: 'gz' | 'none' | 'snappy'
}

const SNAPSHOT_NAME = /^snapshot\.([0-9a-f]{1,16})(?:\.(gz|snappy))?$/
const LOG_NAME = /^log\.([0-9a-f]{1,16})$/

/** Null for a file of another kind, also one that was not finished (`snapshot.1f.tmp`). */
export function parseApacheName(name: string): ApacheFileName | null {
  const snapshot = SNAPSHOT_NAME.exec(name)
  if (snapshot !== null) {
    const packing = (snapshot[2] ?? 'none') as ApacheFileName['packing']
    return { kind: 'snapshot', zxid: parseHex(snapshot[1]!), packing }
  }
  const log = LOG_NAME.exec(name)
  return log === null ? null : { kind: 'log', zxid: parseHex(log[1]!), packing: 'none' }
}

export function snapshotFileName(zxid: Zxid): string {
  return `snapshot.${hex(zxid)}`
}

export function logFileName(firstZxid: Zxid): string {
  return `log.${hex(firstZxid)}`
}

function parseHex(digits: string): Zxid {
  return BigInt.asIntN(64, BigInt(`0x${digits}`)) as Zxid
}

function hex(zxid: Zxid): string {
  return BigInt.asUintN(64, zxid).toString(16)
}
