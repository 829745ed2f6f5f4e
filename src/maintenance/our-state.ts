import { constants, statSync } from 'node:fs'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { formatHex, NO_ZXID, type Zxid } from '../base/index.ts'
import type { DoneVoid, IoError, Rows } from '../env/index.ts'
import { openPlatform } from '../platform/index.ts'
import type { ReplicatedState } from '../server/index.ts'
import {
  type CheckpointMark,
  generationOf,
  lastInstall,
  loadRows,
  metaRange,
  RowDecoder,
  type RowsOutcome,
  readMeta,
  zxidBefore,
} from '../storage/index.ts'
import { namesOf, type OurFolder } from './folder-kind.ts'
import { codeOf, MaintenanceError, messageOf } from './maintenance-error.ts'
import { forEachEntry, type LogView, readOurLog } from './our-log.ts'
import { withScratch } from './scratch.ts'
import { newState } from './state.ts'

export type CheckpointView =
  /** `isKnown`: the log says the same as the rows about it. Otherwise it agrees with itself only. */
  | {
      readonly kind: 'good'
      readonly mark: CheckpointMark
      readonly rows: number
      readonly isKnown: boolean
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged'; readonly reason: string }

/** Everything a data folder of ours holds, as it was at one moment. */
export interface FolderView {
  readonly folder: OurFolder
  readonly log: LogView
  readonly checkpoint: CheckpointView
  /** The state of the checkpoint; of a new server when there is none. */
  readonly state: ReplicatedState
}

/** While a server writes, what is read may not fit together; how often it is read again then. */
const ATTEMPTS = 8

/**
 * Reads a data folder without changing it, also while a server uses it: the checkpoint is copied first, then the log is
 * read, and the two have to fit together. When they do not because the server went on, it is done again.
 */
export async function viewOurFolder(folder: OurFolder): Promise<FolderView> {
  for (let left = ATTEMPTS; ; left--) {
    const before = signatureOf(folder)
    const view = await withScratch(null, async (scratch) => await viewOnce(folder, scratch))
    const isWhole = view.log.problems.length === 0 && isUsable(view)
    if (isWhole || left <= 1 || signatureOf(folder) === before) return view
  }
}

/** Names, sizes and times: other ones when a server writes. */
function signatureOf({ logPath, checkpointPath }: OurFolder): string {
  const lines: string[] = []
  for (const folder of [logPath, checkpointPath]) {
    for (const name of namesOf(folder) ?? []) {
      const stats = statSync(path.join(folder, name), { throwIfNoEntry: false })
      lines.push(`${name} ${stats?.size} ${stats?.mtimeMs}`)
    }
  }
  return lines.join('\n')
}

/** Whether a server could start from it. */
export function isUsable({ checkpoint, log }: FolderView): boolean {
  if (checkpoint.kind === 'good') {
    return checkpoint.isKnown && logStart(log) <= checkpoint.mark.summary.zxid
  }
  return reachesBack(log)
}

/** The zxid before the first entry of the log. */
export function logStart(log: LogView): Zxid {
  const header = log.segments.find((segment) => segment.header !== null)?.header
  return header === undefined || header === null ? NO_ZXID : zxidBefore(log.cuts, header)
}

/** The log has everything since the server was new. */
export function reachesBack(log: LogView): boolean {
  const first = log.segments[0]
  if (first === undefined) return false
  return first.number === 1 && lastInstall(log.cuts) === null
}

/** Zxid of the state a view starts from; 0 when everything is in the log. */
export function checkpointZxid({ checkpoint }: FolderView): Zxid {
  return checkpoint.kind === 'good' ? checkpoint.mark.summary.zxid : NO_ZXID
}

/**
 * Brings the state of a view to `upTo`, or to the end of the log. @throws MaintenanceError when that state is not in
 * the folder
 */
export async function advance(view: FolderView, upTo: Zxid | null): Promise<void> {
  const { folder, log, state } = view
  const from = checkpointZxid(view)
  if (!isUsable(view)) throw notUsable(view)
  if (upTo !== null && upTo < from) {
    throw new MaintenanceError(
      `${folder.dataDir} has states from ${formatHex(from)} on only, its checkpoint; an earlier one needs a backup`,
    )
  }
  await forEachEntry(log, from, upTo, ({ zxid, bytes, start, end }) => {
    state.replay(zxid, bytes, start, end)
  })
}

function notUsable({ folder, log, checkpoint }: FolderView): MaintenanceError {
  const [problem] = log.problems
  const what =
    problem !== undefined
      ? `the log is damaged: ${problem.file} at byte ${problem.offset}, ${problem.reason}`
      : checkpoint.kind === 'damaged'
        ? `the checkpoint cannot be used: ${checkpoint.reason}`
        : 'checkpoint and log do not fit together'
  return new MaintenanceError(
    `${folder.dataDir}: ${what}. zabkeeper doctor ${folder.dataDir} says more`,
  )
}

async function viewOnce(folder: OurFolder, scratch: string): Promise<FolderView> {
  const copy = path.join(scratch, 'checkpoint')
  const copyFault = await copyStore(folder.checkpointPath, copy)
  const log = await readOurLog(folder.logPath)
  const state = newState()
  if (copyFault !== null) {
    const none = copyFault === 'missing'
    const checkpoint = none ? { kind: 'none' as const } : damaged(copyFault)
    return { folder, log, checkpoint, state }
  }
  const opened = await openRows(copy)
  if ('reason' in opened) return { folder, log, checkpoint: damaged(opened.reason), state }
  const { rows } = opened
  try {
    const checkpoint = await loadCheckpoint(rows, log, state)
    if (checkpoint.kind !== 'good') state.reset()
    return { folder, log, checkpoint, state }
  } finally {
    await new Promise<void>((resolve) => {
      rows.close(() => resolve())
    })
  }
}

async function loadCheckpoint(
  rows: Rows,
  log: LogView,
  state: ReplicatedState,
): Promise<CheckpointView> {
  const known = await knownMark(rows, log)
  const mark = known ?? (await ownMark(rows, log))
  if (mark === null) return { kind: 'none' }
  if ('reason' in mark) return damaged(mark.reason)
  const outcome = await new Promise<RowsOutcome>((resolve) => {
    loadRows(rows, mark, state, resolve)
  })
  switch (outcome.kind) {
    case 'loaded':
      return { kind: 'good', mark, rows: outcome.rows, isKnown: known !== null }
    case 'none':
      return { kind: 'none' }
    case 'damaged':
      return damaged(outcome.reason)
    case 'failed':
      return damaged(outcome.error.message)
  }
}

/** The mark that the rows and the log agree about. */
async function knownMark(rows: Rows, log: LogView): Promise<CheckpointMark | null> {
  if (log.folderId === null) return null
  const outcome = await new Promise<Parameters<Parameters<typeof readMeta>[4]>[0]>((resolve) => {
    readMeta(rows, log.folderId!, log.control, log.lastZxid, resolve)
  })
  return outcome.kind === 'found' ? outcome.mark : null
}

/** What the rows say themselves. */
async function ownMark(
  rows: Rows,
  log: LogView,
): Promise<CheckpointMark | { readonly reason: string } | null> {
  const decoder = new RowDecoder()
  let found: CheckpointMark | { readonly reason: string } | null = null
  const error = await new Promise<IoError | null>((resolve) => {
    const done: DoneVoid = resolve
    const range = metaRange(generationOf(log.control))
    const onChunk = (chunk: readonly { key: Uint8Array; value: Uint8Array }[]): void => {
      for (const row of chunk) {
        try {
          found = decoder.meta(row).mark
        } catch (fault) {
          found = { reason: messageOf(fault) }
        }
      }
    }
    rows.scan(range, 10, onChunk, done)
  })
  return error === null ? found : { reason: error.message }
}

function damaged(reason: string): CheckpointView {
  return { kind: 'damaged', reason }
}

async function openRows(copy: string): Promise<{ rows: Rows } | { readonly reason: string }> {
  const { rows } = openPlatform({ log: { format: 'text', level: 'error', fd: 2 } })
  return await new Promise((resolve) => {
    rows.open(copy, { createIfMissing: false }, (error, opened) => {
      resolve(opened === null ? { reason: error!.message } : { rows: opened })
    })
  })
}

/** Copies a store that its server may be writing to; says why it cannot. */
async function copyStore(from: string, to: string): Promise<string | null> {
  let names: readonly string[]
  try {
    names = await readdir(from)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'missing'
    throw error
  }
  if (!names.some((name) => name === 'CURRENT' || name.startsWith('MANIFEST'))) return 'missing'
  await mkdir(to, { mode: 0o700 })
  // What says which tables count comes first: later tables are then ignored, and missing ones noticed.
  const first = names.filter((name) => name === 'CURRENT' || name.startsWith('MANIFEST'))
  const rest = names.filter((name) => !first.includes(name) && name !== 'LOCK')
  for (const name of [...first, ...rest]) {
    try {
      const mode = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE
      await copyFile(path.join(from, name), path.join(to, name), mode)
    } catch (error) {
      // Deleted by its server: it is of an older state.
      if (codeOf(error) === 'EISDIR') continue
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }
  return null
}
