import { assert, type Zxid } from '../base/index.ts'
import type { IoError, LogFile, LogFolder, TimerHandle } from '../env/index.ts'
import { applyControl } from './control-state.ts'
import {
  type CheckpointMark,
  type ControlState,
  encodeGroupHeader,
  encodeMark,
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
import type { LogIndex, SegmentInfo } from './log-index.ts'
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
  /** Segments are about to be deleted: the log will begin after `base`. */
  onPurge(base: Zxid): void
  onFatal(error: StorageError): void
}

/** Groups whose buffers are kept for reuse: one being filled, one being written. */
const SPARE_GROUPS_MAX = 2
/** Larger buffers are not kept. */
const SPARE_BYTES_MAX = 8 * 1024 * 1024

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
  readonly #purges: {
    readonly canDrop: (next: SegmentInfo) => boolean
    readonly done: () => void
  }[] = []
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
    this.#index = tail.index
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
    group.controls.push({ kind, payload, done })
    this.flush()
  }

  /** Takes back every entry after `zxid` and flushes. */
  truncate(zxid: Zxid, done: () => void): void {
    this.#beginCut(zxid, false)
    this.appendControl(RecordKind.truncate, zxid, NOTHING, done)
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
    const { zxid } = mark.summary
    const group = this.#beginCut(zxid, true)
    group.isHeld = true
    const payload = encodeMark(mark)
    group.add(RecordKind.snapshotInstalled, zxid, payload, 0, payload.length)
    group.controls.push({ kind: RecordKind.snapshotInstalled, payload, done: () => {} })
    for (const entry of entries) {
      assert(entry.zxid > this.#lastAppended, `zxid ${entry.zxid} in a snapshot's entries`)
      group.add(RecordKind.entry, entry.zxid, entry.txn, 0, entry.txn.length)
      this.#lastAppended = entry.zxid
    }
    group.lastZxid = this.#lastAppended
    group.entries = entries.length
    const epoch = encodeEpoch(currentEpoch)
    group.add(RecordKind.currentEpoch, this.#lastAppended, epoch, 0, epoch.length)
    group.controls.push({ kind: RecordKind.currentEpoch, payload: epoch, done })
    this.#waiting.push(this.#seal())
    this.flush()
    return () => {
      group.isHeld = false
      this.flush()
    }
  }

  /** Forgets what is held back. For the end: nothing may be appended any more. */
  dropHeld(): void {
    const held = this.#waiting.findIndex(({ isHeld }) => isHeld)
    if (held < 0) return
    this.#waiting.length = held
    this.#filling.restart(0, this.#lastDurable)
  }

  /** A group waits for a segment, and the disk is full. */
  get isStalled(): boolean {
    return this.#isWaitingForSegment && this.#supply.isFull
  }

  /** Starts a write if none is under way; otherwise what has been appended follows as soon as it ends. */
  flush(): void {
    if (this.#isBusy || this.#isFailed) return
    const next = this.#waiting[0]
    if (next === undefined) {
      if (this.#filling.isEmpty) this.#becomeIdle()
      else this.#write(this.#seal())
    } else if (next.isHeld) this.#rest()
    else {
      this.#waiting.shift()
      this.#write(next)
    }
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

  /**
   * Deletes segments, oldest first: those whose entries were replaced by a snapshot, then for as long as `canDrop` says
   * so of the one that becomes the oldest. One at a time: a hole in the log would be damage.
   */
  purge(canDrop: (next: SegmentInfo) => boolean, done: () => void): void {
    this.#purges.push({ canDrop, done })
    if (this.#purges.length === 1) this.#purgeNext()
  }

  #purgeNext(): void {
    const purge = this.#purges[0]
    if (purge === undefined) return
    const oldest = this.#isFailed ? null : this.#index.droppable(purge.canDrop)
    if (oldest === null) {
      this.#purges.shift()
      purge.done()
      this.#purgeNext()
      return
    }
    this.#handlers.onPurge(this.#index.nextBase)
    this.#index.dropOldest()
    this.#folder.remove(segmentName(oldest.number), (error) => {
      if (error !== null && error.code !== 'ENOENT') {
        return this.#fail('An old log segment cannot be deleted', error)
      }
      this.#purgeNext()
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

  /** Starts a group with a record that takes entries back: so its place in the log is known when it is written. */
  #beginCut(zxid: Zxid, isInstall: boolean): Group {
    if (!this.#filling.isEmpty) this.#waiting.push(this.#seal())
    const group = this.#filling
    group.cut = { zxid, isInstall }
    group.lastZxid = zxid
    this.#lastAppended = zxid
    this.#index.noteCutMade()
    return group
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
    if (!this.#isBusy) this.flush()
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

/** Payload of an epoch record. */
export function encodeEpoch(epoch: number): Uint8Array {
  const payload = new Uint8Array(4)
  new DataView(payload.buffer).setUint32(0, epoch)
  return payload
}
