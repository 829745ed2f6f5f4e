import path from 'node:path'
import { epochOf, formatHex, makeZxid, type Zxid } from '../../base/index.ts'
import type { ReplicatedState } from '../../server/index.ts'
import { OpCode } from '../../wire/index.ts'
import { ourFolder } from '../folder-kind.ts'
import { writeFreshFolder } from '../fresh-folder.ts'
import { MaintenanceError } from '../maintenance-error.ts'
import { NewFolder, syncFolder } from '../new-folder.ts'
import { advance, isUsable, viewOurFolder } from '../our-state.ts'
import type { Progress } from '../text.ts'
import { openArchive, verifyChain } from './archive.ts'
import { lastZxidOf, type Manifest } from './manifest.ts'
import { applyAll, entriesOf, findPoint, type Point, stateOf } from './point.ts'

export interface RestoreOptions {
  readonly point: Point
  /** Leave the zxids as they are: nobody has seen later ones. */
  readonly keepZxid: boolean
  /** A zxid that clients or other members have seen; null for none beyond the backup. */
  readonly above: Zxid | null
  readonly dropSessions: boolean
  /** Instead of that in the backup. */
  readonly myid: number | null
  readonly onProgress: Progress
}

export interface RestoreReport {
  readonly chain: string
  /** Of the state, as it was. */
  readonly zxid: Zxid
  /** What the server goes on from. */
  readonly startZxid: Zxid
  readonly znodes: number
  readonly sessions: number
  readonly ephemerals: number
  /** Null for a server that stands alone. */
  readonly myid: string | null
  readonly epoch: number
  readonly verifiedBytes: number
}

const UNFINISHED = 'restore.unfinished'
/** In the order in which they may appear: a folder without its log is refused by a server. */
const NAMES = ['checkpoint', 'log']

/** Makes a data folder from a backup. @throws MaintenanceError; then there is no new folder */
export async function restoreFolder(
  backup: string,
  dataDir: string,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { onProgress, keepZxid, dropSessions } = options
  if (keepZxid && dropSessions) {
    throw new MaintenanceError(
      '--drop-sessions changes the state, so --keep-zxid is not possible',
      true,
    )
  }
  const found = await findPoint(openArchive(backup), options.point)
  const { manifest } = found.chain
  const verifiedBytes = await verifyChain(found.chain, onProgress)
  const state = await stateOf(found, onProgress)
  const entries = await entriesOf(found, onProgress)
  const myid = options.myid === null ? manifest.myid : `${options.myid}\n`
  const startZxid = keepZxid ? found.zxid : raisedZxid(manifest, options.above)
  if (!keepZxid) {
    applyAll(state, entries)
    if (dropSessions) closeAllSessions(state)
  }
  const epoch =
    myid === null ? 0 : Math.max(epochOf(startZxid), keepZxid ? manifest.currentEpoch : 0)
  await inNewFolder(dataDir, async (target) => {
    await writeFreshFolder(
      {
        dataDir: target.unfinished,
        dataLogDir: target.unfinished,
        zxid: keepZxid ? found.snapshot.zxid : startZxid,
        state,
        entries: keepZxid ? entries : [],
        acceptedEpoch: myid === null ? 0 : Math.max(epoch, keepZxid ? manifest.acceptedEpoch : 0),
        currentEpoch: epoch,
      },
      onProgress,
    )
    if (keepZxid) applyAll(state, entries)
    await checkWritten(target.unfinished, state, startZxid)
    if (myid !== null) target.write('myid', myid)
    syncFolder(target.unfinished)
    target.commit(myid === null ? NAMES : ['myid', ...NAMES])
  })
  return {
    chain: found.chain.name,
    zxid: found.zxid,
    startZxid,
    znodes: state.tree.znodeCount,
    sessions: state.sessions.size,
    ephemerals: state.tree.ephemeralCount,
    myid: myid?.trim() ?? null,
    epoch,
    verifiedBytes,
  }
}

/** The beginning of an epoch above all that anybody has seen. */
export function raisedZxid(manifest: Manifest, above: Zxid | null): Zxid {
  const epochs = [
    epochOf(lastZxidOf(manifest)!),
    manifest.acceptedEpoch,
    manifest.currentEpoch,
    above === null ? 0 : epochOf(above),
  ]
  return makeZxid(Math.max(...epochs) + 1, 0)
}

/** Each session ends, and its ephemerals with it. */
function closeAllSessions(state: ReplicatedState): void {
  const ids: bigint[] = []
  state.sessions.forEach((id) => {
    ids.push(id)
  })
  for (const clientId of ids as Parameters<typeof state.loadSession>[0][]) {
    const zxid = (state.lastApplied + 1n) as Zxid
    const header = { clientId, cxid: 0, zxid, time: Date.now(), type: OpCode.closeSession }
    state.apply(header, { type: OpCode.closeSession, paths: null }, null)
  }
}

async function inNewFolder(
  dataDir: string,
  work: (target: NewFolder) => Promise<void>,
): Promise<void> {
  const target = NewFolder.begin(path.resolve(dataDir), UNFINISHED)
  const discard = (): void => target.discard()
  process.once('exit', discard)
  try {
    await work(target)
  } catch (error) {
    target.discard()
    throw error
  } finally {
    process.removeListener('exit', discard)
  }
}

/** What is on the disk is what was to be written. */
async function checkWritten(folder: string, state: ReplicatedState, zxid: Zxid): Promise<void> {
  const view = await viewOurFolder(ourFolder(folder))
  const isWhole = view.log.problems.length === 0 && isUsable(view)
  if (isWhole) await advance(view, null)
  const found = view.state.summary()
  const wanted = state.summary()
  const isSame =
    found.zxid === zxid &&
    found.znodes === wanted.znodes &&
    found.digest === wanted.digest &&
    found.systemDigest === wanted.systemDigest &&
    found.sessionsDigest === wanted.sessionsDigest
  if (isWhole && isSame) return
  throw new MaintenanceError(
    `what was written to ${folder} is not what was to be written (zxid ${formatHex(found.zxid)}); check the disk`,
  )
}
