import { assert, type Zxid } from '../base/index.ts'
import type { IoError, LogFile, LogFolder, TimerHandle } from '../env/index.ts'
import { applyControl } from './control-state.ts'
import {
  type CheckpointMark,
  type ControlState,
  encodeGroupHeader,
  encodeSegmentHeader,
  GROUP_HEADER_BYTES,
  GroupKind,
  MARKER_SECTORS,
  RecordKind,
  SECTOR_BYTES,
  saltOf,
  segmentName,
} from './format.ts'
import type { Group } from './group.ts'
import { GroupQueue } from './group-queue.ts'
import { describeIoError } from './io-errors.ts'
import type { LogIndex } from './log-index.ts'
import { LogMetrics } from './log-metrics.ts'
import type { DurableEnd } from './log-reader.ts'
import type { StorageOptions } from './options.ts'
import type { LogPosition } from './segment-reader.ts'
import { type PreparedSegment, type SegmentSupply, segmentBytesFor } from './segment-supply.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import type { StorageError } from './storage-error.ts'
import type { LoggedEntry } from './types.ts'

/** Where the log ends and what is known there. */
export interface LogTail {
  readonly folderId: Uint8Array
  readonly file: LogFile
  readonly index: LogIndex
  readonly position: LogPosition
  readonly control: ControlState
}

export interface WriterHandlers {
  onDurable(zxid: Zxid): void
  onSlowWrite(tookMs: number): void
  onFatal(error: StorageError): void
}

const NOTHING = new Uint8Array(0)

/**
 * Appends records to the log in groups, one durable write at a time: two writes in flight were seen to land in the
 * wrong order. While one is written the next group fills. The first failed write ends it: nothing is written or
 * reported durable afterwards, because after a failed fdatasync the page cache may hold data that the disk does not,
 * and a second one may report success (ZooKeeper's SyncRequestProcessor goes on).
 */
export class LogWriter {
  readonly #env: StorageEnvironment
  readonly #folder: LogFolder
  readonly #folderId: Uint8Array
  readonly #salt: number
  readonly #options: StorageOptions
  readonly #supply: SegmentSupply
  readonly #handlers: WriterHandlers
  readonly #index: LogIndex
  #file: LogFile
  #offset: number
  #sequence: number
  /** Checksum of the last record written. */
  #chain: number
  #control: ControlState
  #lastDurable: Zxid
  readonly #queue: GroupQueue
  readonly #metrics: LogMetrics
  #writing: Group | null = null
  #writeStartMs = 0
  readonly #onWritten: (error: IoError | null) => void
  /** A group, a marker or a roll is under way. */
  #isBusy = false
  #isWaitingForSegment = false
  #isFailed = false
  #onIdle: (() => void) | null = null
  /** Asked {@link LogWriter.whenDurable} while nothing was pending. */
  #settled: (() => void)[] = []
  readonly #marker = new Uint8Array(SECTOR_BYTES)
  #needsWatermark = false
  #lastWriteMs = 0
  #watermarkTimer: TimerHandle | null = null
  #groupsWritten = 0
  #slowWrites = 0
  #entriesWritten = 0
  #logBytes = 0

  constructor(
    env: StorageEnvironment,
    folder: LogFolder,
    options: StorageOptions,
    supply: SegmentSupply,
    tail: LogTail,
    handlers: WriterHandlers,
  ) {
    this.#env = env
    this.#folder = folder
    this.#folderId = tail.folderId
    this.#salt = saltOf(tail.folderId)
    this.#options = options
    this.#supply = supply
    this.#handlers = handlers
    this.#metrics = new LogMetrics(env.metrics)
    this.#index = tail.index
    this.#file = tail.file
    this.#offset = tail.position.offset
    this.#sequence = tail.position.sequence
    this.#chain = tail.position.chain
    this.#control = tail.control
    this.#lastDurable = tail.position.lastZxid
    this.#queue = new GroupQueue(options.groupBytesMax, this.#chain, this.#lastDurable)
    this.#onWritten = (error) => this.#groupWritten(error)
  }

