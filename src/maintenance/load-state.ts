import { follows, logsAfter, type SourceFile } from '../apache-files/index.ts'
import { formatHex, type Zxid } from '../base/index.ts'
import type { ReplicatedState } from '../server/index.ts'
import { openApacheSource, openSnapshotFile } from './apache-source.ts'
import { applyRecord, endFault, forEachApacheRecord, loadSnapshot } from './apache-state.ts'
import {
  applyAll,
  entriesOf,
  type FoundPoint,
  findPoint,
  openArchive,
  type Point,
  stateOf,
  verifyChain,
} from './backup/index.ts'
import { isFile, lookAtFolder, namesOf, notOurs } from './folder-kind.ts'
import { MaintenanceError, messageOf } from './maintenance-error.ts'
import { advance, checkpointZxid, viewOurFolder } from './our-state.ts'
import { withScratch } from './scratch.ts'
import type { Progress } from './text.ts'

/** A state, and where it is from. */
export interface LoadedState {
  /** For people. */
  readonly source: string
  readonly state: ReplicatedState
  /** Of the state that was read as a whole; the rest came from a log. */
  readonly baseZxid: Zxid
  /** What is not as it should be, and did not prevent it. */
  readonly remarks: readonly string[]
}

/**
 * The state that a data folder (ours or Apache's), a snapshot file of Apache's or a backup holds: after its last
 * transaction, or after `upTo`. Nothing is changed. @throws MaintenanceError
 */
export async function loadState(
  where: string,
  logDir: string | null,
  upTo: Zxid | null,
  onProgress: Progress,
): Promise<LoadedState> {
  if (isFile(where)) return await loadFile(where, upTo, onProgress)
  const folder = lookAtFolder(where, logDir)
  switch (folder.kind) {
    case 'ours': {
      const view = await viewOurFolder(folder)
      await advance(view, upTo)
      const baseZxid = checkpointZxid(view)
      return { source: folder.dataDir, state: view.state, baseZxid, remarks: [] }
    }
    case 'apache':
      return await withScratch(null, async (scratch) => {
        return await loadApacheFolder(where, logDir, upTo, scratch, onProgress)
      })
    default:
      if (looksLikeBackup(where)) return await loadBackup(where, upTo, onProgress)
      throw notOurs(folder)
  }
}

function looksLikeBackup(where: string): boolean {
  return (namesOf(where) ?? []).some((name) => name === 'backup.json' || /^\d{4}$/.test(name))
}

async function loadFile(
  file: string,
  upTo: Zxid | null,
  onProgress: Progress,
): Promise<LoadedState> {
  if (file.endsWith('.tar')) return await loadBackup(file, upTo, onProgress)
  if (upTo !== null) {
    throw new MaintenanceError(
      `${file} is one state only; --zxid goes with a data folder or a backup`,
      true,
    )
  }
  return await withScratch(null, async (scratch) => {
    const source = openSnapshotFile(file, () => scratch)
    if (source === null) {
      throw new MaintenanceError(
        `${file} is no snapshot by its name; give a data folder, a file snapshot.<zxid> of Apache ZooKeeper, or a backup`,
      )
    }
    const state = await loadSnapshot(source, onProgress)
    return { source: file, state, baseZxid: source.zxid, remarks: [] }
  })
}

async function loadBackup(
  backup: string,
  upTo: Zxid | null,
  onProgress: Progress,
): Promise<LoadedState> {
  const point = upTo === null ? { kind: 'last' as const } : { kind: 'zxid' as const, zxid: upTo }
  const found = await findPoint(openArchive(backup), point)
  const state = await stateAt(found, onProgress)
  return { source: backup, state, baseZxid: found.snapshot.zxid, remarks: [] }
}

/** The state that a backup has of a point; its checksums are compared first. @throws MaintenanceError */
export async function loadPoint(
  backup: string,
  point: Point,
  onProgress: Progress,
): Promise<ReplicatedState> {
  const found = await findPoint(openArchive(backup), point)
  await verifyChain(found.chain, onProgress)
  return await stateAt(found, onProgress)
}

async function stateAt(found: FoundPoint, onProgress: Progress): Promise<ReplicatedState> {
  const state = await stateOf(found, onProgress)
  applyAll(state, await entriesOf(found, onProgress))
  return state
}

async function loadApacheFolder(
  dataDir: string,
  logDir: string | null,
  upTo: Zxid | null,
  scratch: string,
  onProgress: Progress,
): Promise<LoadedState> {
  const { source } = openApacheSource(dataDir, logDir, () => scratch)
  const remarks: string[] = []
  const newest = [...source.snapshots]
    .sort((a, b) => (a.zxid > b.zxid ? -1 : 1))
    .filter(({ zxid }) => upTo === null || zxid <= upTo)
  for (const file of newest) {
    let state: ReplicatedState
    try {
      state = await loadSnapshot(file, onProgress)
    } catch (error) {
      remarks.push(messageOf(error))
      continue
    }
    await applyLogs(state, logsAfter(source.logs, file.zxid), upTo, remarks)
    return { source: dataDir, state, baseZxid: file.zxid, remarks }
  }
  const [first] = remarks
  const limit = upTo === null ? '' : ` of ${formatHex(upTo)} or before`
  const reason = first === undefined ? `there is no snapshot${limit}` : first
  throw new MaintenanceError(`${dataDir} gives no state: ${reason}`)
}

/** As a start of Apache does; what it would pass over is a remark. */
async function applyLogs(
  state: ReplicatedState,
  logs: readonly SourceFile[],
  upTo: Zxid | null,
  remarks: string[],
): Promise<void> {
  for (const file of logs) {
    const end = await forEachApacheRecord(file, (record) => {
      if (upTo !== null && record.zxid > upTo) return false
      if (record.zxid <= state.lastApplied) return true
      if (!follows(state.lastApplied, record.zxid)) {
        remarks.push(
          `${file.path}: transactions are missing between ${formatHex(state.lastApplied)} and ${formatHex(record.zxid)}`,
        )
      }
      applyRecord(state, record)
      return true
    })
    const fault = endFault(file, end)
    if (fault !== null) remarks.push(fault)
  }
}
