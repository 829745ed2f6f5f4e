import type { Zxid } from '../base/index.ts'
import type { IoError } from '../env/index.ts'
import { txnEntryZxid } from '../wire/index.ts'
import type { SourceFile } from './source-file.ts'
import {
  adler32,
  LOG_HEAD_BYTES,
  PAYLOAD_BYTES_MIN,
  RECORD_END,
  RECORD_FRAME_BYTES,
  RECORD_HEAD_BYTES,
} from './txn-log-format.ts'

/** Takes the records of a log file. */
export interface RecordSink {
  /** The payload is bytes[start, end), during the call only. False: it is not taken, and reading ends before it. */
  onRecord(zxid: Zxid, bytes: Uint8Array, start: number, end: number, offset: number): boolean
  /** All records before `offset` were given; `next` goes on. */
  onPiece(offset: number, next: () => void): void
}

/** Why reading ended where it did. */
export type LogEndKind =
  /** Zeros, or the end of the file. */
  | 'end'
  /** The sink wanted no more. */
  | 'stopped'
  /** A record that goes on behind the end of the file, or whose last byte is not there. */
  | 'unfinished'
  /** A record whose checksum is wrong. */
  | 'wrong'

export interface LogEnd {
  readonly kind: LogEndKind
  /** Of the first byte that is no part of a record which was taken. */
  readonly offset: number
}

/** Read at a time. A longer record is read as a whole. */
export const PIECE_BYTES: number = 4 * 1024 * 1024

/** Reads records from `offset` on, each one verified. `done` is called once, like all completions later. */
export function readTxnLog(
  file: SourceFile,
  offset: number,
  sink: RecordSink,
  done: (error: IoError | null, end: LogEnd | null) => void,
): void {
  new TxnLogReader(file, offset, sink, done).next(PIECE_BYTES)
}

class TxnLogReader {
  readonly #file: SourceFile
  readonly #sink: RecordSink
  readonly #done: (error: IoError | null, end: LogEnd | null) => void
  #offset: number
  #lengthNext: number = PIECE_BYTES

  constructor(
    file: SourceFile,
    offset: number,
    sink: RecordSink,
    done: (error: IoError | null, end: LogEnd | null) => void,
  ) {
    this.#file = file
    this.#offset = offset
    this.#sink = sink
    this.#done = done
  }

  next(length: number): void {
    this.#file.read(this.#offset, length, (error, bytes) => {
      if (error !== null) this.#done(error, null)
      else this.#takePiece(bytes!, bytes!.length < length)
    })
  }

  #takePiece(bytes: Uint8Array, isLast: boolean): void {
    this.#lengthNext = PIECE_BYTES
    const kind = this.#takeRecords(bytes, isLast)
    const offset = this.#offset
    this.#sink.onPiece(offset, () => {
      if (kind === null) this.next(this.#lengthNext)
      else this.#done(null, { kind, offset })
    })
  }

  /** Why reading ends; null when it goes on with the next piece. */
  #takeRecords(bytes: Uint8Array, isLast: boolean): LogEndKind | null {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const begin = this.#offset
    for (let at = 0; ; ) {
      const left = bytes.length - at
      this.#offset = begin + at
      if (left < RECORD_HEAD_BYTES) {
        if (!isLast) return null
        return isZero(bytes, at, bytes.length) ? 'end' : 'unfinished'
      }
      const sum = view.getBigUint64(at)
      const length = view.getInt32(at + 8)
      if (length === 0 && sum === 0n) return 'end'
      if (length < PAYLOAD_BYTES_MIN) return 'wrong'
      const size = length + RECORD_FRAME_BYTES
      if (size > left) {
        if (isLast || begin + at + size > this.#file.sizeBytes) return 'unfinished'
        this.#lengthNext = Math.max(size, PIECE_BYTES)
        return null
      }
      const start = at + RECORD_HEAD_BYTES
      const end = start + length
      if (bytes[end] !== RECORD_END) return 'unfinished'
      if (BigInt(adler32(bytes, start, end)) !== sum) return 'wrong'
      const zxid = txnEntryZxid(bytes, start, end)
      if (!this.#sink.onRecord(zxid, bytes, start, end, begin + at)) return 'stopped'
      at += size
    }
  }
}

/** What is in a file behind the place where reading ended. */
export interface Remainder {
  /** Where the bytes end that are not zero; the place itself when all are. */
  readonly end: number
  /** Offset of a whole record with the right checksum; null when none was found. */
  readonly record: number | null
}

/** Looks for what a reader would not come to. Records longer than a piece are not found. */
export function lookBehind(
  file: SourceFile,
  offset: number,
  done: (error: IoError | null, found: Remainder | null) => void,
): void {
  let end = offset
  const look = (at: number): void => {
    // Each piece with the one behind it, for records that go from one into the other.
    file.read(at, 2 * PIECE_BYTES, (error, bytes) => {
      if (error !== null) return done(error, null)
      const all = bytes!
      const last = lastNonZero(all)
      if (last >= 0) end = Math.max(end, at + last + 1)
      const record = last < 0 ? null : findRecord(all, Math.min(last + 1, PIECE_BYTES))
      if (record !== null) done(null, { end, record: at + record })
      else if (all.length < 2 * PIECE_BYTES) done(null, { end, record: null })
      else look(at + PIECE_BYTES)
    })
  }
  look(Math.max(offset, LOG_HEAD_BYTES))
}

/** Where a whole record begins, before `limit`. */
function findRecord(bytes: Uint8Array, limit: number): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const lastStart = Math.min(limit, bytes.length - RECORD_FRAME_BYTES - PAYLOAD_BYTES_MIN)
  for (let at = 0; at <= lastStart; at++) {
    if (bytes[at] !== 0 || view.getUint32(at) !== 0) continue
    const length = view.getInt32(at + 8)
    if (length < PAYLOAD_BYTES_MIN || length > PIECE_BYTES) continue
    const start = at + RECORD_HEAD_BYTES
    const end = start + length
    if (bytes[end] !== RECORD_END) continue
    if (adler32(bytes, start, end) === view.getUint32(at + 4)) return at
  }
  return null
}

function lastNonZero(bytes: Uint8Array): number {
  let at = bytes.length - 1
  while (at >= 0 && bytes[at] === 0) at--
  return at
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false
  return true
}
