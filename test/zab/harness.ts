import { counterOf, type ServerId, type Zxid } from '../../src/base/index.ts'
import { ZabCore } from '../../src/zab/core.ts'
import { type Input, InputKind, type LinkId, type PersistToken } from '../../src/zab/inputs.ts'
import type { Packet } from '../../src/zab/messages.ts'
import { type CoreOptions, DEFAULT_CORE_LIMITS, type Timing } from '../../src/zab/options.ts'
import { type Outbox, type PersistRecord, RecordKind } from '../../src/zab/outbox.ts'
import { MajorityQuorum, type QuorumVerifier } from '../../src/zab/quorum.ts'
import { SeededRandom } from '../../src/zab/random.ts'
import { applyRecord, chain, checkpointAt, purge, readLog, type Snapshot } from './disk-image.ts'
import type { HistoryEvent } from './history-event.ts'
import { Network, type NetworkHost } from './network.ts'
import { Schedule } from './schedule.ts'
import { Server } from './server.ts'

export { Server }

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
  connectTries: 10,
  connectMs: null,
  observerDelayMs: 0,
}

const PART_MS = 500

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
  /** Whether the log before the checkpoint can be read. */
  readonly readsDisk?: boolean
  /** How often what the driver prepares for a learner fails. */
  readonly failures?: number
}

/** Is told of moments at which a script may want to do something; it may crash the server. */
export interface Probe {
  onSent(server: Server, packet: Packet): void
  onReceiving(server: Server, packet: Packet): void
  onWritten(server: Server, record: PersistRecord): void
}

/** A whole ensemble in virtual time: messages, links, clocks, disks and crashes, all from one seed. */
export class World implements NetworkHost {
  readonly schedule: Schedule = new Schedule()
  readonly random: SeededRandom
  readonly network: Network
  readonly servers: Server[] = []
  readonly voters: Server[] = []
  readonly history: HistoryEvent[] = []
  readonly traces: string[] = []
  /** How often what happened. */
  readonly counts: Map<string, number> = new Map()
  keepTraces = false
  probe: Probe | null = null
  confirmations: number[] = []
  refusals: number[] = []
  /** How often what the driver prepares for a learner fails. */
  failures: number
  readonly #options: WorldOptions
  readonly #quorum: QuorumVerifier
  #nextTxn = 1
  #questions = 0
  #isHealed = false

  constructor(options: WorldOptions) {
    this.#options = options
    this.random = new SeededRandom(options.seed)
    this.network = new Network(this, options.networkMs ?? 10)
    this.failures = options.failures ?? 0
    for (let i = 1; i <= options.voters + (options.observers ?? 0); i += 1) {
      const server = new Server(i as ServerId)
      server.diskMs = options.diskMs ?? 10
      this.servers.push(server)
      if (i <= options.voters) this.voters.push(server)
    }
    this.#quorum = options.quorum ?? new MajorityQuorum(this.voters.map((server) => server.sid))
  }

  get nowMs(): number {
    return this.schedule.nowMs
  }

  get blocked(): Set<string> {
    return this.network.blocked
  }

  server(sid: number): Server {
    return this.servers[sid - 1]!
  }

  record(event: HistoryEvent): void {
    this.history.push(event)
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  // --- faults ---------------------------------------------------------------------------------------------------

