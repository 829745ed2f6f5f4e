import { type FileHandle, open, readdir } from 'node:fs/promises'
import path from 'node:path'
import { formatHex, NO_ZXID, type Zxid } from '../base/index.ts'
import { LOCK_FOLDER } from '../platform/index.ts'
import {
  applyControl,
  type ControlState,
  type Cut,
  decodeGroupHeader,
  decodeSegmentHeader,
  GROUP_HEADER_BYTES,
  type GroupKind,
  isTakenBack,
  type LogPosition,
  NO_CONTROL_STATE,
  parseSegmentName,
  RESERVE_NAME,
  RecordKind,
  SECTOR_BYTES,
  type SegmentHeader,
  type SegmentScan,
  saltOf,
  scanSegment,
  segmentName,
} from '../storage/index.ts'
import { codeOf } from './maintenance-error.ts'

/** Files that are being made have it. */
const CREATING_SUFFIX = '.creating'

/** A place in the log where something that was written is not there as it was written. */
export interface LogProblem {
  readonly kind: 'damage' | 'missing' | 'other version'
  /** The segment, or that which should be there. */
  readonly file: string
  /** Of the first byte that is not as it should be. */
  readonly offset: number
  readonly reason: string
  /** The last entry before it that can be read. */
  readonly after: Zxid
  /** The first entry behind it that can be read; null when there is none. */
  readonly nextZxid: Zxid | null
  /** Then: the last entry that was there, as a mark behind it says; null when nobody knows. */
  readonly reaches: Zxid | null
}

/** An unfinished write at the very end: it was never acknowledged. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

export interface SegmentView {
  readonly name: string
  readonly number: number
  readonly sizeBytes: number
  /** Null when it cannot be read. */
  readonly header: SegmentHeader | null
  readonly entries: number
  readonly firstZxid: Zxid | null
  readonly lastZxid: Zxid | null
  /** Bytes with something in them. */
  readonly usedBytes: number
}

/** What the files of our log say, damaged or not. */
export interface LogView {
  readonly path: string
  readonly segments: readonly SegmentView[]
  readonly problems: readonly LogProblem[]
  readonly torn: TornTail | null
  /** After the last record that can be read without a gap before it. */
  readonly control: ControlState
  /** The highest epochs that any readable record or header names: what was promised, even behind a gap. */
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  readonly cuts: readonly Cut[]
  /** The last entry without a gap before it. */
  readonly goodZxid: Zxid
  /** The last entry that there was, as far as can be read. */
  readonly lastZxid: Zxid
  readonly folderId: Uint8Array | null
  /** The last group of the log, when nothing is wrong. */
  readonly lastKind: GroupKind | null
  /** Names of segments that are being prepared. */
  readonly prepared: readonly string[]
  readonly hasReserve: boolean
  /** Names in the folder that are none of ours. */
  readonly foreign: readonly string[]
}

/** One record; the bytes are valid during the call. */
export interface LogRecord {
  readonly kind: RecordKind
  readonly zxid: Zxid
  readonly segment: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  readonly view: DataView
  /** Nothing before it is missing. */
  readonly isGood: boolean
}

export type OnRecord = (record: LogRecord) => void

/**
 * Reads every segment of `<dataLogDir>/log` and changes nothing, whoever uses the folder. Damage does not end it: behind
 * it reading goes on with the next group that is whole.
 */
export async function readOurLog(folder: string, onRecord: OnRecord = () => {}): Promise<LogView> {
  let { names, segments } = await openSegments(folder, '')
  const walk = new LogWalk(folder, onRecord)
  try {
    for (let at = 0; at < segments.length; at++) {
      const { name, handle } = segments[at]!
      let bytes = await bytesOf(handle)
      if (at === segments.length - 1) {
        // Its server may have gone on in another one: (1) the names are read; (2) the next segment gets its name, and then
        // this one says that the log goes on; (3) this one is read. It is the last if there is no other one afterwards.
        const more = await openSegments(folder, name)
        names = more.names
        segments = [...segments, ...more.segments]
        if (more.segments.length > 0) bytes = await bytesOf(handle)
      }
      await walk.segment(name, bytes, segments[at + 1]?.name ?? null)
    }
  } finally {
    for (const { handle } of segments) await handle.close()
  }
  const others = names.filter((name) => parseSegmentName(name) === null && name !== RESERVE_NAME)
  return walk.result(
    names.filter((name) => parseSegmentName(name)?.isPrepared === true),
    names.includes(RESERVE_NAME),
    others.filter((name) => name !== LOCK_FOLDER && !name.endsWith(CREATING_SUFFIX)),
  )
}

