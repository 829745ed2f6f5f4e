import path from 'node:path'
import {
  defaultStorageOptions,
  inspectLog,
  type LogFacts,
  type StorageEnvironment,
  type StorageError,
  type StorageOptions,
} from '../storage/index.ts'
import { makeBackup, refuseBackup } from './backup.ts'
import type { RescueFiles } from './files.ts'
import { readJournal, writeJournal } from './journal.ts'
import { writeConfig } from './plan-config.ts'
import { type RaisedState, raiseEpoch } from './raise-epoch.ts'
import { askMembers } from './reachable.ts'
import { planRescue, type RescuePlan } from './rescue-plan.ts'
import type { RescueTarget, RescueWishes } from './rescue-target.ts'

const SEGMENT_BYTES = 1024 * 1024

/** What a rescue works with. */
export interface RescueWorld {
  readonly env: StorageEnvironment
  readonly files: RescueFiles
}

/**
 * Looks at everything and asks everybody. Nothing is changed, apart from the lock in the log's folder.
 *
 * @throws StorageError when the log cannot be read or a server runs, RescueError when what was asked for does not fit.
 */
export async function prepareRescue(
  { env, files }: RescueWorld,
  target: RescueTarget,
  wishes: RescueWishes,
): Promise<RescuePlan> {
  const facts = await inspect(env, target.dataLogDir)
  const journal = readJournal(files, target.dataDir)
  const members = target.config?.ensemble?.members ?? []
  const answering = await askMembers(members.filter(({ id }) => id !== target.id))
  const plan = planRescue(files, target, wishes, facts, journal, answering)
  const backupPlan = plan.raise?.backupPlan ?? null
  if (backupPlan !== null) refuseBackup(files, backupPlan)
  return plan
}

/** The facts of a server's log that does not run. */
export function inspect(
  env: Pick<StorageEnvironment, 'logFile'>,
  dataLogDir: string,
): Promise<LogFacts> {
  return new Promise((resolve, reject) => {
    inspectLog(env, dataLogDir, (error, facts) =>
      error === null ? resolve(facts!) : reject(error),
    )
  })
}

export type StepHandler = (
  step: 'backup' | 'config' | 'epoch',
  progress: { readonly done: number; readonly all: number } | null,
) => void

/**
 * Does what the plan says. Cut short at any point, a second run goes on: the backup counts when it is whole, the journal
 * remembers the epoch, one durable write raises it, and the new configuration counts from one rename on, last. So no
 * configuration ever makes a server of a history that others could still bring back.
 */
export async function carryOutRescue(
  { env, files }: RescueWorld,
  { id, dataDir, dataLogDir }: RescueTarget,
  { config, members, raise }: RescuePlan,
  onStep: StepHandler,
): Promise<RaisedState | null> {
  let raised: RaisedState | null = null
  if (raise !== null) {
    const { backup, backupPlan, epoch, lastZxid } = raise
    if (backupPlan !== null) {
      onStep('backup', null)
      await withLock(env, dataLogDir, () => makeBackup(files, backupPlan))
      const begun = new Date(env.clock.wallMs()).toISOString()
      writeJournal(files, dataDir, { server: id, epoch, lastZxid, members, backup, begun })
    }
    onStep('epoch', null)
    const options = storageOptionsFor(dataDir, dataLogDir)
    raised = await raiseWith(env, { storage: options, epoch, lastZxid }, onStep)
  }
  if (config !== null) {
    onStep('config', null)
    writeConfig(files, config)
  }
  return raised
}

/** One write, and the rows: nothing is kept back for later, so that it works on a disk that is nearly full too. */
function storageOptionsFor(dataDir: string, dataLogDir: string): StorageOptions {
  const base = defaultStorageOptions(dataDir)
  return { ...base, dataLogDir, segmentBytes: SEGMENT_BYTES, reserveBytes: 0, freeBytesMin: 0 }
}

function raiseWith(
  env: StorageEnvironment,
  options: Parameters<typeof raiseEpoch>[1],
  onStep: StepHandler,
): Promise<RaisedState> {
  return new Promise((resolve, reject) => {
    const onProgress = (done: number, all: number): void => onStep('epoch', { done, all })
    raiseEpoch(env, options, onProgress, (error: StorageError | null, raised) => {
      if (error === null) resolve(raised!)
      else reject(error)
    })
  })
}

/** No server can start meanwhile. */
function withLock(
  env: Pick<StorageEnvironment, 'logFile'>,
  dataLogDir: string,
  act: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    env.logFile.openFolder(path.join(dataLogDir, 'log'), (error, folder) => {
      if (error !== null) return reject(error)
      let fault: unknown = null
      try {
        act()
      } catch (caught) {
        fault = caught
      }
      folder!.close(() => (fault === null ? resolve() : reject(fault)))
    })
  })
}
