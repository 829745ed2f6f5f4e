import { createHash } from 'node:crypto'
import path from 'node:path'
import {
  follows,
  logFileName,
  snapshotFileBytes,
  snapshotFileName,
  writeLogHead,
  writeLogRecord,
} from '../../apache-files/index.ts'
import type { Zxid } from '../../base/index.ts'
import type { ReplicatedState } from '../../server/index.ts'
import { InputReader, OutputBuffer, readTxnHeader } from '../../wire/index.ts'
import { type OurFolder, readMyidText } from '../folder-kind.ts'
import { MaintenanceError } from '../maintenance-error.ts'
import { forEachEntry, type LogView } from '../our-log.ts'
import { checkpointZxid, type FolderView, isUsable, logStart, viewOurFolder } from '../our-state.ts'
import type { Progress } from '../text.ts'
import {
  type Chain,
  chainsOfFolder,
  FIRST_CHAIN,
  nextChainName,
  openArchive,
  verifyChain,
} from './archive.ts'
import {
  type BackupLog,
  type BackupSnapshot,
  lastZxidOf,
  MANIFEST_NAME,
  type Manifest,
  manifestText,
  NO_MANIFEST,
} from './manifest.ts'
import { type BackupTarget, FolderTarget, TarTarget, writeError } from './target.ts'

export interface BackupReport {
  /** The chain that was begun or continued. */
  readonly chain: string
  /** A history was continued that the archive had already. */
  readonly isContinued: boolean
  /** What was added; null when there was nothing new of it. */
  readonly snapshot: BackupSnapshot | null
  readonly log: BackupLog | null
  /** The oldest and the newest zxid that can be restored from the chain. */
  readonly firstZxid: Zxid
  readonly lastZxid: Zxid
  readonly verifiedBytes: number
}

const PIECE_BYTES = 1024 * 1024
/** The log may be purged by its server while it is read. */
const ATTEMPTS = 3

/** Whether `to` is to become one file rather than a folder. */
export function isTarName(to: string): boolean {
  return to.endsWith('.tar')
}

/**
 * Adds to a folder (or makes a tar file of) the state of the checkpoint and the transactions after it, as Apache ZooKeeper
 * keeps them. In a folder that has the history already, the transactions go on where it ends. The data folder is only
 * read, and a server may be using it. @throws MaintenanceError; then nothing was added
 */
export async function backUpFolder(
  folder: OurFolder,
  to: string,
  onProgress: Progress,
): Promise<BackupReport> {
  for (let left = ATTEMPTS; ; left--) {
    const view = await viewOurFolder(folder)
    if (!isUsable(view) || view.log.problems.length > 0) {
      throw new MaintenanceError(
        `${folder.dataDir} is damaged, and a backup would be too; zabkeeper doctor ${folder.dataDir} says more`,
      )
    }
    const report = await backUpView(view, to, onProgress)
    if (report !== null) return report
    if (left > 1) continue
    throw new MaintenanceError(`${folder.dataDir} changed faster than it was read; try again`)
  }
}

/** A chain that is written to. */
export interface OpenChain {
  readonly name: string
  readonly target: BackupTarget
  readonly manifest: Manifest
}

/** Null when the server has purged what was to be read. */
async function backUpView(
  view: FolderView,
  to: string,
  onProgress: Progress,
): Promise<BackupReport | null> {
  const chain = await chainFor(to, (known) => continues(view.log, known.manifest))
  const { target, manifest } = chain
  const isContinued = manifest.snapshots.length > 0
  return await inTarget(target, async () => {
    const snapshot = await addSnapshot(view, chain, onProgress)
    const after = lastZxidOf(manifest) ?? checkpointZxid(view)
    const log = await addLog(view.log, after, target, onProgress)
    if (log === 'purged') return null
    const { folderId, acceptedEpoch, currentEpoch } = view.log
    const all: Manifest = {
      snapshots: snapshot === null ? manifest.snapshots : [...manifest.snapshots, snapshot],
      logs: log === null ? manifest.logs : [...manifest.logs, log.log],
      folderId: folderId === null ? null : Buffer.from(folderId).toString('hex'),
      lastTxn: log === null ? manifest.lastTxn : log.lastTxn,
      myid: readMyidText(view.folder.dataDir),
      acceptedEpoch,
      currentEpoch,
    }
    await target.commit(MANIFEST_NAME, manifestText(all))
    const verifiedBytes = await verifyWritten(to, chain.name, onProgress)
    return {
      chain: chain.name,
      isContinued,
      snapshot,
      log: log?.log ?? null,
      firstZxid: all.snapshots.reduce(
        (min, { zxid }) => (zxid < min ? zxid : min),
        all.snapshots[0]!.zxid,
      ),
      lastZxid: lastZxidOf(all)!,
      verifiedBytes,
    }
  })
}

/** Opens the last chain when it can be continued, otherwise a new one. */
export async function chainFor(
  to: string,
  canContinue: (chain: Chain) => Promise<boolean>,
): Promise<OpenChain> {
  if (isTarName(to)) {
    const target = await TarTarget.open(to, FIRST_CHAIN)
    return { name: FIRST_CHAIN, target, manifest: NO_MANIFEST }
  }
  const chains = chainsOfFolder(to)
  const last = chains.at(-1)
  if (last !== undefined && (await canContinue(last))) {
    const isFolderItself = chains.length === 1 && path.basename(to) === last.name
    const target = new FolderTarget(isFolderItself ? to : path.join(to, last.name))
    return { name: last.name, target, manifest: last.manifest }
  }
  const name = nextChainName(chains, to)
  return { name, target: new FolderTarget(path.join(to, name)), manifest: NO_MANIFEST }
}

