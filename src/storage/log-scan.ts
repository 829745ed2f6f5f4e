import { formatHex, type Zxid } from '../base/index.ts'
import type { LogFile, LogFileInfo, LogFolder } from '../env/index.ts'
import { applyControl } from './control-state.ts'
import { type Cut, isTakenBack, lastInstall } from './cuts.ts'
import {
  type ControlState,
  decodeSegmentHeader,
  type GroupKind,
  RecordKind,
  SECTOR_BYTES,
  type SegmentHeader,
  saltOf,
  segmentName,
} from './format.ts'
import { describeIoError } from './io-errors.ts'
import {
  type LogPosition,
  type RecordSink,
  type SegmentScan,
  scanSegment,
} from './segment-reader.ts'
import { StorageError } from './storage-error.ts'

/** What to do about a damaged log, in the message of every such error. */
const WHAT_TO_DO =
  'Nothing was changed. Keep a copy of the folder. A member of an ensemble is made whole by starting it with an ' +
  'empty data folder while a quorum of the others runs; a single server by putting back a backup'

export interface ScannedSegment {
  readonly file: LogFile
  readonly header: SegmentHeader
}

/** The whole log, verified. The files are open. */
export interface LogScan {
  readonly folder: LogFolder
  readonly segments: readonly ScannedSegment[]
  readonly position: LogPosition
  /** The last segment is not zero up to here; equal to `position.offset` when there is nothing to wipe. */
  readonly tornEnd: number
  /** The last group, if the last segment has one. */
  readonly lastKind: GroupKind | null
  readonly control: ControlState
  /** Of each segment: places where reading may begin. */
  readonly samples: readonly LogPosition[][]
  /** In the order of the log. */
  readonly cuts: readonly Cut[]
}

export type ScanDone = (error: StorageError | null, scan: LogScan | null) => void

/** Opens all segments and verifies every record of the log. `infos` are the segment files in order, at least one. */
export function scanLog(folder: LogFolder, infos: readonly LogFileInfo[], done: ScanDone): void {
  const segments: ScannedSegment[] = []
  openNext()

  function openNext(): void {
    const info = infos[segments.length]
    if (info === undefined) {
      verify(folder, segments, finish)
      return
    }
    openSegment(folder, info, segments[segments.length - 1] ?? null, (error, segment) => {
      if (error !== null) return finish(error, null)
      segments.push(segment!)
      openNext()
    })
  }

  function finish(error: StorageError | null, scan: LogScan | null): void {
    if (error === null) {
      done(null, scan)
      return
    }
    closeAll(
      segments.map(({ file }) => file),
      () => done(error, null),
    )
  }
}

/** Closes files one after another; errors do not matter any more. */
export function closeAll(files: readonly LogFile[], done: () => void): void {
  const [first, ...rest] = files
  if (first === undefined) {
    done()
    return
  }
  first.close(() => closeAll(rest, done))
}

function openSegment(
  folder: LogFolder,
  info: LogFileInfo,
  previous: ScannedSegment | null,
  done: (error: StorageError | null, segment: ScannedSegment | null) => void,
): void {
  const where = `${folder.path}/${info.name}`
  folder.open(info.name, (openError, file) => {
    if (openError !== null) {
      return done(describeIoError('A log segment cannot be opened', where, openError), null)
    }
    file!.read(0, SECTOR_BYTES, (error, bytes) => {
      const fail = (failure: StorageError): void => file!.close(() => done(failure, null))
      if (error !== null) return fail(describeIoError('The log cannot be read', where, error))
      const header = decodeSegmentHeader(bytes!)
      if ('problem' in header) {
        const { problem, isOtherVersion } = header
        return fail(isOtherVersion ? unknownFormat(problem, where) : damaged(problem, where, 0))
      }
      const reason = misfit(info, header, previous)
      if (reason !== null) return fail(damaged(reason, where, 0))
      done(null, { file: file!, header })
    })
  })
}

