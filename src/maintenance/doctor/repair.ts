import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { epochOf, formatHex, makeZxid, type Zxid } from '../../base/index.ts'
import { isTakenBack, type LoggedEntry, RecordKind } from '../../storage/index.ts'
import { lookAtFolder, type OurFolder } from '../folder-kind.ts'
import { withLock } from '../folder-use.ts'
import { writeFreshFolder } from '../fresh-folder.ts'
import { MaintenanceError } from '../maintenance-error.ts'
import { syncFolder } from '../new-folder.ts'
import { type LogView, readOurLog } from '../our-log.ts'
import { checkpointZxid, type FolderView, viewOurFolder } from '../our-state.ts'
import type { Progress } from '../text.ts'
import { type Examination, examine } from './examine.ts'
import { planRepair, type RepairPlan } from './plan.ts'

export interface RepairOptions {
  readonly isMember: boolean
  /** What somebody has agreed to lose, from this transaction on; null for nothing. */
  readonly acceptLossFrom: Zxid | null
  readonly onProgress: Progress
}

export interface RepairReport {
  /** Where the old files are now. */
  readonly aside: readonly string[]
  readonly after: Examination
}

const UNFINISHED = 'doctor.unfinished'

/**
 * Carries a plan out. What was there is moved to a folder `doctor-<time>` beside it and stays whole; no state in
 * between is one that a server would start from. @throws MaintenanceError when it cannot be done; nothing is changed then
 */
export async function repair(folder: OurFolder, options: RepairOptions): Promise<RepairReport> {
  checkUser(folder)
  const aside = await withLock(folder.logPath, async () => {
    // Looked at again: nobody can change it now.
    const view = await viewOurFolder(folder)
    const plan = planRepair(view, options.isMember)
    checkLoss(plan, options.acceptLossFrom)
    return await carryOut(folder, view, plan, options)
  })
  const found = lookAtFolder(folder.dataDir, folder.dataLogDir)
  const after = await examine(found, { isMember: options.isMember })
  return { aside, after }
}

/** Files that root makes are of no use to the server. */
function checkUser({ dataDir, logPath }: OurFolder): void {
  const owner = statSync(logPath, { throwIfNoEntry: false })?.uid ?? statSync(dataDir).uid
  if (process.getuid === undefined || owner === process.getuid()) return
  throw new MaintenanceError(
    `${dataDir} belongs to user ${owner}, and this is user ${process.getuid()}; repair it as that user (sudo -u "#${owner}")`,
  )
}

/** Nothing that may have been acknowledged goes without a word. */
function checkLoss(plan: RepairPlan, accepted: Zxid | null): void {
  if (plan.kind !== 'rebuild' || plan.lostFrom === null) return
  if (accepted === plan.lostFrom) return
  const from = formatHex(plan.lostFrom)
  throw new MaintenanceError(
    accepted === null
      ? `the repair loses transactions from ${from} on; restore a backup, or agree with --accept-loss-from ${from}`
      : `--accept-loss-from is ${formatHex(accepted)}, but transactions from ${from} on would be lost`,
  )
}

async function carryOut(
  folder: OurFolder,
  view: FolderView,
  plan: RepairPlan,
  options: RepairOptions,
): Promise<readonly string[]> {
  switch (plan.kind) {
    case 'none':
      return moveStrangers(folder, plan.strangers)
    case 'restore':
      throw new MaintenanceError(
        `${folder.dataDir} cannot be repaired: ${plan.reason}; restore a backup (zabkeeper restore --help)`,
      )
    case 'rejoin':
      return moveAside(folder)
    default:
      return await rebuild(folder, view, plan, options)
  }
}

