import { assert, epochOf, formatHex, type Zxid } from '../base/index.ts'
import type { IoError } from '../env/index.ts'
import { type ReceivedSnapshot, ReplicatedState } from '../server/index.ts'
import {
  openStorage,
  type Storage,
  type StorageEnvironment,
  StorageError,
  type StorageOptions,
} from '../storage/index.ts'
import { DecodeError, decodeTxnEntry } from '../wire/index.ts'
import { type ChangeEvents, DataTree } from '../znodes/index.ts'
import { ApacheFilesError } from './apache-files-error.ts'
import { DigestWatch } from './digest-watch.ts'
import { loadSnapshotFile } from './snapshot-load.ts'
import { type SourceFile, UNPACKING_FAILED } from './source-file.ts'
import { LOG_HEAD_BYTES } from './txn-log-format.ts'
import { type RecordSink, readTxnLog } from './txn-log-reader.ts'
import { logsAfter, scanTxnLogs, type TornEnd, type TxnLogScan } from './txn-log-scan.ts'
import { WholeState } from './whole-state.ts'

/** The data folder of an Apache ZooKeeper that does not run. */
export interface ApacheSource {
  /** For messages. */
  readonly path: string
  readonly snapshots: readonly SourceFile[]
  readonly logs: readonly SourceFile[]
  /** Of the files of these names; null where there is none. */
  readonly acceptedEpoch: number | null
  readonly currentEpoch: number | null
  /** Of `currentEpoch.tmp`: counts when the log is of that epoch already. */
  readonly nextEpoch: number | null
}

export interface ImportOptions {
  /** Of the data folder of ours to be made: empty or missing. */
  readonly storage: StorageOptions
  /** Take what is there before a torn end of the log, and a state whose digest is another than stated. */
  readonly salvage: boolean
}

export interface ImportReport {
  readonly snapshot: string
  readonly snapshotZxid: Zxid
  /** Newer ones that could not be used. */
  readonly unusable: readonly { readonly path: string; readonly reason: string }[]
  readonly logFiles: number
  /** Transactions after the snapshot. */
  readonly entries: number
  readonly digestsVerified: number
  /** What differed, and was salvaged. */
  readonly mismatch: string | null
  readonly bridged: readonly TornEnd[]
  /** Left out. */
  readonly torn: TornEnd | null
  readonly lastZxid: Zxid
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  readonly znodes: number
  readonly sessions: number
}

export type ImportError = ApacheFilesError | IoError | StorageError
export type ImportDone = (error: ImportError | null, report: ImportReport | null) => void
export type ProgressHandler = (what: string, done: number, all: number, unit: string) => void

/**
 * Makes a data folder of ours from the newest valid snapshot and the transactions after it. All of the source is verified
 * before anything is written. After an error the folder is closed, and what is in it is of no use.
 *
 * The transactions become entries of our log, not only a state: the last ones of a member of an ensemble may be
 * uncommitted, and its next leader must be able to take them back.
 */
export function importApacheFiles(
  env: StorageEnvironment,
  source: ApacheSource,
  options: ImportOptions,
  onProgress: ProgressHandler,
  done: ImportDone,
): void {
  new ApacheImport(env, source, options, onProgress, done).start()
}

/** Apache looks at no more either (`FileSnap.deserialize`). */
const SNAPSHOTS_TRIED = 100
/** While so many transactions are still to come, a checkpoint holds none that could be taken back. */
const ENTRIES_KEPT = 10_000
const FULL_CHECK_MS = 500

const NO_EVENTS: ChangeEvents = { created: () => {}, deleted: () => {}, dataChanged: () => {} }
/** A TTL must be known as one; what it does is decided when a server runs. */
const TREE = { extendedTypesEnabled: true }