/** Why a segment cannot be the one that comes after `previous`; null when it can. */
function misfit(
  info: LogFileInfo,
  header: SegmentHeader,
  previous: ScannedSegment | null,
): string | null {
  if (info.name !== segmentName(header.number)) {
    return `the file is segment ${header.number} under another name`
  }
  if (info.sizeBytes !== header.fileBytes) {
    return `the file has ${info.sizeBytes} bytes and was made with ${header.fileBytes}: it was cut or extended`
  }
  if (previous === null) {
    const isFirst = header.number !== 1 || header.chain === saltOf(header.folderId)
    return isFirst ? null : 'the first segment does not begin the chain of checksums'
  }
  if (header.number !== previous.header.number + 1) {
    return `segment ${segmentName(previous.header.number + 1)} before it is missing`
  }
  if (!header.folderId.every((byte, i) => byte === previous.header.folderId[i])) {
    return 'the file comes from the log of another server'
  }
  return null
}

function verify(folder: LogFolder, segments: readonly ScannedSegment[], done: ScanDone): void {
  const first = segments[0]!.header
  const salt = saltOf(first.folderId)
  const sink = new ControlCollector(first.control)
  const samples: LogPosition[][] = []
  let lastZxid = first.zxidBefore
  scanNext(0)

  function scanNext(index: number): void {
    const { file, header } = segments[index]!
    const next = segments[index + 1]?.header ?? null
    const where = `${folder.path}/${file.name}`
    file.read(0, header.fileBytes, (error, bytes) => {
      if (error !== null) return done(describeIoError('The log cannot be read', where, error), null)
      sink.segment = header.number
      const from = startOf(header, lastZxid)
      const scan = scanSegment(bytes!, header.number, salt, from, next, sink)
      if (sink.unknownKind !== null) {
        return done(unknownFormat(`record kind ${sink.unknownKind} is not known`, where), null)
      }
      const problem = sink.problem ?? problemOf(scan, header, next !== null)
      if (problem !== null) return done(damaged(problem, where, scan.position.offset), null)
      lastZxid = scan.position.lastZxid
      samples.push(scan.samples)
      if (next !== null) return scanNext(index + 1)
      done(null, {
        folder,
        segments,
        position: scan.position,
        tornEnd: scan.end.kind === 'open' ? scan.end.tornEnd : scan.position.offset,
        lastKind: scan.lastKind,
        control: sink.control,
        samples,
        cuts: sink.cuts,
      })
    })
  }
}

function startOf(header: SegmentHeader, lastZxid: Zxid): LogPosition {
  return {
    offset: SECTOR_BYTES,
    sequence: header.firstSequence,
    chain: header.chain,
    lastZxid,
  }
}

function problemOf(scan: SegmentScan, header: SegmentHeader, hasNext: boolean): string | null {
  if (scan.end.kind === 'damaged') return scan.end.reason
  if (scan.end.kind === 'continued' && !hasNext) {
    return `the log goes on in ${segmentName(header.number + 1)}, which is missing`
  }
  return null
}

/** First pass: control records, and whether zxids increase. */
class ControlCollector implements RecordSink {
  segment = 0
  control: ControlState
  readonly cuts: Cut[] = []
  problem: string | null = null
  unknownKind: number | null = null
  #lastZxid: Zxid | null = null

  constructor(control: ControlState) {
    this.control = control
  }

  onRecord(
    kind: RecordKind,
    zxid: Zxid,
    _bytes: Uint8Array,
    start: number,
    _end: number,
    view: DataView,
  ): void {
    switch (kind) {
      case RecordKind.entry:
        if (this.#lastZxid !== null && zxid <= this.#lastZxid) {
          this.problem ??= `zxid ${formatHex(zxid)} comes after ${formatHex(this.#lastZxid)}`
        }
        this.#lastZxid = zxid
        return
      case RecordKind.truncate:
      case RecordKind.snapshotInstalled: {
        const isInstall = kind === RecordKind.snapshotInstalled
        this.cuts.push({ segment: this.segment, offset: start, zxid, isInstall })
        this.#lastZxid = zxid
        if (isInstall) this.control = applyControl(this.control, kind, view, start)
        return
      }
      case RecordKind.acceptedEpoch:
      case RecordKind.currentEpoch:
      case RecordKind.checkpointIntent:
      case RecordKind.checkpointDone:
        this.control = applyControl(this.control, kind, view, start)
        return
      default:
        this.unknownKind ??= kind
    }
  }
}

