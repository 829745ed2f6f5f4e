import { crc32c, formatHex, type Zxid } from '../base/index.ts'
import {
  alignToSector,
  countZeroSectors,
  decodeGroupHeader,
  GROUP_HEADER_BYTES,
  type GroupHeader,
  GroupKind,
  isZero,
  RECORD_CRC_START,
  RECORD_HEADER_BYTES,
  RecordKind,
  SECTOR_BYTES,
} from './format.ts'

/** Where the next group is expected, and what links it to the one before. */
export interface LogPosition {
  readonly offset: number
  readonly sequence: number
  /** Checksum of the last record. */
  readonly chain: number
  /** Zxid of the last entry that counts. */
  readonly lastZxid: Zxid
}

/** Receives the records of complete groups in order. `bytes` is the segment; the payload is `[start, end)`. */
export interface RecordSink {
  onRecord(
    kind: RecordKind,
    zxid: Zxid,
    bytes: Uint8Array,
    start: number,
    end: number,
    view: DataView,
  ): void
}

export type SegmentEnd =
  /** What follows is free, apart from an unfinished group that may have to be wiped. */
  | { readonly kind: 'open'; readonly tornEnd: number }
  /** The log goes on in the next segment. */
  | { readonly kind: 'continued' }
  | { readonly kind: 'damaged'; readonly reason: string }

/** Places where reading may begin are kept at this distance. */
export const SAMPLE_BYTES: number = 256 * 1024

export interface SegmentScan {
  /** After the last good group; of the bad place when damaged. */
  readonly position: LogPosition
  /** Kind of the last good group in this segment; null when it has none. */
  readonly lastKind: GroupKind | null
  readonly entries: number
  readonly end: SegmentEnd
  /** Starts of some groups, that of the first included. */
  readonly samples: LogPosition[]
}

/** Some groups of a segment, read on their own. */
export interface GroupsRead {
  /** After the last whole group. */
  readonly position: LogPosition
  /** Bytes needed from there for one group more; 0 at the end. */
  readonly needs: number
  readonly problem: string | null
}

/** Where the next segment takes over, from its header. */
export interface NextSegment {
  readonly firstSequence: number
  readonly chain: number
}

/**
 * Walks the groups of one segment from `from`, verifies every byte that counts and hands out the records of complete
 * groups. `next` is null for the last segment of the log.
 *
 * A crash leaves the sectors of the one unfinished write each as it should be or as it was before, which is zero:
 * no sector is written twice. So behind the last good group there are three cases (docs/storage-format.md):
 * a torn write misses sectors and has nothing valid behind it, free space is zero, everything else is damage.
 */
export function scanSegment(
  bytes: Uint8Array,
  number: number,
  salt: number,
  from: LogPosition,
  next: NextSegment | null,
  sink: RecordSink,
): SegmentScan {
  return new SegmentScanner(bytes, number, salt, from, next, sink).run()
}

/**
 * Verifies and hands out the groups in `bytes`, a part of a segment that begins with the group at `from` (whose offset
 * counts from there), up to the group with sequence number `end`.
 */
export function readGroups(
  bytes: Uint8Array,
  number: number,
  salt: number,
  from: LogPosition,
  end: number,
  sink: RecordSink,
): GroupsRead {
  return new SegmentScanner(bytes, number, salt, from, null, sink).readUpTo(end)
}

class SegmentScanner {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #number: number
  readonly #salt: number
  readonly #next: NextSegment | null
  readonly #sink: RecordSink
  #offset: number
  #sequence: number
  #chain: number
  #lastZxid: Zxid
  #lastKind: GroupKind | null = null
  #entries = 0
  readonly #samples: LogPosition[]