/** Hands out the entries in (`after`, `upTo`] that were not taken back and have no gap before them, in order. */
export async function forEachEntry(
  log: LogView,
  after: Zxid,
  upTo: Zxid | null,
  onEntry: (record: LogRecord) => void,
): Promise<void> {
  await readOurLog(log.path, (record) => {
    const { kind, zxid, segment, start, isGood } = record
    if (kind !== RecordKind.entry || !isGood || zxid <= after) return
    if (upTo !== null && zxid > upTo) return
    // What was written since `log` was read does not belong to it.
    if (zxid > log.goodZxid || isTakenBack(log.cuts, segment, start, zxid)) return
    onEntry(record)
  })
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

interface OpenSegment {
  readonly name: string
  readonly handle: FileHandle
}

/**
 * All segments whose names come after `after`. They are opened before any is read, so that they can be read to the end
 * whatever their server deletes meanwhile: without the second of three it would look as if something were missing.
 */
async function openSegments(
  folder: string,
  after: string,
): Promise<{ names: readonly string[]; segments: OpenSegment[] }> {
  for (let gone: string | null = null; ; ) {
    const names = await namesIn(folder)
    const isWanted = (name: string): boolean =>
      name > after && parseSegmentName(name)?.isPrepared === false
    const wanted = names.filter(isWanted)
    const segments: OpenSegment[] = []
    try {
      for (const name of wanted) {
        segments.push({ name, handle: await open(path.join(folder, name), 'r') })
      }
      return { names, segments }
    } catch (error) {
      for (const { handle } of segments) await handle.close()
      // It was there a moment ago: its server has deleted the oldest ones. A link to nowhere stays.
      const name = wanted[segments.length]!
      if (codeOf(error) !== 'ENOENT' || name === gone) throw error
      gone = name
    }
  }
}

/** The file as it is now, whatever has been read of it before. */
async function bytesOf(handle: FileHandle): Promise<Uint8Array> {
  const { size } = await handle.stat()
  const bytes = new Uint8Array(size)
  let end = 0
  while (end < size) {
    const { bytesRead } = await handle.read(bytes, end, size - end, end)
    if (bytesRead === 0) break
    end += bytesRead
  }
  return bytes.subarray(0, end)
}

async function headOf(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r')
    try {
      const { buffer, bytesRead } = await handle.read(
        new Uint8Array(SECTOR_BYTES),
        0,
        SECTOR_BYTES,
        0,
      )
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return new Uint8Array(0)
    throw error
  }
}

class LogWalk {
  readonly #path: string
  readonly #onRecord: OnRecord
  readonly #segments: SegmentView[] = []
  readonly #problems: LogProblem[] = []
  readonly #cuts: Cut[] = []
  #torn: TornTail | null = null
  #control: ControlState | null = null
  #acceptedEpoch = 0
  #currentEpoch = 0
  #goodZxid: Zxid = NO_ZXID
  #lastZxid: Zxid = NO_ZXID
  #lastKind: GroupKind | null = null
  #previous: SegmentHeader | null = null
  #hasRolled = false

  constructor(folder: string, onRecord: OnRecord) {
    this.#path = folder
    this.#onRecord = onRecord
  }

  async segment(name: string, bytes: Uint8Array, nextName: string | null): Promise<void> {
    const file = path.join(this.#path, name)
    const { number } = parseSegmentName(name)!
    const header = decodeSegmentHeader(bytes)
    this.#checkGap(number)
    if ('problem' in header) {
      const kind = header.isOtherVersion ? 'other version' : 'damage'
      this.#note(kind, file, 0, header.problem)
      this.#segments.push(emptyView(name, number, bytes.length))
      this.#previous = null
      this.#hasRolled = false
      return
    }
    this.#begin(header)
    const misfit = this.#misfit(name, header, bytes.length)
    if (misfit !== null) this.#note('damage', file, 0, misfit)
    const next = await this.#nextHeader(nextName, number)
    this.#scan(file, name, bytes, header, next, nextName === null)
    this.#previous = header
  }

  result(prepared: readonly string[], hasReserve: boolean, foreign: readonly string[]): LogView {
    if (this.#hasRolled && this.#previous !== null) {
      const file = path.join(this.#path, segmentName(this.#previous.number + 1))
      this.#note('missing', file, 0, 'the log goes on in this segment, and it is not there')
    }
    const folderId = this.#segments.find(({ header }) => header !== null)?.header?.folderId ?? null
    return {
      path: this.#path,
      segments: this.#segments,
      problems: this.#problems,
      torn: this.#torn,
      control: this.#control ?? NO_CONTROL_STATE,
      acceptedEpoch: this.#acceptedEpoch,
      currentEpoch: this.#currentEpoch,
      cuts: this.#cuts,
      goodZxid: this.#goodZxid,
      lastZxid: this.#lastZxid,
      folderId,
      lastKind: this.#lastKind,
      prepared,
      hasReserve,
      foreign,
    }
  }

  get #isGood(): boolean {
    return this.#problems.length === 0
  }

  #checkGap(number: number): void {
    const last = this.#segments.at(-1)
    if (last === undefined || number === last.number + 1) return
    const file = path.join(this.#path, segmentName(last.number + 1))
    this.#note('missing', file, 0, 'the segment is not there, and later ones are')
  }

  #begin(header: SegmentHeader): void {
    this.#acceptedEpoch = Math.max(this.#acceptedEpoch, header.control.acceptedEpoch)
    this.#currentEpoch = Math.max(this.#currentEpoch, header.control.currentEpoch)
    if (this.#control === null || !this.#isGood) this.#control = header.control
    if (this.#segments.length > 0) return
    this.#goodZxid = header.zxidBefore
    this.#lastZxid = header.zxidBefore
  }

  #misfit(name: string, header: SegmentHeader, sizeBytes: number): string | null {
    if (name !== segmentName(header.number)) {
      return `the file is segment ${header.number} under another name`
    }
    if (sizeBytes !== header.fileBytes) {
      return `the file has ${sizeBytes} bytes and was made with ${header.fileBytes}: it was cut or extended`
    }
    const id = this.#previous?.folderId ?? header.folderId
    return header.folderId.every((byte, at) => byte === id[at])
      ? null
      : 'the file comes from the log of another server'
  }

  async #nextHeader(name: string | null, number: number): Promise<SegmentHeader | null> {
    if (name === null || name !== segmentName(number + 1)) return null
    const header = decodeSegmentHeader(await headOf(path.join(this.#path, name)))
    return 'problem' in header ? null : header
  }

  #scan(
    file: string,
    name: string,
    bytes: Uint8Array,
    header: SegmentHeader,
    next: SegmentHeader | null,
    isLast: boolean,
  ): void {
    const salt = saltOf(header.folderId)
    const found = { entries: 0, firstZxid: null as Zxid | null, lastZxid: null as Zxid | null }
    const sink = {
      onRecord: (
        kind: RecordKind,
        zxid: Zxid,
        all: Uint8Array,
        start: number,
        end: number,
        view: DataView,
      ): void => {
        if (kind === RecordKind.entry) {
          found.entries++
          found.firstZxid ??= zxid
          found.lastZxid = zxid
        }
        this.#record(kind, zxid, header.number, all, start, end, view)
      },
    }
    let from: LogPosition | null = {
      offset: SECTOR_BYTES,
      sequence: header.firstSequence,
      chain: header.chain,
      lastZxid: header.zxidBefore,
    }
    let usedBytes = SECTOR_BYTES
    while (from !== null) {
      const scan: SegmentScan = scanSegment(bytes, header.number, salt, from, next, sink)
      usedBytes = scan.position.offset
      from = this.#judgeEnd(scan, file, bytes, salt, isLast)
    }
    this.#segments.push({
      name,
      number: header.number,
      sizeBytes: bytes.length,
      header,
      usedBytes,
      ...found,
    })
  }

  /** Where reading may go on behind damage; null when the segment is done. */
  #judgeEnd(
    scan: SegmentScan,
    file: string,
    bytes: Uint8Array,
    salt: number,
    isLast: boolean,
  ): LogPosition | null {
    const { end, position, lastKind } = scan
    this.#hasRolled = end.kind === 'continued'
    if (lastKind !== null) this.#lastKind = lastKind
    if (end.kind === 'open') {
      const torn = end.tornEnd - position.offset
      if (torn > 0 && isLast) this.#torn = { file, offset: position.offset, bytes: torn }
      else if (!isLast) this.#note('damage', file, position.offset, 'the segment ends too early')
      return null
    }
    if (end.kind === 'continued') return null
    const later = laterGroup(bytes, salt, position.offset + SECTOR_BYTES)
    this.#note('damage', file, position.offset, end.reason, later?.lastZxid ?? null)
    if (later !== null && later.lastZxid > this.#lastZxid) this.#lastZxid = later.lastZxid
    return later
  }

  #record(
    kind: RecordKind,
    zxid: Zxid,
    segment: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    view: DataView,
  ): void {
    if (kind === RecordKind.entry) {
      this.#closeGap(zxid)
      if (this.#isGood) this.#goodZxid = zxid
      this.#lastZxid = zxid
    } else if (kind === RecordKind.truncate || kind === RecordKind.snapshotInstalled) {
      const isInstall = kind === RecordKind.snapshotInstalled
      this.#cuts.push({ segment, offset: start, zxid, isInstall })
      // A snapshot replaces everything before it: damage there has no meaning any more.
      if (isInstall) this.#problems.length = 0
      if (this.#isGood) this.#goodZxid = zxid
      this.#lastZxid = zxid
    }
    if (kind !== RecordKind.entry) this.#controlRecord(kind, view, start)
    this.#onRecord({ kind, zxid, segment, bytes, start, end, view, isGood: this.#isGood })
  }

  #controlRecord(kind: RecordKind, view: DataView, start: number): void {
    const after = applyControl(this.#control ?? NO_CONTROL_STATE, kind, view, start)
    this.#control = after
    this.#acceptedEpoch = Math.max(this.#acceptedEpoch, after.acceptedEpoch)
    this.#currentEpoch = Math.max(this.#currentEpoch, after.currentEpoch)
  }

  /** The first entry behind a problem says how far it reaches. */
  #closeGap(zxid: Zxid): void {
    for (let at = this.#problems.length - 1; at >= 0; at--) {
      const problem = this.#problems[at]!
      if (problem.nextZxid !== null) return
      this.#problems[at] = { ...problem, nextZxid: zxid }
    }
  }

  #note(
    kind: LogProblem['kind'],
    file: string,
    offset: number,
    reason: string,
    reaches: Zxid | null = null,
  ): void {
    const after = this.#lastZxid
    this.#problems.push({ kind, file, offset, reason, after, nextZxid: null, reaches })
  }
}

function emptyView(name: string, number: number, sizeBytes: number): SegmentView {
  const none = { header: null, entries: 0, firstZxid: null, lastZxid: null, usedBytes: 0 }
  return { name, number, sizeBytes, ...none }
}

/** The first group header from `offset` on that is whole. */
function laterGroup(bytes: Uint8Array, salt: number, offset: number): LogPosition | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = offset; at + GROUP_HEADER_BYTES <= bytes.length; at += SECTOR_BYTES) {
    const header = decodeGroupHeader(bytes, view, at, salt)
    if (header === null) continue
    const { sequence, chainBefore: chain, lastZxid } = header
    return { offset: at, sequence, chain, lastZxid }
  }
  return null
}

/** `0x101 to 0x10f`, or what is known of it. */
export function affectedZxids({ after, nextZxid, reaches }: LogProblem): string {
  const from = formatHex(after + 1n)
  const last = nextZxid === null ? reaches : nextZxid - 1n
  if (last === null) return `everything from ${from} on`
  if (last <= after) return 'no transaction'
  return last === after + 1n ? `transaction ${from}` : `${from} to ${formatHex(last)}`
}
