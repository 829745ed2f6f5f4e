import type { ServerId } from '../../src/base/index.ts'
import { type Input, InputKind, type LinkId } from '../../src/zab/inputs.ts'
import { type Notification, type Packet, PacketKind, packetName } from '../../src/zab/messages.ts'
import type { SeededRandom } from '../../src/zab/random.ts'
import type { HistoryEvent } from './history-event.ts'
import type { Schedule } from './schedule.ts'
import type { Connection, Direction, Server } from './server.ts'

/** What the network needs of the world around it. */
export interface NetworkHost {
  readonly schedule: Schedule
  readonly random: SeededRandom
  readonly servers: readonly Server[]
  input(server: Server, input: Input): void
  record(event: HistoryEvent): void
  count(what: string): void
}

/** The two ports of every server: slots for notifications, and links of packets. */
export class Network {
  /** Longest usual delay, ms. */
  delayMs: number
  /** How long the stream of a snapshot may take; 0: no longer than a few packets. */
  snapshotMs = 0
  /** Directions that are cut, as "from>to". */
  readonly blocked: Set<string> = new Set()
  readonly #host: NetworkHost
  readonly #slots = new Map<string, Notification>()
  /** Sent again when an election connection is made anew. */
  readonly #lastSent = new Map<string, Notification>()
  #connections = 0

  constructor(host: NetworkHost, delayMs: number) {
    this.#host = host
    this.delayMs = delayMs
  }

  delay(): number {
    const { random } = this.#host
    const slow = random.next() < 0.02 ? 10 : 1
    return (0.2 + random.next()) * this.delayMs * slow
  }

