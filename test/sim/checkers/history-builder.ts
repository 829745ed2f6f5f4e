import { makeZxid, type ServerId, type SessionId, type Zxid } from '../../../src/base/index.ts'
import { Model } from '../../../src/sim/checkers/model.ts'
import type { HistoryEvent, LoggedEntry } from '../../../src/sim/history.ts'
import { OpCode, type Txn, type TxnHeader } from '../../../src/wire/index.ts'
import { ClientBuilder } from './client-builder.ts'

export interface Entry extends LoggedEntry {
  readonly header: TxnHeader
  readonly txn: Txn
  readonly digest: bigint
}

interface Server {
  readonly id: ServerId
  incarnation: number
  token: number
  log: Entry[]
  acceptedEpoch: number
  currentEpoch: number
}

/** Tells what a healthy ensemble would do, event by event. Everything takes a millisecond unless `advance` is called. */
export class HistoryBuilder {
  readonly events: HistoryEvent[] = []
  readonly model: Model = new Model()
  readonly committed: Entry[] = []
  readonly clients: ClientBuilder[] = []
  readonly #servers = new Map<ServerId, Server>()
  readonly observers: readonly ServerId[]
  readonly voters: readonly ServerId[]
  nowMs = 0
  epoch = 0
  leader: ServerId = 0 as ServerId
  #counter = 0
  #connections = 0
  /** Servers that follow or observe the leader. */
  readonly learners: Set<ServerId> = new Set()

  constructor(voters: readonly number[], observers: readonly number[]) {
    this.voters = voters as ServerId[]
    this.observers = observers as ServerId[]
    this.push({ kind: 'config', atMs: 0, voters: this.voters, observers: this.observers })
    for (const id of [...this.voters, ...this.observers]) {
      const server = { id, incarnation: 0, token: 0, log: [], acceptedEpoch: 0, currentEpoch: 0 }
      this.#servers.set(id, server)
      this.start(id)
    }
  }

  push(event: HistoryEvent): void {
    this.events.push(event)
    this.nowMs += 1
  }

  advance(ms: number): void {
    this.nowMs += ms
  }

  get lastZxid(): Zxid {
    return this.committed.at(-1)?.zxid ?? (0n as Zxid)
  }

  /** Fields that every event of a server has. */
  of(id: number): { atMs: number; server: ServerId; incarnation: number } {
    const { incarnation } = this.#server(id)
    return { atMs: this.nowMs, server: id as ServerId, incarnation }
  }

  /* ---------------------------------------------------------------- life of servers */

  /** Starts with an empty checkpoint: everything is committed again by the next leader. */
  start(id: number): void {
    const server = this.#server(id)
    server.incarnation += 1
    server.token = 0
    const lastZxid = server.log.at(-1)?.zxid ?? (0n as Zxid)
    const { acceptedEpoch, currentEpoch } = server
    const checkpoint = this.committed.filter(({ zxid }) => zxid <= lastZxid).at(-1)
    const checkpointZxid = checkpoint?.zxid ?? (0n as Zxid)
    const checkpointDigest = checkpoint?.digest ?? this.model.digestAt(0)
    const recovered = { lastZxid, acceptedEpoch, currentEpoch, checkpointZxid, checkpointDigest }
    this.push({ kind: 'restart', ...this.of(id), recovered, disk: 'kept' })
  }

  crash(id: number): void {
    this.push({ kind: 'crash', ...this.of(id), lostUnsynced: true })
    this.learners.delete(id as ServerId)
  }

  role(
    id: number,
    role: 'following' | 'leading' | 'looking' | 'observing',
    serving: boolean,
  ): void {
    const leader = role === 'looking' ? null : this.leader
    this.push({ kind: 'roleChange', ...this.of(id), role, epoch: this.epoch, leader, serving })
  }