/** Runs `work`; when it fails, or has nothing, what it has written goes. */
export async function inTarget<T>(
  target: BackupTarget,
  work: () => Promise<T | null>,
): Promise<T | null> {
  const discard = (): void => target.discard()
  process.once('exit', discard)
  try {
    const result = await work()
    if (result === null) target.discard()
    return result
  } catch (error) {
    target.discard()
    if (error instanceof Error && 'syscall' in error) throw writeError(target.path, error)
    throw error
  } finally {
    process.removeListener('exit', discard)
  }
}

/** Reads everything again: what counts is what is on the disk. */
export async function verifyWritten(
  to: string,
  name: string,
  onProgress: Progress,
): Promise<number> {
  const chain = openArchive(to).find((each) => each.name === name)
  if (chain === undefined)
    throw new MaintenanceError(`${to} has no ${name} although it was written`)
  return await verifyChain(chain, onProgress)
}

/* ------------------------------------------------------------------ the state */

async function addSnapshot(
  view: FolderView,
  { target, manifest }: OpenChain,
  onProgress: Progress,
): Promise<BackupSnapshot | null> {
  const zxid = checkpointZxid(view)
  if (manifest.snapshots.some((known) => known.zxid === zxid)) return null
  return await writeSnapshot(target, view.state, snapshotPieces(view.state, onProgress))
}

/** `pieces` are the bytes of the file of this state. */
async function writeSnapshot(
  target: BackupTarget,
  state: ReplicatedState,
  pieces: Iterable<Uint8Array>,
): Promise<BackupSnapshot> {
  const zxid = state.lastApplied
  const file = snapshotFileName(zxid)
  const { bytes, sha256 } = await target.write(file, pieces)
  return { file, zxid, bytes, sha256, ...factsOf(state), madeMs: Date.now() }
}

export function factsOf(
  state: ReplicatedState,
): Pick<BackupSnapshot, 'newestMs' | 'sessions' | 'znodes'> {
  let newestMs = 0
  for (const { mtime, ctime } of state.tree.znodes()) newestMs = Math.max(newestMs, mtime, ctime)
  return { znodes: state.tree.znodeCount, sessions: state.sessions.size, newestMs }
}

function* snapshotPieces(state: ReplicatedState, onProgress: Progress): Iterable<Uint8Array> {
  let bytes = 0
  for (const piece of snapshotFileBytes(state, PIECE_BYTES)) {
    bytes += piece.length
    onProgress('writing the snapshot', bytes, 0, 'bytes')
    yield piece
  }
}

/* ------------------------------------------------------------------ the transactions */

interface AddedLog {
  readonly log: BackupLog
  readonly lastTxn: string
}

/** Entries after `after`, to the end of the log. */
async function addLog(
  log: LogView,
  after: Zxid,
  target: BackupTarget,
  onProgress: Progress,
): Promise<AddedLog | 'purged' | null> {
  if (log.goodZxid <= after) return null
  const txns: Uint8Array[] = []
  let last = after
  let hasHole = false
  await forEachEntry(log, after, null, ({ zxid, bytes, start, end }) => {
    if (!follows(last, zxid)) hasHole = true
    last = zxid
    txns.push(new Uint8Array(bytes.subarray(start, end)))
  })
  if (hasHole || last !== log.goodZxid) return 'purged'
  const [first] = txns
  if (first === undefined) return null
  const file = logFileName(headerOf(first).zxid)
  const { bytes, sha256 } = await target.write(file, logPieces(txns, onProgress))
  const lastTxn = txns.at(-1)!
  return {
    log: {
      file,
      firstZxid: headerOf(first).zxid,
      lastZxid: last,
      entries: txns.length,
      bytes,
      sha256,
      firstMs: headerOf(first).time,
      lastMs: headerOf(lastTxn).time,
    },
    lastTxn: hashOf(lastTxn, 0, lastTxn.length),
  }
}

function* logPieces(txns: readonly Uint8Array[], onProgress: Progress): Iterable<Uint8Array> {
  const out = new OutputBuffer()
  writeLogHead(out)
  for (const [at, txn] of txns.entries()) {
    writeLogRecord(out, txn)
    if (out.length < PIECE_BYTES) continue
    onProgress('writing the log', at + 1, txns.length, 'transactions')
    yield out.take()
  }
  yield out.take()
}

function headerOf(txn: Uint8Array): { readonly zxid: Zxid; readonly time: number } {
  const reader = new InputReader()
  reader.reset(txn, 0, txn.length)
  return readTxnHeader(reader)
}

function hashOf(bytes: Uint8Array, start: number, end: number): string {
  return createHash('sha256').update(bytes.subarray(start, end)).digest('hex')
}

/**
 * Whether the log goes on where the backup ends: it has the same last transaction, or, where that is purged already,
 * begins right behind it and is the same server's.
 */
async function continues(log: LogView, manifest: Manifest): Promise<boolean> {
  const last = lastZxidOf(manifest)
  if (last === null || last > log.goodZxid || last < logStart(log)) return false
  const isSameFolder =
    log.folderId !== null && manifest.folderId === Buffer.from(log.folderId).toString('hex')
  if (last === logStart(log)) return isSameFolder
  let found: string | null = null
  await forEachEntry(log, (last - 1n) as Zxid, last, ({ zxid, bytes, start, end }) => {
    if (zxid === last) found = hashOf(bytes, start, end)
  })
  // A backup that has no transactions yet ends with a state of the same server.
  return manifest.lastTxn === null ? isSameFolder : found === manifest.lastTxn
}
