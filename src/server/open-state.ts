import type { Zxid } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import type { Environment } from '../env/index.ts'
import { openStorage, type Storage, type StorageError } from '../storage/index.ts'
import type { EventHistory } from './events/index.ts'
import type { ReplicatedState } from './replicated-state.ts'
import { storageOptions } from './storage-options.ts'

/** What the rest of the server is told by its storage. */
export interface StateHandlers {
  onDurable(zxid: Zxid): void
  onLogPurged(base: Zxid): void
  onFatal(error: StorageError): void
  /** The state is what the disk holds. Called once, unless `onFatal` is. */
  onOpened(storage: Storage): void
}

/** Opens the storage of a server; what is slow or full there goes into its history. */
export function openState(
  env: Environment,
  config: Config,
  state: ReplicatedState,
  events: EventHistory,
  handlers: StateHandlers,
): void {
  const storageHandlers = {
    onDurable: (zxid: Zxid): void => handlers.onDurable(zxid),
    onLogPurged: (base: Zxid): void => handlers.onLogPurged(base),
    onFatal: (error: StorageError): void => handlers.onFatal(error),
    onSlowWrite: (tookMs: number): void => events.record({ kind: 'slowFsync', tookMs }),
    onFullChange: (isFull: boolean): void => events.record({ kind: 'diskFull', isFull }),
  }
  openStorage(env, storageOptions(config), state, storageHandlers, (error, storage) => {
    if (error !== null) handlers.onFatal(error)
    else if (storage !== null) handlers.onOpened(storage)
  })
}
