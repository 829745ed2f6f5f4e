import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { exportApacheFiles } from '../../src/apache-files/apache-export.ts'
import { importApacheFiles } from '../../src/apache-files/apache-import.ts'
import type {
  ApacheSource,
  ExportReport,
  ImportReport,
  SourceFile,
  TargetFolder,
} from '../../src/apache-files/index.ts'
import { snapshotFileBytes } from '../../src/apache-files/snapshot-file.ts'
import { writeLogHead, writeLogRecord } from '../../src/apache-files/txn-log-format.ts'
import type { SessionId, Zxid } from '../../src/base/index.ts'
import type { Done, IoError } from '../../src/env/index.ts'
import { openPlatform, type Platform } from '../../src/platform/index.ts'
import { ReplicatedState } from '../../src/server/index.ts'
import {
  defaultStorageOptions,
  openStorage,
  type Storage,
  type StorageOptions,
} from '../../src/storage/index.ts'
import { encodeTxnEntry, OpCode, OutputBuffer, type WriteRequest } from '../../src/wire/index.ts'
import { AuthProviders, DataTree, WritePreparer } from '../../src/znodes/index.ts'
import { create, multi, NO_EVENTS, remove, SESSION, set, setAcl } from '../znodes/support.ts'

const TREE = { extendedTypesEnabled: true }
const NO_QUOTA = { enforceQuota: false, reconfigEnabled: false }

/** A server whose transactions are kept as an Apache server logs them. */
export class Apache {
  readonly state: ReplicatedState
  readonly #preparer: WritePreparer
  readonly records: { readonly zxid: Zxid; readonly txn: Uint8Array }[] = []
  zxid = 0n

  constructor() {
    const tree = new DataTree(NO_EVENTS, TREE)
    this.state = new ReplicatedState(tree)
    this.#preparer = new WritePreparer(tree, new AuthProviders(), { ...TREE, ...NO_QUOTA })
  }

  run(request: WriteRequest, sessionId: SessionId = SESSION): void {
    this.zxid += 1n
    const zxid = this.zxid as Zxid
    const origin = { sessionId, cxid: 1, zxid, timeMs: 1_600_000_000_000, ids: [] }
    const { header, txn, digest } = this.#preparer.prepare(request, origin)
    const out = new OutputBuffer()
    encodeTxnEntry(out, header, txn, digest)
    this.records.push({ zxid, txn: out.take() })
    this.state.apply(header, txn, digest)
    this.#preparer.release(zxid)
  }

  /** Transactions of all kinds; a few of them fail. */
  work(rounds: number): void {
    for (let round = 0; round < rounds; round++) {
      const name = `/n${this.zxid}`
      this.run({ type: OpCode.createSession, timeOut: 4000 }, (SESSION + this.zxid) as SessionId)
      this.run(create(name, { data: 'ä'.repeat(round % 50) }))
      this.run(create(`${name}/child`, { flags: 1 }))
      this.run(create(`${name}/box`, { type: 19, flags: 4 }))
      this.run(create(`${name}/late`, { type: 21, flags: 5, ttl: 900_000n }))
      this.run(set(name, null))
      this.run(setAcl(name, [{ perms: 31, scheme: 'ip', id: `10.0.0.${round % 9}` }]))
      this.run(multi(create('/gone'), set('/gone', 'x'), remove('/gone')))
      this.run(remove('/none'))
    }
  }

  newEpoch(): void {
    this.zxid = ((this.zxid >> 32n) + 1n) << 32n
  }

  snapshot(): Uint8Array {
    return Buffer.concat([...snapshotFileBytes(this.state, 1000)])
  }

  /** A log file with the records from `first` to `last`; with zeros behind them as upstream preallocates. */
  log(first: bigint, last: bigint, zeros = 4096): Buffer {
    const out = new OutputBuffer()
    writeLogHead(out)
    for (const { zxid, txn } of this.records) {
      if (zxid >= first && zxid <= last) writeLogRecord(out, txn)
    }
    return Buffer.concat([out.take(), Buffer.alloc(zeros)])
  }
}

