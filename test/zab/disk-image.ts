import type { Zxid } from '../../src/base/index.ts'
import type { Entry } from '../../src/zab/messages.ts'
import { type PersistRecord, RecordKind } from '../../src/zab/outbox.ts'

/** State after applying everything up to `zxid`, stood for by a chain of hashes. */
export interface Snapshot {
  readonly zxid: Zxid
  readonly hash: number
}

/** What a crash leaves of a server. */
export interface DiskImage {
  acceptedEpoch: number
  currentEpoch: number
  base: Snapshot
  entries: Entry[]
}

export function blankDisk(): DiskImage {
  return { acceptedEpoch: 0, currentEpoch: 0, base: { zxid: 0n as Zxid, hash: 0 }, entries: [] }
}

/** Hash of a log after one more entry: equal hashes stand for equal logs. */
export function chain(hash: number, entry: Entry): number {
  let next = (hash ^ 0x811c9dc5) >>> 0
  const mix = (value: number): void => {
    next = Math.imul(next ^ value, 0x01000193) >>> 0
    next = (next ^ (next >>> 15)) >>> 0
  }
  mix(Number(entry.zxid >> 32n))
  mix(Number(entry.zxid & 0xffff_ffffn))
  for (const byte of entry.txn) mix(byte)
  return next
}

export function applyRecord(disk: DiskImage, record: PersistRecord): void {
  switch (record.kind) {
    case RecordKind.APPEND:
      disk.entries.push(record.entry)
      break
    case RecordKind.TRUNCATE:
      while (disk.entries.length > 0 && disk.entries.at(-1)!.zxid > record.zxid) disk.entries.pop()
      break
    case RecordKind.ACCEPTED_EPOCH:
      disk.acceptedEpoch = record.epoch
      break
    case RecordKind.CURRENT_EPOCH:
      disk.currentEpoch = record.epoch
      break
    case RecordKind.INSTALL:
      disk.base = record.snapshot as Snapshot
      disk.entries = [...record.entries]
      disk.currentEpoch = record.currentEpoch
      break
    default:
      throw new Error('unknown record')
  }
}

export function lastOf(disk: DiskImage): Zxid {
  return disk.entries.at(-1)?.zxid ?? disk.base.zxid
}