  /** `leader` wins over `followers` and brings them to its own history; they may wrongly keep what they have more. */
  elect(leader: number, followers: readonly number[], keepTails = false): void {
    this.epoch += 1
    this.leader = leader as ServerId
    this.#counter = 0
    this.learners.clear()
    const participants = [leader, ...followers]
    for (const id of participants) {
      this.role(id, 'looking', false)
      const { log, currentEpoch } = this.#server(id)
      const zxid = log.at(-1)?.zxid ?? (0n as Zxid)
      const vote = { leader: id as ServerId, zxid, peerEpoch: currentEpoch }
      this.push({ kind: 'vote', ...this.of(id), ...vote, electionEpoch: 1, isLooking: true })
    }
    for (const id of participants) this.#promise(id)
    const history = this.#server(leader).log
    for (const id of followers) {
      if (!keepTails) this.#truncateToShared(id, history)
      this.#catchUp(id, history)
    }
    for (const id of participants) this.#enter(id)
    const lastZxid = history.at(-1)?.zxid ?? (0n as Zxid)
    this.push({ kind: 'established', ...this.of(leader), epoch: this.epoch, lastZxid })
    this.role(leader, 'leading', true)
    for (const id of followers) this.#serve(id, 'following')
    for (const id of participants) this.#applyMissing(id)
  }

  /** A late follower or observer: TRUNC to what it shares with the leader, and the rest. */
  join(id: number): void {
    this.#promise(id)
    const history = this.#server(this.leader).log
    this.#truncateToShared(id, history)
    this.#catchUp(id, history)
    this.#enter(id)
    this.#serve(id, this.observers.includes(id as ServerId) ? 'observing' : 'following')
    this.#applyMissing(id)
  }

  /** A late observer that gets the state as a whole, and nothing else. */
  joinBySnapshot(id: number): void {
    this.#promise(id)
    const leaderAt = this.of(this.leader)
    const { zxid, digest } = this.committed.at(-1)!
    this.push({ kind: 'snapshot', ...leaderAt, zxid, digest })
    const server = this.#server(id)
    server.log = [...this.#server(this.leader).log]
    server.currentEpoch = this.epoch
    const token = ++server.token
    const install = { zxid, digest, currentEpoch: this.epoch, entries: [] }
    this.push({ kind: 'install', ...this.of(id), token, ...install })
    this.push({ kind: 'durable', ...this.of(id), token })
    this.#enter(id)
    this.#serve(id, this.observers.includes(id as ServerId) ? 'observing' : 'following')
  }

  /** A checkpoint of everything committed. */
  snapshot(id: number): void {
    const { zxid, digest } = this.committed.at(-1)!
    this.push({ kind: 'snapshot', ...this.of(id), zxid, digest })
  }

  newConnection(): number {
    this.#connections += 1
    return this.#connections
  }

  touch(id: number, sessionId: SessionId): void {
    this.push({ kind: 'sessionTouch', ...this.of(id), sessionId })
  }

  /* ---------------------------------------------------------------- transactions */

  /** Proposed, acked by everybody, committed, applied; watches are told. */
  write(clientId: SessionId, cxid: number, txn: Txn): Entry {
    const zxid = this.#nextZxid()
    const header: TxnHeader = { clientId, cxid, zxid, time: 1_000_000 + this.nowMs, type: txn.type }
    const told = this.model.changes.length
    this.model.apply(header, txn)
    const digest = this.model.digestAt(this.model.length)
    const entry: Entry = { zxid, hash: Number(zxid % 1_000_003n) * 7, header, txn, digest }
    const { hash } = entry
    this.push({ kind: 'broadcast', ...this.of(this.leader), epoch: this.epoch, zxid, hash })
    this.#append(this.leader, entry)
    for (const id of this.learners) {
      if (this.observers.includes(id)) continue
      this.#append(id, entry)
      this.push({ kind: 'ack', ...this.of(id), epoch: this.epoch, zxid })
    }
    this.push({ kind: 'commit', ...this.of(this.leader), epoch: this.epoch, zxid })
    this.committed.push(entry)
    for (const id of [this.leader, ...this.learners]) {
      if (this.observers.includes(id)) this.#append(id, entry)
      this.#apply(id, entry)
    }
    const changes = this.model.changes.slice(told)
    for (const client of this.clients) client.tell(changes, zxid)
    return entry
  }

  /** A proposal that only the leader's disk ever holds. */
  orphan(): void {
    const zxid = this.#nextZxid()
    const txn: Txn = { type: OpCode.error, err: -101 }
    const header: TxnHeader = {
      clientId: 1n as SessionId,
      cxid: 999,
      zxid,
      time: 5,
      type: txn.type,
    }
    const entry: Entry = { zxid, hash: 123_456, header, txn, digest: 0n }
    const { hash } = entry
    this.push({ kind: 'broadcast', ...this.of(this.leader), epoch: this.epoch, zxid, hash })
    this.#append(this.leader, entry)
  }

  /** The leader ends a session by itself. */
  expire(sessionId: SessionId): Entry {
    const paths = [...this.model.ephemeralsAt(this.model.length)]
      .filter(([, owner]) => owner === sessionId)
      .map(([path]) => path)
    return this.write(sessionId, 0, { type: OpCode.closeSession, paths })
  }

  connect(client: number, server: number, timeoutMs = 4000): ClientBuilder {
    const builder = new ClientBuilder(this, client)
    this.clients.push(builder)
    builder.connect(server as ServerId, timeoutMs)
    return builder
  }

  heal(): void {
    this.push({ kind: 'heal', atMs: this.nowMs })
  }

  end(): void {
    const position = this.model.length
    const sessions = [...this.model.sessions]
      .filter(([, session]) => session.closedAt > position)
      .map(([id]) => id)
    const ephemerals = [...this.model.ephemeralsAt(position)].map(([path, owner]) => ({
      path,
      owner,
    }))
    const gauges = [{ name: 'outstanding requests', value: 0, limit: 0 }]
    const { lastZxid: zxid } = this
    const digest = this.model.digestAt(position)
    const state = { zxid, digest, sessions, ephemerals, gauges }
    const replicas = [this.leader, ...this.learners].map((server) => ({ server, ...state }))
    this.push({ kind: 'end', atMs: this.nowMs, replicas })
  }

  /* ---------------------------------------------------------------- */

  #server(id: number): Server {
    return this.#servers.get(id as ServerId)!
  }