async function rebuild(
  folder: OurFolder,
  view: FolderView,
  plan: Extract<RepairPlan, { kind: 'rebuild' }>,
  { onProgress, isMember }: RepairOptions,
): Promise<readonly string[]> {
  const entries = await entriesBetween(view.log, plan.from, plan.through)
  const isLossy = plan.lostFrom !== null
  if (isLossy) {
    for (const { zxid, txn } of entries) view.state.replay(zxid, txn, 0, txn.length)
  }
  const { dataDir, dataLogDir } = folder
  const places = unfinishedPlaces(folder)
  for (const place of places) {
    try {
      mkdirSync(place, { mode: 0o700 })
    } catch {
      throw new MaintenanceError(
        `${place} cannot be made; if it is left from a run that was ended by force, delete it and try again`,
      )
    }
  }
  try {
    const { acceptedEpoch, currentEpoch } = view.log
    await writeFreshFolder(
      {
        dataDir: path.join(dataDir, UNFINISHED),
        dataLogDir: path.join(dataLogDir, UNFINISHED),
        zxid: isLossy ? zxidAfterLoss(view) : plan.from,
        state: view.state,
        entries: isLossy ? [] : entries,
        acceptedEpoch: isMember ? acceptedEpoch : 0,
        currentEpoch: isMember ? currentEpoch : 0,
      },
      onProgress,
    )
    return exchange(folder)
  } finally {
    for (const place of places) rmSync(place, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** A new epoch: zxids that were lost are not given out again, and clients that have seen them are let in. */
function zxidAfterLoss(view: FolderView): Zxid {
  const { log } = view
  const last = log.lastZxid > checkpointZxid(view) ? log.lastZxid : checkpointZxid(view)
  return makeZxid(Math.max(epochOf(last), log.acceptedEpoch) + 1, 0)
}

function unfinishedPlaces({ dataDir, dataLogDir }: OurFolder): readonly string[] {
  return [...new Set([dataDir, dataLogDir])].map((folder) => path.join(folder, UNFINISHED))
}

/** Entries that count and are readable, whatever is damaged before `from`. */
async function entriesBetween(log: LogView, from: Zxid, through: Zxid): Promise<LoggedEntry[]> {
  const entries: LoggedEntry[] = []
  await readOurLog(log.path, ({ kind, zxid, segment, bytes, start, end }) => {
    if (kind !== RecordKind.entry || zxid <= from || zxid > through) return
    if (isTakenBack(log.cuts, segment, start, zxid)) return
    entries.push({ zxid, txn: new Uint8Array(bytes.subarray(start, end)) })
  })
  return entries
}

/**
 * The new log and checkpoint take the place of the old ones. Between two steps there is a log without its checkpoint or
 * a checkpoint without its log: a server refuses both.
 */
function exchange(folder: OurFolder): readonly string[] {
  const { dataDir, dataLogDir, logPath, checkpointPath } = folder
  const log = path.join(asideFolder(dataLogDir), 'log')
  const checkpoint = path.join(asideFolder(dataDir), 'checkpoint')
  move(logPath, log)
  move(path.join(dataLogDir, UNFINISHED, 'log'), logPath)
  move(checkpointPath, checkpoint)
  move(path.join(dataDir, UNFINISHED, 'checkpoint'), checkpointPath)
  return [log, checkpoint]
}

function moveAside({ dataDir, dataLogDir, logPath, checkpointPath }: OurFolder): readonly string[] {
  const log = path.join(asideFolder(dataLogDir), 'log')
  const checkpoint = path.join(asideFolder(dataDir), 'checkpoint')
  move(logPath, log)
  move(checkpointPath, checkpoint)
  return [log, checkpoint]
}

function moveStrangers({ dataLogDir, logPath }: OurFolder, names: readonly string[]): string[] {
  const aside: string[] = []
  for (const name of names) {
    const to = path.join(asideFolder(dataLogDir), name)
    move(path.join(logPath, name), to)
    aside.push(to)
  }
  return aside
}

const startedAt = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')

function asideFolder(parent: string): string {
  const folder = path.join(parent, `doctor-${startedAt}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

function move(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false }) === undefined) return
  renameSync(from, to)
  syncFolder(path.dirname(to))
  syncFolder(path.dirname(from))
}
