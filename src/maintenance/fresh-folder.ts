import { WholeState } from '../apache-files/index.ts'
import type { Zxid } from '../base/index.ts'
import { SILENT_LOGGER } from '../client-node/index.ts'
import { openPlatform } from '../platform/index.ts'
import type { ReplicatedState } from '../server/index.ts'
import {
  defaultStorageOptions,
  type LoggedEntry,
  openStorage,
  type Storage,
  StorageError,
} from '../storage/index.ts'
import { MaintenanceError } from './maintenance-error.ts'
import { newState } from './state.ts'
import type { Progress } from './text.ts'

/** A server goes on with segments of its own size. */
const SEGMENT_BYTES = 1024 * 1024

export interface FreshFolder {
  readonly dataDir: string
  readonly dataLogDir: string
  /** What the state is said to be the state after. */
  readonly zxid: Zxid
  readonly state: ReplicatedState
  /** What follows the state, to be taken back by a leader if need be. */
  readonly entries: readonly LoggedEntry[]
  readonly acceptedEpoch: number
  readonly currentEpoch: number
}

/**
 * Makes log and checkpoint of a server in folders that have none. Resolves when all of it is durable and closed.
 * @throws MaintenanceError
 */
export async function writeFreshFolder(fresh: FreshFolder, onProgress: Progress): Promise<void> {
  const { dataDir, dataLogDir, zxid, state, acceptedEpoch, currentEpoch, entries } = fresh
  // What goes wrong is said once, by the error.
  const platform = { ...openPlatform(), logger: SILENT_LOGGER }
  await new Promise<void>((resolve, reject) => {
    let storage: Storage | null = null
    const fail = (error: Error): void => {
      const failure = new MaintenanceError(describe(error, dataDir), false, error)
      if (storage === null) reject(failure)
      else storage.close(() => reject(failure))
    }
    const handlers = { onDurable: (): void => {}, onFatal: fail }
    const options = {
      ...defaultStorageOptions(dataDir),
      dataLogDir,
      segmentBytes: SEGMENT_BYTES,
      // A server makes it at its first start.
      reserveBytes: 0,
    }
    openStorage(platform, options, newState(), handlers, (error, opened) => {
      if (error !== null) return fail(error)
      storage = opened
      const snapshot = new WholeState(state, (znodes) => {
        onProgress('writing the state', znodes, state.tree.znodeCount, 'znodes')
      })
      if (acceptedEpoch > 0) opened!.setAcceptedEpoch(acceptedEpoch, () => {})
      opened!.flush()
      opened!.install({ zxid, snapshot, entries, currentEpoch }, () => {
        opened!.close(() => resolve())
      })
      opened!.flush()
    })
  })
}

/** Storage speaks of a server that is to be started again. */
function describe(error: Error, dataDir: string): string {
  const isFull = error instanceof StorageError && error.code === 'DISK_FULL'
  return isFull
    ? `there is no room for the data in ${dataDir}; make room, or give another place`
    : error.message
}
