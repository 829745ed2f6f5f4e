import type {
  Address,
  ConnectHandler,
  Listener,
  ListenHandler,
  ListenOptions,
  Network,
} from '../env/index.ts'
import { IoError } from '../env/index.ts'
import type { EventQueue } from './event-queue.ts'
import { Link, type LinkOptions } from './link.ts'
import { SimConnection } from './network-connection.ts'
import type { Wire } from './packet.ts'
import { Pieces } from './pieces.ts'
import type { SimRandom } from './random.ts'
import { BACKING_OFF, steadyRetransmission } from './retransmission.ts'
import type { SimTimers } from './timers.ts'

export interface SimNetworkOptions {
  /** One-way delay of each piece, drawn evenly from this range. */
  readonly latencyMsMin?: number
  readonly latencyMsMax?: number
  readonly windowBytes?: number
  /** After this a connection request without an answer fails with ETIMEDOUT; Linux: 127 s. */
  readonly connectTimeoutMs?: number
  /** After this a connection whose packets get no answer fails with ETIMEDOUT; Linux: 924.6 s. */
  readonly retransmitLimitMs?: number
  /** Lost packets are sent again after this time; unless given, ever more seldom, as Linux does it. */
  readonly retransmitMs?: number
}

const FIRST_EPHEMERAL_PORT = 32_768
const LOOPBACK = new Set(['', 'localhost', '127.0.0.1', '::1'])

/** Connections that a process may leave unaccepted, as `net.Server.listen` has it. */
const BACKLOG = 511

interface OpenPort {
  readonly listener: SimListener
  readonly process: SimTimers
  readonly handler: ListenHandler
  readonly backlog: number
  /** Connections that the kernel has accepted and the process has not. */
  pending: number
}

/** A machine as the network knows it. */
interface NetworkHost {
  /** Links to other machines, by address. */
  readonly links: Map<string, Link>
  /** Without power. */
  isDark: boolean
  nextPort: number
}

/**
 * The network of a world. Machines are known by numeric address once a process runs there, and by name when they
 * have one. What is between two machines is a {@link Link} for each direction.
 */
export class SimNetwork {
  readonly #events: EventQueue
  readonly #random: SimRandom
  readonly #wire: Wire
  readonly #latencyUsMin: number
  readonly #latencyUsMax: number
  readonly #connectTimeoutMs: number
  readonly #hosts = new Map<string, NetworkHost>()
  readonly #addresses = new Map<string, string>()
  readonly #ports = new Map<string, OpenPort>()
  readonly #connections = new Set<SimConnection>()

