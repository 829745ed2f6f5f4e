import { accessSync, constants, readdirSync, statfsSync, statSync } from 'node:fs'
import path from 'node:path'
import { epochOf, formatHex } from '../../base/index.ts'
import { defaultStorageOptions, GroupKind } from '../../storage/index.ts'
import { type DataFolder, namesOf, type OurFolder, readMyid } from '../folder-kind.ts'
import { type FolderUse, folderUse } from '../folder-use.ts'
import { messageOf } from '../maintenance-error.ts'
import { affectedZxids, type LogView } from '../our-log.ts'
import {
  advance,
  checkpointZxid,
  type FolderView,
  isUsable,
  logStart,
  reachesBack,
  viewOurFolder,
} from '../our-state.ts'
import { count, number, size, time } from '../text.ts'
import { error, type Finding, note, warning } from './finding.ts'
import { planRepair, type RepairPlan } from './plan.ts'

/** What a data folder is, and what is to be said about it. */
export interface Examination {
  readonly folder: DataFolder
  readonly use: FolderUse
  /** It belongs to a member of an ensemble. */
  readonly isMember: boolean
  readonly findings: readonly Finding[]
  readonly plan: RepairPlan
  /** Null when the folder is none of ours. */
  readonly view: FolderView | null
}

export interface ExamineOptions {
  /** What the configuration says; null when it is not known and what is in the folder decides. */
  readonly isMember: boolean | null
}

const WRITE_MYID = 'write the N of its server.N line there'
const TMPFS = 0x0102_1994
const LEFTOVER = /^(import|export|restore|doctor)\.unfinished$/

/** Looks at everything a start would look at, and changes nothing. */
export async function examine(
  folder: DataFolder,
  { isMember: configured }: ExamineOptions,
): Promise<Examination> {
  if (folder.kind !== 'ours') {
    const findings = [strangerFinding(folder)]
    const plan = { kind: 'none', strangers: [] } as const
    const isMember = configured ?? false
    return { folder, use: { isUsed: false }, isMember, findings, plan, view: null }
  }
  const use = await folderUse(folder.logPath)
  const permission = permissionFindings(folder)
  if (permission.some(({ code }) => code === 'not-readable')) {
    const plan = { kind: 'restore', reason: 'it cannot be read' } as const
    const isMember = configured ?? false
    return { folder, use, isMember, findings: permission, plan, view: null }
  }
  const view = await viewOurFolder(folder)
  const isMember = configured ?? looksLikeMember(view)
  const plan = planRepair(view, isMember)
  const findings = [
    ...useFindings(use, folder),
    ...permission,
    ...identityFindings(folder, view, isMember, configured !== null),
    ...logFindings(view.log, use),
    ...checkpointFindings(view),
    ...(await stateFindings(view)),
    ...epochFindings(view, isMember),
    ...spaceFindings(folder),
    ...leftoverFindings(folder),
  ]
  return { folder, use, isMember, findings, plan, view }
}

/** Only members have epochs in their control records. */
export function looksLikeMember({ folder, log }: FolderView): boolean {
  return log.currentEpoch > 0 || log.acceptedEpoch > 0 || readMyid(folder.dataDir) !== null
}

function strangerFinding({ kind, dataDir }: DataFolder): Finding {
  switch (kind) {
    case 'missing':
      return error(
        'missing',
        'the folder does not exist',
        dataDir,
        'give the dataDir of the server; a server makes the folder at its first start',
      )
    case 'apache':
      return error(
        'apache',
        'this is the data folder of an Apache ZooKeeper',
        dataDir,
        `zabkeeper import --from ${dataDir} --to <new folder> makes one of ours with the same data`,
      )
    default:
      return note('empty', 'no server has kept data here yet; one that starts begins anew', dataDir)
  }
}

function useFindings(use: FolderUse, { dataDir }: OurFolder): Finding[] {
  if (!use.isUsed) return [note('not-running', 'no server uses the folder')]
  const who = use.pid === null ? 'a server' : `process ${use.pid}`
  return [note('running', `in use by ${who}; it is only read`, dataDir)]
}

/* ------------------------------------------------------------------ may it be used */

function permissionFindings(folder: OurFolder): Finding[] {
  const findings: Finding[] = []
  const owners = new Set<number>()
  for (const place of [folder.dataDir, folder.logPath, folder.checkpointPath]) {
    const stats = statSync(place, { throwIfNoEntry: false })
    if (stats === undefined) continue
    owners.add(stats.uid)
    try {
      accessSync(place, constants.R_OK | constants.X_OK)
    } catch (fault) {
      const next = 'run this as the user of the server, or as root'
      findings.push(error('not-readable', messageOf(fault), place, next))
      continue
    }
    if (process.getuid?.() !== stats.uid) continue
    try {
      accessSync(place, constants.W_OK)
    } catch (fault) {
      const next = 'let the user that runs the server write there'
      findings.push(error('not-writable', messageOf(fault), place, next))
    }
  }
  findings.push(...fileOwners(folder, owners))
  return findings
}

