import { assert, type Zxid } from '../base/index.ts'
import type { IoError, LogFile, LogFolder, TimerHandle } from '../env/index.ts'
import { applyControl } from './control-state.ts'
import {
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
import { Group } from './group.ts'
import { describeIoError } from './io-errors.ts'
import type { StorageOptions } from './options.ts'
import type { LogPosition } from './segment-reader.ts'
import { type PreparedSegment, type SegmentSupply, segmentBytesFor } from './segment-supply.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import type { StorageError } from './storage-error.ts'

/** A segment of the log that is on disk. */
export interface SegmentInfo {
  readonly number: number
  readonly bytes: number
  /** Zxid of the last entry before it. */
  readonly zxidBefore: Zxid
}

/** Where the log ends and what is known there. */
export interface LogTail {
  readonly folderId: Uint8Array
  readonly file: LogFile
  readonly segments: readonly SegmentInfo[]
  readonly position: LogPosition
  readonly control: ControlState
}

export interface WriterHandlers {
  onDurable(zxid: Zxid): void
  onFatal(error: StorageError): void
}

/** Groups whose buffers are kept for reuse: one being filled, one being written. */
const SPARE_GROUPS_MAX = 2
/** Larger buffers are not kept. */
const SPARE_BYTES_MAX = 8 * 1024 * 1024

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
  readonly #segments: SegmentInfo[]
  #file: LogFile
  #offset: number
  #sequence: number
  /** Checksum of the last record written. */
  #chain: number
  #control: ControlState
  #lastAppended: Zxid
  #lastDurable: Zxid
  #filling: Group
  /** Full groups, oldest first. */
  #waiting: Group[] = []
  #spare: Group[] = []
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
    this.#segments = [...tail.segments]
    this.#file = tail.file
    this.#offset = tail.position.offset
    this.#sequence = tail.position.sequence
    this.#chain = tail.position.chain
    this.#control = tail.control
    this.#lastAppended = tail.position.lastZxid
    this.#lastDurable = tail.position.lastZxid
    this.#filling = new Group(this.#lastAppended)
    this.#filling.restart(this.#chain, this.#lastAppended)
    this.#onWritten = (error) => this.#groupWritten(error)
  }

  get lastAppended(): Zxid {
    return this.#lastAppended
  }

  get lastDurable(): Zxid {
    return this.#lastDurable
  }

  /** As the durable control records say. */
  get control(): ControlState {
    return this.#control
  }

  get segments(): readonly SegmentInfo[] {
    return this.#segments
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
    let bytes = this.#filling.isEmpty ? 0 : this.#filling.length
    for (const group of this.#waiting) bytes += group.length
    return bytes
  }

  /** Copies an entry behind the last one; it is written by the next `flush`. */
  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    assert(zxid > this.#lastAppended, `zxid ${zxid} does not follow ${this.#lastAppended}`)
    const group = this.#groupFor(end - start)
    group.add(RecordKind.entry, zxid, bytes, start, end)
    group.lastZxid = zxid
    group.entries++
    this.#lastAppended = zxid
  }

  /** Adds a control record and flushes. `done` is called when it is durable, never after a failure. */
  appendControl(kind: RecordKind, zxid: Zxid, payload: Uint8Array, done: () => void): void {
    const group = this.#groupFor(payload.length)
    group.add(kind, zxid, payload, 0, payload.length)
    if (kind === RecordKind.truncate) {
      group.lastZxid = zxid
      this.#lastAppended = zxid
    }
    group.controls.push({ kind, payload, done })
    this.flush()
  }

  /** A group waits for a segment, and the disk is full. */
  get isStalled(): boolean {
    return this.#isWaitingForSegment && this.#supply.isFull
  }

  /** Starts a write if none is under way; otherwise what has been appended follows as soon as it ends. */
  flush(): void {
    if (this.#isBusy || this.#isFailed) return
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) this.#write(waiting)
    else if (!this.#filling.isEmpty) this.#write(this.#seal())
    else this.#becomeIdle()
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
    const group = this.#lastGroup()
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

  /** Deletes segments, oldest first, for as long as `canDrop` says so of the one that then becomes the oldest. */
  purge(canDrop: (next: SegmentInfo) => boolean, done: () => void): void {
    const [first, second] = this.#segments
    if (this.#isFailed || first === undefined || second === undefined || !canDrop(second)) {
      done()
      return
    }
    this.#segments.shift()
    this.#folder.remove(segmentName(first.number), (error) => {
      if (error !== null && error.code !== 'ENOENT') {
        return this.#fail('An old log segment cannot be deleted', error)
      }
      this.purge(canDrop, done)
    })
  }

  /** Closes the file. For an idle writer, or after a failure. */
  close(done: () => void): void {
    this.#isFailed = true
    this.#watermarkTimer?.cancel()
    this.#file.close(() => done())
  }

  /** The group that becomes durable last; null when everything is. */
  #lastGroup(): Group | null {
    if (!this.#filling.isEmpty) return this.#filling
    return this.#waiting[this.#waiting.length - 1] ?? this.#writing
  }

  #reportSettled(): void {
    const settled = this.#settled
    if (settled.length === 0 || this.#isFailed) return
    this.#settled = []
    for (const done of settled) done()
  }

  #groupFor(payloadBytes: number): Group {
    const group = this.#filling
    if (group.isEmpty || group.length + payloadBytes <= this.#options.groupBytesMax) return group
    this.#waiting.push(this.#seal())
    return this.#filling
  }

  /** Takes the group being filled away and starts another. */
  #seal(): Group {
    const sealed = this.#filling
    this.#filling = this.#spare.pop() ?? new Group(this.#lastAppended)
    this.#filling.restart(sealed.chainAfter, this.#lastAppended)
    return sealed
  }

  #write(group: Group): void {
    this.#isBusy = true
    this.#writing = group
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
    if (error !== null) {
      this.#fail('The log cannot be written', error)
      return
    }
    const group = this.#writing!
    const bytes = segmentBytesFor(group.length, 0) - SECTOR_BYTES
    this.#writing = null
    this.#offset += bytes
    this.#sequence++
    this.#chain = group.chainAfter
    this.#groupsWritten++
    this.#entriesWritten += group.entries
    this.#logBytes += bytes
    this.#supply.noteWritten(bytes, this.#currentBytes() - this.#offset)
    this.#noteTime()
    for (const { kind, payload } of group.controls) {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
      this.#control = applyControl(this.#control, kind, view, 0)
    }
    const { entries, lastZxid, controls, waiters } = group
    this.#recycle(group)
    this.#isBusy = false
    this.#needsWatermark = true
    this.#lastDurable = lastZxid
    // The disk works on the next group while the replies for this one are made.
    if (this.#waiting.length > 0 || !this.#filling.isEmpty) this.flush()
    this.#reportSettled()
    if (entries > 0) this.#handlers.onDurable(lastZxid)
    for (const control of controls) control.done()
    if (waiters !== null) for (const done of waiters) done()
    if (!this.#isBusy) this.#becomeIdle()
  }

  #noteTime(): void {
    this.#lastWriteMs = this.#env.clock.monotonicMs()
    const tookMs = this.#lastWriteMs - this.#writeStartMs
    this.#env.metrics.observe('fsynctime', tookMs)
    if (tookMs > this.#options.slowWriteMs) {
      this.#env.logger.warn('a durable write took long', { ms: Math.round(tookMs) })
    }
  }

  #recycle(group: Group): void {
    if (this.#spare.length < SPARE_GROUPS_MAX && group.capacity <= SPARE_BYTES_MAX) {
      this.#spare.push(group)
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
        this.#segments.push({
          number: next.number,
          bytes: next.bytes,
          zxidBefore: this.#lastDurable,
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
      return
    }
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

  #currentBytes(): number {
    return this.#segments[this.#segments.length - 1]!.bytes
  }

  #currentNumber(): number {
    return this.#segments[this.#segments.length - 1]!.number
  }

  #fail(what: string, error: IoError): void {
    if (this.#isFailed) return
    this.#isFailed = true
    this.#watermarkTimer?.cancel()
    this.#handlers.onFatal(describeIoError(what, this.#folder.path, error))
  }
}
