import type { ServerId } from '../../../src/base/index.ts'
import type { Address, Connection, Environment, IoError, Network } from '../../../src/env/index.ts'
import {
  LearnerPort,
  type LearnerPortHandler,
  type LearnerPortLimits,
  type SnapshotSink,
  type SnapshotStream,
} from '../../../src/peer/index.ts'
import {
  SimDisk,
  type SimEnvironment,
  SimWorld,
  type WorldOptions,
} from '../../../src/sim/index.ts'
import type { LinkId, Packet } from '../../../src/zab/index.ts'
import { ByteSink, plain } from './collector.ts'
import { dialRaw, RawListener, type RawSocket } from './raw-peer.ts'

export const LEARNER_PORT = 2888

/** A server of the ensemble that has nothing but a learner port. */
export class LearnerNode implements LearnerPortHandler {
  readonly env: SimEnvironment
  readonly port: LearnerPort
  readonly accepted: LinkId[] = []
  readonly opened: LinkId[] = []
  readonly closed: Map<LinkId, string> = new Map()
  readonly packets: { readonly link: LinkId; readonly packet: Packet }[] = []
  readonly progressMs: number[] = []
  readonly addresses: Address[] = []
  /** Bytes of each write, over all connections. */
  readonly writes: number[] = []
  onEach: (link: LinkId, packet: Packet) => void = () => {}
  onAccept: (link: LinkId) => void = () => {}
  /** A call of the handler inside of a call to the port would show here. */
  isCalling = false
  #nextLink = 0

  constructor(
    world: SimWorld,
    sid: number,
    members: ReadonlyMap<ServerId, readonly Address[]>,
    limits: Partial<LearnerPortLimits>,
  ) {
    this.env = world.startProcess(hostOf(sid), new SimDisk().open)
    const listen = [{ host: '', port: LEARNER_PORT }]
    const env: Environment = { ...this.env, network: this.#counted(this.env.network) }
    this.port = new LearnerPort(env, { self: sid as ServerId, listen, members, limits }, this)
  }

  /** Calls the port. */
  call(task: (port: LearnerPort) => void): void {
    this.isCalling = true
    task(this.port)
    this.isCalling = false
  }

  connect(to: number): LinkId {
    const link = this.allotLink()
    this.call((port) => port.connect(link, to as ServerId))
    return link
  }

  /** Sends packets in one turn. */
  send(link: LinkId, ...packets: readonly Packet[]): void {
    this.call((port) => {
      for (const packet of packets) port.send(link, packet)
      port.flush()
    })
  }

  packetsOf(link: LinkId): Packet[] {
    return this.packets.filter((item) => item.link === link).map(({ packet }) => packet)
  }

  onLearnerListening(address: Address): void {
    this.#check()
    this.addresses.push(address)
  }

  allotLink(): LinkId {
    this.#nextLink += 1
    return this.#nextLink as LinkId
  }

  onLinkAccepted(link: LinkId): void {
    this.#check()
    this.accepted.push(link)
    this.onAccept(link)
  }

  onLinkOpened(link: LinkId): void {
    this.#check()
    this.opened.push(link)
  }

  onLinkClosed(link: LinkId, reason: string): void {
    this.#check()
    if (this.closed.has(link)) throw new Error(`link ${link} closed twice`)
    this.closed.set(link, reason)
  }

  onLinkProgress(_link: LinkId): void {
    this.#check()
    this.progressMs.push(this.env.clock.monotonicMs())
  }

  onPacket(link: LinkId, packet: Packet): void {
    this.#check()
    if (this.closed.has(link)) throw new Error(`a packet on link ${link}, which is closed`)
    this.packets.push({ link, packet: plain(packet) })
    this.onEach(link, packet)
  }

  newSnapshotSink(): SnapshotSink {
    this.#check()
    return new ByteSink()
  }

  onPortError(error: IoError): void {
    throw error
  }

  #check(): void {
    if (this.isCalling) throw new Error('the handler was called inside of a call to the port')
  }

  #counted(network: Network): Network {
    const count = (connection: Connection): Connection => {
      const write = connection.write.bind(connection)
      connection.write = (bytes) => {
        this.writes.push(bytes.length)
        return write(bytes)
      }
      return connection
    }
    return {
      listen: (address, options, handler) =>
        network.listen(address, options, {
          onListening: (listener) => handler.onListening(listener),
          onConnection: (connection) => handler.onConnection(count(connection)),
          onError: (error) => handler.onError(error),
        }),
      connect: (address, handler) =>
        network.connect(address, {
          onOpen: (connection) => handler.onOpen(count(connection)),
          onError: (error) => handler.onError(error),
        }),
    }
  }
}

export class LearnerStage {
  readonly world: SimWorld
  readonly limits: Partial<LearnerPortLimits>
  readonly members: Map<ServerId, readonly Address[]> = new Map()
  readonly logLines: string[] = []

  constructor(seed: number, limits: Partial<LearnerPortLimits> = {}, options: WorldOptions = {}) {
    this.limits = limits
    this.world = new SimWorld(seed, {
      ...options,
      onLog: (line) => this.logLines.push(line.message),
    })
    for (const sid of [1, 2, 3]) {
      this.members.set(sid as ServerId, [{ host: hostOf(sid), port: LEARNER_PORT }])
    }
  }

  node(sid: number): LearnerNode {
    return new LearnerNode(this.world, sid, this.members, this.limits)
  }

  /** A node that listens. */
  leader(sid: number = 1): LearnerNode {
    const node = this.node(sid)
    node.call((port) => port.start())
    this.until(() => node.addresses.length > 0)
    return node
  }

  /** Puts an address before those of a server, and somebody there who accepts whatever comes. */
  strangerBefore(sid: number): RawListener {
    const own = this.members.get(sid as ServerId)!
    const host = `10.0.9.${sid}`
    this.members.set(sid as ServerId, [{ host, port: LEARNER_PORT }, ...own])
    const { network } = this.world.startProcess(host, new SimDisk().open)
    return new RawListener(network, { host: '', port: LEARNER_PORT })
  }

  /** A bare connection to the learner port of a server, open. */
  raw(to: number = 1, machine: number = 1): RawSocket {
    const env = this.world.startProcess(`10.0.9.${machine}`, new SimDisk().open)
    const socket = dialRaw(env.network, { host: hostOf(to), port: LEARNER_PORT })
    this.until(() => socket.connection !== null || socket.isClosed)
    return socket
  }

  until(isDone: () => boolean): void {
    const isReached = this.world.events.runUntilDone(isDone, 200_000)
    if (!isReached) throw new Error(`seed ${this.world.seed}: it does not happen`)
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.world.events.nowMs + ms)
  }
}

/** A snapshot of `pieces` pieces that is given out when asked for, and ends with what a `ByteSink` ends with. */
export class CountedStream implements SnapshotStream {
  readonly statement: Uint8Array | null = null
  readonly length: number
  given = 0
  isEnded = false

  constructor(length: number) {
    this.length = length
  }

  next(maxBytes: number): Uint8Array | null {
    if (this.isEnded) throw new Error('asked for more after the end')
    const size = Math.min(maxBytes, this.length - this.given)
    if (size === 0) return null
    const piece = new Uint8Array(size)
    for (let i = 0; i < size; i += 1) piece[i] = (this.given + i) % 200
    this.given += size
    if (this.given === this.length) piece[size - 1] = 0xff
    return piece
  }

  end(): void {
    this.isEnded = true
  }
}

export function hostOf(sid: number): string {
  return `10.0.0.${sid}`
}
