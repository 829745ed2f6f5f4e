import { crc32c, makeZxid, type SessionId, type Zxid } from '../../src/base/index.ts'
import {
  createSimEnvironment,
  type OpenSimDisk,
  SimDisk,
  type SimEnvironment,
  type SimRandom,
  type SimWorld,
} from '../../src/sim/index.ts'
import {
  ChangeKind,
  type CheckpointChange,
  type CheckpointSource,
  defaultStorageOptions,
  type Install,
  openStorage,
  type ReceivedState,
  type StateMachine,
  type StateSummary,
  type Storage,
  type StorageError,
  type StorageOptions,
  type ZnodeRow,
} from '../../src/storage/index.ts'
import { type ByteString, fromByteString, toByteString } from '../../src/wire/index.ts'

export const KIB = 1024

/** Small files, so that rolls, purges and checkpoints happen all the time. */
export const SMALL_OPTIONS: StorageOptions = {
  ...defaultStorageOptions('/data'),
  segmentBytes: 32 * KIB,
  groupBytesMax: 8 * KIB,
  reserveBytes: 32 * KIB,
  freeBytesMin: 16 * KIB,
  checkpointLogBytes: 64 * KIB,
  checkpointEntries: 200,
  segmentsKept: 1,
  firstCheckpointBatchRows: 100,
}

/* ------------------------------------------------------------------ the state machine of the tests */

const OPEN_ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** One entry sets or deletes some values; `pad` makes it longer. */
export interface Change {
  readonly values: Readonly<Record<string, string | null>>
  readonly sessions?: Readonly<Record<string, number>>
  readonly pad?: string
}

export function encodeChange(change: Change): Uint8Array {
  return encoder.encode(JSON.stringify(change))
}

export function decodeChange(bytes: Uint8Array): Change {
  return JSON.parse(decoder.decode(bytes)) as Change
}

/** A map from paths to values, which behaves towards storage as the tree of a server does. */
export class MapMachine implements StateMachine {
  readonly values: Map<string, ZnodeRow> = new Map()
  readonly sessions: Map<SessionId, number> = new Map()
  zxid: Zxid = makeZxid(0, 0)
  #changed = new Set<string>()
  #changedSessions = new Set<SessionId>()

  get lastApplied(): Zxid {
    return this.zxid
  }

  reset(): void {
    this.beginLoad()
    this.#set('/', '', makeZxid(0, 0))
  }

  beginLoad(): void {
    this.values.clear()
    this.sessions.clear()
    this.#changed.clear()
    this.#changedSessions.clear()
    this.zxid = makeZxid(0, 0)
  }

  loadZnode(row: ZnodeRow): void {
    const parent = row.path.slice(0, Math.max(1, row.path.lastIndexOf('/')))
    if (row.path !== '/' && !this.values.has(parent)) throw new Error(`no parent of ${row.path}`)
    this.values.set(row.path, row)
  }

  loadSession(id: SessionId, timeoutMs: number): void {
    this.sessions.set(id, timeoutMs)
  }

  endLoad(zxid: Zxid): void {
    this.zxid = zxid
  }

  summary(): StateSummary {
    let digest = 0n
    for (const row of this.values.values())
      digest += digestOf(`${row.path}=${row.data}@${row.mzxid}`)
    let sessionsDigest = 0n
    for (const [id, timeoutMs] of this.sessions) sessionsDigest += digestOf(`${id}:${timeoutMs}`)
    return {
      zxid: this.zxid,
      znodes: this.values.size,
      digest: BigInt.asUintN(64, digest),
      systemDigest: 7n,
      sessions: this.sessions.size,
      sessionsDigest: BigInt.asUintN(64, sessionsDigest),
    }
  }

  replay(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    let length = end
    while (bytes[length - 1] === 0) length--
    this.apply(zxid, JSON.parse(decoder.decode(bytes.subarray(start, length))) as Change)
  }

