import { formatHex, type Zxid } from '../base/index.ts'
import type { IoError } from '../env/index.ts'
import { ApacheFilesError } from './apache-files-error.ts'
import type { SourceFile } from './source-file.ts'
import { follows, LOG_HEAD_BYTES, logHeadFault } from './txn-log-format.ts'
import {
  type LogEnd,
  type LogEndKind,
  lookBehind,
  type RecordSink,
  type Remainder,
  readTxnLog,
} from './txn-log-reader.ts'

/** A log file whose records up to `end` are whole. */
export interface ScannedLog {
  readonly file: SourceFile
  /** Offset behind the last record. */
  readonly end: number
}

/** What is behind the last whole record of the last file, or was behind that of an earlier one. */
export interface TornEnd {
  /** `wrong`: all bytes of a record are there, but not the right ones. */
  readonly kind: LogEndKind
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

/** A log that is whole up to `lastZxid`. */
export interface TxnLogScan {
  readonly logs: readonly ScannedLog[]
  /** Records after the snapshot. */
  readonly entries: number
  /** The snapshot's when there are no records after it. */
  readonly lastZxid: Zxid
  /** Unfinished ends of files with a successor that goes on without a hole: nothing is missing there. */
  readonly bridged: readonly TornEnd[]
  /** The end of the last file, when it is unfinished. */
  readonly torn: TornEnd | null
}

export type ScanDone = (error: ApacheFilesError | IoError | null, scan: TxnLogScan | null) => void

const RESTORE =
  'Import the folder of another member of the ensemble, or a backup; the Apache server itself can say more about ' +
  'this file with zkTxnLogToolkit.sh'

/** Those of the files that may hold what follows `zxid`, in order (`FileTxnLog.getLogFiles`). */
export function logsAfter(logs: readonly SourceFile[], zxid: Zxid): readonly SourceFile[] {
  const sorted = [...logs].sort((a, b) => (a.zxid < b.zxid ? -1 : 1))
  const first = sorted.findLastIndex((file) => file.zxid <= zxid + 1n)
  return sorted.slice(Math.max(first, 0))
}

/**
 * Reads every record of the files, which are in order, and verifies that they go on from the snapshot of `zxid`
 * without a hole. Nothing is given out: whoever takes the records reads the files again.
 */
export function scanTxnLogs(
  files: readonly SourceFile[],
  snapshotZxid: Zxid,
  onProgress: (bytesRead: number) => void,
  done: ScanDone,
): void {
  new TxnLogScanner(files, snapshotZxid, onProgress, done).next()
}

class TxnLogScanner implements RecordSink {
  readonly #files: readonly SourceFile[]
  readonly #snapshotZxid: Zxid
  readonly #onProgress: (bytesRead: number) => void
  readonly #done: ScanDone
  readonly #logs: ScannedLog[] = []
  readonly #bridged: TornEnd[] = []
  #bytesBefore = 0
  #entries = 0
  #lastZxid: Zxid
  /** Unfinished ends with no record behind them yet. */
  #open: TornEnd[] = []
  #fault: ApacheFilesError | null = null

  constructor(
    files: readonly SourceFile[],
    snapshotZxid: Zxid,
    onProgress: (bytesRead: number) => void,
    done: ScanDone,
  ) {
    this.#files = files
    this.#snapshotZxid = snapshotZxid
    this.#lastZxid = snapshotZxid
    this.#onProgress = onProgress
    this.#done = done
  }

  next(): void {
    const file = this.#files[this.#logs.length]
    if (file === undefined) {
      this.#finish()
      return
    }
    file.read(0, LOG_HEAD_BYTES, (error, head) => {
      if (error !== null) return this.#done(error, null)
      const fault = logHeadFault(head!)
      if (fault === null) return this.#readRecords(file)
      // The file was made, and the server ended before it wrote to it.
      if (head!.every((byte) => byte === 0))
        return this.#lookBehind(file, { kind: 'end', offset: 0 })
      this.#fail(
        new ApacheFilesError('DAMAGED', `This is no log file: ${fault}`, file.path, RESTORE),
      )
    })
  }