  constructor(
    bytes: Uint8Array,
    number: number,
    salt: number,
    from: LogPosition,
    next: NextSegment | null,
    sink: RecordSink,
  ) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#number = number
    this.#salt = salt
    this.#next = next
    this.#sink = sink
    this.#offset = from.offset
    this.#sequence = from.sequence
    this.#chain = from.chain
    this.#lastZxid = from.lastZxid
    this.#samples = [from]
  }

  readUpTo(end: number): GroupsRead {
    while (this.#sequence !== end) {
      if (this.#offset + SECTOR_BYTES > this.#bytes.length) return this.#part(SECTOR_BYTES, null)
      const header = decodeGroupHeader(this.#bytes, this.#view, this.#offset, this.#salt)
      if (header === null) return this.#part(0, 'a group header cannot be read')
      if (!this.#isExpected(header)) return this.#part(0, 'a group that belongs elsewhere')
      const groupBytes = alignToSector(header.length)
      if (this.#offset + groupBytes > this.#bytes.length) return this.#part(groupBytes, null)
      const problem = this.#verifyRecords(header)
      if (problem !== null) return this.#part(0, problem)
      this.#accept(header)
    }
    return this.#part(0, null)
  }

  run(): SegmentScan {
    for (;;) {
      if (this.#next !== null && this.#sequence === this.#next.firstSequence) {
        return this.#result(
          this.#chain === this.#next.chain
            ? { kind: 'continued' }
            : damaged('the next segment does not continue the chain of checksums'),
        )
      }
      const header = decodeGroupHeader(this.#bytes, this.#view, this.#offset, this.#salt)
      if (header === null) return this.#result(this.#endWithoutHeader())
      if (header.kind === GroupKind.rolled && this.#isExpected(header)) {
        return this.#result({ kind: 'continued' })
      }
      const problem = this.#isExpected(header)
        ? this.#verifyRecords(header)
        : 'a group that belongs elsewhere'
      if (problem !== null) return this.#result(this.#endAtBadGroup(header, problem))
      const lastSample = this.#samples[this.#samples.length - 1]!
      if (this.#offset - lastSample.offset >= SAMPLE_BYTES) this.#samples.push(this.#position())
      this.#accept(header)
    }
  }

  #isExpected(header: GroupHeader): boolean {
    return (
      header.sequence === this.#sequence &&
      header.chainBefore === this.#chain &&
      header.segment === this.#number
    )
  }

  /** Checks the records of a group without handing them out. Returns what is wrong, or null. */
  #verifyRecords(header: GroupHeader): string | null {
    const end = this.#offset + header.length
    if (end > this.#bytes.length) return 'a group that is longer than the file'
    let at = this.#offset + GROUP_HEADER_BYTES
    let chain = this.#chain
    for (let i = 0; i < header.records; i++) {
      if (at + RECORD_HEADER_BYTES > end) return 'a group that is shorter than its records'
      const recordEnd = at + RECORD_HEADER_BYTES + this.#view.getUint32(at + 4)
      if (recordEnd > end) return 'a record that is longer than its group'
      const crc = crc32c(this.#bytes, at + RECORD_CRC_START, recordEnd, chain)
      if (crc !== this.#view.getUint32(at)) return 'a record whose checksum does not match'
      chain = crc
      at = recordEnd
    }
    if (at !== end || chain !== header.chainAfter) return 'a group that does not match its header'
    return null
  }

  #accept(header: GroupHeader): void {
    let at = this.#offset + GROUP_HEADER_BYTES
    for (let i = 0; i < header.records; i++) {
      const start = at + RECORD_HEADER_BYTES
      const end = start + this.#view.getUint32(at + 4)
      const kind = this.#view.getUint8(at + 8) as RecordKind
      const zxid = this.#view.getBigInt64(at + 12) as Zxid
      if (kind === RecordKind.entry) this.#entries++
      this.#sink.onRecord(kind, zxid, this.#bytes, start, end, this.#view)
      at = end
    }
    this.#chain = header.chainAfter
    this.#lastZxid = header.lastZxid
    this.#lastKind = header.kind
    this.#sequence++
    this.#offset += alignToSector(header.length)
  }

  /** No group header where one could be: free space, a torn group that lost its first sector, or damage. */
  #endWithoutHeader(): SegmentEnd {
    const later = this.#laterGroup(this.#offset)
    if (later !== null) return damaged(`a group is missing before ${describe(later)}`)
    if (this.#next !== null) return damaged('the segment ends before the next one begins')
    const sectorEnd = Math.min(this.#offset + SECTOR_BYTES, this.#bytes.length)
    if (!isZero(this.#bytes, this.#offset, sectorEnd)) {
      return damaged('a group header cannot be read, and it is not an unfinished write')
    }
    return { kind: 'open', tornEnd: this.#usedEnd() }
  }

  /** A group whose header is good and whose content is not: torn when sectors of it never reached the disk. */
  #endAtBadGroup(header: GroupHeader, problem: string): SegmentEnd {
    const later = this.#laterGroup(this.#offset + SECTOR_BYTES)
    if (later !== null) return damaged(`${problem}, before ${describe(later)}`)
    if (this.#next !== null) return damaged(`${problem}, before the next segment`)
    const groupEnd = this.#offset + alignToSector(header.length)
    const isTorn =
      this.#isExpected(header) &&
      groupEnd <= this.#bytes.length &&
      countZeroSectors(this.#bytes, this.#offset, groupEnd) > header.zeroSectors
    if (!isTorn) return damaged(`${problem}, and it is not an unfinished write`)
    return { kind: 'open', tornEnd: this.#usedEnd() }
  }

  /** The first valid group header at or behind `offset` that comes later in the log than what is expected here. */
  #laterGroup(offset: number): GroupHeader | null {
    for (let at = offset; at < this.#bytes.length; at += SECTOR_BYTES) {
      const header = decodeGroupHeader(this.#bytes, this.#view, at, this.#salt)
      if (header !== null && at !== this.#offset) return header
    }
    return null
  }

  /** End of the last sector behind the position that is not zero; the position itself when all are. */
  #usedEnd(): number {
    const last = lastUsed(this.#bytes, this.#offset)
    return last < 0 ? this.#offset : Math.min(alignToSector(last + 1), this.#bytes.length)
  }

  #position(): LogPosition {
    return {
      offset: this.#offset,
      sequence: this.#sequence,
      chain: this.#chain,
      lastZxid: this.#lastZxid,
    }
  }

  #part(needs: number, problem: string | null): GroupsRead {
    return { position: this.#position(), needs, problem }
  }

  #result(end: SegmentEnd): SegmentScan {
    return {
      position: this.#position(),
      lastKind: this.#lastKind,
      entries: this.#entries,
      end,
      samples: this.#samples,
    }
  }
}

/** Offset of the last byte from `start` on that is not zero, -1 if there is none. Free space may be long. */
function lastUsed(bytes: Uint8Array, start: number): number {
  let end = bytes.length
  if (bytes.byteOffset % 4 === 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(end / 4))
    while (end % 4 !== 0 && bytes[end - 1] === 0) end--
    if (end % 4 === 0) end = 4 * endOfUsed(words, Math.floor(start / 4), end / 4)
  }
  while (end > start && bytes[end - 1] === 0) end--
  return end > start ? end - 1 : -1
}

/** A function of its own: what an engine makes of a long loop is thrown away when something follows it. */
function endOfUsed(words: Uint32Array, start: number, end: number): number {
  let word = end
  while (word > start && words[word - 1] === 0) word--
  return word
}

function damaged(reason: string): SegmentEnd {
  return { kind: 'damaged', reason }
}

function describe(header: GroupHeader): string {
  return `group ${header.sequence} (up to zxid ${formatHex(header.lastZxid)})`
}
