import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { makeZxid, type SessionId, type Zxid } from '../../src/base/index.ts'
import { newState } from '../../src/maintenance/state.ts'
import { openPlatform } from '../../src/platform/index.ts'
import type { ReplicatedState } from '../../src/server/index.ts'
import {
  decodeSegmentHeader,
  defaultStorageOptions,
  openStorage,
  SECTOR_BYTES,
  type Storage,
  type StorageOptions,
  saltOf,
  scanSegment,
} from '../../src/storage/index.ts'
import {
  encodeTxnEntry,
  OpCode,
  OutputBuffer,
  type Txn,
  utf8ToByteString,
} from '../../src/wire/index.ts'
import { ROOT } from '../tidy/source-files.ts'

/** Data folder of a member of an ensemble of 3.8.0, without the zeros behind the logs. */
export const APACHE: string = path.join(ROOT, 'test/apache-files/testdata/apache-3.8')

const KIB = 1024
const OPEN_ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }]
export const SESSION = 0x1000_0000_0001n as SessionId
/** Each transaction is made a second after the one before. */
export const FIRST_MS: number = Date.UTC(2026, 10, 21, 12, 0, 0)

/** Folders that are gone after the test. */
export class Folders {
  readonly base: string = mkdtempSync(path.join(tmpdir(), 'zabkeeper-maintenance-'))

  at(...names: readonly string[]): string {
    return path.join(this.base, ...names)
  }

  copy(from: string, name: string): string {
    cpSync(this.at(from), this.at(name), { recursive: true })
    return this.at(name)
  }

  discard(): void {
    rmSync(this.base, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** A server without its network: transactions go to the log and are applied. */
export class Writer {
  readonly dataDir: string
  readonly storage: Storage
  readonly state: ReplicatedState
  /** The digest after each transaction. */
  readonly digests: Map<Zxid, bigint> = new Map()
  readonly #out = new OutputBuffer()

  private constructor(dataDir: string, storage: Storage, state: ReplicatedState) {
    this.dataDir = dataDir
    this.storage = storage
    this.state = state
  }

  /** Segments hold about a hundred transactions of {@link Writer.set}. */
  static async open(dataDir: string, options: Partial<StorageOptions> = {}): Promise<Writer> {
    const env = openPlatform({ log: { level: 'error', fd: 2 } })
    const state = newState()
    const all = {
      ...defaultStorageOptions(dataDir),
      segmentBytes: 64 * KIB,
      reserveBytes: 0,
      segmentsKept: 0,
      ...options,
    }
    const fail = (error: Error): void => {
      throw error
    }
    return await new Promise((resolve, reject) => {
      openStorage(env, all, state, { onDurable: () => {}, onFatal: fail }, (error, storage) => {
        if (error === null) resolve(new Writer(dataDir, storage!, state))
        else reject(error)
      })
    })
  }

  /** Logs and applies; durable when it resolves. */
  async commit(txn: Txn, session: SessionId = SESSION): Promise<Zxid> {
    const zxid = this.apply(txn, session)
    this.storage.flush()
    await new Promise<void>((resolve) => {
      this.storage.whenDurable(() => resolve())
    })
    return zxid
  }

  apply(txn: Txn, session: SessionId): Zxid {
    const zxid = (this.state.lastApplied + 1n) as Zxid
    const time = FIRST_MS + Number(zxid & 0xffff_ffffn) * 1000
    const header = { clientId: session, cxid: Number(zxid & 0xffffn), zxid, time, type: txn.type }
    this.state.apply(header, txn, null)
    const digest = this.state.tree.digest()
    this.digests.set(zxid, digest)
    this.#out.reset()
    encodeTxnEntry(this.#out, header, txn, digest)
    this.storage.append(zxid, this.#out.bytes, this.#out.start, this.#out.end)
    return zxid
  }

  async create(name: string, text: string, ephemeral: boolean = false): Promise<Zxid> {
    return await this.commit({
      type: OpCode.create2,
      path: name,
      data: utf8ToByteString(text),
      acl: OPEN_ACL,
      ephemeral,
      parentCVersion: -1,
    })
  }

  /** Half a KiB, so that a segment takes about fifty. */
  async set(name: string, version: number): Promise<Zxid> {
    const data = utf8ToByteString(`${version} ${'x'.repeat(500)}`)
    return await this.commit({ type: OpCode.setData, path: name, data, version })
  }

  /** A session with an ephemeral, a znode that changes `writes` times. */
  async fill(writes: number): Promise<void> {
    await this.commit({ type: OpCode.createSession, timeOut: 10_000 })
    await this.create('/app', 'root of all')
    await this.create('/app/mine', 'ephemeral', true)
    for (let version = 1; version <= writes; version++) await this.set('/app', version)
  }

  async epochs(epoch: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.storage.setAcceptedEpoch(epoch, () => {})
      this.storage.setCurrentEpoch(epoch, () => resolve())
      this.storage.flush()
    })
  }

  async checkpoint(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.storage.checkpoint(() => resolve())
    })
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.storage.close(() => resolve())
    })
  }
}

export const zxid = (counter: number, epoch: number = 0): Zxid => makeZxid(epoch, counter)

/** Names of the segments of a data folder. */
export function segments(dataDir: string): string[] {
  return readdirSync(path.join(dataDir, 'log'))
    .filter((name) => /^\d+\.log$/.test(name))
    .sort()
    .map((name) => path.join(dataDir, 'log', name))
}

export interface GroupPlace {
  readonly offset: number
  readonly zxids: readonly Zxid[]
}

/** Where each group with transactions is in a segment. */
export function groupsOf(file: string): GroupPlace[] {
  const bytes = new Uint8Array(readFileSync(file))
  const header = decodeSegmentHeader(bytes)
  if ('problem' in header) throw new Error(header.problem)
  const groups = new Map<number, Zxid[]>()
  const from = {
    offset: SECTOR_BYTES,
    sequence: header.firstSequence,
    chain: header.chain,
    lastZxid: header.zxidBefore,
  }
  scanSegment(bytes, header.number, saltOf(header.folderId), from, null, {
    onRecord: (kind, id, _, start) => {
      if (kind !== 1) return
      const sector = Math.floor(start / SECTOR_BYTES) * SECTOR_BYTES
      groups.set(sector, [...(groups.get(sector) ?? []), id])
    },
  })
  return [...groups].map(([offset, zxids]) => ({ offset, zxids }))
}

/** Changes a file in place. */
export function damage(file: string, change: (bytes: Buffer) => Buffer | undefined): void {
  const bytes = readFileSync(file)
  writeFileSync(file, change(bytes) ?? bytes)
}

export function flipBit(file: string, offset: number): void {
  damage(file, (bytes) => {
    bytes[offset] = bytes[offset]! ^ 0x10
    return undefined
  })
}

/** Every file with its content, the lock excepted. */
export function contents(folder: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const file = path.join(folder, name)
    if (!statSync(file).isFile() || name.includes('lock/')) continue
    files.set(name, readFileSync(file).toString('base64'))
  }
  return files
}