/** Files of another user appear when a command was run as root. */
function fileOwners(
  { logPath, checkpointPath }: OurFolder,
  owners: ReadonlySet<number>,
): Finding[] {
  for (const place of [logPath, checkpointPath]) {
    for (const name of safeNames(place)) {
      const file = path.join(place, name)
      const stats = statSync(file, { throwIfNoEntry: false })
      if (stats === undefined || owners.has(stats.uid)) continue
      const what = `the file belongs to user ${stats.uid}, the folders to ${[...owners].join(' and ')}`
      return [error('owner', what, file, `chown -R the whole folder to the user of the server`)]
    }
  }
  return []
}

function safeNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/* ------------------------------------------------------------------ whose is it */

function identityFindings(
  { dataDir }: OurFolder,
  { log }: FolderView,
  isMember: boolean,
  isConfigured: boolean,
): Finding[] {
  const findings: Finding[] = []
  const myid = readMyid(dataDir)
  const file = path.join(dataDir, 'myid')
  if (myid !== null && myid.fault !== null) {
    findings.push(error('myid', myid.fault, file, WRITE_MYID))
  } else if (myid !== null) {
    findings.push(note('member', `server ${myid.id} of an ensemble, by its myid`, file))
  } else if (isMember) {
    findings.push(
      isConfigured
        ? error('myid-missing', 'a member of an ensemble has a myid', file, WRITE_MYID)
        : warning(
            'myid-missing',
            'the log is one of a member of an ensemble, and there is no myid',
            file,
            `${WRITE_MYID}; if the server stands alone, give its zoo.cfg instead of the folder`,
          ),
    )
  } else {
    findings.push(note('standalone', 'a server that stands alone: no epochs, no myid'))
  }
  const [header] = log.segments.flatMap((segment) => segment.header ?? [])
  if (header !== undefined) {
    findings.push(note('format', `format version 1, segments of ${size(header.fileBytes)}`))
  }
  return findings
}

/* ------------------------------------------------------------------ the log */

function logFindings(log: LogView, use: FolderUse): Finding[] {
  const findings: Finding[] = []
  const { segments, torn } = log
  const entries = segments.reduce((sum, segment) => sum + segment.entries, 0)
  const last = segments.at(-1)?.header?.createdMs
  const since = last === undefined ? '' : `, the last begun ${time(last)}`
  const range =
    entries === 0
      ? 'no transactions'
      : `${count(entries, 'transaction')}, ${formatHex(segments.find((segment) => segment.firstZxid !== null)!.firstZxid!)} to ${formatHex(log.lastZxid)}`
  findings.push(note('log', `${range}, in ${count(segments.length, 'segment')}${since}`, log.path))
  for (const problem of log.problems) findings.push(problemFinding(problem))
  if (segments.length === 0) {
    findings.push(
      error(
        'log-missing',
        'there is a checkpoint, but no log',
        log.path,
        'put the log folder back',
      ),
    )
  }
  if (torn !== null && !use.isUsed) {
    const what = `${count(torn.bytes, 'byte')} of an unfinished write at offset ${number(torn.offset)}, never acknowledged`
    findings.push({ ...note('torn', what, torn.file), next: 'nothing: a start cuts it off' })
  } else if (log.lastKind === GroupKind.stopped && log.problems.length === 0) {
    findings.push(note('stopped', 'the last stop was in good order'))
  } else if (!use.isUsed && log.problems.length === 0) {
    findings.push(note('killed', 'the last run ended by force; every acknowledged write is there'))
  }
  for (const name of log.foreign) {
    const what = 'a file that is none of ours is among the segments, and a start refuses that'
    findings.push(error('foreign', what, path.join(log.path, name), 'move it elsewhere (--repair)'))
  }
  return findings
}

function problemFinding(problem: LogView['problems'][number]): Finding {
  const { kind, file, offset, reason } = problem
  const affected = affectedZxids(problem)
  if (kind === 'other version') {
    const next = 'start the version that used this folder last, or a newer one'
    return error('other-version', reason, file, next)
  }
  const next = 'see the repair below'
  if (kind === 'missing') return error('segment-missing', `${reason}: ${affected}`, file, next)
  return error('damage', `at byte ${number(offset)}: ${reason}. Affected: ${affected}`, file, next)
}

/* ------------------------------------------------------------------ the checkpoint */

function checkpointFindings(view: FolderView): Finding[] {
  const { checkpoint, log, folder } = view
  const where = folder.checkpointPath
  if (checkpoint.kind === 'none') {
    if (reachesBack(log) && log.control.done === null) {
      return [note('checkpoint-none', 'no checkpoint yet: the log has everything', where)]
    }
    return [unusable('it is missing', view, where)]
  }
  if (checkpoint.kind === 'damaged') return [unusable(checkpoint.reason, view, where)]
  const { zxid, znodes, sessions } = checkpoint.mark.summary
  const what = `at zxid ${formatHex(zxid)}: ${count(znodes, 'znode')}, ${count(sessions, 'session')}, every row verified`
  const findings = [note('checkpoint', what, where)]
  if (zxid > log.lastZxid && log.segments.length > 0) {
    const gap = `the log ends at ${formatHex(log.lastZxid)}, before the checkpoint at ${formatHex(zxid)}: its end is missing`
    findings.push(error('log-behind', gap, log.path, 'put the missing segments back'))
  } else if (logStart(log) > zxid) {
    const gap = `the log begins after ${formatHex(logStart(log))}, the checkpoint is older: its beginning is missing`
    findings.push(error('log-ahead', gap, log.path, 'put the missing segments back'))
  } else if (!checkpoint.isKnown && log.problems.length === 0) {
    const strange = 'the log knows of no checkpoint with this zxid and digest'
    findings.push(error('checkpoint-unknown', strange, where, 'see the repair below'))
  }
  return findings
}

