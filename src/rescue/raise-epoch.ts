import { WholeState } from '../apache-files/index.ts'
import { formatHex, makeZxid, type Zxid } from '../base/index.ts'
import { ReplicatedState } from '../server/index.ts'
import {
  openStorage,
  type StorageEnvironment,
  StorageError,
  type StorageOptions,
} from '../storage/index.ts'
import { type ChangeEvents, DataTree } from '../znodes/index.ts'

export interface RaiseOptions {
  /** Of the server's data folder. */
  readonly storage: StorageOptions
  readonly epoch: number
  /** What the log ends with: whoever decided did so knowing this. */
  readonly lastZxid: Zxid
}

/** What a server holds after its epoch was raised. */
export interface RaisedState {
  readonly znodes: number
  readonly sessions: number
}

const NO_EVENTS: ChangeEvents = { created: () => {}, deleted: () => {}, dataChanged: () => {} }
/** A TTL must be known as one; what it does is decided when a server runs. */
const TREE = { extendedTypesEnabled: true }

/**
 * Makes everything that a server has logged the state at the beginning of `epoch`, which becomes its accepted and its
 * current epoch. The log begins there: whoever comes with an older history, longer or shorter, gets a snapshot, and
 * nothing of that history is looked at. One durable write decides: a crash finds what was before it, or all of it.
 *
 * @param onProgress is told how many znodes of how many are written.
 */
export function raiseEpoch(
  env: StorageEnvironment,
  { storage: options, epoch, lastZxid }: RaiseOptions,
  onProgress: (znodes: number, all: number) => void,
  done: (error: StorageError | null, raised: RaisedState | null) => void,
): void {
  const state = new ReplicatedState(new DataTree(NO_EVENTS, TREE))
  let isOver = false
  const end = (close: (closed: () => void) => void, error: StorageError | null): void => {
    if (isOver) return
    isOver = true
    const { lastApplied, tree, sessions } = state
    const raised = {
      lastTransaction: lastApplied,
      znodes: tree.znodeCount,
      sessions: sessions.size,
    }
    close(() => done(error, error === null ? raised : null))
  }
  let close = (closed: () => void): void => closed()
  const handlers = {
    onDurable: (): void => {},
    onFatal: (error: StorageError): void => end(close, error),
  }
  openStorage(env, { ...options, replay: 'all' }, state, handlers, (error, storage) => {
    if (error !== null) return end(close, error)
    close = (closed) => storage!.close(closed)
    if (state.lastApplied !== lastZxid) return end(close, changed(options, state.lastApplied))
    const snapshot = new WholeState(state, (znodes) => onProgress(znodes, state.tree.znodeCount))
    // The promise first: a member never has a history of an epoch that it has not promised.
    storage!.setAcceptedEpoch(epoch, () => {})
    storage!.install({ zxid: makeZxid(epoch, 0), snapshot, entries: [], currentEpoch: epoch }, () =>
      end(close, null),
    )
    storage!.flush()
  })
}

function changed({ dataDir }: StorageOptions, lastZxid: Zxid): StorageError {
  return new StorageError(
    'LOCKED',
    `A server has run here meanwhile: the log ends at ${formatHex(lastZxid)} now`,
    dataDir,
    'See to it that nothing starts this server, then begin anew',
  )
}
