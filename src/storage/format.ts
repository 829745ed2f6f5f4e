import { crc32c, type Zxid } from '../base/index.ts'
import type { StateSummary } from './types.ts'

/*
 * The byte layout of log segments; docs/storage-format.md explains why it is so. All numbers are big-endian.
 *
 * segment = segment header (one sector), groups, zeros up to the preallocated size
 * group   = group header, records, zeros up to the next sector; one group is one durable write
 * record  = crc, length, kind, zxid, payload; its checksum continues the one of the record before
 */

/** Groups start on sector boundaries and no sector is written twice, so a power cut leaves each whole or zero. */
export const SECTOR_BYTES = 512

const SEGMENT_MAGIC = 0x5a41_424b
const SEGMENT_MAGIC_2 = 0x4c4f_4700
export const FORMAT_VERSION = 1

export const FOLDER_ID_BYTES = 16

/** Room kept free at the end of a segment: a watermark, a clean-stop marker and the marker of the roll. */
export const MARKER_SECTORS = 3

export const RecordKind = {
  entry: 1,
  acceptedEpoch: 2,
  currentEpoch: 3,
  truncate: 4,
  snapshotInstalled: 5,
  checkpointIntent: 6,
  checkpointDone: 7,
} as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]

export const GroupKind = {
  /** Records. */
  data: 1,
  /** Empty: everything before it was durable. */
  watermark: 2,
  /** Empty: the server stopped in good order. */
  stopped: 3,
  /** Empty: the log goes on in the next segment. Does not take a sequence number. */
  rolled: 4,
} as const
export type GroupKind = (typeof GroupKind)[keyof typeof GroupKind]

/** A state written to the checkpoint, and the generation of rows it went to. */
export interface CheckpointMark {
  readonly generation: number
  readonly summary: StateSummary
}

/** What the control records before some point of the log amount to. Repeated in every segment header. */
export interface ControlState {
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  /** The checkpoint known to be complete. */
  readonly done: CheckpointMark | null
  /** A checkpoint that was begun after `done` and may or may not have been written. */
  readonly intent: CheckpointMark | null
}

export const NO_CONTROL_STATE: ControlState = {
  acceptedEpoch: 0,
  currentEpoch: 0,
  done: null,
  intent: null,
}

export interface SegmentHeader {
  readonly number: number
  readonly folderId: Uint8Array
  readonly fileBytes: number
  /** Sequence number of the first group. */
  readonly firstSequence: number
  /** Checksum of the last record before this segment. */
  readonly chain: number
  /** Zxid of the last entry before this segment. */
  readonly zxidBefore: Zxid
  readonly createdMs: number
  readonly control: ControlState
}

/* magic 8, version 4, number 4, folderId 16, fileBytes 8, firstSequence 8, chain 4, acceptedEpoch 4, currentEpoch 4,
   flags 4, zxidBefore 8, createdMs 8, done 52, intent 52, zeros, crc 4 */
const DONE_OFFSET = 80
const INTENT_OFFSET = DONE_OFFSET + 52
const SEGMENT_CRC_OFFSET = SECTOR_BYTES - 4
const HAS_DONE = 1
const HAS_INTENT = 2

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, SEGMENT_MAGIC)
  view.setUint32(4, SEGMENT_MAGIC_2)
  view.setUint32(8, FORMAT_VERSION)
  view.setUint32(12, header.number)
  bytes.set(header.folderId, 16)
  view.setBigUint64(32, BigInt(header.fileBytes))
  view.setBigUint64(40, BigInt(header.firstSequence))
  view.setUint32(48, header.chain)
  view.setUint32(52, header.control.acceptedEpoch)
  view.setUint32(56, header.control.currentEpoch)
  const { done, intent } = header.control
  view.setUint32(60, (done === null ? 0 : HAS_DONE) | (intent === null ? 0 : HAS_INTENT))
  view.setBigInt64(64, header.zxidBefore)
  view.setBigInt64(72, BigInt(header.createdMs))
  if (done !== null) writeMark(view, DONE_OFFSET, done)
  if (intent !== null) writeMark(view, INTENT_OFFSET, intent)
  view.setUint32(SEGMENT_CRC_OFFSET, crc32c(bytes, 0, SEGMENT_CRC_OFFSET))
  return bytes
}

/** Why a segment header cannot be used. */
export interface HeaderProblem {
  readonly problem: string
  /** It is intact, but another version of this program wrote it. */
  readonly isOtherVersion: boolean
}

