import { assert, type Zxid } from '../base/index.ts'
import { Checkpointer } from './checkpointer.ts'
import type { CheckpointMark } from './format.ts'
import { Installer } from './installer.ts'
import { describeIoError, isDiskFull } from './io-errors.ts'
import type { LogPurger } from './log-purger.ts'
import type { LogWriter } from './log-writer.ts'
import type { StorageOptions } from './options.ts'
import type { RowsHandle } from './rows-handle.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import type { StorageError } from './storage-error.ts'
import { sweepRows } from './sweep.ts'
import type { InstallCalls, ReceivedState, StateMachine } from './types.ts'

/** A snapshot on its way to the disk. */
interface PendingInstall {
  readonly mark: CheckpointMark
  readonly snapshot: ReceivedState
  readonly calls: InstallCalls
  isStarted: boolean
}

/**
 * The state in the rows: checkpoints, snapshots received, and the deletion of rows that were replaced. They use the
 * rows one at a time: snapshots in the order in which they come, and before checkpoints.
 */
export class StateRows {
  readonly #logger: StorageEnvironment['logger']
  readonly #wallMs: () => number
  readonly #handle: RowsHandle
  readonly #checkpointer: Checkpointer
  readonly #installer: Installer
  readonly #onFatal: (error: StorageError) => void
  /** Snapshots handed over, of which the log does not say yet that they count; oldest first. */
  readonly #installs: PendingInstall[] = []
  #isSweeping = false
  #installedAtMs: number | null = null
  #isStopping = false
  #onSwept: (() => void) | null = null

  constructor(
    env: StorageEnvironment,
    options: StorageOptions,
    folderId: Uint8Array,
    machine: StateMachine,
    writer: LogWriter,
    purger: LogPurger,
    handle: RowsHandle,
    onFatal: (error: StorageError) => void,
  ) {
    this.#logger = env.logger
    this.#wallMs = () => env.clock.wallMs()
    this.#handle = handle
    this.#onFatal = onFatal
    this.#checkpointer = new Checkpointer(
      env,
      options,
      folderId,
      machine,
      writer,
      purger,
      handle,
      onFatal,
    )
    this.#installer = new Installer(env, options, folderId, handle, onFatal)
  }

  /** Of the state in the rows; null when they hold none. */
  get zxid(): Zxid | null {
    return this.#handle.zxid
  }

  /** The log is never truncated to before this. */
  get floor(): Zxid | null {
    return this.#installs.at(-1)?.mark.summary.zxid ?? this.#handle.zxid
  }

  /** Of the rows of the next snapshot. */
  get nextGeneration(): number {
    return (this.#installs.at(-1)?.mark.generation ?? this.#handle.generation) + 1
  }

  get isCheckpointRunning(): boolean {
    return this.#checkpointer.isRunning
  }

  get checkpoints(): number {
    return this.#checkpointer.count
  }

  get lastCheckpointMs(): number {
    return this.#checkpointer.lastMs
  }

  /** When the rows in use became what they are, Unix time; null if an earlier process has made them. */
  get lastCheckpointAtMs(): number | null {
    const madeAtMs = this.#checkpointer.lastAtMs
    const installedAtMs = this.#installedAtMs
    if (madeAtMs === null || installedAtMs === null) return madeAtMs ?? installedAtMs
    return Math.max(madeAtMs, installedAtMs)
  }

  /** No checkpoint can begin now. */
  get isBusy(): boolean {
    return (
      this.#isStopping ||
      this.#checkpointer.isRunning ||
      this.#isSweeping ||
      this.#installs.length > 0
    )
  }

  /** `done` is called when it is complete, could not be made for lack of space, or was abandoned. */
  checkpoint(done: () => void): void {
    assert(!this.isBusy, 'a checkpoint waits for what uses the rows')
    this.#checkpointer.start(() => {
      this.#nextInstall()
      done()
    })
  }

  /** Writes a snapshot beside the rows in use; {@link StateRows.installed} has to follow. */
  install(mark: CheckpointMark, snapshot: ReceivedState, calls: InstallCalls): void {
    this.#installs.push({ mark, snapshot, calls, isStarted: false })
    this.#checkpointer.abandon()
    this.#nextInstall()
  }

  /** The log says that the oldest snapshot counts: the old rows are of no use. */
  installed(): void {
    const { mark } = this.#installs.shift()!
    this.#handle.zxid = mark.summary.zxid
    this.#handle.generation = mark.generation
    this.#handle.isSwept = false
    this.#installedAtMs = this.#wallMs()
    this.#checkpointer.purge(() => {})
  }

  /**
   * Deletes rows that were replaced or belong to no state, unless snapshots wait, which do it first. On a full disk it
   * is left to the next snapshot or start.
   */
  sweep(done: () => void): void {
    const handle = this.#handle
    if (handle.isSwept || this.#installs.length > 0) {
      this.#nextInstall()
      done()
      return
    }
    this.#isSweeping = true
    sweepRows(
      handle.rows,
      handle.generation,
      () => this.#isStopping,
      (error) => {
        handle.isSwept = error === null && !this.#isStopping
        if (error === null) {
          this.#endSweep(done)
          return
        }
        handle.giveUp(() => {
          const failure = describeIoError('Old rows cannot be deleted', handle.path, error)
          if (isDiskFull(error)) this.#logger.warn(failure.message, {})
          else this.#onFatal(failure)
          this.#endSweep(done)
        })
      },
    )
  }

  /** Starts nothing more, and does not go on with a snapshot. */
  halt(): void {
    this.#isStopping = true
    if (this.#installer.isRunning) this.#installer.stop(() => {})
  }

  /** Abandons what is under way, but waits for a batch that is being written; closes the rows. */
  stop(done: () => void): void {
    this.#isStopping = true
    const close = (): void =>
      this.#handle.close((error) => {
        if (error !== null) {
          this.#logger.warn('the checkpoint could not be closed', { reason: error.message })
        }
        done()
      })
    if (this.#isSweeping) this.#onSwept = close
    else if (this.#installer.isRunning) this.#installer.stop(close)
    else this.#checkpointer.stop(close)
  }

  /** Starts the oldest snapshot as soon as nobody else uses the rows. */
  #nextInstall(): void {
    const next = this.#installs[0]
    if (next === undefined || next.isStarted || this.#isStopping) return
    if (this.#checkpointer.isRunning || this.#isSweeping) return
    next.isStarted = true
    this.#installer.start(next.mark, next.snapshot, next.calls)
  }

  #endSweep(done: () => void): void {
    this.#isSweeping = false
    this.#onSwept?.()
    if (this.#isStopping) return
    this.#nextInstall()
    done()
  }
}
