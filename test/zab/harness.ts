import type { ServerId, Zxid } from '../../src/base/index.ts'
import { ZabCore } from '../../src/zab/core.ts'
import { type Input, InputKind, type LinkId } from '../../src/zab/inputs.ts'
import { type Entry, type Notification, type Packet, PacketKind } from '../../src/zab/messages.ts'
import { type CoreOptions, DEFAULT_CORE_LIMITS, type Timing } from '../../src/zab/options.ts'
import { type PersistRecord, RecordKind, type RoleChange } from '../../src/zab/outbox.ts'
import { MajorityQuorum, type QuorumVerifier } from '../../src/zab/quorum.ts'
import { SeededRandom } from '../../src/zab/random.ts'
import { applyRecord, blankDisk, chain, type DiskImage, type Snapshot } from './disk-image.ts'
import type { HistoryEvent } from './history-event.ts'

export const TEST_TIMING: Timing = {
  tickMs: 500,
  initLimit: 10,
  syncLimit: 4,
  diskStallMs: 1000,
  finalizeWaitMs: 200,
  minNotificationMs: 200,
  maxNotificationMs: 1600,
  withdrawAfterMs: 400,
  doubtAfterMs: 2500,
  gatherMs: 2000,
  shunMs: 500,
  connectRetryMs: 100,
  connectTries: 5,
}

export interface WorldOptions {
  readonly seed: number
  readonly voters: number
  readonly observers?: number
  readonly quorum?: QuorumVerifier
  readonly timing?: Partial<Timing>
  readonly core?: Partial<CoreOptions>
  /** Longest delays, ms; each is drawn anew. */
  readonly networkMs?: number
  readonly diskMs?: number
}

/** Some ten times more than the busiest run needs. */
const MAX_STEPS = 300_000

interface Scheduled {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** One direction of a link: packets in order, held back while the network is cut. */
interface Direction {
  readonly from: Server
  readonly to: Server
  readonly queue: { packet: Packet | null; atMs: number }[]
  lastAtMs: number
}

interface Connection {
  readonly learner: Server
  readonly leader: Server
  readonly ids: Map<Server, LinkId>
  readonly directions: Direction[]
}

/** One server: a core, its disk and what its driver has applied. */
export class Server {
  readonly sid: ServerId
  core: ZabCore | null = null
  incarnation = 0
  disk: DiskImage = blankDisk()
  queue: PersistRecord[] = []
  inFlight: PersistRecord[] = []
  diskMs = 0
  isDiskHung = false
  /** Crashes when this many more records are durable, or packets sent. */
  recordsLeft: number = Infinity
  packetsLeft: number = Infinity
  role: RoleChange | null = null
  applied: Snapshot = { zxid: 0n as Zxid, hash: 0 }
  /** Every log position up to the end of what was handed to the disk, to apply from. */
  log: Entry[] = []
  readonly links: Map<LinkId, Connection> = new Map()
  deadlineMs: number = Infinity

  constructor(sid: ServerId) {
    this.sid = sid
  }
}

/** A whole ensemble in virtual time: messages, links, disks and crashes, all from one seed. */
export class World {
  readonly random: SeededRandom
  readonly servers: Server[] = []
  readonly voters: Server[] = []
  readonly history: HistoryEvent[] = []
  readonly traces: string[] = []
  readonly blocked: Set<string> = new Set()
  nowMs = 0
  networkMs: number
  keepTraces = false
  confirmations: number[] = []
  refusals: number[] = []
  readonly #options: WorldOptions
  readonly #heap: Scheduled[] = []
  readonly #slots = new Map<string, Notification>()
  readonly #quorum: QuorumVerifier
  #order = 0
  #nextTxn = 1
  #sameTime = 0
  #steps = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.random = new SeededRandom(options.seed)
    this.networkMs = options.networkMs ?? 10
    for (let i = 1; i <= options.voters + (options.observers ?? 0); i += 1) {
      const server = new Server(i as ServerId)
      server.diskMs = options.diskMs ?? 10
      this.servers.push(server)
      if (i <= options.voters) this.voters.push(server)
    }
    this.#quorum = options.quorum ?? new MajorityQuorum(this.voters.map((server) => server.sid))
  }

  server(sid: number): Server {
    return this.servers[sid - 1]!
  }

  // --- faults ---------------------------------------------------------------------------------------------------