class ApacheImport {
  readonly #env: StorageEnvironment
  readonly #source: ApacheSource
  readonly #options: ImportOptions
  readonly #onProgress: ProgressHandler
  readonly #onDone: ImportDone
  readonly #state = new ReplicatedState(new DataTree(NO_EVENTS, TREE))
  readonly #unusable: { readonly path: string; readonly reason: string }[] = []
  readonly #candidates: readonly SourceFile[]
  #snapshot: SourceFile | null = null
  #received: ReceivedSnapshot | null = null
  #scan: TxnLogScan | null = null
  #watch = new DigestWatch(0n as Zxid, null)
  #acceptedEpoch = 0
  #currentEpoch = 0
  #storage: Storage | null = null
  #applied = 0
  #isOver = false

  constructor(
    env: StorageEnvironment,
    source: ApacheSource,
    options: ImportOptions,
    onProgress: ProgressHandler,
    done: ImportDone,
  ) {
    this.#env = env
    this.#source = source
    this.#options = options
    this.#onProgress = onProgress
    this.#onDone = done
    const sorted = [...source.snapshots].sort((a, b) => (a.zxid > b.zxid ? -1 : 1))
    this.#candidates = sorted.slice(0, SNAPSHOTS_TRIED)
  }

  start(): void {
    this.#loadSnapshot(0)
  }

  /* ---------------------------------------------------------------- the snapshot */