  get lastAppended(): Zxid {
    return this.#queue.lastAppended
  }

  get lastDurable(): Zxid {
    return this.#lastDurable
  }

  /** As the durable control records say. */
  get control(): ControlState {
    return this.#control
  }

  /** What has become durable, and where it is. */
  get index(): LogIndex {
    return this.#index
  }

  get salt(): number {
    return this.#salt
  }

  get durableEnd(): DurableEnd {
    return { sequence: this.#sequence, offset: this.#offset }
  }

  /** Writes that took longer than the options call slow. */
  get slowWrites(): number {
    return this.#slowWrites
  }

  get groupsWritten(): number {
    return this.#groupsWritten
  }

  get entriesWritten(): number {
    return this.#entriesWritten
  }

  /** Bytes of groups written, without the unused rest of segments. */
  get logBytes(): number {
    return this.#logBytes
  }

  get pendingBytes(): number {
    return this.#queue.pendingBytes
  }

  /** Copies an entry behind the last one; it is written by the next `flush`. */
  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.#queue.append(zxid, bytes, start, end)
    this.#metrics.onAppended()
    const group = this.#queue.last!
    if (group.sinceMs < 0) group.sinceMs = this.#env.clock.monotonicMs()
  }

  /** Adds a control record and flushes. `done` is called when it is durable, never after a failure. */
  appendControl(kind: RecordKind, payload: Uint8Array, done: () => void): void {
    this.#queue.addControl(kind, payload, done)
    this.flush()
  }

  /** Takes back every entry after `zxid` and flushes. */
  truncate(zxid: Zxid, done: () => void): void {
    this.#index.noteCutMade()
    this.#queue.beginCut(zxid, false)
    this.appendControl(RecordKind.truncate, NOTHING, done)
  }

  /**
   * Adds one group that replaces everything before it: the snapshot is installed, these entries follow, in this epoch.
   * It is held back, and everything after it, until the function returned is called: until the snapshot is durable.
   */
  appendInstall(
    mark: CheckpointMark,
    entries: readonly LoggedEntry[],
    currentEpoch: number,
    done: () => void,
  ): () => void {
    this.#index.noteCutMade()
    const group = this.#queue.addInstall(mark, entries, currentEpoch, done)
    this.flush()
    return () => {
      group.isHeld = false
      this.flush()
    }
  }

  /** Forgets what is held back. For the end: nothing may be appended any more. */
  dropHeld(): void {
    this.#queue.dropHeld()
  }

  /** A group waits for a segment, and the disk is full. */
  get isStalled(): boolean {
    return this.#isWaitingForSegment && this.#supply.isFull
  }

