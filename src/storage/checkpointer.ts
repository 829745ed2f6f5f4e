import { assert, type Zxid } from '../base/index.ts'
import type { IoError, RowBatch } from '../env/index.ts'
import { type CheckpointMark, encodeMark, RecordKind } from './format.ts'
import { describeIoError, isDiskFull } from './io-errors.ts'
import type { SegmentInfo } from './log-index.ts'
import type { LogPurger } from './log-purger.ts'
import type { LogWriter } from './log-writer.ts'
import type { StorageOptions } from './options.ts'
import { RowEncoder } from './rows-codec.ts'
import type { RowsHandle } from './rows-handle.ts'
import { readMeta } from './rows-loader.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import { StorageError } from './storage-error.ts'
import {
  ChangeKind,
  type CheckpointChange,
  type CheckpointSource,
  type StateMachine,
} from './types.ts'

/** What a running checkpoint waits for. */
const Phase = {
  idle: 0,
  /** The rows, to be opened again. */
  reopen: 1,
  /** A record, to be durable in the log: on a full disk that may never come. */
  log: 2,
  /** Its next slice of time. */
  gather: 3,
  /** A batch, to be durable in the rows. */
  write: 4,
} as const
type Phase = (typeof Phase)[keyof typeof Phase]

/** Changes fetched between two looks at the clock. */
const CHANGES_PER_FETCH = 64

/**
 * Brings the rows up to date: intent durable in the log → one atomic batch of what changed, with the meta row →
 * done durable in the log → segments that are no longer needed are deleted. After a crash between any two steps the
 * meta row tells which of the two known states the rows hold. Changes are gathered in short slices while
 * transactions go on; the source gives each znode as it was when the checkpoint began.
 */
