import { epochOf, type Zxid } from '../base/index.ts'
import type { IoError } from '../env/index.ts'
import { ReplicatedState } from '../server/index.ts'
import {
  type LoggedEntry,
  openStorage,
  type Storage,
  type StorageEnvironment,
  type StorageError,
  type StorageOptions,
} from '../storage/index.ts'
import { OutputBuffer } from '../wire/index.ts'
import { type ChangeEvents, DataTree } from '../znodes/index.ts'
import type { ProgressHandler } from './apache-import.ts'
import { logFileName, snapshotFileName } from './file-names.ts'
import { snapshotFileBytes } from './snapshot-file.ts'
import type { TargetFile, TargetFolder } from './source-file.ts'
import { writeLogHead, writeLogRecord } from './txn-log-format.ts'

export interface ExportReport {
  readonly snapshot: string
  readonly snapshotZxid: Zxid
  readonly snapshotBytes: number
  readonly znodes: number
  readonly sessions: number
  /** Null when nothing comes after the snapshot. */
  readonly log: string | null
  readonly entries: number
  readonly lastZxid: Zxid
  readonly acceptedEpoch: number
  readonly currentEpoch: number
}

export type ExportError = IoError | StorageError
export type ExportDone = (error: ExportError | null, report: ExportReport | null) => void

/**
 * Writes what goes into the folder `version-2` of an Apache ZooKeeper: the state of the checkpoint as a snapshot, what
 * comes after it as a log (for a member of an ensemble, its next leader may take that back), and the epochs.
 * `storage` is of a data folder of ours that no server uses. After an error what is in the target is of no use.
 */
export function exportApacheFiles(
  env: StorageEnvironment,
  storage: StorageOptions,
  target: TargetFolder,
  onProgress: ProgressHandler,
  done: ExportDone,
): void {
  new ApacheExport(env, storage, target, onProgress, done).start()
}

const PIECE_BYTES = 1024 * 1024
const NO_EVENTS: ChangeEvents = { created: () => {}, deleted: () => {}, dataChanged: () => {} }
const TREE = { extendedTypesEnabled: true }

class ApacheExport {
  readonly #env: StorageEnvironment
  readonly #options: StorageOptions
  readonly #target: TargetFolder
  readonly #onProgress: ProgressHandler
  readonly #onDone: ExportDone
  readonly #state = new ReplicatedState(new DataTree(NO_EVENTS, TREE))
  #storage: Storage | null = null
  #entries: readonly LoggedEntry[] = []
  #snapshotBytes = 0
  #isOver = false

  constructor(
    env: StorageEnvironment,
    options: StorageOptions,
    target: TargetFolder,
    onProgress: ProgressHandler,
    done: ExportDone,
  ) {
    this.#env = env
    this.#options = options
    this.#target = target
    this.#onProgress = onProgress
    this.#onDone = done
  }

  start(): void {
    openStorage(
      this.#env,
      { ...this.#options, replay: 'checkpoint', tailEntries: 0, tailBytes: 0 },
      this.#state,
      { onDurable: () => {}, onFatal: (error) => this.#fail(error) },
      (error, storage) => {
        if (error !== null) return this.#fail(error)
        this.#storage = storage
        const { lastApplied } = this.#state
        this.#entries = storage!.takeTail().entries.filter(({ zxid }) => zxid > lastApplied)
        this.#writeSnapshot()
      },
    )
  }

  #writeSnapshot(): void {
    const pieces = snapshotFileBytes(this.#state, PIECE_BYTES)
    const counted = this.#counted(pieces)
    this.#writeFile(snapshotFileName(this.#state.lastApplied), counted, () => this.#writeLog())
  }

  *#counted(pieces: Iterable<Uint8Array>): IterableIterator<Uint8Array> {
    for (const piece of pieces) {
      this.#snapshotBytes += piece.length
      this.#onProgress('writing the snapshot', this.#snapshotBytes, 0, 'bytes')
      yield piece
    }
  }

  #writeLog(): void {
    const [first] = this.#entries
    if (first === undefined) this.#writeEpochs()
    else this.#writeFile(logFileName(first.zxid), this.#logBytes(), () => this.#writeEpochs())
  }

  *#logBytes(): IterableIterator<Uint8Array> {
    const out = new OutputBuffer()
    writeLogHead(out)
    let written = 0
    for (const { txn } of this.#entries) {
      writeLogRecord(out, txn)
      written++
      if (out.length < PIECE_BYTES) continue
      this.#onProgress('writing the log', written, this.#entries.length, 'transactions')
      yield out.take()
    }
    yield out.take()
  }

  #writeEpochs(): void {
    const { acceptedEpoch, currentEpoch } = this.#epochs()
    this.#writeFile('acceptedEpoch', [asciiBytes(acceptedEpoch)], () => {
      this.#writeFile('currentEpoch', [asciiBytes(currentEpoch)], () => this.#finish())
    })
  }

  /** A server that was alone has kept none; its transactions may have one. */
  #epochs(): { readonly acceptedEpoch: number; readonly currentEpoch: number } {
    const storage = this.#storage!
    const currentEpoch = Math.max(storage.currentEpoch, epochOf(this.#lastZxid))
    return { acceptedEpoch: Math.max(storage.acceptedEpoch, currentEpoch), currentEpoch }
  }

  get #lastZxid(): Zxid {
    return this.#entries.at(-1)?.zxid ?? this.#state.lastApplied
  }

  #writeFile(name: string, pieces: Iterable<Uint8Array>, done: () => void): void {
    this.#target.create(name, (error, file) => {
      if (error !== null) this.#fail(error)
      else this.#writePieces(file!, pieces[Symbol.iterator](), done)
    })
  }

  #writePieces(file: TargetFile, pieces: Iterator<Uint8Array>, done: () => void): void {
    const next = (error: IoError | null): void => {
      if (this.#isOver) return
      if (error !== null) {
        this.#fail(error)
        return
      }
      const piece = pieces.next()
      if (piece.done === true) file.finish(finished)
      else file.write(piece.value, next)
    }
    const finished = (error: IoError | null): void => {
      if (error !== null) this.#fail(error)
      else done()
    }
    next(null)
  }

  #finish(): void {
    this.#isOver = true
    const { tree, sessions, lastApplied } = this.#state
    const [first] = this.#entries
    const report: ExportReport = {
      snapshot: snapshotFileName(lastApplied),
      snapshotZxid: lastApplied,
      snapshotBytes: this.#snapshotBytes,
      znodes: tree.znodeCount,
      sessions: sessions.size,
      log: first === undefined ? null : logFileName(first.zxid),
      entries: this.#entries.length,
      lastZxid: this.#lastZxid,
      ...this.#epochs(),
    }
    this.#storage!.close(() => this.#onDone(null, report))
  }

  #fail(error: ExportError): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#storage === null) this.#onDone(error, null)
    else this.#storage.close(() => this.#onDone(error, null))
  }
}

/** Decimal digits without a line feed, as upstream writes them. */
function asciiBytes(value: number): Uint8Array {
  return Uint8Array.from(String(value), (digit) => digit.charCodeAt(0))
}