export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | HeaderProblem {
  if (bytes.length < SECTOR_BYTES) return headerProblem('the file is shorter than its header')
  const view = new DataView(bytes.buffer, bytes.byteOffset, SECTOR_BYTES)
  if (view.getUint32(0) !== SEGMENT_MAGIC || view.getUint32(4) !== SEGMENT_MAGIC_2) {
    return headerProblem('the file does not start with the mark of a log segment')
  }
  if (view.getUint32(SEGMENT_CRC_OFFSET) !== crc32c(bytes, 0, SEGMENT_CRC_OFFSET)) {
    return headerProblem('the checksum of the segment header does not match')
  }
  const version = view.getUint32(8)
  if (version !== FORMAT_VERSION) {
    return { problem: `format version ${version} is not known`, isOtherVersion: true }
  }
  const flags = view.getUint32(60)
  return {
    number: view.getUint32(12),
    folderId: new Uint8Array(bytes.subarray(16, 16 + FOLDER_ID_BYTES)),
    fileBytes: Number(view.getBigUint64(32)),
    firstSequence: Number(view.getBigUint64(40)),
    chain: view.getUint32(48),
    zxidBefore: view.getBigInt64(64) as Zxid,
    createdMs: Number(view.getBigInt64(72)),
    control: {
      acceptedEpoch: view.getUint32(52),
      currentEpoch: view.getUint32(56),
      done: flags & HAS_DONE ? readMark(view, DONE_OFFSET) : null,
      intent: flags & HAS_INTENT ? readMark(view, INTENT_OFFSET) : null,
    },
  }
}

function headerProblem(problem: string): HeaderProblem {
  return { problem, isOtherVersion: false }
}

/* generation 4, zxid 8, znodes 8, digest 8, systemDigest 8, sessions 8, sessionsDigest 8 */
export const MARK_BYTES = 52

export function writeMark(view: DataView, offset: number, mark: CheckpointMark): void {
  const { summary } = mark
  view.setUint32(offset, mark.generation)
  view.setBigInt64(offset + 4, summary.zxid)
  view.setBigUint64(offset + 12, BigInt(summary.znodes))
  view.setBigInt64(offset + 20, summary.digest)
  view.setBigInt64(offset + 28, summary.systemDigest)
  view.setBigUint64(offset + 36, BigInt(summary.sessions))
  view.setBigInt64(offset + 44, summary.sessionsDigest)
}

export function readMark(view: DataView, offset: number): CheckpointMark {
  return {
    generation: view.getUint32(offset),
    summary: {
      zxid: view.getBigInt64(offset + 4) as Zxid,
      znodes: Number(view.getBigUint64(offset + 12)),
      digest: view.getBigUint64(offset + 20),
      systemDigest: view.getBigUint64(offset + 28),
      sessions: Number(view.getBigUint64(offset + 36)),
      sessionsDigest: view.getBigUint64(offset + 44),
    },
  }
}

export function encodeMark(mark: CheckpointMark): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES)
  writeMark(new DataView(bytes.buffer), 0, mark)
  return bytes
}

/** Whether two summaries describe the same state. */
export function sameSummary(a: StateSummary, b: StateSummary): boolean {
  return (
    a.zxid === b.zxid &&
    a.znodes === b.znodes &&
    a.sessions === b.sessions &&
    BigInt.asUintN(64, a.digest) === BigInt.asUintN(64, b.digest) &&
    BigInt.asUintN(64, a.systemDigest) === BigInt.asUintN(64, b.systemDigest) &&
    BigInt.asUintN(64, a.sessionsDigest) === BigInt.asUintN(64, b.sessionsDigest)
  )
}

/* ------------------------------------------------------------------ groups */

/* magic 4, crc 4, sequence 8, length 4, records 4, chainBefore 4, chainAfter 4, zeroSectors 4, segment 4,
   lastZxid 8, kind 4, zero 4 */
export const GROUP_HEADER_BYTES = 56
const GROUP_MAGIC = 0x5a4b_4752
const GROUP_CRC_START = 8

export interface GroupHeader {
  readonly kind: GroupKind
  readonly sequence: number
  /** From the start of the header to the end of the last record. */
  readonly length: number
  readonly records: number
  readonly chainBefore: number
  readonly chainAfter: number
  /** How many sectors of the group hold nothing but zeros: any more were lost. */
  readonly zeroSectors: number
  readonly segment: number
  /** Zxid of the last entry up to and including this group. */
  readonly lastZxid: Zxid
}