  constructor(events: EventQueue, random: SimRandom, options: SimNetworkOptions) {
    this.#events = events
    this.#random = random
    this.#latencyUsMin = Math.round((options.latencyMsMin ?? 0.05) * 1000)
    this.#latencyUsMax = Math.round((options.latencyMsMax ?? 1) * 1000)
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 127_000
    this.#wire = {
      events,
      random,
      pieces: new Pieces(),
      windowBytes: options.windowBytes ?? 64 * 1024,
      retransmitLimitMs: options.retransmitLimitMs ?? 924_600,
      retransmission:
        options.retransmitMs === undefined
          ? BACKING_OFF
          : steadyRetransmission(options.retransmitMs),
    }
  }

  /** Makes a machine known; `name` may be used instead of its address. */
  addHost(address: string, name?: string): void {
    if (name !== undefined) this.#addresses.set(name, address)
    if (this.#hosts.has(address)) return
    this.#hosts.set(address, { links: new Map(), isDark: false, nextPort: FIRST_EPHEMERAL_PORT })
  }

  /** The network as a process on `host` sees it. */
  openFor(host: string, process: SimTimers): Network {
    this.addHost(host)
    return {
      listen: (address, options, handler) => this.#listen(host, process, address, options, handler),
      connect: (address, handler) => this.#connect(host, process, address, handler),
    }
  }

  /** What the kernel does when a process ends: its ports and connections are closed. */
  closeAllOf(process: SimTimers): void {
    this.#closePorts(process)
    for (const connection of [...this.#connections]) {
      if (connection.process === process) connection.destroy()
    }
  }

  /** The machine of the process lost its power: nobody is told that its connections are gone. */
  forgetAllOf(process: SimTimers): void {
    this.#closePorts(process)
    for (const connection of [...this.#connections]) {
      if (connection.process === process) connection.forget()
    }
  }

  /** Breaks every connection with a process on `host`, at both ends. */
  disconnect(host: string): void {
    this.#resetWhere(({ local, remote }) => local.host === host || remote.host === host)
  }

  /** Breaks every connection between the two machines, at both ends. */
  reset(a: string, b: string): void {
    this.#resetWhere(
      ({ local, remote }) =>
        (local.host === a && remote.host === b) || (local.host === b && remote.host === a),
    )
  }

  /** The way from one machine to another. */
  link(from: string, to: string): Link {
    const source = this.#host(from)
    let link = source.links.get(to)
    if (link === undefined) {
      link = new Link(from, to, this.#random, this.#latencyUsMin, this.#latencyUsMax)
      link.setDark(source.isDark || this.#host(to).isDark)
      source.links.set(to, link)
    }
    return link
  }

  /** What is sent from one machine to the other is lost from now on; the way back is not touched. */
  cut(from: string, to: string): void {
    this.link(from, to).setCut(true)
  }

  mend(from: string, to: string): void {
    this.link(from, to).setCut(false)
  }

  /** Gives a direction a latency and a bandwidth of its own. */
  shape(from: string, to: string, options: LinkOptions): void {
    this.link(from, to).shape(options)
  }

  /** What is sent from one machine to the other within the next `forMs` arrives only after that time. */
  clog(from: string, to: string, forMs: number): void {
    this.link(from, to).clog(this.#events.nowMs + forMs)
  }

  /** Among `hosts`, lets through exactly what `isAllowed` says; links with others are not touched. */
  connectOnly(hosts: readonly string[], isAllowed: (from: string, to: string) => boolean): void {
    for (const from of hosts) {
      for (const to of hosts) {
        if (from !== to) this.link(from, to).setCut(!isAllowed(from, to))
      }
    }
  }

  /** Every link is open, as fast as others and not clogged. Machines without power stay so. */
  heal(): void {
    for (const { links } of this.#hosts.values()) {
      for (const link of links.values()) {
        link.shape({
          latencyMsMin: this.#latencyUsMin / 1000,
          latencyMsMax: this.#latencyUsMax / 1000,
          bytesPerMs: Number.POSITIVE_INFINITY,
        })
        link.unclog()
        link.setCut(false)
      }
    }
  }

  /** The machine goes off, or on: nothing reaches it or leaves it while it is off. */
  setDark(address: string, isDark: boolean): void {
    const host = this.#host(address)
    host.isDark = isDark
    for (const [to, link] of host.links) link.setDark(isDark || this.#host(to).isDark)
    for (const [from, other] of this.#hosts) {
      if (from !== address) other.links.get(address)?.setDark(isDark || other.isDark)
    }
  }

  #host(address: string): NetworkHost {
    const host = this.#hosts.get(address)
    if (host === undefined) throw new Error(`no machine has the address ${address}`)
    return host
  }

  #closePorts(process: SimTimers): void {
    for (const [key, port] of this.#ports) {
      if (port.process === process) this.#ports.delete(key)
    }
  }

  #resetWhere(isMeant: (connection: SimConnection) => boolean): void {
    for (const connection of [...this.#connections]) if (isMeant(connection)) connection.reset()
  }

  #listen(
    host: string,
    process: SimTimers,
    wanted: Address,
    options: ListenOptions,
    handler: ListenHandler,
  ): void {
    const address = { host, port: wanted.port === 0 ? this.#takePort(host) : wanted.port }
    const key = portKey(address)
    const fail = (code: string, reason: string): void => {
      const text = `cannot listen on ${wanted.host}:${wanted.port}: ${reason}`
      process.inWorld(this.#events.nowMs, () => handler.onError(new IoError(code, text)))
    }
    if (!LOOPBACK.has(wanted.host) && this.#resolve(wanted.host) !== host) {
      fail('EADDRNOTAVAIL', `this is ${host}`)
    } else if (this.#ports.has(key)) {
      fail('EADDRINUSE', 'another process uses this port')
    } else {
      const listener = new SimListener(address, (done) => {
        this.#ports.delete(key)
        process.inWorld(this.#events.nowMs, done)
      })
      const { backlog: wantedBacklog = 0 } = options
      const backlog = wantedBacklog > 0 ? wantedBacklog : BACKLOG
      this.#ports.set(key, { listener, process, handler, backlog, pending: 0 })
      process.inWorld(this.#events.nowMs, () => handler.onListening(listener))
    }
  }

  #connect(host: string, process: SimTimers, address: Address, handler: ConnectHandler): void {
    const target = LOOPBACK.has(address.host) ? host : this.#resolve(address.host)
    const fail = (code: string, reason: string, atMs = this.#events.nowMs): void => {
      const text = `cannot connect to ${address.host}:${address.port}: ${reason}`
      process.inWorld(atMs, () => handler.onError(new IoError(code, text)))
    }
    if (address.port > 65_535) fail('EINVAL', 'no such port')
    else if (!this.#hosts.has(target)) fail('ENOTFOUND', 'no such host')
    else {
      const giveUpMs = this.#events.nowMs + this.#connectTimeoutMs
      this.#request(0, giveUpMs, {
        process,
        local: { host, port: this.#takePort(host) },
        remote: { host: target, port: address.port },
        handler,
        fail,
      })
    }
  }

  /** Sends a connection request; when no answer comes, another one later. */
  #request(attempt: number, giveUpMs: number, request: ConnectRequest): void {
    const events = this.#events
    const { process, local, remote, fail } = request
    if (process.isStopped) return
    const link = this.link(local.host, remote.host)
    const again = (): void => {
      const retryMs = events.nowMs + this.#wire.retransmission.connectRetryMs(attempt)
      if (retryMs >= giveUpMs) fail('ETIMEDOUT', 'no answer', giveUpMs)
      else events.schedule(retryMs, () => this.#request(attempt + 1, giveUpMs, request))
    }
    if (link.isClosed) {
      again()
      return
    }
    events.schedule(link.arrivalMs(events.nowMs, 0), () => {
      const back = this.link(remote.host, local.host)
      const port = this.#ports.get(portKey(remote))
      const isFull = port !== undefined && port.pending >= port.backlog
      if (link.isClosed || back.isClosed || isFull) again()
      else if (port !== undefined) this.#accept(port, request)
      else fail('ECONNREFUSED', 'nothing listens there', back.arrivalMs(events.nowMs, 0))
    })
  }

  #accept(port: OpenPort, { process, local, remote, handler }: ConnectRequest): void {
    const wire = this.#wire
    const there = this.link(local.host, remote.host)
    const back = this.link(remote.host, local.host)
    const forget = (connection: SimConnection): void => {
      this.#connections.delete(connection)
    }
    const client = new SimConnection(wire, there, process, local, remote, forget)
    const server = new SimConnection(wire, back, port.process, remote, local, forget)
    SimConnection.join(client, server)
    this.#connections.add(client)
    this.#connections.add(server)
    const open = (): void => client.attach(handler.onOpen(client))
    // Before `onConnection`, which may write: the client must not receive bytes before it is open.
    wire.events.schedule(server.nextArrivalMs(0), () => {
      if (process.isStopped) client.destroy()
      else if (process.isFrozen) process.readWhenThawed(open)
      else open()
    })
    if (!port.process.isFrozen) {
      server.attach(port.handler.onConnection(server))
      return
    }
    port.pending += 1
    port.process.readWhenThawed(() => {
      port.pending -= 1
      server.attach(port.handler.onConnection(server))
    })
  }

  #resolve(host: string): string {
    return this.#addresses.get(host) ?? host
  }

  #takePort(address: string): number {
    const host = this.#host(address)
    const port = host.nextPort
    host.nextPort = port === 65_535 ? FIRST_EPHEMERAL_PORT : port + 1
    return port
  }
}

/** A connection that somebody wants. */
interface ConnectRequest {
  readonly process: SimTimers
  readonly local: Address
  readonly remote: Address
  readonly handler: ConnectHandler
  readonly fail: (code: string, reason: string, atMs?: number) => void
}

function portKey(address: Address): string {
  return `${address.host} ${address.port}`
}

class SimListener implements Listener {
  readonly address: Address
  readonly #close: (done: () => void) => void

  constructor(address: Address, close: (done: () => void) => void) {
    this.address = address
    this.#close = close
  }

  close(done: () => void): void {
    this.#close(done)
  }
}