  start(server: Server): void {
    if (server.core !== null) return
    server.incarnation += 1
    const { disk } = server
    server.applied = disk.base
    server.log = [...disk.entries]
    this.record({ kind: 'restart', sid: server.sid })
    server.core = new ZabCore(
      {
        ...DEFAULT_CORE_LIMITS,
        self: server.sid,
        ensemble: { quorum: this.#quorum, version: 0n, text: 'test' },
        recovered: {
          acceptedEpoch: disk.acceptedEpoch,
          currentEpoch: disk.currentEpoch,
          base: disk.base.zxid,
          entries: disk.entries,
          committed: disk.base.zxid,
        },
        timing: { ...TEST_TIMING, ...this.#options.timing },
        seed: Math.floor(this.random.next() * 2 ** 32),
        ...this.#options.core,
      },
      this.nowMs,
    )
    this.#drain(server)
  }

  startAll(): void {
    for (const server of this.servers) this.start(server)
  }

  /** Everything that is not durable is lost; of the group being written a random beginning survives. */
  crash(server: Server): void {
    if (server.core === null) return
    const survives = Math.floor(this.random.next() * (server.inFlight.length + 1))
    for (const record of server.inFlight.slice(0, survives)) this.#applyToDisk(server, record)
    server.core = null
    server.recordsLeft = Infinity
    server.packetsLeft = Infinity
    server.role = null
    server.queue = []
    server.inFlight = []
    server.deadlineMs = Infinity
    this.record({ kind: 'crash', sid: server.sid })
    for (const connection of [...server.links.values()]) this.#abandon(server, connection)
  }

  /** Cuts one direction. Links stall; those that stall for long are noticed by the limits of the protocol. */
  block(from: number, to: number): void {
    this.blocked.add(`${from}>${to}`)
  }

  cut(a: number, b: number): void {
    this.block(a, b)
    this.block(b, a)
  }

  heal(): void {
    this.blocked.clear()
    for (const server of this.servers) {
      server.recordsLeft = Infinity
      if (server.packetsLeft < 0) this.crash(server)
      server.packetsLeft = Infinity
      this.wakeDisk(server)
    }
  }

  wakeDisk(server: Server): void {
    server.isDiskHung = false
    this.#writeNext(server)
  }

  /** A checkpoint: the log starts anew at what is applied. */
  checkpoint(server: Server): void {
    const { disk } = server
    const { zxid } = server.applied
    if (server.core === null || zxid <= disk.base.zxid) return
    if (!disk.entries.some((entry) => entry.zxid === zxid)) return
    if (server.queue.length + server.inFlight.length > 0) return
    this.record({ kind: 'checkpoint', sid: server.sid, at: server.applied })
    disk.base = server.applied
    disk.entries = disk.entries.filter((entry) => entry.zxid > zxid)
  }

  // --- load -----------------------------------------------------------------------------------------------------

  get leader(): Server | null {
    return this.servers.find((server) => server.role?.role === 2 && server.role.serving) ?? null
  }

  /** Proposes a new transaction at a server that believes to lead. */
  propose(server: Server): Zxid | null {
    if (server.core === null) return null
    const txn = new Uint8Array(4)
    new DataView(txn.buffer).setUint32(0, this.#nextTxn)
    const zxid = server.core.propose(txn, this.nowMs)
    if (zxid !== null) {
      this.#nextTxn += 1
      this.record({ kind: 'broadcast', sid: server.sid, zxid, txn })
    }
    this.#drain(server)
    return zxid
  }

  input(server: Server, input: Input): void {
    if (server.core === null) return
    server.core.step(input, this.nowMs)
    this.#drain(server)
  }

  // --- time -----------------------------------------------------------------------------------------------------

  after(ms: number, run: () => void): void {
    this.#order += 1
    push(this.#heap, { atMs: this.nowMs + Math.max(0, ms), order: this.#order, run })
  }

  runFor(ms: number): void {
    const end = this.nowMs + ms
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= end) {
      const next = pop(this.#heap)
      this.#sameTime = next.atMs === this.nowMs ? this.#sameTime + 1 : 0
      if (this.#sameTime > 10_000) throw new Error('time stands still: a deadline is never met')
      this.nowMs = next.atMs
      this.#steps += 1
      if (this.#steps > MAX_STEPS) throw new Error('a storm: servers never come to rest')
      next.run()
    }
    this.nowMs = end
  }

  /** Runs until `condition` holds; the virtual time that took, or Infinity after `limitMs`. */
  runUntil(condition: () => boolean, limitMs: number): number {
    const start = this.nowMs
    while (this.nowMs - start < limitMs) {
      if (condition()) return this.nowMs - start
      this.runFor(10)
    }
    return condition() ? this.nowMs - start : Infinity
  }

  // --- the driver of one server ---------------------------------------------------------------------------------

  record(event: HistoryEvent): void {
    this.history.push(event)
  }

  #delay(): number {
    const slow = this.random.next() < 0.02 ? 10 : 1
    return (0.2 + this.random.next()) * this.networkMs * slow
  }

  #drain(server: Server): void {
    const core = server.core!
    core.checkInvariants()
    const { outbox } = core
    for (const line of outbox.traces) this.#trace(server, line)
    for (const record of outbox.persists) this.record({ kind: 'persist', sid: server.sid, record })
    for (const { to, notification } of outbox.notifications) this.#notify(server, to, notification)
    for (const { link, to } of outbox.connects) this.#dial(server, link, this.server(to))
    for (const { link, packet } of outbox.packets) this.#send(server, link, packet)
    for (const { link } of outbox.closes) this.#close(server, link)
    for (const record of outbox.persists) {
      server.queue.push(record)
      applyToLog(server, record)
    }
    for (const zxid of outbox.commits) this.#apply(server, zxid)
    for (const change of outbox.roleChanges) {
      server.role = change
      this.record({ kind: 'role', sid: server.sid, change })
    }
    for (const { link } of outbox.snapshotRequests) this.#snapshot(server, link)
    this.confirmations.push(...outbox.confirmed)
    this.refusals.push(...outbox.unconfirmed)
    outbox.clear()
    this.#writeNext(server)
    this.#arm(server)
  }

  #trace(server: Server, line: string): void {
    if (this.keepTraces) this.traces.push(`${this.nowMs.toFixed(1)} s${server.sid} ${line}`)
  }

  #arm(server: Server): void {
    const deadline = server.core!.nextDeadlineMs()
    if (deadline === server.deadlineMs || deadline === Infinity) return
    server.deadlineMs = deadline
    const { incarnation } = server
    this.after(deadline - this.nowMs, () => {
      if (server.incarnation !== incarnation || server.deadlineMs !== deadline) return
      server.deadlineMs = Infinity
      this.input(server, { kind: InputKind.TIMEOUT })
    })
  }

  #notify(server: Server, to: ServerId, notification: Notification): void {
    const target = this.servers[to - 1]
    if (target === undefined) return
    const key = `${server.sid}>${to}`
    this.record({ kind: 'vote', sid: server.sid, notification })
    const waiting = this.#slots.has(key)
    this.#slots.set(key, notification)
    if (waiting) return
    this.after(this.#delay(), () => {
      const latest = this.#slots.get(key)!
      this.#slots.delete(key)
      if (this.blocked.has(key)) return
      this.input(target, {
        kind: InputKind.NOTIFICATION,
        from: server.sid,
        notification: latest,
      })
    })
  }