  apply(zxid: Zxid, change: Change): void {
    for (const [path, value] of Object.entries(change.values)) {
      if (value === null) {
        this.values.delete(path)
        this.#changed.add(path)
      } else this.#set(path, value, zxid)
    }
    for (const [text, timeoutMs] of Object.entries(change.sessions ?? {})) {
      const id = BigInt(text) as SessionId
      if (timeoutMs < 0) this.sessions.delete(id)
      else this.sessions.set(id, timeoutMs)
      this.#changedSessions.add(id)
    }
    this.zxid = zxid
  }

  get(path: string): string | undefined {
    const row = this.values.get(path)
    return row === undefined ? undefined : decoder.decode(fromByteString(row.data!))
  }

  beginCheckpoint(): CheckpointSource {
    const paths = this.#changed
    const sessions = this.#changedSessions
    this.#changed = new Set()
    this.#changedSessions = new Set()
    const changes: CheckpointChange[] = []
    for (const path of paths) {
      const row = this.values.get(path)
      changes.push(
        row === undefined ? { kind: ChangeKind.znodeGone, path } : { kind: ChangeKind.znode, row },
      )
    }
    for (const id of sessions) {
      const timeoutMs = this.sessions.get(id)
      changes.push(
        timeoutMs === undefined
          ? { kind: ChangeKind.sessionGone, id }
          : { kind: ChangeKind.session, id, timeoutMs },
      )
    }
    return {
      summary: this.summary(),
      next: (max) => changes.splice(0, max),
      end: (durable) => {
        if (durable) return
        for (const path of paths) this.#changed.add(path)
        for (const id of sessions) this.#changedSessions.add(id)
      },
    }
  }

  copy(): MapMachine {
    const copy = new MapMachine()
    for (const [path, row] of this.values) copy.values.set(path, row)
    for (const [id, timeoutMs] of this.sessions) copy.sessions.set(id, timeoutMs)
    copy.zxid = this.zxid
    return copy
  }

  isLike(other: MapMachine): boolean {
    const [mine, theirs] = [this.summary(), other.summary()]
    return (
      mine.zxid === theirs.zxid &&
      mine.znodes === theirs.znodes &&
      mine.digest === theirs.digest &&
      mine.sessions === theirs.sessions &&
      mine.sessionsDigest === theirs.sessionsDigest
    )
  }

  /** This state as a leader sends it. */
  received(): ReceivedState {
    const copy = this.copy()
    const paths = [...copy.values.keys()].sort()
    return {
      summary: (zxid) => ({ ...copy.summary(), zxid }),
      sessions: () => [...copy.sessions].map(([id, timeoutMs]) => ({ id, timeoutMs })),
      znodes: () => paths.map((path) => copy.values.get(path)!)[Symbol.iterator](),
    }
  }

  /** What a server does when a snapshot is installed. */
  load({ snapshot, zxid }: Install): void {
    this.beginLoad()
    for (const row of snapshot.znodes()) this.loadZnode(row)
    for (const { id, timeoutMs } of snapshot.sessions()) this.loadSession(id, timeoutMs)
    this.endLoad(zxid)
  }

  #set(path: string, value: string, zxid: Zxid): void {
    this.#changed.add(path)
    this.values.set(path, {
      path,
      data: toByteString(encoder.encode(value)) as ByteString,
      acl: OPEN_ACL,
      czxid: this.values.get(path)?.czxid ?? zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: 1,
      mtime: 2,
      version: 0,
      storedCversion: 0,
      aversion: 0,
      storedOwner: 0n,
    })
  }
}

function digestOf(text: string): bigint {
  const bytes = encoder.encode(text)
  return BigInt(crc32c(bytes, 0, bytes.length)) * 0x9e37_79b9_7f4a_7c15n
}

/* ------------------------------------------------------------------ a server's life on a simulated disk */

