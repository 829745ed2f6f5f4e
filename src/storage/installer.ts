import { assert, type SessionId } from '../base/index.ts'
import type { IoError, RowBatch } from '../env/index.ts'
import type { CheckpointMark } from './format.ts'
import { describeIoError } from './io-errors.ts'
import type { StorageOptions } from './options.ts'
import { RowEncoder } from './rows-codec.ts'
import type { RowsHandle } from './rows-handle.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import type { StorageError } from './storage-error.ts'
import { sweepRows } from './sweep.ts'
import type { InstallCalls, ReceivedState, ZnodeRow } from './types.ts'

/** A batch is written when it has so many bytes: more than that LevelDB writes in several parts. */
const BATCH_BYTES_MAX = 2 * 1024 * 1024

/** Rows put between two looks at the clock. */
const ROWS_PER_LOOK = 64

/**
 * Writes a state received from a leader into rows of a new generation, beside those in use. As long as the log does not
 * say that they count, nobody reads them: a start deletes what is left of them. They cannot be written piece by piece
 * over a failure, and nothing else may be promised before them, so a failed write ends the server; a full disk too.
 */
export class Installer {
  readonly #env: StorageEnvironment
  readonly #options: StorageOptions
  readonly #folderId: Uint8Array
  readonly #handle: RowsHandle
  readonly #onFatal: (error: StorageError) => void
  #mark: CheckpointMark | null = null
  #encoder = new RowEncoder(1)
  #sessions: Iterator<{ readonly id: SessionId; readonly timeoutMs: number }> | null = null
  #znodes: Iterator<ZnodeRow> | null = null
  #znodeCount = 0
  #batch: RowBatch | null = null
  #batchBytes = 0
  #calls: InstallCalls | null = null
  #onStopped: (() => void) | null = null
  /** A sweep, an opening or a batch is under way. */
  #isBusy = false

  constructor(
    env: StorageEnvironment,
    options: StorageOptions,
    folderId: Uint8Array,
    handle: RowsHandle,
    onFatal: (error: StorageError) => void,
  ) {
    this.#env = env
    this.#options = options
    this.#folderId = folderId
    this.#handle = handle
    this.#onFatal = onFatal
  }

  get isRunning(): boolean {
    return this.#mark !== null
  }

  start(mark: CheckpointMark, snapshot: ReceivedState, calls: InstallCalls): void {
    assert(!this.isRunning, 'one install at a time')
    this.#mark = mark
    this.#calls = calls
    this.#encoder = new RowEncoder(mark.generation)
    this.#sessions = snapshot.sessions()[Symbol.iterator]()
    this.#znodes = snapshot.znodes()
    this.#znodeCount = 0
    this.#isBusy = true
    if (this.#handle.isOpen) this.#sweep()
    else {
      this.#handle.reopen((error) => {
        if (error !== null) this.#fail('The checkpoint cannot be opened again', error)
        else this.#sweep()
      })
    }
  }

  /** Abandons it; `done` is called when the rows are not used any more. */
  stop(done: () => void): void {
    this.#onStopped = done
    if (!this.#isBusy) this.#finishStop()
  }

  /** Rows that an earlier install left would mix with those of this one. */
  #sweep(): void {
    const handle = this.#handle
    if (handle.isSwept) {
      this.#goOn()
      return
    }
    sweepRows(
      handle.rows,
      handle.generation,
      () => {
        this.#calls!.onProgress()
        return this.#onStopped !== null
      },
      (error) => {
        if (error !== null) return this.#fail('Rows cannot be deleted', error)
        handle.isSwept = this.#onStopped === null
        this.#goOn()
      },
    )
  }

  /** After something that takes time. */
  #goOn(): void {
    this.#isBusy = false
    if (this.#onStopped !== null) this.#finishStop()
    else this.#gather()
  }

  /** One slice; a turn of the server lies between two. */
  #gather(): void {
    const until = this.#env.clock.monotonicMs() + this.#options.checkpointSliceMs
    do {
      for (let i = 0; i < ROWS_PER_LOOK; i++) {
        if (this.#batch !== null && this.#isBatchFull()) {
          this.#write(() => this.#onBatchWritten())
          return
        }
        if (!this.#putNext()) {
          this.#writeLast()
          return
        }
      }
    } while (this.#env.clock.monotonicMs() < until)
    this.#env.timers.at(this.#env.clock.monotonicMs(), () => {
      if (this.#onStopped === null && this.isRunning) this.#gather()
    })
  }

  #onBatchWritten(): void {
    this.#calls!.onProgress()
    this.#goOn()
  }

  #isBatchFull(): boolean {
    const rows = this.#batch!.length
    return rows >= this.#options.firstCheckpointBatchRows || this.#batchBytes >= BATCH_BYTES_MAX
  }

  /** False when there is nothing more. */
  #putNext(): boolean {
    const encoder = this.#encoder
    const session = this.#sessions!.next()
    if (session.done !== true) {
      const key = encoder.sessionKey(session.value.id)
      this.#put(key, encoder.sessionValue(session.value.timeoutMs, key))
      return true
    }
    const znode = this.#znodes!.next()
    if (znode.done === true) return false
    this.#znodeCount++
    const key = encoder.znodeKey(znode.value.path)
    this.#put(key, encoder.znodeValue(znode.value, key))
    return true
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    this.#batch ??= this.#handle.rows.newBatch()
    this.#batch.put(key, value)
    this.#batchBytes += key.length + value.length
  }

  /** The meta row comes last: it says that the others are complete. */
  #writeLast(): void {
    const mark = this.#mark!
    assert(
      this.#znodeCount === mark.summary.znodes,
      `a snapshot of ${mark.summary.znodes} znodes had ${this.#znodeCount}`,
    )
    const key = this.#encoder.metaKey()
    this.#put(key, this.#encoder.metaValue(this.#folderId, mark, key))
    this.#write(() => {
      this.#isBusy = false
      if (this.#onStopped !== null) return this.#finishStop()
      const { onWritten } = this.#calls!
      this.#reset()
      onWritten()
    })
  }

  #write(then: () => void): void {
    const batch = this.#batch!
    this.#batch = null
    this.#batchBytes = 0
    this.#isBusy = true
    batch.write((error) => {
      if (error !== null) this.#fail('The snapshot of the leader cannot be written', error)
      else then()
    })
  }

  #fail(what: string, error: IoError): void {
    this.#isBusy = false
    this.#handle.giveUp(() => {
      if (this.#onStopped !== null) return this.#finishStop()
      this.#reset()
      this.#onFatal(describeIoError(what, this.#handle.path, error))
    })
  }

  #finishStop(): void {
    const onStopped = this.#onStopped!
    this.#reset()
    onStopped()
  }

  #reset(): void {
    this.#batch?.discard()
    this.#batch = null
    this.#batchBytes = 0
    this.#znodes?.return?.()
    this.#znodes = null
    this.#sessions = null
    this.#mark = null
    this.#calls = null
  }
}