  // --- links ----------------------------------------------------------------------------------------------------

  #dial(learner: Server, link: LinkId, leader: Server): void {
    const connection: Connection = {
      learner,
      leader,
      ids: new Map([[learner, link]]),
      directions: [direction(learner, leader), direction(leader, learner)],
    }
    learner.links.set(link, connection)
    this.after(this.#delay(), () => {
      if (learner.links.get(link) !== connection) return
      const isCut = this.#isCut(learner, leader) || this.#isCut(leader, learner)
      if (isCut || leader.core === null || leader.role?.role !== 2) {
        learner.links.delete(link)
        this.input(learner, { kind: InputKind.LINK_CLOSED, link })
        return
      }
      const accepted = leader.core.allotLink()
      connection.ids.set(leader, accepted)
      leader.links.set(accepted, connection)
      this.input(leader, { kind: InputKind.LINK_ACCEPTED, link: accepted })
      this.input(learner, { kind: InputKind.LINK_OPENED, link })
    })
  }

  #isCut(from: Server, to: Server): boolean {
    return this.blocked.has(`${from.sid}>${to.sid}`)
  }

  #send(server: Server, link: LinkId, packet: Packet): void {
    server.packetsLeft -= 1
    if (server.packetsLeft === 0) this.after(0, () => this.crash(server))
    if (server.packetsLeft <= 0) return
    this.record({ kind: 'packet', sid: server.sid, packet })
    const connection = server.links.get(link)
    if (connection !== undefined) this.#enqueue(server, connection, packet)
  }

  #enqueue(server: Server, connection: Connection, packet: Packet | null): void {
    const way = connection.directions.find((one) => one.from === server)!
    const stream = packet?.kind === PacketKind.SNAP ? 5 * this.#delay() : 0
    way.lastAtMs = Math.max(way.lastAtMs, this.nowMs + this.#delay() + stream)
    way.queue.push({ packet, atMs: way.lastAtMs })
    if (way.queue.length === 1) {
      this.after(way.lastAtMs - this.nowMs, () => this.#pump(connection, way))
    }
  }

  #pump(connection: Connection, way: Direction): void {
    if (this.#isCut(way.from, way.to)) {
      this.after(25, () => this.#pump(connection, way))
      return
    }
    const { packet } = way.queue.shift()!
    const next = way.queue[0]
    if (next !== undefined) this.after(next.atMs - this.nowMs, () => this.#pump(connection, way))
    const link = connection.ids.get(way.to)
    if (link === undefined || way.to.links.get(link) !== connection) return
    if (packet === null) {
      way.to.links.delete(link)
      this.input(way.to, { kind: InputKind.LINK_CLOSED, link })
      return
    }
    this.input(way.to, { kind: InputKind.PACKET, link, packet })
  }

  #close(server: Server, link: LinkId): void {
    const connection = server.links.get(link)
    if (connection === undefined) return
    server.links.delete(link)
    this.#enqueue(server, connection, null)
  }

  /** A crash: the other end hears of it, or (power loss) finds out by itself. */
  #abandon(server: Server, connection: Connection): void {
    server.links.delete(connection.ids.get(server)!)
    if (this.random.next() < 0.7) this.#enqueue(server, connection, null)
  }

  #snapshot(server: Server, link: LinkId): void {
    const { incarnation } = server
    this.after(this.#delay(), () => {
      if (server.incarnation !== incarnation) return
      const { applied } = server
      const input = { kind: InputKind.SNAPSHOT_READY, link, zxid: applied.zxid, snapshot: applied }
      this.input(server, input)
    })
  }

  // --- disk -----------------------------------------------------------------------------------------------------

  #writeNext(server: Server): void {
    if (server.isDiskHung || server.core === null) return
    if (server.inFlight.length > 0 || server.queue.length === 0) return
    server.inFlight = server.queue
    server.queue = []
    const { incarnation } = server
    const slow = this.random.next() < 0.05 ? 8 : 1
    const finish = (): void => {
      if (server.incarnation !== incarnation || server.core === null) return
      if (server.isDiskHung) {
        this.after(50, finish)
        return
      }
      const group = server.inFlight
      server.inFlight = []
      for (const record of group) {
        this.#applyToDisk(server, record)
        server.recordsLeft -= 1
        if (server.recordsLeft > 0) continue
        this.crash(server)
        return
      }
      this.input(server, { kind: InputKind.DURABLE, token: group.at(-1)!.token })
    }
    this.after((0.1 + this.random.next()) * server.diskMs * slow, finish)
  }

  #applyToDisk(server: Server, record: PersistRecord): void {
    applyRecord(server.disk, record)
    if (record.kind === RecordKind.INSTALL && server.core !== null) {
      server.applied = record.snapshot as Snapshot
    }
    this.record({ kind: 'durable', sid: server.sid, record })
  }

  #apply(server: Server, upTo: Zxid): void {
    let { zxid, hash } = server.applied
    for (const entry of server.log) {
      if (entry.zxid <= zxid || entry.zxid > upTo) continue
      hash = chain(hash, entry)
      zxid = entry.zxid
      this.record({ kind: 'apply', sid: server.sid, zxid, hash, txn: entry.txn })
    }
    if (zxid !== upTo)
      throw new Error(`server ${server.sid} cannot apply up to ${upTo}: at ${zxid}`)
    server.applied = { zxid, hash }
    while (server.log.length > 0 && server.log[0]!.zxid <= zxid) server.log.shift()
  }
}

function applyToLog(server: Server, record: PersistRecord): void {
  if (record.kind === RecordKind.APPEND) server.log.push(record.entry)
  else if (record.kind === RecordKind.INSTALL) server.log = [...record.entries]
  else if (record.kind === RecordKind.TRUNCATE) {
    while (server.log.length > 0 && server.log.at(-1)!.zxid > record.zxid) server.log.pop()
  }
}

function direction(from: Server, to: Server): Direction {
  return { from, to, queue: [], lastAtMs: 0 }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function push(heap: Scheduled[], item: Scheduled): void {
  heap.push(item)
  let at = heap.length - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!before(heap[at]!, heap[parent]!)) break
    ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
    at = parent
  }
}

function pop(heap: Scheduled[]): Scheduled {
  const top = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return top
  heap[0] = last
  let at = 0
  for (;;) {
    let least = at
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && before(heap[child]!, heap[least]!)) least = child
    }
    if (least === at) return top
    ;[heap[at], heap[least]] = [heap[least]!, heap[at]!]
    at = least
  }
}
