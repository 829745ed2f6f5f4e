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
  /** The checkpoint. */
  base: Snapshot
  /** The log after the checkpoint. */
  entries: Entry[]
  /** The log before the checkpoint, as far as it is not purged, and the zxid before it. */
  oldBase: Zxid
  old: Entry[]
}

export function blankDisk(): DiskImage {
  const zxid = 0n as Zxid
  const base = { zxid, hash: 0 }
  return { acceptedEpoch: 0, currentEpoch: 0, base, entries: [], oldBase: zxid, old: [] }
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
      disk.oldBase = disk.base.zxid
      disk.old = []
      disk.currentEpoch = record.currentEpoch
      break
    default:
      throw new Error('unknown record')
  }
}

export function lastOf(disk: DiskImage): Zxid {
  return disk.entries.at(-1)?.zxid ?? disk.base.zxid
}

/** The log starts anew at what is applied; what was before can still be read. */
export function checkpointAt(disk: DiskImage, at: Snapshot): void {
  disk.old.push(...disk.entries.filter((entry) => entry.zxid <= at.zxid))
  disk.base = at
  disk.entries = disk.entries.filter((entry) => entry.zxid > at.zxid)
}

/** Forgets the oldest `count` entries before the checkpoint. */
export function purge(disk: DiskImage, count: number): void {
  disk.oldBase = disk.old[count - 1]?.zxid ?? disk.oldBase
  disk.old.splice(0, count)
}

/** Everything after the last position at or before `after`, up to `upTo`; or why not. */
export function readLog(
  disk: DiskImage,
  after: Zxid,
  upTo: Zxid,
  maxBytes: number,
): { readonly floor: Zxid; readonly entries: readonly Entry[] } | string {
  if (after < disk.oldBase) return 'purged'
  let floor = disk.oldBase
  let bytes = 0
  const entries: Entry[] = []
  for (const entry of [...disk.old, ...disk.entries]) {
    if (entry.zxid > upTo) break
    if (entry.zxid <= after) floor = entry.zxid
    else {
      entries.push(entry)
      bytes += entry.txn.length
    }
  }
  return bytes > maxBytes ? 'too much' : { floor, entries }
}
