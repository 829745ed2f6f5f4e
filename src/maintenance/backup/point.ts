import { follows } from '../../apache-files/index.ts'
import { formatHex, type Zxid } from '../../base/index.ts'
import type { ReplicatedState } from '../../server/index.ts'
import type { LoggedEntry } from '../../storage/index.ts'
import { applyRecord, endFault, forEachApacheRecord, loadSnapshot } from '../apache-state.ts'
import { MaintenanceError } from '../maintenance-error.ts'
import { type Progress, time } from '../text.ts'
import type { Chain } from './archive.ts'
import { type BackupLog, type BackupSnapshot, lastZxidOf } from './manifest.ts'
import { RangeFile } from './range-file.ts'

/** Which state of a backup. */
export type Point =
  | { readonly kind: 'last' }
  /** After the last transaction up to this one. */
  | { readonly kind: 'zxid'; readonly zxid: Zxid }
  /** Before the first transaction that was made later. */
  | { readonly kind: 'time'; readonly ms: number }

/** A state that a backup has, and the way to it. */
export interface FoundPoint {
  readonly chain: Chain
  readonly snapshot: BackupSnapshot
  /** The last transaction to be applied; the snapshot's for none. */
  readonly zxid: Zxid
}

/** @throws MaintenanceError that says what the backup has instead */
export async function findPoint(chains: readonly Chain[], point: Point): Promise<FoundPoint> {
  for (const chain of [...chains].reverse()) {
    const zxid = await lastZxidAt(chain, point)
    const snapshot = zxid === null ? null : newestSnapshot(chain, zxid)
    if (zxid === null || snapshot === null) continue
    checkNoHole(chain, snapshot.zxid, zxid)
    return { chain, snapshot, zxid }
  }
  throw new MaintenanceError(`the backup has no state ${inWords(point)}; it has ${ranges(chains)}`)
}

/** The transactions behind the snapshot up to the point, in order. Reads the files; @throws MaintenanceError */
export async function entriesOf(
  { chain, snapshot, zxid: upTo }: FoundPoint,
  onProgress: Progress,
): Promise<readonly LoggedEntry[]> {
  const entries: LoggedEntry[] = []
  for (const log of chain.manifest.logs) {
    if (log.lastZxid <= snapshot.zxid || log.firstZxid > upTo) continue
    const file = new RangeFile(chain.rangeOf(log.file), log.firstZxid)
    const end = await forEachApacheRecord(file, ({ zxid, bytes, start, end: to }) => {
      if (zxid > upTo) return false
      if (zxid > snapshot.zxid)
        entries.push({ zxid, txn: new Uint8Array(bytes.subarray(start, to)) })
      onProgress('reading the log', entries.length, 0, 'transactions')
      return true
    })
    const fault = endFault(file, end)
    if (fault !== null) throw new MaintenanceError(`the backup is damaged: ${fault}`)
  }
  return entries
}

/** The state of the snapshot that a point starts from. */
export async function stateOf(
  { chain, snapshot }: FoundPoint,
  onProgress: Progress,
): Promise<ReplicatedState> {
  const file = new RangeFile(chain.rangeOf(snapshot.file), snapshot.zxid)
  return await loadSnapshot(file, onProgress)
}

export function applyAll(state: ReplicatedState, entries: readonly LoggedEntry[]): void {
  for (const { zxid, txn } of entries) {
    applyRecord(state, { zxid, bytes: txn, start: 0, end: txn.length })
  }
  const { digestMismatches, firstMismatchZxid } = state.tree
  if (digestMismatches === 0) return
  throw new MaintenanceError(
    `the backup is not what its server had: the tree digest differs at zxid ${formatHex(firstMismatchZxid)}; use another backup`,
  )
}

/** `zxid 0x10 (2026-…) to 0x40 (2026-…)` of each chain. */
export function ranges(chains: readonly Chain[]): string {
  return chains.map((chain) => rangeOf(chain)).join('; ')
}

export function rangeOf({ name, manifest }: Chain): string {
  const snapshots = [...manifest.snapshots].sort((a, b) => (a.zxid < b.zxid ? -1 : 1))
  const [first] = snapshots
  if (first === undefined) return `${name}: nothing`
  const last = lastZxidOf(manifest)!
  const lastMs = manifest.logs.at(-1)?.lastMs ?? snapshots.at(-1)!.newestMs
  return `${name}: zxid ${formatHex(first.zxid)} (${time(first.newestMs)}) to ${formatHex(last)} (${time(lastMs)})`
}

/** Null when the chain has no state of that point. */
async function lastZxidAt(chain: Chain, point: Point): Promise<Zxid | null> {
  const last = lastZxidOf(chain.manifest)
  if (last === null) return null
  switch (point.kind) {
    case 'last':
      return last
    case 'zxid':
      return point.zxid <= last ? point.zxid : null
    default:
      return await lastZxidBefore(chain, point.ms)
  }
}

async function lastZxidBefore(
  { manifest, rangeOf: find }: Chain,
  ms: number,
): Promise<Zxid | null> {
  let zxid: Zxid | null = null
  for (const { zxid: of, newestMs } of manifest.snapshots) {
    if (newestMs <= ms && (zxid === null || of > zxid)) zxid = of
  }
  if (zxid === null) return null
  for (const log of inOrder(manifest.logs)) {
    if (log.firstMs > ms) return zxid
    if (log.lastMs <= ms) {
      if (log.lastZxid > zxid) zxid = log.lastZxid
      continue
    }
    const file = new RangeFile(find(log.file), log.firstZxid)
    let last = zxid
    await forEachApacheRecord(file, (record) => {
      if (record.time > ms) return false
      if (record.zxid > last) last = record.zxid
      return true
    })
    return last
  }
  return zxid
}

function inOrder(logs: readonly BackupLog[]): readonly BackupLog[] {
  return [...logs].sort((a, b) => (a.firstZxid < b.firstZxid ? -1 : 1))
}

function newestSnapshot({ manifest }: Chain, upTo: Zxid): BackupSnapshot | null {
  return manifest.snapshots.reduce<BackupSnapshot | null>(
    (newest, each) =>
      each.zxid <= upTo && (newest === null || each.zxid > newest.zxid) ? each : newest,
    null,
  )
}

function checkNoHole({ name, manifest }: Chain, from: Zxid, upTo: Zxid): void {
  let last = from
  for (const log of inOrder(manifest.logs)) {
    if (log.lastZxid <= last) continue
    if (last >= upTo) return
    if (log.firstZxid > last && !follows(last, log.firstZxid)) break
    last = log.lastZxid
  }
  if (last >= upTo) return
  throw new MaintenanceError(
    `the backup ${name} has no transactions between ${formatHex(last)} and ${formatHex(upTo)}; choose a zxid up to ${formatHex(last)}`,
  )
}

function inWords(point: Point): string {
  if (point.kind === 'zxid') return `at zxid ${formatHex(point.zxid)}`
  return point.kind === 'time' ? `of ${time(point.ms)}` : 'at all'
}