/** What Apache would have stored. */
export interface Files {
  readonly snapshots: ReadonlyMap<bigint, Uint8Array>
  readonly logs: ReadonlyMap<bigint, Uint8Array>
  readonly acceptedEpoch?: number
  readonly currentEpoch?: number
  readonly nextEpoch?: number
}

export function sourceOf(files: Files): ApacheSource {
  const list = (kind: string, contents: ReadonlyMap<bigint, Uint8Array>): SourceFile[] =>
    [...contents].map(([zxid, bytes]) => memoryFile(`${kind}.${zxid.toString(16)}`, zxid, bytes))
  return {
    path: '/apache/version-2',
    snapshots: list('snapshot', files.snapshots),
    logs: list('log', files.logs),
    acceptedEpoch: files.acceptedEpoch ?? null,
    currentEpoch: files.currentEpoch ?? null,
    nextEpoch: files.nextEpoch ?? null,
  }
}

function memoryFile(name: string, zxid: bigint, bytes: Uint8Array): SourceFile {
  return {
    path: `/apache/version-2/${name}`,
    zxid: zxid as Zxid,
    sizeBytes: bytes.length,
    read: (offset: number, length: number, done: Done<Uint8Array>) => {
      setImmediate(() => done(null, bytes.subarray(offset, offset + length)))
    },
  }
}

/** A disk of its own. */
export class Workshop {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'zabkeeper-files-'))
  readonly #platform: Platform = openPlatform({ log: { level: 'error' } })

  discard(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Rejects with the error. */
  import(files: Files, name: string, salvage = false): Promise<ImportReport> {
    const options = { storage: this.#optionsOf(name), salvage }
    return new Promise((resolve, reject) => {
      importApacheFiles(
        this.#platform,
        sourceOf(files),
        options,
        () => {},
        (error, report) => {
          if (error !== null) reject(error)
          else resolve(report!)
        },
      )
    })
  }

  /** Opens what was imported as a server does that stands alone. */
  open(name: string): Promise<{ state: ReplicatedState; storage: Storage }> {
    const state = new ReplicatedState(new DataTree(NO_EVENTS, TREE))
    const options = this.#optionsOf(name)
    const handlers = { onDurable: () => {}, onFatal: () => {} }
    return new Promise((resolve, reject) => {
      openStorage(this.#platform, options, state, handlers, (error, storage) => {
        if (error !== null) reject(error)
        else resolve({ state, storage: storage! })
      })
    })
  }

  async export(name: string): Promise<{ report: ExportReport; written: Map<string, Buffer> }> {
    const written = new Map<string, Buffer>()
    const target = memoryFolder(written)
    const report = await new Promise<ExportReport>((resolve, reject) => {
      exportApacheFiles(
        this.#platform,
        this.#optionsOf(name),
        target,
        () => {},
        (error, done) => {
          if (error !== null) reject(error)
          else resolve(done!)
        },
      )
    })
    return { report, written }
  }

  /** Small files: each folder is a new one. */
  #optionsOf(name: string): StorageOptions {
    const options = defaultStorageOptions(path.join(this.folder, name))
    return { ...options, segmentBytes: 256 * 1024, reserveBytes: 0, freeBytesMin: 0 }
  }
}

function memoryFolder(written: Map<string, Buffer>): TargetFolder {
  const later = (done: (error: IoError | null) => void): void => {
    setImmediate(() => done(null))
  }
  return {
    path: '/export',
    create: (name, done) => {
      const pieces: Uint8Array[] = []
      const file = {
        write: (bytes: Uint8Array, next: (error: IoError | null) => void): void => {
          pieces.push(Buffer.from(bytes))
          later(next)
        },
        finish: (next: (error: IoError | null) => void): void => {
          written.set(name, Buffer.concat(pieces))
          later(next)
        },
      }
      setImmediate(() => done(null, file))
    },
  }
}

export function closeStorage(storage: Storage): Promise<void> {
  return new Promise((resolve) => {
    storage.close(resolve)
  })
}
