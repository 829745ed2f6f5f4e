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
import type { Wire } from './network-connection.ts'
import { SimConnection } from './network-connection.ts'
import type { SimRandom } from './random.ts'
import type { SimTimers } from './timers.ts'

export interface SimNetworkOptions {
  /** One-way delay of each piece, drawn evenly from this range. */
  readonly latencyMsMin?: number
  readonly latencyMsMax?: number
  readonly windowBytes?: number
}

const FIRST_EPHEMERAL_PORT = 32_768
const LOOPBACK = new Set(['', 'localhost', '127.0.0.1', '::1'])

interface OpenPort {
  readonly listener: SimListener
  readonly process: SimTimers
  readonly handler: ListenHandler
}

/** The network of a world. Hosts are known by their numeric address once a process runs there. */
export class SimNetwork {
  readonly #wire: Wire
  readonly #hosts = new Set<string>()
  readonly #ports = new Map<string, OpenPort>()
  readonly #connections = new Set<SimConnection>()
  #nextPort = FIRST_EPHEMERAL_PORT

  constructor(events: EventQueue, random: SimRandom, options: SimNetworkOptions) {
    const minUs = Math.round((options.latencyMsMin ?? 0.05) * 1000)
    const maxUs = Math.round((options.latencyMsMax ?? 1) * 1000)
    this.#wire = {
      events,
      random,
      windowBytes: options.windowBytes ?? 64 * 1024,
      latencyMs: () => random.between(minUs, maxUs) / 1000,
    }
  }

  /** The network as a process on `host` sees it. */
  openFor(host: string, process: SimTimers): Network {
    this.#hosts.add(host)
    return {
      listen: (address, options, handler) => this.#listen(host, process, address, options, handler),
      connect: (address, handler) => this.#connect(host, process, address, handler),
    }
  }

  /** What the kernel does when a process ends: its ports and connections are closed. */
  closeAllOf(process: SimTimers): void {
    for (const [key, port] of this.#ports) {
      if (port.process === process) this.#ports.delete(key)
    }
    for (const connection of [...this.#connections]) {
      if (connection.process === process) connection.destroy()
    }
  }

  /** Breaks every connection with a process on `host`, at both ends. */
  disconnect(host: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.local.host === host || connection.remote.host === host) connection.reset()
    }
  }

  #listen(
    host: string,
    process: SimTimers,
    wanted: Address,
    _options: ListenOptions,
    handler: ListenHandler,
  ): void {
    const address = { host, port: wanted.port === 0 ? this.#takePort() : wanted.port }
    const key = portKey(address)
    const fail = (code: string, reason: string): void => {
      const text = `cannot listen on ${wanted.host}:${wanted.port}: ${reason}`
      process.at(this.#wire.events.nowMs, () => handler.onError(new IoError(code, text)))
    }
    if (!LOOPBACK.has(wanted.host) && wanted.host !== host) {
      fail('EADDRNOTAVAIL', `this is ${host}`)
    } else if (this.#ports.has(key)) {
      fail('EADDRINUSE', 'another process uses this port')
    } else {
      const listener = new SimListener(address, (done) => {
        this.#ports.delete(key)
        process.at(this.#wire.events.nowMs, done)
      })
      this.#ports.set(key, { listener, process, handler })
      process.at(this.#wire.events.nowMs, () => handler.onListening(listener))
    }
  }

  #connect(host: string, process: SimTimers, address: Address, handler: ConnectHandler): void {
    const { events } = this.#wire
    const target = { host: LOOPBACK.has(address.host) ? host : address.host, port: address.port }
    const fail = (code: string, reason: string): void => {
      const text = `cannot connect to ${address.host}:${address.port}: ${reason}`
      const answerMs = events.nowMs + this.#wire.latencyMs()
      process.at(answerMs, () => handler.onError(new IoError(code, text)))
    }
    if (address.port > 65_535) {
      fail('EINVAL', 'no such port')
      return
    }
    if (!this.#hosts.has(target.host)) {
      fail('ENOTFOUND', 'no such host')
      return
    }
    events.schedule(events.nowMs + this.#wire.latencyMs(), () => {
      const port = this.#ports.get(portKey(target))
      if (port === undefined) fail('ECONNREFUSED', 'nothing listens there')
      else this.#accept(port, { host, port: this.#takePort() }, target, process, handler)
    })
  }

  #accept(
    port: OpenPort,
    clientAddress: Address,
    serverAddress: Address,
    clientProcess: SimTimers,
    handler: ConnectHandler,
  ): void {
    const forget = (connection: SimConnection): void => {
      this.#connections.delete(connection)
    }
    const wire = this.#wire
    const client = new SimConnection(wire, clientProcess, clientAddress, serverAddress, forget)
    const server = new SimConnection(wire, port.process, serverAddress, clientAddress, forget)
    SimConnection.join(client, server)
    this.#connections.add(client)
    this.#connections.add(server)
    // Before `onConnection`, which may write: the client must not receive bytes before it is open.
    wire.events.schedule(server.nextArrivalMs(), () => {
      if (clientProcess.isStopped) client.destroy()
      else client.attach(handler.onOpen(client))
    })
    server.attach(port.handler.onConnection(server))
  }

  #takePort(): number {
    const port = this.#nextPort
    this.#nextPort = port === 65_535 ? FIRST_EPHEMERAL_PORT : port + 1
    return port
  }
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
