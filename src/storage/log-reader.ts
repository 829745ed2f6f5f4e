import { formatHex, type Zxid } from '../base/index.ts'
import type { LogFile, LogFolder, Logger } from '../env/index.ts'
import { type Cut, isTakenBack } from './cuts.ts'
import { RecordKind, segmentName } from './format.ts'
import type { LogIndex, ReadStart, SegmentInfo } from './log-index.ts'
import { type LogPosition, type RecordSink, readGroups } from './segment-reader.ts'
import type { EntriesRead, LoggedEntry } from './types.ts'

/** Read at once; more for a larger group. */
const WINDOW_BYTES = 1024 * 1024

/** Exactly one of them is null. */
export type ReadDone = (problem: string | null, read: EntriesRead | null) => void

/** How far the log is durable. */
export interface DurableEnd {
  /** Sequence number of the group that comes next. */
  readonly sequence: number
  /** Its offset in the last segment. */
  readonly offset: number
}

/** Which entries: after one zxid, up to another, of so many bytes together. */
export interface ReadRange {
  readonly after: Zxid
  readonly upTo: Zxid
  readonly bytesMax: number
}

export const NOT_ON_DISK = 'that is not on disk any more'
export const BEING_CUT = 'the log is being cut'

/**
 * Reads entries from the segments on disk, verified like at a start. It opens the files for itself, so the writer is
 * not disturbed. Used once.
 */
export class LogReader implements RecordSink {
  readonly #folder: LogFolder
  readonly #logger: Logger
  readonly #salt: number
  readonly #index: LogIndex
  /** As they were: later ones end the reading. */
  readonly #cuts: readonly Cut[]
  readonly #cutsMade: number
  readonly #segments: readonly SegmentInfo[]
  readonly #end: DurableEnd
  readonly #range: ReadRange
  readonly #done: ReadDone
  readonly #entries: LoggedEntry[] = []
  #bytes = 0
  #floor: Zxid
  /** Which of the segments is being read. */
  #at = 0
  #position: LogPosition
  /** An entry at or behind the last one wanted was seen. */
  #isReached = false

  /** `start` is what the index found for `range.after`. */
  constructor(
    folder: LogFolder,
    logger: Logger,
    salt: number,
    index: LogIndex,
    start: ReadStart,
    end: DurableEnd,
    range: ReadRange,
    done: ReadDone,
  ) {
    this.#folder = folder
    this.#logger = logger
    this.#salt = salt
    this.#index = index
    this.#cuts = index.cuts
    this.#cutsMade = index.cutsMade
    this.#segments = index.segments.slice(index.segments.indexOf(start.segment))
    this.#end = end
    this.#range = range
    this.#done = done
    this.#floor = start.floor
    this.#position = start.position
  }

  start(): void {
    this.#folder.open(segmentName(this.#segments[this.#at]!.number), (error, file) => {
      if (error === null) this.#read(file!, WINDOW_BYTES)
      else if (error.code === 'ENOENT') this.#done(NOT_ON_DISK, null)
      else this.#fail(`it cannot be opened: ${error.code}, ${error.message}`)
    })
  }

  onRecord(kind: RecordKind, zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    if (kind !== RecordKind.entry || this.#isReached) return
    const { number } = this.#segments[this.#at]!
    const offset = this.#position.offset + start
    if (isTakenBack(this.#cuts, number, offset, zxid)) return
    const { after, upTo } = this.#range
    this.#isReached = zxid >= upTo
    if (zxid <= after) this.#floor = zxid
    else if (zxid <= upTo) {
      this.#bytes += end - start
      // What is too much is not kept.
      if (this.#isTooMuch()) this.#isReached = true
      else this.#entries.push({ zxid, txn: new Uint8Array(bytes.subarray(start, end)) })
    }
  }

  #read(file: LogFile, length: number): void {
    const { offset } = this.#position
    const room = this.#endOffset() - offset
    file.read(offset, Math.min(length, room), (error, bytes) => {
      if (error !== null) {
        this.#close(file, `it cannot be read: ${error.code}, ${error.message}`)
        return
      }
      const segment = this.#segments[this.#at]!
      const from = { ...this.#position, offset: 0 }
      const end = this.#endSequence()
      const part = readGroups(bytes!, segment.number, this.#salt, from, end, this)
      this.#position = { ...part.position, offset: offset + part.position.offset }
      const isStuck = part.needs > room - part.position.offset
      if (part.problem !== null) this.#close(file, part.problem)
      else if (part.needs === 0 || this.#isReached) this.#close(file, null)
      else if (isStuck) this.#close(file, 'it ends too early')
      else this.#read(file, Math.max(WINDOW_BYTES, part.needs))
    })
  }

  /** The end of this segment, for a reason or as all of it was read. */
  #close(file: LogFile, problem: string | null): void {
    file.close(() => {
      const isLast = this.#at === this.#segments.length - 1
      if (problem !== null) this.#fail(problem)
      else if (this.#isReached || isLast) this.#finish()
      else this.#startNext()
    })
  }

  #startNext(): void {
    this.#at++
    this.#position = this.#segments[this.#at]!.samples[0]!
    this.start()
  }

  #finish(): void {
    const { after, upTo, bytesMax } = this.#range
    const last = this.#entries.at(-1)?.zxid ?? this.#floor
    if (this.#index.cutsMade !== this.#cutsMade) this.#done('the log has been cut meanwhile', null)
    else if (this.#isTooMuch()) this.#done(`that is more than ${bytesMax} bytes`, null)
    else if (upTo > after && last < upTo && !this.#isReached) {
      this.#done(`the log ends at zxid ${formatHex(last)}`, null)
    } else this.#done(null, { floor: this.#floor, entries: this.#entries })
  }

  /** The damage is noticed here, but judged at the next start: whoever asked has another way. */
  #fail(reason: string): void {
    const file = `${this.#folder.path}/${segmentName(this.#segments[this.#at]!.number)}`
    this.#logger.error('a log segment cannot be read', { file, reason })
    this.#done(`the log cannot be read: ${reason}`, null)
  }

  #isTooMuch(): boolean {
    return this.#bytes > this.#range.bytesMax
  }

  #endSequence(): number {
    return this.#segments[this.#at + 1]?.firstSequence ?? this.#end.sequence
  }

  #endOffset(): number {
    const isLast = this.#at === this.#segments.length - 1
    return isLast ? this.#end.offset : this.#segments[this.#at]!.bytes
  }
}
