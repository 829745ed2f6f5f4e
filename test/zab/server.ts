import type { ServerId, Zxid } from '../../src/base/index.ts'
import type { ZabCore } from '../../src/zab/core.ts'
import type { LinkId } from '../../src/zab/inputs.ts'
import type { Entry, Packet } from '../../src/zab/messages.ts'
import { type PersistRecord, RecordKind, type RoleChange } from '../../src/zab/outbox.ts'
import { blankDisk, type DiskImage, type Snapshot } from './disk-image.ts'

/** One direction of a link: packets in order, held back while the network is cut. */
export interface Direction {
  readonly from: Server
  readonly to: Server
  readonly queue: { packet: Packet | null; atMs: number }[]
  lastAtMs: number
}

export interface Connection {
  readonly id: number
  readonly learner: Server
  readonly leader: Server
  readonly ids: Map<Server, LinkId>
  readonly directions: readonly Direction[]
}

/** One server: a core, its clock, its disk, and what its driver has applied. */
export class Server {
  readonly sid: ServerId
  core: ZabCore | null = null
  incarnation = 0
  role: RoleChange | null = null
  deadlineMs: number = Infinity
  readonly links: Map<LinkId, Connection> = new Map()
  /** Crashes when this many more packets are sent. */
  packetsLeft: number = Infinity

  // Clock: what it shows is `clockOffsetMs + clockRate * virtual time`.
  clockRate = 1
  clockOffsetMs = 0
  #lastMs = 0

  // Process
  isPaused = false
  backlog: (() => void)[] = []
  /** The core knows of it: the process is about to end. */
  isHalted = false

  // Disk
  disk: DiskImage = blankDisk()
  queue: PersistRecord[] = []
  inFlight: PersistRecord[] = []
  diskMs = 0
  /** How much longer a snapshot takes. It is written in parts. */
  installMs = 0
  isDiskHung = false
  failsNextWrite = false
  /** A write has failed; nothing more is written. */
  hasDiskFailed = false
  crashesAfterInstall = false
  /** Crashes when this many more records are durable. */
  recordsLeft: number = Infinity

  // State
  applied: Snapshot = { zxid: 0n as Zxid, hash: 0 }
  /** Every log position up to the end of what was handed to the disk, to apply from. */
  log: Entry[] = []

  constructor(sid: ServerId) {
    this.sid = sid
  }

  /** Monotonic, whatever rounding does. */
  clockAt(worldMs: number): number {
    this.#lastMs = Math.max(this.#lastMs, this.clockOffsetMs + this.clockRate * worldMs)
    return this.#lastMs
  }

  /** A timer for `deadlineMs` of this server's clock has fired. */
  timerFired(deadlineMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, deadlineMs)
  }

  /** Virtual time from now until the clock shows `deadlineMs`. */
  waitFor(deadlineMs: number, worldMs: number): number {
    return (deadlineMs - this.clockOffsetMs) / this.clockRate - worldMs
  }

  /** What a crash takes with it. */
  clear(): void {
    this.core = null
    this.role = null
    this.deadlineMs = Infinity
    this.packetsLeft = Infinity
    this.recordsLeft = Infinity
    this.failsNextWrite = false
    this.isPaused = false
    this.isHalted = false
    this.hasDiskFailed = false
    this.backlog = []
    this.queue = []
    this.inFlight = []
  }

  applyToLog(record: PersistRecord): void {
    if (record.kind === RecordKind.APPEND) this.log.push(record.entry)
    else if (record.kind === RecordKind.INSTALL) this.log = [...record.entries]
    else if (record.kind === RecordKind.TRUNCATE) {
      while (this.log.length > 0 && this.log.at(-1)!.zxid > record.zxid) this.log.pop()
    }
  }
}
