import type { Zxid } from '../base/index.ts'
import { type Cut, isTakenBack, lastInstall, zxidBefore } from './cuts.ts'
import { type LogPosition, SAMPLE_BYTES } from './segment-reader.ts'

/** A segment of the log that is on disk. */
export interface SegmentInfo {
  readonly number: number
  readonly bytes: number
  /** Sequence number of its first group. */
  readonly firstSequence: number
  /** Zxid of the last entry before it, when it was begun. */
  readonly zxidBefore: Zxid
  /** Starts of groups, the first one included, in order. */
  readonly samples: LogPosition[]
}

/** Where the entries after some zxid are found. */
export interface ReadStart {
  readonly segment: SegmentInfo
  readonly position: LogPosition
  /** Last zxid at or before the one asked for that counts, as far as is known at `position`. */
  readonly floor: Zxid
}

/** What is in the durable log, and where: kept in memory. */
export class LogIndex {
  readonly #segments: SegmentInfo[]
  #cuts: readonly Cut[]
  #cutsMade = 0
  #cutsDurable = 0

  constructor(segments: readonly SegmentInfo[], cuts: readonly Cut[]) {
    this.#segments = [...segments]
    this.#cuts = cuts
  }

  get segments(): readonly SegmentInfo[] {
    return this.#segments
  }

  /** The segment being written. */
  get last(): SegmentInfo {
    return this.#segments[this.#segments.length - 1]!
  }

  get cuts(): readonly Cut[] {
    return this.#cuts
  }

  /** Changes when entries are going to be taken back. */
  get cutsMade(): number {
    return this.#cutsMade
  }

  /** Entries on disk are about to be taken back. */
  get isBeingCut(): boolean {
    return this.#cutsDurable < this.#cutsMade
  }

  /** Zxid before the first entry that is on disk and counts. */
  get base(): Zxid {
    return zxidBefore(this.#cuts, this.#segments[0]!)
  }

  addSegment(segment: SegmentInfo): void {
    this.#segments.push(segment)
  }

  /** Whether a group at `offset` of the last segment is worth a sample. */
  wantsSample(offset: number): boolean {
    const { samples } = this.last
    return offset - samples[samples.length - 1]!.offset >= SAMPLE_BYTES
  }

  /** Entries will be taken back as soon as a record is durable. */
  noteCutMade(): void {
    this.#cutsMade++
  }

  /** The record is durable, in the group at `offset`. */
  noteCut(offset: number, zxid: Zxid, isInstall: boolean): void {
    this.#cutsDurable++
    this.#cuts = [...this.#cuts, { segment: this.last.number, offset, zxid, isInstall }]
  }

  /** The oldest segment, if all its entries were replaced by a snapshot or `canDrop` says so of the next one. */
  droppable(canDrop: (next: SegmentInfo) => boolean): SegmentInfo | null {
    const [first, second] = this.#segments
    if (first === undefined || second === undefined) return null
    const install = lastInstall(this.#cuts)
    const isDead = install !== null && first.number < install.segment
    return isDead || canDrop(second) ? first : null
  }

  /** What {@link LogIndex.base} is without the oldest segment. */
  get nextBase(): Zxid {
    return zxidBefore(this.#cuts, this.#segments[1]!)
  }

  dropOldest(): void {
    this.#segments.shift()
    const { number } = this.#segments[0]!
    this.#cuts = this.#cuts.filter(({ segment }) => segment >= number)
  }

  /** Where to begin reading for what comes after `after`; null when that is not on disk any more. */
  find(after: Zxid): ReadStart | null {
    if (after < this.base) return null
    const install = lastInstall(this.#cuts)
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i]!
      for (let k = segment.samples.length - 1; k >= 0; k--) {
        const position = segment.samples[k]!
        const { offset, lastZxid } = position
        // The entry lies before the position: a group that begins there with a cut takes it back.
        const isAlive = !isTakenBack(this.#cuts, segment.number, offset - 1, lastZxid)
        if (isAlive && lastZxid <= after) return { segment, position, floor: lastZxid }
        // Nothing before an installed snapshot counts.
        const isAtInstall =
          install !== null && segment.number === install.segment && offset <= install.offset
        if (isAtInstall || (i === 0 && k === 0)) return { segment, position, floor: this.base }
      }
    }
    return null
  }
}