export class Checkpointer {
  readonly #env: StorageEnvironment
  readonly #options: StorageOptions
  readonly #folderId: Uint8Array
  readonly #machine: StateMachine
  readonly #writer: LogWriter
  readonly #purger: LogPurger
  readonly #onFatal: (error: StorageError) => void
  readonly #handle: RowsHandle
  #source: CheckpointSource | null = null
  #mark: CheckpointMark | null = null
  #batch: RowBatch | null = null
  #encoder = new RowEncoder(1)
  #phase: Phase = Phase.idle
  #done: (() => void) | null = null
  /** It has to end before it is complete. */
  #isAbandoned = false
  #onStopped: (() => void) | null = null
  /** Of this or the last checkpoint: tells calls apart that an abandoned one still gets. */
  #run = 0
  #startMs = 0
  #count = 0
  #lastMs = 0
  #lastAtMs: number | null = null

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
    this.#env = env
    this.#options = options
    this.#folderId = folderId
    this.#machine = machine
    this.#writer = writer
    this.#purger = purger
    this.#handle = handle
    this.#onFatal = onFatal
  }

  get isRunning(): boolean {
    return this.#phase !== Phase.idle
  }

  /** Of the last complete checkpoint. */
  get zxid(): Zxid | null {
    return this.#handle.zxid
  }

  get count(): number {
    return this.#count
  }

  get lastAtMs(): number | null {
    return this.#lastAtMs
  }

  get lastMs(): number {
    return this.#lastMs
  }

  /** `done` is called when it is complete, could not be made for lack of space, or was abandoned. */
  start(done: () => void): void {
    assert(!this.isRunning, 'one checkpoint at a time')
    this.#run++
    this.#done = done
    this.#startMs = this.#env.clock.monotonicMs()
    if (this.#handle.isOpen) this.#begin()
    else this.#reopen()
  }

  /**
   * Ends a checkpoint, if one is running, as the state that it is of is going to be replaced: nothing is asked of the
   * machine from now on. A batch that is being written is waited for; then `done` of `start` is called.
   */
  abandon(): void {
    if (this.#phase === Phase.idle) return
    this.#isAbandoned = true
    this.#source?.end(false)
    this.#source = null
    if (this.#phase === Phase.log || this.#phase === Phase.gather) this.#finish()
  }

  /** Abandons a checkpoint; `done` is called when the rows are not used any more. */
  stop(done: () => void): void {
    if (this.#phase === Phase.idle) {
      done()
      return
    }
    this.#onStopped = done
    this.abandon()
  }

  #begin(): void {
    const source = this.#machine.beginCheckpoint()
    this.#source = source
    assert(source.summary.zxid <= this.#writer.lastAppended, 'the state is ahead of the log')
    const { generation } = this.#handle
    this.#mark = { generation, summary: source.summary }
    this.#encoder = new RowEncoder(generation)
    this.#log(RecordKind.checkpointIntent, this.#mark, () => this.#gather())
  }

  /** Goes on when the record is durable, unless the checkpoint was abandoned meanwhile. */
  #log(kind: RecordKind, mark: CheckpointMark, then: () => void): void {
    this.#phase = Phase.log
    const run = this.#run
    this.#writer.appendControl(kind, encodeMark(mark), () => {
      if (run === this.#run && this.#phase === Phase.log) then()
    })
  }

  /** One slice; a turn of the server lies between two. */
  #gather(): void {
    this.#phase = Phase.gather
    const source = this.#source!
    this.#batch ??= this.#handle.rows.newBatch()
    const batch = this.#batch
    const until = this.#env.clock.monotonicMs() + this.#options.checkpointSliceMs
    do {
      const changes = source.next(CHANGES_PER_FETCH)
      if (changes.length === 0) {
        this.#writeLast(batch)
        return
      }
      for (const change of changes) this.#put(batch, change)
    } while (this.#env.clock.monotonicMs() < until)
    // The first checkpoint of a store may take several batches: without a meta row they do not count.
    if (this.#handle.zxid === null && batch.length >= this.#options.firstCheckpointBatchRows) {
      this.#write(batch, () => this.#gather())
      return
    }
    this.#env.timers.at(this.#env.clock.monotonicMs() + this.#options.checkpointPauseMs, () => {
      if (this.#phase === Phase.gather && this.#batch === batch) this.#gather()
    })
  }

  #put(batch: RowBatch, change: CheckpointChange): void {
    const encoder = this.#encoder
    switch (change.kind) {
      case ChangeKind.znode: {
        const key = encoder.znodeKey(change.row.path)
        batch.put(key, encoder.znodeValue(change.row, key))
        return
      }
      case ChangeKind.znodeGone:
        batch.delete(encoder.znodeKey(change.path))
        return
      case ChangeKind.session: {
        const key = encoder.sessionKey(change.id)
        batch.put(key, encoder.sessionValue(change.timeoutMs, key))
        return
      }
      case ChangeKind.sessionGone:
        batch.delete(encoder.sessionKey(change.id))
        return
    }
  }

  #writeLast(batch: RowBatch): void {
    const mark = this.#mark!
    const key = this.#encoder.metaKey()
    batch.put(key, this.#encoder.metaValue(this.#folderId, mark, key))
    this.#write(batch, () => {
      this.#source!.end(true)
      this.#source = null
      this.#log(RecordKind.checkpointDone, mark, () => this.#complete(mark))
    })
  }

  #write(batch: RowBatch, then: () => void): void {
    this.#phase = Phase.write
    this.#batch = null
    batch.write((error) => {
      if (error !== null) this.#writeFailed(error)
      else if (this.#isAbandoned) this.#finish()
      else then()
    })
  }

  #complete(mark: CheckpointMark): void {
    this.#handle.zxid = mark.summary.zxid
    this.#count++
    this.#lastAtMs = this.#env.clock.wallMs()
    this.#lastMs = this.#env.clock.monotonicMs() - this.#startMs
    this.#env.metrics.observe('snapshottime', this.#lastMs)
    const run = this.#run
    this.purge(() => {
      if (run === this.#run && this.#phase === Phase.log) this.#finish()
    })
  }

  /** Deletes segments whose entries are all in the checkpoint, but for those kept on purpose. */
  purge(done: () => void): void {
    const { zxid } = this.#handle
    const isSpare = (next: SegmentInfo): boolean =>
      zxid !== null &&
      next.zxidBefore <= zxid &&
      this.#writer.index.segments.length > this.#options.segmentsKept + 1
    this.#purger.purge(isSpare, done)
  }

  /**
   * The batch may or may not be in the store. On a full disk the store is opened anew for the next checkpoint; any other
   * error stops the server, whose start verifies the rows.
   */
  #writeFailed(error: IoError): void {
    this.#source?.end(false)
    this.#source = null
    const { path } = this.#handle
    this.#handle.giveUp(() => {
      if (!isDiskFull(error)) {
        return this.#giveUp(describeIoError('The checkpoint cannot be written', path, error))
      }
      this.#env.logger.warn('the checkpoint was not written because the disk is full', { path })
      this.#finish()
    })
  }

  #reopen(): void {
    this.#phase = Phase.reopen
    const handle = this.#handle
    const isEmpty = handle.zxid === null
    handle.reopen((error) => {
      if (error !== null) return this.#reopenFailed(error)
      if (this.#isAbandoned) this.#finish()
      else if (isEmpty) this.#begin()
      else this.#readMeta()
    })
  }

  #readMeta(): void {
    const { rows, path } = this.#handle
    const { control, lastAppended } = this.#writer
    readMeta(rows, this.#folderId, control, lastAppended, (outcome) => {
      if (this.#isAbandoned) this.#finish()
      else if (outcome.kind === 'found') this.#settle(outcome.mark)
      else {
        const reason = outcome.kind === 'damaged' ? outcome.reason : 'its meta row is missing'
        this.#giveUp(checkpointUnusable(reason, path))
      }
    })
  }

  /** The failed write may have happened after all: the log must say so before there is another intent. */
  #settle(mark: CheckpointMark): void {
    if (mark.summary.zxid === this.#handle.zxid) {
      this.#begin()
      return
    }
    this.#log(RecordKind.checkpointDone, mark, () => {
      this.#handle.zxid = mark.summary.zxid
      this.#begin()
    })
  }

  #reopenFailed(error: IoError): void {
    if (isDiskFull(error)) {
      this.#finish()
      return
    }
    const { path } = this.#handle
    this.#giveUp(describeIoError('The checkpoint cannot be opened again', path, error))
  }

  /** The end of a checkpoint, whether it was completed or not. */
  #finish(): void {
    this.#phase = Phase.idle
    this.#isAbandoned = false
    this.#batch?.discard()
    this.#batch = null
    this.#source?.end(false)
    this.#source = null
    const done = this.#done!
    this.#done = null
    done()
    this.#onStopped?.()
  }

  /** The rows cannot be used any more: the server has to stop. */
  #giveUp(error: StorageError): void {
    this.#phase = Phase.idle
    this.#onFatal(error)
    this.#onStopped?.()
  }
}

function checkpointUnusable(reason: string, where: string): StorageError {
  return new StorageError(
    'CHECKPOINT_LOST',
    `The checkpoint cannot be used after the disk was full: ${reason}`,
    where,
    'Start the server again: it verifies the checkpoint and rebuilds it if it can',
  )
}