/** One process that uses the disk: storage, machine, and what was acknowledged. */
export class Life {
  readonly world: SimWorld
  readonly env: SimEnvironment
  readonly disk: SimDisk
  readonly machine: MapMachine = new MapMachine()
  readonly logLines: string[] = []
  storage: Storage | null = null
  error: StorageError | null = null
  fatal: StorageError | null = null
  /** Highest zxid reported durable. */
  acked: Zxid = makeZxid(0, 0)
  onDurable: (zxid: Zxid) => void = () => {}
  onLogPurged: (base: Zxid) => void = () => {}

  constructor(
    disk: SimDisk,
    seed: number,
    options: StorageOptions,
    openDisk: OpenSimDisk = disk.open,
  ) {
    this.disk = disk
    const { world, env } = createSimEnvironment(seed, openDisk, {
      onLog: ({ level, message }) => this.logLines.push(`${level}: ${message}`),
    })
    this.world = world
    this.env = env
    const handlers = {
      onDurable: (zxid: Zxid): void => {
        if (this.fatal !== null) throw new Error('onDurable after onFatal')
        // The log of a replica may be truncated.
        if (zxid < this.acked && options.replay === 'all') throw new Error('onDurable goes back')
        this.acked = zxid
        this.onDurable(zxid)
      },
      onLogPurged: (base: Zxid): void => this.onLogPurged(base),
      onFatal: (error: StorageError): void => {
        if (this.fatal !== null) throw new Error('onFatal twice')
        this.fatal = error
      },
    }
    openStorage(env, options, this.machine, handlers, (error, storage) => {
      this.error = error
      this.storage = storage
    })
  }

  /** Runs the world until the start has succeeded or failed; false when the power went before. */
  opened(): boolean {
    this.run(() => this.storage !== null || this.error !== null)
    return this.storage !== null || this.error !== null
  }

  /** Runs the world until `isDone`, the power goes, or nothing is left to happen. */
  run(isDone: () => boolean): void {
    this.world.events.runUntilDone(() => this.disk.isDown || isDone())
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.world.events.nowMs + ms)
  }

  /** Logs a change under the next zxid and applies it at once. */
  write(change: Change): Zxid {
    const zxid = (this.storage!.lastAppended + 1n) as Zxid
    const bytes = encodeChange(change)
    this.storage!.append(zxid, bytes, 0, bytes.length)
    this.machine.apply(zxid, change)
    return zxid
  }

  /** Writes, flushes and waits until it is durable. */
  writeDurably(change: Change): Zxid {
    const zxid = this.write(change)
    this.storage!.flush()
    this.run(() => this.acked >= zxid || this.fatal !== null)
    return zxid
  }

  checkpoint(): void {
    let isDone = false
    this.storage!.checkpoint(() => {
      isDone = true
    })
    this.run(() => isDone || this.fatal !== null)
  }

  /** An orderly stop. */
  close(): void {
    let isClosed = false
    this.storage!.close(() => {
      isClosed = true
    })
    this.run(() => isClosed)
    if (!isClosed) throw new Error('close did not finish')
    this.env.stop()
  }

  /** The power goes, now. */
  powerLoss(): void {
    this.disk.crash()
    this.env.stop()
  }

  /** `kill -9`: what the operating system has is kept or not, as it likes. */
  kill(): void {
    this.disk.abandon()
    this.env.stop()
  }
}

let nextSeed = 1

/** Starts a process on the disk and runs it until its storage is open or has failed. */
export function start(
  disk: SimDisk,
  options: StorageOptions = SMALL_OPTIONS,
  seed: number = nextSeed++,
): Life {
  const life = new Life(disk, seed, options)
  life.opened()
  return life
}

/** Starts a process that must succeed. */
export function startWell(
  disk: SimDisk,
  options: StorageOptions = SMALL_OPTIONS,
  seed?: number,
): Life {
  const life = start(disk, options, seed)
  if (life.error !== null) throw life.error
  return life
}

export function newDisk(): SimDisk {
  return new SimDisk()
}

export function randomText(random: SimRandom, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += String.fromCharCode(97 + random.below(26))
  return text
}