/** `salt` keeps bytes that a client chose from looking like a group. */
export function encodeGroupHeader(view: DataView, header: GroupHeader, salt: number): void {
  view.setUint32(0, GROUP_MAGIC)
  view.setBigUint64(8, BigInt(header.sequence))
  view.setUint32(16, header.length)
  view.setUint32(20, header.records)
  view.setUint32(24, header.chainBefore)
  view.setUint32(28, header.chainAfter)
  view.setUint32(32, header.zeroSectors)
  view.setUint32(36, header.segment)
  view.setBigInt64(40, header.lastZxid)
  view.setUint32(48, header.kind)
  view.setUint32(52, 0)
  const bytes = new Uint8Array(view.buffer, view.byteOffset, GROUP_HEADER_BYTES)
  view.setUint32(4, crc32c(bytes, GROUP_CRC_START, GROUP_HEADER_BYTES, salt))
}

/** The group header at `offset`; null when there is none. */
export function decodeGroupHeader(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  salt: number,
): GroupHeader | null {
  if (offset + GROUP_HEADER_BYTES > bytes.length) return null
  if (view.getUint32(offset) !== GROUP_MAGIC) return null
  const crc = crc32c(bytes, offset + GROUP_CRC_START, offset + GROUP_HEADER_BYTES, salt)
  if (view.getUint32(offset + 4) !== crc) return null
  return {
    kind: view.getUint32(offset + 48) as GroupKind,
    sequence: Number(view.getBigUint64(offset + 8)),
    length: view.getUint32(offset + 16),
    records: view.getUint32(offset + 20),
    chainBefore: view.getUint32(offset + 24),
    chainAfter: view.getUint32(offset + 28),
    zeroSectors: view.getUint32(offset + 32),
    segment: view.getUint32(offset + 36),
    lastZxid: view.getBigInt64(offset + 40) as Zxid,
  }
}

/* ------------------------------------------------------------------ records */

/* crc 4, length 4 (payload), kind 1, zero 3, zxid 8; the crc covers everything behind it, seeded with the crc before */
export const RECORD_HEADER_BYTES = 20
export const RECORD_CRC_START = 4

/** Writes a record's header in front of a payload that is already in place; returns its checksum. */
export function sealRecord(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  kind: RecordKind,
  zxid: Zxid,
  payloadBytes: number,
  chain: number,
): number {
  view.setUint32(offset + 4, payloadBytes)
  view.setUint32(offset + 8, kind << 24)
  view.setBigInt64(offset + 12, zxid)
  const end = offset + RECORD_HEADER_BYTES + payloadBytes
  const crc = crc32c(bytes, offset + RECORD_CRC_START, end, chain)
  view.setUint32(offset, crc)
  return crc
}

/** Size of a group on disk. */
export function alignToSector(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES
}

/** Seed of the group checksums and of the first record's: secret enough that clients cannot forge a group. */
export function saltOf(folderId: Uint8Array): number {
  return crc32c(folderId, 0, folderId.length)
}

/** Counts sectors of nothing but zeros in `bytes[start, end)`; both ends are sector boundaries. */
export function countZeroSectors(bytes: Uint8Array, start: number, end: number): number {
  let zero = 0
  for (let at = start; at < end; at += SECTOR_BYTES) {
    if (isZero(bytes, at, at + SECTOR_BYTES)) zero++
  }
  return zero
}

/** Whether `bytes[start, end)` holds nothing but zeros. */
export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  const last = Math.min(end, bytes.length)
  let at = start
  if ((bytes.byteOffset + start) % 4 === 0 && last > start) {
    // Four bytes at a time: at each start this reads the unused end of a whole segment.
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, (last - start) >> 2)
    for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false
    at += words.length * 4
  }
  for (; at < last; at++) if (bytes[at] !== 0) return false
  return true
}

/* ------------------------------------------------------------------ names */

export const RESERVE_NAME = 'reserve'

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.log`
}

/** A segment that is being prepared; it holds nothing yet. */
export function preparedName(number: number): string {
  return `${String(number).padStart(10, '0')}.next`
}

export function parseSegmentName(name: string): { number: number; isPrepared: boolean } | null {
  const match = /^(\d{10})\.(log|next)$/.exec(name)
  return match === null ? null : { number: Number(match[1]), isPrepared: match[2] === 'next' }
}