  /* ---------------------------------------------------------------- RecordSink */

  onRecord(zxid: Zxid, _bytes: Uint8Array, _start: number, _end: number, offset: number): boolean {
    const last = this.#lastZxid
    const isOlder = zxid <= this.#snapshotZxid
    // What the snapshot holds may have holes: after a snapshot from its leader a server goes on in the same file.
    if (isOlder ? this.#entries > 0 : !follows(last, zxid)) return this.#hole(last, zxid, offset)
    if (this.#open.length > 0) this.#bridge(zxid)
    if (!isOlder) {
      this.#entries++
      this.#lastZxid = zxid
    }
    return this.#fault === null
  }

  onPiece(offset: number, next: () => void): void {
    this.#onProgress(this.#bytesBefore + offset)
    next()
  }

  /* ---------------------------------------------------------------- */

  #readRecords(file: SourceFile): void {
    readTxnLog(file, LOG_HEAD_BYTES, this, (error, end) => {
      if (error !== null) this.#done(error, null)
      else if (this.#fault !== null) this.#fail(this.#fault)
      else this.#lookBehind(file, end!)
    })
  }

  #lookBehind(file: SourceFile, end: LogEnd): void {
    lookBehind(file, end.offset, (error, found) => {
      if (error !== null) return this.#done(error, null)
      const fault = this.#judgeEnd(file, end, found!)
      if (fault !== null) return this.#fail(fault)
      this.#logs.push({ file, end: end.offset })
      this.#bytesBefore += file.sizeBytes
      this.next()
    })
  }

  /** Notes an unfinished end. Gives an error when it is not one: something whole is behind it. */
  #judgeEnd(
    file: SourceFile,
    end: LogEnd,
    { end: dataEnd, record }: Remainder,
  ): ApacheFilesError | null {
    const { path } = file
    const { kind, offset } = end
    if (record !== null) {
      const what =
        kind === 'end'
          ? `Zeros at offset ${offset}, and a whole record behind them at ${record}`
          : `A damaged record at offset ${offset}, and a whole one behind it at ${record}`
      return new ApacheFilesError('DAMAGED', what, path, RESTORE)
    }
    if (kind === 'end' && dataEnd <= offset) return null
    this.#open.push({ kind, path, offset, bytes: Math.max(dataEnd - offset, 0) })
    return null
  }

  /** A record of a later file follows an unfinished end. */
  #bridge(zxid: Zxid): void {
    for (const torn of this.#open) {
      // A server writes on in a new file after a crash: with the number that the unfinished write would have had, if
      // it was not done. In another epoch a record whose bytes are all there may have counted.
      if (torn.kind === 'wrong' && zxid > this.#lastZxid + 1n) {
        this.#fault ??= new ApacheFilesError(
          'DAMAGED',
          `A damaged record at offset ${torn.offset}, and the next file begins with ${formatHex(zxid)}`,
          torn.path,
          RESTORE,
        )
      }
      this.#bridged.push(torn)
    }
    this.#open = []
  }

  #hole(last: Zxid, zxid: Zxid, offset: number): boolean {
    const file = this.#files[this.#logs.length]!
    const what =
      zxid > last
        ? `Transactions are missing: ${formatHex(last)} is followed by ${formatHex(zxid)} at offset ${offset}`
        : `Transactions are out of order: ${formatHex(last)} is followed by ${formatHex(zxid)} at offset ${offset}`
    const [torn] = this.#open
    const reason = torn === undefined ? '' : `; ${torn.path} is damaged at offset ${torn.offset}`
    this.#fault = new ApacheFilesError('DAMAGED', `${what}${reason}`, file.path, RESTORE)
    return false
  }

  #finish(): void {
    // Only the first counts when several files follow each other without a record.
    const [torn] = this.#open
    this.#done(null, {
      logs: this.#logs,
      entries: this.#entries,
      lastZxid: this.#lastZxid,
      bridged: this.#bridged,
      torn: torn ?? null,
    })
  }

  #fail(error: ApacheFilesError): void {
    this.#done(error, null)
  }
}