  #isCut(from: Server, to: Server): boolean {
    return this.blocked.has(`${from.sid}>${to.sid}`)
  }

  // --- election port ------------------------------------------------------------------------------------------------

  notify(server: Server, to: ServerId, notification: Notification): void {
    const target = this.#host.servers[to - 1]
    if (target === undefined) return
    this.#host.record({ kind: 'vote', sid: server.sid, notification })
    this.#lastSent.set(`${server.sid}>${to}`, notification)
    this.#post(server, target, notification)
  }

  #post(from: Server, to: Server, notification: Notification): void {
    const key = `${from.sid}>${to.sid}`
    const waiting = this.#slots.has(key)
    this.#slots.set(key, notification)
    if (waiting) return
    this.#host.schedule.after(this.delay(), () => {
      const latest = this.#slots.get(key)!
      this.#slots.delete(key)
      if (this.blocked.has(key)) return
      const input = { kind: InputKind.NOTIFICATION, from: from.sid, notification: latest }
      this.#host.input(to, input)
    })
  }

  /** The election connections of a server are lost, and made anew if both ends live. */
  losePeers(server: Server): void {
    for (const other of this.#host.servers) if (other !== server) this.losePeer(server, other)
  }

  losePeer(a: Server, b: Server): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const { core } = to
      this.#host.schedule.after(this.delay(), () => {
        if (to.core === null) return
        // The next process has never had that connection.
        if (to.core === core) {
          this.#host.count('PEER_DOWN')
          this.#host.input(to, { kind: InputKind.PEER_DOWN, sid: from.sid })
        }
        const last = this.#lastSent.get(`${from.sid}>${to.sid}`)
        if (from.core !== null && last !== undefined) this.#post(from, to, last)
      })
    }
  }

  // --- learner port -------------------------------------------------------------------------------------------------

  dial(learner: Server, link: LinkId, leader: Server): void {
    this.#connections += 1
    const connection: Connection = {
      id: this.#connections,
      learner,
      leader,
      ids: new Map([[learner, link]]),
      directions: [direction(learner, leader), direction(leader, learner)],
    }
    learner.links.set(link, connection)
    this.#host.schedule.after(this.delay(), () => {
      if (learner.links.get(link) !== connection) return
      const isCut = this.#isCut(learner, leader) || this.#isCut(leader, learner)
      if (isCut || leader.core === null || leader.role?.role !== 2) {
        learner.links.delete(link)
        this.#host.input(learner, { kind: InputKind.LINK_CLOSED, link })
        return
      }
      const accepted = leader.core.allotLink()
      connection.ids.set(leader, accepted)
      leader.links.set(accepted, connection)
      this.#host.input(leader, { kind: InputKind.LINK_ACCEPTED, link: accepted })
      this.#host.input(learner, { kind: InputKind.LINK_OPENED, link })
    })
  }

  send(server: Server, link: LinkId, packet: Packet): void {
    const connection = server.links.get(link)
    if (connection === undefined) return
    const way = connection.directions.find((one) => one.from === server)!
    const stream = connection.id
    this.#host.record({ kind: 'packet', sid: server.sid, stream, to: way.to.sid, packet })
    this.#host.count(packetName(packet))
    this.#enqueue(connection, way, packet)
  }

  #enqueue(connection: Connection, way: Direction, packet: Packet | null): void {
    const { schedule, random } = this.#host
    const isSnap = packet?.kind === PacketKind.SNAP
    const isLong = isSnap && random.next() < 0.5 && this.snapshotMs > 0
    const streamMs = isLong ? random.next() * this.snapshotMs : isSnap ? 5 * this.delay() : 0
    way.lastAtMs = Math.max(way.lastAtMs, schedule.nowMs + this.delay()) + streamMs
    way.queue.push({ packet, atMs: way.lastAtMs })
    if (isLong) this.#progress(connection, way, way.lastAtMs)
    if (way.queue.length === 1) {
      schedule.after(way.lastAtMs - schedule.nowMs, () => this.#pump(connection, way))
    }
  }

  /** The bytes of a long snapshot move: both ends are told, until it is there or the network is cut. */
  #progress(connection: Connection, way: Direction, untilMs: number): void {
    const { schedule, random } = this.#host
    schedule.after(100 + random.next() * 400, () => {
      if (schedule.nowMs >= untilMs || this.#isCut(way.from, way.to)) return
      for (const end of [way.from, way.to]) {
        const link = connection.ids.get(end)
        if (link === undefined || end.links.get(link) !== connection) return
        this.#host.count('LINK_PROGRESS')
        this.#host.input(end, { kind: InputKind.LINK_PROGRESS, link })
      }
      this.#progress(connection, way, untilMs)
    })
  }

  #pump(connection: Connection, way: Direction): void {
    const { schedule } = this.#host
    if (this.#isCut(way.from, way.to)) {
      schedule.after(25, () => this.#pump(connection, way))
      return
    }
    const { packet } = way.queue.shift()!
    const next = way.queue[0]
    if (next !== undefined) {
      schedule.after(next.atMs - schedule.nowMs, () => this.#pump(connection, way))
    }
    const link = connection.ids.get(way.to)
    if (link === undefined || way.to.links.get(link) !== connection) return
    if (packet === null) {
      way.to.links.delete(link)
      this.#host.count('link lost')
      this.#host.input(way.to, { kind: InputKind.LINK_CLOSED, link })
      return
    }
    this.#host.input(way.to, { kind: InputKind.PACKET, link, packet })
  }

  close(server: Server, link: LinkId): void {
    const connection = server.links.get(link)
    if (connection === undefined) return
    server.links.delete(link)
    const way = connection.directions.find((one) => one.from === server)!
    this.#enqueue(connection, way, null)
  }

  /** Every link of a server breaks, what was on its way is lost. */
  resetLinks(server: Server): void {
    for (const connection of [...server.links.values()]) {
      for (const end of [connection.learner, connection.leader]) {
        const link = connection.ids.get(end)
        if (link === undefined || end.links.get(link) !== connection) continue
        end.links.delete(link)
        this.#host.count('link lost')
        this.#host.schedule.after(this.delay(), () => {
          this.#host.input(end, { kind: InputKind.LINK_CLOSED, link })
        })
      }
    }
  }

  /** A crash: the other ends hear of it, or (power loss) find out by themselves. */
  abandon(server: Server): void {
    for (const connection of [...server.links.values()]) {
      const link = connection.ids.get(server)!
      if (this.#host.random.next() < 0.7) this.close(server, link)
      else server.links.delete(link)
    }
    for (const other of this.#host.servers) {
      this.#lastSent.delete(`${server.sid}>${other.sid}`)
      if (other !== server && this.#host.random.next() < 0.7) this.losePeer(server, other)
    }
  }
}

function direction(from: Server, to: Server): Direction {
  return { from, to, queue: [], lastAtMs: 0 }
}