function unusable(reason: string, { log }: FolderView, where: string): Finding {
  if (reachesBack(log) && log.problems.length === 0) {
    const what = `the checkpoint cannot be used: ${reason}; the log has everything`
    return warning('checkpoint-rebuilt', what, where, 'nothing: a start makes it anew')
  }
  const what = `the checkpoint cannot be used: ${reason}; the log reaches back only to zxid ${formatHex(logStart(log))}`
  return error('checkpoint-lost', what, where, 'see the repair below')
}

/** Applies what comes after the checkpoint, as a start does. */
async function stateFindings(view: FolderView): Promise<Finding[]> {
  if (!isUsable(view) || view.log.problems.length > 0) return []
  try {
    await advance(view, null)
  } catch (fault) {
    const what = `an entry is intact but cannot be applied: ${messageOf(fault)}`
    const next =
      'keep a copy of the folder and report it: a defect of the server, or of another version'
    return [error('replay', what, view.log.path, next)]
  }
  const { tree, sessions, lastApplied } = view.state
  const what = `${count(tree.znodeCount, 'znode')} with ${size(tree.dataBytes)}, ${count(sessions.size, 'session')}`
  const findings = [note('state', `at zxid ${formatHex(lastApplied)}: ${what}`)]
  if (tree.digestMismatches > 0) {
    const differs = `${count(tree.digestMismatches, 'tree digest')} in the log differ from the state, first at zxid ${formatHex(tree.firstMismatchZxid)}`
    const next =
      'compare with another member (zabkeeper snapshot compare) before this one is trusted'
    findings.push(warning('digest', differs, view.log.path, next))
  }
  return findings
}

function epochFindings({ log, ...rest }: FolderView, isMember: boolean): Finding[] {
  const { acceptedEpoch, currentEpoch } = log
  if (!isMember) return []
  const view = { log, ...rest }
  const last = view.state.lastApplied > log.lastZxid ? checkpointZxid(view) : log.lastZxid
  const text = `acceptedEpoch ${acceptedEpoch}, currentEpoch ${currentEpoch}, last transaction of epoch ${epochOf(last)}`
  const next = 'make the member whole from the others: see the repair below'
  if (acceptedEpoch < currentEpoch || epochOf(last) > currentEpoch) {
    return [error('epochs', `the epochs do not fit together: ${text}`, log.path, next)]
  }
  return [note('epochs', text)]
}

/* ------------------------------------------------------------------ around it */

function spaceFindings({ dataDir, dataLogDir }: OurFolder): Finding[] {
  const { freeBytesMin, segmentBytes } = defaultStorageOptions(dataDir)
  const findings: Finding[] = []
  for (const folder of new Set([dataLogDir, dataDir])) {
    const { bavail, bsize, type } = statfsSync(folder)
    const free = bavail * bsize
    const next = 'make room: zabkeeper purge shows what can go'
    if (free < freeBytesMin) {
      const what = `${size(free)} free: a server refuses writes below ${size(freeBytesMin)}`
      findings.push(error('disk-full', what, folder, next))
    } else if (free < 2 * segmentBytes + freeBytesMin) {
      findings.push(warning('disk-nearly-full', `${size(free)} free`, folder, next))
    } else findings.push(note('space', `${size(free)} free`, folder))
    if (type === TMPFS) {
      const what = 'the folder is in memory (tmpfs): a restart of the machine loses it'
      findings.push(warning('tmpfs', what, folder, 'move it to a disk'))
    }
  }
  return findings
}

function leftoverFindings({ dataDir, dataLogDir }: OurFolder): Finding[] {
  const findings: Finding[] = []
  for (const folder of new Set([dataLogDir, dataDir])) {
    const names = namesOf(folder) ?? []
    const kept = names.filter((name) => /^version-\d+$/.test(name) || /^doctor-/.test(name))
    if (kept.length > 0) {
      const what = `left beside the data: ${kept.join(', ')}`
      findings.push({ ...note('leftover', what, folder), next: 'zabkeeper purge deletes them' })
    }
    for (const name of names.filter((each) => LEFTOVER.test(each))) {
      const next = 'if no zabkeeper command is at work there, zabkeeper purge deletes it'
      findings.push(
        warning(
          'unfinished',
          'left by a command that was ended by force',
          path.join(folder, name),
          next,
        ),
      )
    }
  }
  return findings
}