  #nextZxid(): Zxid {
    this.#counter += 1
    return makeZxid(this.epoch, this.#counter)
  }

  #durable(id: number): void {
    this.push({ kind: 'durable', ...this.of(id), token: this.#server(id).token })
  }

  #append(id: number, entry: Entry): void {
    const server = this.#server(id)
    const { zxid, hash } = entry
    server.log.push(entry)
    server.token += 1
    this.push({ kind: 'append', ...this.of(id), token: server.token, zxid, hash })
    this.#durable(id)
  }

  #apply(id: number, { zxid, hash, header, txn, digest }: Entry): void {
    this.push({ kind: 'apply', ...this.of(id), zxid, hash, header, txn, digest })
  }

  #promise(id: number): void {
    const server = this.#server(id)
    server.acceptedEpoch = this.epoch
    server.token += 1
    const { token } = server
    this.push({ kind: 'epochAccepted', ...this.of(id), token, epoch: this.epoch })
    this.#durable(id)
    this.push({ kind: 'promise', ...this.of(id), epoch: this.epoch })
  }

  #truncateToShared(id: number, history: readonly Entry[]): void {
    const server = this.#server(id)
    const shared = server.log.filter((entry, i) => history[i]?.zxid === entry.zxid)
    if (shared.length === server.log.length) return
    server.log = shared
    server.token += 1
    const zxid = shared.at(-1)?.zxid ?? (0n as Zxid)
    this.push({ kind: 'truncate', ...this.of(id), token: server.token, zxid })
    this.#durable(id)
  }

  #catchUp(id: number, history: readonly Entry[]): void {
    for (const entry of history.slice(this.#server(id).log.length)) this.#append(id, entry)
  }

  #enter(id: number): void {
    const server = this.#server(id)
    server.currentEpoch = this.epoch
    server.token += 1
    const { token } = server
    this.push({ kind: 'epochCurrent', ...this.of(id), token, epoch: this.epoch })
    this.#durable(id)
    if (id !== this.leader && this.voters.includes(id as ServerId)) {
      this.push({ kind: 'newLeaderAck', ...this.of(id), epoch: this.epoch })
    }
  }

  #serve(id: number, role: 'following' | 'observing'): void {
    this.learners.add(id as ServerId)
    this.role(id, role, true)
  }

  /** What was committed while `id` was away. */
  #applyMissing(id: number): void {
    const last = this.events.findLast(
      (event) =>
        (event.kind === 'apply' || event.kind === 'restart') && event.server === (id as ServerId),
    )
    const applied =
      last?.kind === 'apply'
        ? last.zxid
        : last?.kind === 'restart'
          ? last.recovered.checkpointZxid
          : 0n
    const held = new Set(this.#server(id).log)
    for (const entry of this.committed) {
      if (entry.zxid > applied && held.has(entry)) this.#apply(id, entry)
    }
  }
}