  #loadSnapshot(index: number): void {
    const file = this.#candidates[index]
    if (file === undefined) {
      this.#failWithoutSnapshot()
      return
    }
    const onProgress = (bytes: number): void => {
      this.#onProgress('reading the snapshot', bytes, file.sizeBytes, 'bytes')
    }
    loadSnapshotFile(file, TREE, onProgress, (error, received) => {
      if (error === null) {
        this.#snapshot = file
        this.#received = received
        this.#scanLogs()
      } else if (error instanceof DecodeError || error.code === UNPACKING_FAILED) {
        this.#unusable.push({ path: file.path, reason: error.message })
        this.#loadSnapshot(index + 1)
      } else this.#fail(error)
    })
  }

  #failWithoutSnapshot(): void {
    const { path, logs } = this.#source
    const [first] = this.#unusable
    if (first !== undefined) {
      const text = `No snapshot can be used; the newest: ${first.reason}`
      this.#failDamaged(text, first.path, 'Import the folder of another member, or a backup')
    } else if (logs.length > 0) {
      const text =
        'There are logs, but no snapshot to begin with: an Apache server would not start either'
      this.#failDamaged(
        text,
        path,
        'Put its snapshots back, or import the folder of another member',
      )
    } else {
      const what = 'There is no data of an Apache ZooKeeper'
      this.#fail(new ApacheFilesError('MISSING', what, path, 'Give the dataDir of its zoo.cfg'))
    }
  }

  /* ---------------------------------------------------------------- the log */

  #scanLogs(): void {
    const { zxid } = this.#snapshot!
    this.#watch = new DigestWatch(zxid, this.#received!.fileDigest)
    const logs = logsAfter(this.#source.logs, zxid)
    const all = sizeOf(logs)
    const onProgress = (bytes: number): void => {
      this.#onProgress('verifying the log', bytes, all, 'bytes')
    }
    scanTxnLogs(logs, zxid, onProgress, (error, scan) => {
      if (error !== null) return this.#fail(error)
      this.#scan = scan
      const fault = this.#judgeTorn() ?? this.#judgeEnd() ?? this.#judgeEpochs()
      if (fault !== null) this.#fail(fault)
      else this.#openStorage()
    })
  }

  #judgeTorn(): ApacheFilesError | null {
    const torn = this.#scan!.torn
    if (torn === null || torn.bytes === 0 || this.#options.salvage) return null
    const what =
      torn.kind === 'wrong'
        ? `The last record, at offset ${torn.offset}, is damaged: ${torn.bytes} bytes. It may have been acknowledged`
        : `The log ends in an unfinished record of ${torn.bytes} bytes at offset ${torn.offset}. When a server was ` +
          'stopped by force, that is a write which it never acknowledged'
    return new ApacheFilesError(
      'TORN',
      what,
      torn.path,
      `--salvage imports all that is before it, up to zxid ${formatHex(this.#scan!.lastZxid)}`,
    )
  }

  /** The snapshot holds effects of later transactions, and those have to be there. */
  #judgeEnd(): ApacheFilesError | null {
    const { exactFrom } = this.#watch
    const { lastZxid } = this.#scan!
    if (exactFrom === null || exactFrom <= lastZxid || this.#options.salvage) return null
    return new ApacheFilesError(
      'DAMAGED',
      `The snapshot was taken while transactions up to ${formatHex(exactFrom)} were made, but the log ends at ` +
        formatHex(lastZxid),
      this.#snapshot!.path,
      'Put the missing logs back (--log-dir names their folder), or import the folder of another member',
    )
  }

  /** As a start does upstream (`QuorumPeer.loadDataBase`). */
  #judgeEpochs(): ApacheFilesError | null {
    const { path, acceptedEpoch, currentEpoch, nextEpoch } = this.#source
    const lastEpoch = epochOf(this.#scan!.lastZxid)
    let current = currentEpoch ?? lastEpoch
    if (lastEpoch > current && nextEpoch === lastEpoch) current = nextEpoch
    const accepted = acceptedEpoch ?? current
    const whatToDo =
      'Put the epoch files back that belong to these logs, or import the folder of another member'
    if (lastEpoch > current) {
      const what = `The log is of epoch ${lastEpoch}, and currentEpoch says ${current}`
      return new ApacheFilesError('DAMAGED', what, path, whatToDo)
    }
    if (accepted < current) {
      const what = `acceptedEpoch is ${accepted}, and currentEpoch ${current}`
      return new ApacheFilesError('DAMAGED', what, path, whatToDo)
    }
    this.#acceptedEpoch = accepted
    this.#currentEpoch = current
    return null
  }

  /* ---------------------------------------------------------------- into our folder */

  #openStorage(): void {
    const options = { ...this.#options.storage, replay: 'all' } as const
    const handlers = {
      onDurable: (): void => {},
      onFatal: (error: StorageError): void => {
        if (error.code === 'DISK_FULL') this.#failFull()
        else this.#fail(error)
      },
    }
    openStorage(this.#env, options, this.#state, handlers, (error, storage) => {
      if (error !== null) return this.#fail(error)
      this.#storage = storage
      const { zxid } = this.#snapshot!
      this.#received!.moveInto(this.#state, zxid)
      this.#received = null
      this.#watch.onApplied(zxid, this.#state.tree.digest(), null)
      this.#catchUp(0, LOG_HEAD_BYTES)
    })
  }

  /** Applies what makes the snapshot exact: the rows are of a state that was. */
  #catchUp(index: number, offset: number): void {
    const log = this.#scan!.logs[index]
    const exactFrom = this.#watch.exactFrom ?? this.#snapshot!.zxid
    const isExact = (): boolean => this.#state.lastApplied >= exactFrom && !this.#watch.isInexact
    if (log === undefined || isExact()) {
      this.#install(index, offset)
      return
    }
    const sink: RecordSink = {
      onRecord: (zxid, bytes, start, end, at) =>
        at < log.end && !isExact() && this.#apply(zxid, bytes, start, end, log.file),
      onPiece: (_, next) => next(),
    }
    readTxnLog(log.file, offset, sink, (error, ended) => {
      if (this.#isOver) return
      if (error !== null) this.#fail(error)
      else if (ended!.offset < log.end) this.#install(index, ended!.offset)
      else this.#catchUp(index + 1, LOG_HEAD_BYTES)
    })
  }

  #install(index: number, offset: number): void {
    if (this.#failedVerification()) return
    const storage = this.#storage!
    const { lastApplied, tree } = this.#state
    const snapshot = new WholeState(this.#state, (znodes) => {
      this.#onProgress('writing the state', znodes, tree.znodeCount, 'znodes')
    })
    if (this.#acceptedEpoch > 0) storage.setAcceptedEpoch(this.#acceptedEpoch, () => {})
    storage.flush()
    storage.install(
      {
        zxid: lastApplied,
        snapshot,
        entries: [],
        currentEpoch: this.#currentEpoch,
      },
      () => {
        if (!this.#isOver) this.#append(index, offset)
      },
    )
    storage.flush()
  }

  #append(index: number, offset: number): void {
    const { logs, entries } = this.#scan!
    const log = logs[index]
    const storage = this.#storage!
    if (log === undefined) {
      this.#finish()
      return
    }
    const sink: RecordSink = {
      onRecord: (zxid, bytes, start, end, at) => {
        if (at >= log.end) return false
        if (zxid <= this.#state.lastApplied) return true
        if (!this.#apply(zxid, bytes, start, end, log.file)) return false
        storage.append(zxid, bytes, start, end)
        return true
      },
      onPiece: (_, next) => {
        if (this.#isOver) return
        this.#onProgress('taking over the log', this.#applied, entries, 'transactions')
        this.#waitDurable(() => {
          if (entries - this.#applied > ENTRIES_KEPT) storage.checkpointIfDue()
          next()
        })
      },
    }
    readTxnLog(log.file, offset, sink, (error) => {
      if (this.#isOver) return
      if (error !== null) this.#fail(error)
      else if (!this.#failedVerification()) this.#append(index + 1, LOG_HEAD_BYTES)
    })
  }

  /** False when the transaction cannot be applied; the import is over then. */
  #apply(zxid: Zxid, bytes: Uint8Array, start: number, end: number, file: SourceFile): boolean {
    if (zxid <= this.#state.lastApplied) return true
    try {
      const { header, txn, digest } = decodeTxnEntry(bytes, start, end)
      this.#state.apply(header, txn, null)
      this.#watch.onApplied(zxid, this.#state.tree.digest(), digest)
      this.#applied++
      return true
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const what = `Transaction ${formatHex(zxid)} cannot be read: ${error.message}`
      this.#failDamaged(
        what,
        file.path,
        'Its checksum is right, so another version may have made it',
      )
      return false
    }
  }

  #waitDurable(then: () => void): void {
    const storage = this.#storage!
    const { clock, timers } = this.#env
    const check = (): void => {
      if (this.#isOver) return
      if (storage.isFull) this.#failFull()
      else timer = timers.at(clock.monotonicMs() + FULL_CHECK_MS, check)
    }
    let timer = timers.at(clock.monotonicMs() + FULL_CHECK_MS, check)
    storage.flush()
    storage.whenDurable(() => {
      timer.cancel()
      if (!this.#isOver) then()
    })
  }

  #failFull(): void {
    const what = 'There is no room for the imported data'
    const { dataDir } = this.#options.storage
    this.#fail(new StorageError('DISK_FULL', what, dataDir, 'Make room on this file system'))
  }

  #failedVerification(): boolean {
    const { mismatch } = this.#watch
    if (mismatch === null || this.#options.salvage) return false
    this.#failDamaged(
      `What was read is not the state that the server had: ${mismatch}`,
      this.#snapshot!.path,
      'Import the folder of another member; --salvage takes it as it is',
    )
    return true
  }

  #finish(): void {
    this.#watch.end()
    if (this.#failedVerification()) return
    const { logs, entries, lastZxid, bridged, torn } = this.#scan!
    assert(this.#state.lastApplied === lastZxid, 'all that was verified is applied')
    this.#isOver = true
    this.#storage!.close(() =>
      this.#onDone(null, {
        snapshot: this.#snapshot!.path,
        snapshotZxid: this.#snapshot!.zxid,
        unusable: this.#unusable,
        logFiles: logs.length,
        entries,
        digestsVerified: this.#watch.compared,
        mismatch: this.#watch.mismatch,
        bridged,
        torn,
        lastZxid,
        acceptedEpoch: this.#acceptedEpoch,
        currentEpoch: this.#currentEpoch,
        znodes: this.#state.tree.znodeCount,
        sessions: this.#state.sessions.size,
      }),
    )
  }

  #failDamaged(what: string, where: string, whatToDo: string): void {
    this.#fail(new ApacheFilesError('DAMAGED', what, where, whatToDo))
  }

  #fail(error: ImportError): void {
    if (this.#isOver) return
    this.#isOver = true
    const storage = this.#storage
    if (storage === null) this.#onDone(error, null)
    else storage.close(() => this.#onDone(error, null))
  }
}

function sizeOf(files: readonly SourceFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