  start(server: Server): void {
    if (server.core !== null) return
    server.incarnation += 1
    const { disk } = server
    server.applied = disk.base
    server.log = [...disk.entries]
    const readsDisk = this.#options.readsDisk === true
    const window = readsDisk ? disk.old.slice(Math.floor(this.random.next() * disk.old.length)) : []
    const first = disk.old.length - window.length
    const base = window.length === 0 ? disk.base.zxid : (disk.old[first - 1]?.zxid ?? disk.oldBase)
    this.record({ kind: 'restart', sid: server.sid })
    server.core = new ZabCore(
      {
        ...DEFAULT_CORE_LIMITS,
        self: server.sid,
        ensemble: { quorum: this.#quorum, version: 0n, text: 'test' },
        recovered: {
          acceptedEpoch: disk.acceptedEpoch,
          currentEpoch: disk.currentEpoch,
          base,
          entries: [...window, ...disk.entries],
          committed: disk.base.zxid,
        },
        timing: { ...TEST_TIMING, ...this.#options.timing },
        seed: Math.floor(this.random.next() * 2 ** 32),
        diskBase: readsDisk ? disk.oldBase : null,
        ...this.#options.core,
      },
      server.clockAt(this.nowMs),
    )
    this.#drain(server)
  }

  startAll(): void {
    for (const server of this.servers) this.start(server)
  }

  /** Everything that is not durable is lost; of the group being written a random beginning survives. */
  crash(server: Server): void {
    if (server.core === null) return
    this.#tear(server)
    server.clear()
    this.record({ kind: 'crash', sid: server.sid })
    this.network.abandon(server)
  }

  #tear(server: Server): void {
    const survives = Math.floor(this.random.next() * (server.inFlight.length + 1))
    for (const record of server.inFlight.slice(0, survives)) this.#applyToDisk(server, record)
    server.inFlight = []
  }

  /** Cuts one direction. Links stall; those that stall for long are noticed by the limits of the protocol. */
  block(from: number, to: number): void {
    this.blocked.add(`${from}>${to}`)
  }

  cut(a: number, b: number): void {
    this.block(a, b)
    this.block(b, a)
  }

  /**
   * The process does nothing for a while; what comes meanwhile waits for it. With `asks` it is asked whether it leads
   * before it sees any of that.
   */
  pause(server: Server, ms: number, asks = false): void {
    if (server.core === null || server.isPaused) return
    server.isPaused = true
    const { incarnation } = server
    this.schedule.after(ms, () => {
      if (server.incarnation !== incarnation || !server.isPaused) return
      server.isPaused = false
      if (asks) this.ask(server)
      this.resume(server)
    })
  }

  resume(server: Server): void {
    server.isPaused = false
    const { backlog } = server
    server.backlog = []
    for (const run of backlog) run()
  }

  /** The end of all faults. */
  heal(): void {
    this.#isHealed = true
    this.blocked.clear()
    this.failures = 0
    this.network.snapshotMs = 0
    for (const server of this.servers) {
      server.recordsLeft = Infinity
      server.failsNextWrite = false
      server.crashesAfterInstall = false
      if (server.packetsLeft < 0 || server.hasDiskFailed) this.crash(server)
      server.packetsLeft = Infinity
      if (server.isPaused) this.resume(server)
      this.wakeDisk(server)
    }
  }

  /** A crashed server's folder becomes as if it had been started without the others, so many times. */
  leadAlone(server: Server, epochs: number): void {
    const epoch = server.disk.acceptedEpoch + epochs
    for (const kind of [RecordKind.ACCEPTED_EPOCH, RecordKind.CURRENT_EPOCH]) {
      const record = { kind, token: 0 as PersistToken, epoch }
      applyRecord(server.disk, record)
      this.record({ kind: 'durable', sid: server.sid, record })
    }
  }

  wakeDisk(server: Server): void {
    server.isDiskHung = false
    this.#writeNext(server)
  }

  checkpoint(server: Server): void {
    const { disk } = server
    const { zxid } = server.applied
    if (server.core === null || zxid <= disk.base.zxid) return
    if (!disk.entries.some((entry) => entry.zxid === zxid)) return
    if (server.queue.length + server.inFlight.length > 0) return
    this.count('checkpoint')
    this.record({ kind: 'checkpoint', sid: server.sid, at: server.applied })
    checkpointAt(disk, server.applied)
  }

  /** Deletes the beginning of the log before the checkpoint; the core is told first. */
  purge(server: Server, most: number = this.random.next() * (server.disk.old.length + 1)): void {
    const { disk } = server
    const count = Math.min(Math.floor(most), disk.old.length)
    if (count === 0) return
    this.count('purge')
    const base = disk.old[count - 1]!.zxid
    this.input(server, { kind: InputKind.LOG_PURGED, base })
    purge(disk, count)
  }

  // --- load -----------------------------------------------------------------------------------------------------

  get leader(): Server | null {
    return this.servers.find((server) => server.role?.role === 2 && server.role.serving) ?? null
  }

  /** Proposes a new transaction at a server that believes to lead; one that is refused is kept for the next time. */
  propose(server: Server): Zxid | null {
    if (server.core === null || server.isPaused) return null
    const txn = new Uint8Array(4)
    new DataView(txn.buffer).setUint32(0, this.#nextTxn)
    const zxid = server.core.propose(txn, server.clockAt(this.nowMs))
    if (zxid !== null) {
      this.#nextTxn += 1
      const last = this.#options.core?.lastCounter ?? 0xffff_fffe
      if (counterOf(zxid) > last) throw new Error('A18: the counter goes beyond its end')
      this.record({ kind: 'broadcast', sid: server.sid, zxid, txn })
    }
    this.#drain(server)
    return zxid
  }

  /** Asks a server whether it leads. */
  ask(server: Server): void {
    this.#questions += 1
    const token = this.#questions
    this.record({ kind: 'asked', sid: server.sid, token })
    this.input(server, { kind: InputKind.CONFIRM, token })
  }

  input(server: Server, input: Input): void {
    if (server.core === null) return
    const { incarnation } = server
    if (server.isPaused) {
      this.count('waits for a paused server')
      server.backlog.push(() => {
        if (server.incarnation === incarnation) this.input(server, input)
      })
      return
    }
    if (input.kind === InputKind.PACKET) this.probe?.onReceiving(server, input.packet)
    if (server.incarnation !== incarnation || server.core === null) return
    server.isHalted ||= input.kind === InputKind.PERSIST_FAILED
    server.core.step(input, server.clockAt(this.nowMs))
    this.#drain(server)
  }

  // --- time -----------------------------------------------------------------------------------------------------

  after(ms: number, run: () => void): void {
    this.schedule.after(ms, run)
  }

  /** A step of a fault: not taken when everything has been healed meanwhile. */
  whileFaulty(ms: number, run: () => void): void {
    this.schedule.after(ms, () => {
      if (!this.#isHealed) run()
    })
  }

  runFor(ms: number): void {
    this.schedule.runFor(ms)
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

  #drain(server: Server): void {
    const core = server.core!
    core.checkInvariants()
    const { outbox } = core
    if (server.isHalted) checkSilence(server, outbox)
    for (const line of [...outbox.traces, ...outbox.warnings]) this.trace(`s${server.sid} ${line}`)
    for (const record of outbox.persists) this.record({ kind: 'persist', sid: server.sid, record })
    for (const { to, notification } of outbox.notifications) {
      this.network.notify(server, to, notification)
    }
    for (const { link, to } of outbox.connects) this.network.dial(server, link, this.server(to))
    for (const { link, packet } of outbox.packets) {
      server.packetsLeft -= 1
      if (server.packetsLeft === 0) this.after(0, () => this.crash(server))
      if (server.packetsLeft <= 0) continue
      this.network.send(server, link, packet)
      this.probe?.onSent(server, packet)
      if (server.core !== core) return
    }
    for (const { link, reason } of outbox.closes) {
      this.record({ kind: 'close', sid: server.sid, reason })
      this.network.close(server, link)
    }
    for (const record of outbox.persists) {
      server.queue.push(record)
      server.applyToLog(record)
    }
    for (const zxid of outbox.commits) this.#apply(server, zxid)
    for (const change of outbox.roleChanges) {
      server.role = change
      this.count(roleName(change.reason))
      this.record({ kind: 'role', sid: server.sid, change })
    }
    for (const { link } of outbox.snapshotRequests) this.#snapshot(server, link)
    for (const request of outbox.entryRequests) this.#readEntries(server, request)
    for (const token of outbox.confirmed) this.record({ kind: 'confirmed', sid: server.sid, token })
    this.confirmations.push(...outbox.confirmed)
    this.refusals.push(...outbox.unconfirmed)
    outbox.clear()
    this.#writeNext(server)
    this.#arm(server)
  }

  trace(line: string): void {
    if (this.keepTraces) this.traces.push(`${this.nowMs.toFixed(1)} ${line}`)
  }

  #arm(server: Server): void {
    const deadline = server.core!.nextDeadlineMs()
    if (deadline === server.deadlineMs || deadline === Infinity) return
    server.deadlineMs = deadline
    const { incarnation } = server
    this.after(server.waitFor(deadline, this.nowMs), () => {
      if (server.incarnation !== incarnation || server.deadlineMs !== deadline) return
      server.deadlineMs = Infinity
      server.timerFired(deadline)
      this.input(server, { kind: InputKind.TIMEOUT })
    })
  }

  /** Runs `done` in this life of a server, or never. */
  #later(server: Server, ms: number, done: () => void): void {
    const { incarnation } = server
    this.after(ms, () => {
      if (server.incarnation === incarnation && server.core !== null) done()
    })
  }

  #snapshot(server: Server, link: LinkId): void {
    this.#later(server, this.network.delay(), () => {
      if (this.random.next() < this.failures) {
        this.count('snapshot failed')
        this.input(server, { kind: InputKind.SNAPSHOT_FAILED, link, reason: 'no file handle' })
        return
      }
      const { applied } = server
      const input = { kind: InputKind.SNAPSHOT_READY, link, zxid: applied.zxid, snapshot: applied }
      this.input(server, input)
    })
  }

  #readEntries(server: Server, request: Outbox['entryRequests'][number]): void {
    const { link, after, upTo, maxBytes } = request
    this.#later(server, this.network.delay() + server.diskMs, () => {
      const fails = this.random.next() < this.failures
      const read = fails ? 'unreadable' : readLog(server.disk, after, upTo, maxBytes)
      if (typeof read === 'string') {
        this.count(`log on disk: ${read}`)
        this.input(server, { kind: InputKind.ENTRIES_FAILED, link, reason: read })
      } else {
        this.count('log on disk: read')
        this.input(server, { kind: InputKind.ENTRIES_READY, link, ...read })
      }
    })
  }

  // --- disk -----------------------------------------------------------------------------------------------------

  #writeNext(server: Server): void {
    if (server.isDiskHung || server.core === null || server.hasDiskFailed) return
    if (server.inFlight.length > 0 || server.queue.length === 0) return
    server.inFlight = server.queue
    server.queue = []
    const slow = this.random.next() < 0.05 ? 8 : 1
    const ms = (0.1 + this.random.next()) * server.diskMs * slow
    const isInstall = server.inFlight.some(({ kind }) => kind === RecordKind.INSTALL)
    this.#writeParts(server, isInstall ? server.installMs : 0, () => {
      this.#later(server, ms, () => this.#finishWrite(server))
    })
  }

  /** The parts of a snapshot: the core hears of each. */
  #writeParts(server: Server, leftMs: number, then: () => void): void {
    if (leftMs <= 0) {
      then()
      return
    }
    this.#later(server, PART_MS, () => {
      if (!server.isDiskHung) this.input(server, { kind: InputKind.PERSIST_PROGRESS })
      this.#writeParts(server, server.isDiskHung ? leftMs : leftMs - PART_MS, then)
    })
  }

  #finishWrite(server: Server): void {
    if (server.isDiskHung) {
      this.#later(server, 50, () => this.#finishWrite(server))
      return
    }
    if (server.failsNextWrite) {
      this.#failWrite(server)
      return
    }
    const group = server.inFlight
    server.inFlight = []
    for (const record of group) {
      this.#applyToDisk(server, record)
      this.probe?.onWritten(server, record)
      if (server.core === null) return
      server.recordsLeft -= 1
      const isInstall = record.kind === RecordKind.INSTALL && server.crashesAfterInstall
      if (server.recordsLeft > 0 && !isInstall) continue
      this.crash(server)
      return
    }
    this.input(server, { kind: InputKind.DURABLE, token: group.at(-1)!.token })
  }

  /** What an fsync that failed has left on disk is anybody's guess; the process ends, and is started again. */
  #failWrite(server: Server): void {
    this.count('write failed')
    this.#tear(server)
    server.hasDiskFailed = true
    this.input(server, { kind: InputKind.PERSIST_FAILED, reason: 'EIO' })
    this.#later(server, this.random.next() * 500, () => {
      this.crash(server)
      this.after(this.random.next() * 1500, () => this.start(server))
    })
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

/** A server that could not write says nothing that others could rely on. */
function checkSilence(server: Server, outbox: Outbox): void {
  const said =
    outbox.notifications.length +
    outbox.packets.length +
    outbox.persists.length +
    outbox.commits.length +
    outbox.confirmed.length
  if (said > 0) throw new Error(`A12: server ${server.sid} goes on after a failed write`)
}

/** Ends of roles that are worth counting, by their reason. */
const ROLE_ENDS: readonly (readonly [RegExp, string])[] = [
  [/no zxid left/, 'hand-over at the end of the counter'],
  [/own disk silent/, 'role ended: own disk silent'],
  [/no quorum of learners/, 'role ended: no quorum of learners'],
  [/not synchronized in time|no quorum came|quorum has gone/, 'role ended: never established'],
  [/has promised epoch/, 'role ended: a voter has a later promise'],
  [/leader not heard/, 'role ended: leader not heard'],
  [/link lost/, 'role ended: link lost'],
  [/up to date/, 'learner up to date'],
  [/holds the history/, 'leader established'],
  [/halted/, 'halted'],
]

function roleName(reason: string): string {
  for (const [pattern, name] of ROLE_ENDS) if (pattern.test(reason)) return name
  return 'other role change'
}