  /** Starts a write if none is under way; otherwise what has been appended follows as soon as it ends. */
  flush(): void {
    if (this.#isBusy || this.#isFailed) return
    const next = this.#queue.take()
    if (next !== null) this.#write(next)
    else if (this.#queue.isEmpty) this.#becomeIdle()
    else this.#rest()
  }

  /** Calls `done` once nothing is pending and nothing is being written. Not after a failure. */
  whenIdle(done: () => void): void {
    assert(this.#onIdle === null, 'one whenIdle at a time')
    this.#onIdle = done
    this.flush()
  }

  /**
   * Calls `done` once everything handed over so far is durable, later than this call, in the order of calls. It does
   * not start a write. Not after a failure.
   */
  whenDurable(done: () => void): void {
    const group = this.#queue.last ?? this.#writing
    if (group !== null) {
      group.waiters ??= []
      group.waiters.push(done)
      return
    }
    this.#settled.push(done)
    if (this.#settled.length > 1) return
    this.#env.timers.at(this.#env.clock.monotonicMs(), () => this.#reportSettled())
  }

  /** Proves to the next start that everything so far was durable. For an idle writer. */
  writeMarker(kind: GroupKind, done: () => void): void {
    assert(!this.#isBusy, 'a marker is written while nothing else is')
    const sectorsAfter = kind === GroupKind.stopped ? 1 : 2
    const end = this.#offset + SECTOR_BYTES
    if (this.#isFailed || end + sectorsAfter * SECTOR_BYTES > this.#currentBytes()) {
      done()
      return
    }
    this.#isBusy = true
    this.#needsWatermark = false
    this.#encodeMarker(kind)
    this.#file.writeDurably(this.#offset, [this.#marker], (error) => {
      if (error !== null) return this.#fail('The log cannot be written', error)
      this.#offset = end
      this.#sequence++
      this.#isBusy = false
      done()
      this.flush()
    })
  }

  /** Writes and reports nothing more. For use after a failure elsewhere. */
  halt(): void {
    this.#isFailed = true
    this.#watermarkTimer?.cancel()
  }

  /** Closes the file. For an idle writer, or after a failure. */
  close(done: () => void): void {
    this.#isFailed = true
    this.#watermarkTimer?.cancel()
    this.#file.close(() => done())
  }

  #reportSettled(): void {
    const settled = this.#settled
    if (settled.length === 0 || this.#isFailed) return
    this.#settled = []
    for (const done of settled) done()
  }

  #write(group: Group): void {
    this.#isBusy = true
    this.#writing = group
    this.#metrics.onTaken(group, this.#queue.pendingEntries, this.#env.clock.monotonicMs())
    const bytes = segmentBytesFor(group.length, MARKER_SECTORS)
    if (this.#offset + bytes - SECTOR_BYTES > this.#currentBytes()) {
      this.#isWaitingForSegment = true
      this.#supply.take(bytes, (segment) => this.#roll(segment))
    } else this.#writeGroup()
  }

  #writeGroup(): void {
    const bytes = this.#writing!.finish(this.#sequence, this.#currentNumber(), this.#salt)
    this.#writeStartMs = this.#env.clock.monotonicMs()
    this.#file.writeDurably(this.#offset, [bytes], this.#onWritten)
  }

  #groupWritten(error: IoError | null): void {
    if (this.#isFailed) return
    if (error !== null) {
      this.#fail('The log cannot be written', error)
      return
    }
    const group = this.#writing!
    const bytes = segmentBytesFor(group.length, 0) - SECTOR_BYTES
    this.#writing = null
    if (group.cut !== null) {
      this.#index.noteCut(this.#offset, group.cut.zxid, group.cut.isInstall)
    }
    if (this.#index.wantsSample(this.#offset)) this.#index.last.samples.push(this.#position())
    this.#offset += bytes
    this.#sequence++
    this.#chain = group.chainAfter
    this.#groupsWritten++
    this.#entriesWritten += group.entries
    this.#logBytes += bytes
    this.#supply.noteWritten(bytes, this.#currentBytes() - this.#offset)
    this.#noteTime(group)
    for (const { kind, payload } of group.controls) {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
      this.#control = applyControl(this.#control, kind, view, 0)
    }
    const { entries, lastZxid, controls, waiters } = group
    this.#queue.recycle(group)
    this.#isBusy = false
    this.#needsWatermark = true
    this.#lastDurable = lastZxid
    // The disk works on the next group while the replies for this one are made.
    if (!this.#queue.isEmpty) this.flush()
    this.#reportSettled()
    if (entries > 0) this.#handlers.onDurable(lastZxid)
    for (const control of controls) control.done()
    if (waiters !== null) for (const done of waiters) done()
    if (!this.#isBusy) this.flush()
  }

  #noteTime(group: Group): void {
    this.#lastWriteMs = this.#env.clock.monotonicMs()
    const tookMs = this.#lastWriteMs - this.#writeStartMs
    this.#metrics.onDurable(group, tookMs, this.#lastWriteMs)
    if (tookMs > this.#options.slowWriteMs) {
      this.#slowWrites += 1
      this.#handlers.onSlowWrite(Math.round(tookMs))
      this.#env.logger.warn('a durable write took long', { ms: Math.round(tookMs) })
    }
  }

  /* ---------------------------------------------------------------- roll */

  /**
   * Goes on in the next segment. Its header is durable before it gets its name, and it has its name before the old
   * segment says that the log goes on: so a last segment that says so proves that one is missing.
   */
  #roll(next: PreparedSegment): void {
    this.#isWaitingForSegment = false
    if (this.#isFailed) return
    const header = encodeSegmentHeader({
      number: next.number,
      folderId: this.#folderId,
      fileBytes: next.bytes,
      firstSequence: this.#sequence,
      chain: this.#chain,
      zxidBefore: this.#lastDurable,
      createdMs: this.#env.clock.wallMs(),
      control: this.#control,
    })
    next.file.writeDurably(0, [header], (error) => {
      if (error !== null) return this.#fail('The next log segment cannot be written', error)
      this.#folder.rename(next.file.name, segmentName(next.number), (renameError) => {
        if (renameError !== null) {
          return this.#fail('The next log segment cannot be renamed', renameError)
        }
        this.#markRolled(next)
      })
    })
  }

  #markRolled(next: PreparedSegment): void {
    this.#encodeMarker(GroupKind.rolled)
    const old = this.#file
    const goOn = (): void => {
      old.close((error) => {
        if (error !== null) return this.#fail('A log segment cannot be closed', error)
        this.#file = next.file
        this.#offset = SECTOR_BYTES
        this.#index.addSegment({
          number: next.number,
          bytes: next.bytes,
          firstSequence: this.#sequence,
          zxidBefore: this.#lastDurable,
          samples: [this.#position()],
        })
        this.#writeGroup()
      })
    }
    if (this.#offset + SECTOR_BYTES > this.#currentBytes()) {
      goOn()
      return
    }
    old.writeDurably(this.#offset, [this.#marker], (error) => {
      if (error !== null) return this.#fail('The log cannot be written', error)
      goOn()
    })
  }

  /* ---------------------------------------------------------------- idle */

  #becomeIdle(): void {
    if (this.#isBusy || this.#isFailed) return
    const onIdle = this.#onIdle
    if (onIdle !== null) {
      this.#onIdle = null
      onIdle()
    } else this.#rest()
  }

  /** Nothing can be written for now. */
  #rest(): void {
    if (this.#needsWatermark && this.#watermarkTimer === null) this.#armWatermark()
  }

  /**
   * A group is proven complete by whatever follows it. If nothing does, a watermark is written: from then on losing
   * that group is noticed, where before it could not be told from a write that never finished.
   */
  #armWatermark(): void {
    const deadline = this.#lastWriteMs + this.#options.watermarkDelayMs
    this.#watermarkTimer = this.#env.timers.at(deadline, () => {
      this.#watermarkTimer = null
      if (!this.#needsWatermark || this.#isFailed || this.#isBusy) return
      const isDue =
        this.#lastWriteMs + this.#options.watermarkDelayMs <= this.#env.clock.monotonicMs()
      if (isDue) this.writeMarker(GroupKind.watermark, () => {})
      else this.#armWatermark()
    })
  }

  #encodeMarker(kind: GroupKind): void {
    this.#marker.fill(0)
    const view = new DataView(this.#marker.buffer)
    const header = {
      kind,
      sequence: this.#sequence,
      length: GROUP_HEADER_BYTES,
      records: 0,
      chainBefore: this.#chain,
      chainAfter: this.#chain,
      zeroSectors: 0,
      segment: this.#currentNumber(),
      lastZxid: this.#lastDurable,
    }
    encodeGroupHeader(view, header, this.#salt)
  }

  /** Where the next group goes. */
  #position(): LogPosition {
    return {
      offset: this.#offset,
      sequence: this.#sequence,
      chain: this.#chain,
      lastZxid: this.#lastDurable,
    }
  }

  #currentBytes(): number {
    return this.#index.last.bytes
  }

  #currentNumber(): number {
    return this.#index.last.number
  }

  #fail(what: string, error: IoError): void {
    if (this.#isFailed) return
    this.#isFailed = true
    this.#watermarkTimer?.cancel()
    this.#handlers.onFatal(describeIoError(what, this.#folder.path, error))
  }
}