/* ------------------------------------------------------------------ replay */

export interface EntrySink {
  onEntry(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void
}

/** Index of the first segment with entries after `zxid` that count. */
export function firstSegmentAfter({ segments, cuts }: LogScan, zxid: Zxid): number {
  const install = lastInstall(cuts)
  let index = 0
  for (; index < segments.length - 1; index++) {
    const isDead = install !== null && segments[index]!.header.number < install.segment
    if (!isDead && segments[index + 1]!.header.zxidBefore > zxid) break
  }
  return index
}

/** Hands out the entries of the segments from index `first` on that are after `fromZxid` and still count, in order. */
export function replayLog(
  scan: LogScan,
  first: number,
  fromZxid: Zxid,
  sink: EntrySink,
  done: (error: StorageError | null) => void,
): void {
  const { segments, folder } = scan
  const salt = saltOf(segments[0]!.header.folderId)
  replayNext(first)

  function replayNext(index: number): void {
    const current = segments[index]
    if (current === undefined) {
      done(null)
      return
    }
    const { file, header } = current
    const next = segments[index + 1]?.header ?? null
    const where = `${folder.path}/${file.name}`
    file.read(0, header.fileBytes, (error, bytes) => {
      if (error !== null) return done(describeIoError('The log cannot be read', where, error))
      const filter = new EntryFilter(header.number, fromZxid, scan.cuts, sink)
      const from = startOf(header, header.zxidBefore)
      const again = scanSegment(bytes!, header.number, salt, from, next, filter)
      const expected = next === null ? scan.position.sequence : next.firstSequence
      if (again.position.sequence !== expected) {
        done(damaged('it reads differently the second time', where, again.position.offset))
        return
      }
      const { failure } = filter
      if (failure !== null) return done(replayFailed(failure.zxid, where, failure.error))
      replayNext(index + 1)
    })
  }
}

class EntryFilter implements RecordSink {
  readonly #segment: number
  readonly #from: Zxid
  readonly #cuts: readonly Cut[]
  readonly #sink: EntrySink
  failure: { readonly zxid: Zxid; readonly error: unknown } | null = null

  constructor(segment: number, from: Zxid, cuts: readonly Cut[], sink: EntrySink) {
    this.#segment = segment
    this.#from = from
    this.#cuts = cuts
    this.#sink = sink
  }

  onRecord(kind: RecordKind, zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    if (kind !== RecordKind.entry || zxid <= this.#from || this.failure !== null) return
    if (this.#cuts.length > 0 && isTakenBack(this.#cuts, this.#segment, start, zxid)) return
    try {
      this.#sink.onEntry(zxid, bytes, start, end)
    } catch (error) {
      this.failure = { zxid, error }
    }
  }
}

function unknownFormat(reason: string, where: string): StorageError {
  return new StorageError(
    'UNKNOWN_FORMAT',
    `The log was written by another version: ${reason}`,
    where,
    'Start the version of the server that used this folder last, or a newer one',
  )
}

function damaged(reason: string, where: string, offset: number): StorageError {
  return new StorageError(
    'LOG_DAMAGED',
    `The log is damaged at byte ${offset}: ${reason}`,
    where,
    WHAT_TO_DO,
  )
}

function replayFailed(zxid: Zxid, where: string, error: unknown): StorageError {
  const reason = error instanceof Error ? error.message : String(error)
  return new StorageError(
    'REPLAY_FAILED',
    `The entry with zxid ${formatHex(zxid)} is intact but cannot be applied: ${reason}`,
    where,
    'This is a defect of the server or of the version that wrote the log. Keep a copy of the folder and report it',
    error,
  )
}
