import { rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { parseApacheName } from '../apache-files/index.ts'
import { formatHex, type Zxid } from '../base/index.ts'
import { chainsOfFolder } from './backup/archive.ts'
import { MANIFEST_NAME, type Manifest, manifestText } from './backup/manifest.ts'
import { FolderTarget } from './backup/target.ts'
import { type DataFolder, namesOf, type OurFolder } from './folder-kind.ts'
import { folderUse, withLock } from './folder-use.ts'
import { filesFolder } from './log-dump/dump.ts'
import { MaintenanceError } from './maintenance-error.ts'
import { syncFolder } from './new-folder.ts'
import { checkpointZxid, isUsable, viewOurFolder } from './our-state.ts'

/** Something that is not needed. */
export interface Leftover {
  readonly path: string
  readonly bytes: number
  /** Why it is not needed. */
  readonly reason: string
}

export interface PurgePlan {
  readonly leftovers: readonly Leftover[]
  /** What was looked at and stays, in words. */
  readonly kept: readonly string[]
}

/** Apache keeps at least so many (`PurgeTxnLog`). */
export const APACHE_KEEP_MIN = 3

/**
 * What can go from a data folder. Of ours: leftovers of other commands, Apache's files where ours took over, and, while no
 * server runs, prepared segments and segments that are older than the checkpoint. Of Apache's: all snapshots but the
 * newest `keep`, and the logs from before the oldest of these. Changes nothing. @throws MaintenanceError
 */
export async function planPurge(folder: DataFolder, keep: number): Promise<PurgePlan> {
  switch (folder.kind) {
    case 'ours':
      return await planOurs(folder, keep)
    case 'apache':
      if (keep < APACHE_KEEP_MIN) throw tooFew(keep)
      return planApache(folder.dataDir, folder.dataLogDir, keep)
    default:
      return planBackup(folder.dataDir, keep)
  }
}

/** Deletes what a plan names. Segments go under the lock, oldest first. @throws MaintenanceError */
export async function purge(folder: DataFolder, plan: PurgePlan, keep: number): Promise<void> {
  if (folder.kind === 'empty') {
    await purgeBackup(folder.dataDir, plan, keep)
    return
  }
  const isSegment = ({ path: file }: Leftover): boolean =>
    folder.kind === 'ours' && path.dirname(file) === folder.logPath
  const segments = plan.leftovers.filter(isSegment)
  if (folder.kind === 'ours' && segments.length > 0) {
    await withLock(folder.logPath, async () => {
      // What a server did in between counts: only what is still not needed goes.
      const now: Leftover[] = []
      await planSegments(folder, now, [])
      const still = new Set(now.map(({ path: file }) => file))
      for (const segment of segments) if (still.has(segment.path)) remove(segment)
    })
  }
  for (const leftover of plan.leftovers) if (!isSegment(leftover)) remove(leftover)
}

function remove({ path: where }: Leftover): void {
  rmSync(where, { recursive: true, force: true, maxRetries: 3 })
  syncFolder(path.dirname(where))
}

function tooFew(keep: number): MaintenanceError {
  return new MaintenanceError(
    `--keep is ${keep}, and an Apache ZooKeeper needs its newest ${APACHE_KEEP_MIN} snapshots at least`,
    true,
  )
}

/* ------------------------------------------------------------------ ours */

const UNFINISHED = /^(import|export|restore|doctor)\.unfinished$/

async function planOurs(folder: OurFolder, keep: number): Promise<PurgePlan> {
  const { dataDir, dataLogDir } = folder
  const leftovers: Leftover[] = []
  const kept: string[] = []
  for (const place of new Set([dataDir, dataLogDir])) {
    const names = namesOf(place) ?? []
    const doctored = names.filter((name) => /^doctor-\d{8}T\d{6}Z$/.test(name))
    for (const name of doctored.slice(0, Math.max(0, doctored.length - keep))) {
      leftovers.push(leftover(place, name, 'the folder from before a repair'))
    }
    if (doctored.length > 0 && keep > 0) {
      const newest = doctored.slice(-keep).join(', ')
      kept.push(`${newest}: from before a repair (--keep 0 deletes it)`)
    }
    for (const name of names) {
      if (/^version-\d+$/.test(name)) {
        leftovers.push(
          leftover(place, name, 'files of an Apache ZooKeeper; this server does not read them'),
        )
      } else if (UNFINISHED.test(name)) {
        leftovers.push(leftover(place, name, 'of a command that was ended by force'))
      }
    }
  }
  const use = await folderUse(folder.logPath)
  if (use.isUsed)
    kept.push('the log: its server is running, and purges it itself after each checkpoint')
  else await planSegments(folder, leftovers, kept)
  return { leftovers, kept }
}

async function planSegments(
  folder: OurFolder,
  leftovers: Leftover[],
  kept: string[],
): Promise<void> {
  const view = await viewOurFolder(folder)
  if (!isUsable(view) || view.log.problems.length > 0) {
    kept.push('the log: it is damaged; zabkeeper doctor says more')
    return
  }
  const { log } = view
  for (const name of log.prepared) {
    leftovers.push(leftover(log.path, name, 'a prepared segment; a start makes it anew'))
  }
  for (const name of namesOf(log.path) ?? []) {
    if (name.endsWith('.creating')) leftovers.push(leftover(log.path, name, 'an unfinished file'))
  }
  const zxid = checkpointZxid(view)
  let needed = log.segments.length - 1
  // The first that has to stay holds entries behind the checkpoint, or is the last.
  while (needed > 0 && log.segments[needed]!.header!.zxidBefore > zxid) needed--
  if (view.checkpoint.kind !== 'good') needed = 0
  for (const { name } of log.segments.slice(0, needed)) {
    const reason = `a segment whose transactions are all in the checkpoint at ${formatHex(zxid)}`
    leftovers.push(leftover(log.path, name, reason))
  }
  kept.push(
    `${log.segments.length - needed} of ${log.segments.length} segments: a start needs them`,
  )
}

function leftover(folder: string, name: string, reason: string): Leftover {
  const where = path.join(folder, name)
  return { path: where, bytes: bytesIn(where), reason }
}

/** On disk: files may have holes. */
function bytesIn(where: string): number {
  const stats = statSync(where, { throwIfNoEntry: false })
  if (stats === undefined) return 0
  if (!stats.isDirectory()) return stats.blocks * 512
  return (namesOf(where) ?? []).reduce((sum, name) => sum + bytesIn(path.join(where, name)), 0)
}

/* ------------------------------------------------------------------ Apache's */

function planApache(dataDir: string, dataLogDir: string, keep: number): PurgePlan {
  const snapshots = filesOf(filesFolder(dataDir), 'snapshot')
  const logs = filesOf(filesFolder(dataLogDir), 'log')
  const oldest = snapshots[Math.max(0, snapshots.length - keep)]
  if (oldest === undefined) return { leftovers: [], kept: ['there is no snapshot'] }
  const firstLog = logs.findLastIndex(({ zxid }) => zxid <= oldest.zxid)
  const leftovers = [
    ...snapshots.filter(({ zxid }) => zxid < oldest.zxid),
    ...logs.slice(0, Math.max(0, firstLog)),
  ].map(({ folder, name }) =>
    leftover(
      folder,
      name,
      `older than snapshot.${oldest.zxid.toString(16)}, the last of ${keep} that stay`,
    ),
  )
  return { leftovers, kept: [`snapshots and logs from ${formatHex(oldest.zxid)} on`] }
}

interface NamedFile {
  readonly folder: string
  readonly name: string
  readonly zxid: Zxid
}

function filesOf(folder: string, kind: 'log' | 'snapshot'): NamedFile[] {
  return (namesOf(folder) ?? [])
    .flatMap((name) => {
      const parsed = parseApacheName(name)
      return parsed?.kind === kind ? [{ folder, name, zxid: parsed.zxid }] : []
    })
    .sort((a, b) => (a.zxid < b.zxid ? -1 : 1))
}

/* ------------------------------------------------------------------ backups */

/** Whole chains that are not the last, and in the last what comes before the oldest state to be kept. */
function planBackup(folder: string, keep: number): PurgePlan {
  const chains = chainsOfFolder(folder)
  const last = chains.at(-1)
  if (last === undefined) {
    throw new MaintenanceError(
      `${folder} is neither a data folder nor a folder of backups; give the dataDir of a server`,
    )
  }
  if (keep < 1)
    throw new MaintenanceError('--keep is 0, and the last state of a backup stays', true)
  const older = chains.slice(0, -1).map(({ name }) => {
    return leftover(folder, name, 'a history that a later backup did not continue')
  })
  const { goneFiles } = split(last.manifest, keep)
  const place =
    chains.length === 1 && path.basename(folder) === last.name
      ? folder
      : path.join(folder, last.name)
  const gone = goneFiles.map((name) => leftover(place, name, `older than the last ${keep} states`))
  return { leftovers: [...older, ...gone], kept: [`the last ${keep} states of ${last.name}`] }
}

function split(
  manifest: Manifest,
  keep: number,
): { readonly rest: Manifest; readonly goneFiles: readonly string[] } {
  const sorted = [...manifest.snapshots].sort((a, b) => (a.zxid < b.zxid ? -1 : 1))
  const oldest = sorted[Math.max(0, sorted.length - keep)]!
  const snapshots = manifest.snapshots.filter(({ zxid }) => zxid >= oldest.zxid)
  const logs = manifest.logs.filter(({ lastZxid }) => lastZxid > oldest.zxid)
  const stays = new Set([...snapshots, ...logs].map(({ file }) => file))
  const goneFiles = [...manifest.snapshots, ...manifest.logs]
    .map(({ file }) => file)
    .filter((file) => !stays.has(file))
  return { rest: { ...manifest, snapshots, logs }, goneFiles }
}

/** The list first, so that it never names what is not there. */
async function purgeBackup(folder: string, { leftovers }: PurgePlan, keep: number): Promise<void> {
  const last = chainsOfFolder(folder).at(-1)!
  const place = path.basename(folder) === last.name ? folder : path.join(folder, last.name)
  const { rest } = split(last.manifest, keep)
  await new FolderTarget(place).commit(MANIFEST_NAME, manifestText(rest))
  for (const each of leftovers) remove(each)
}
