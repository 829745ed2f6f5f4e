import type { ClientNetwork } from '../../../src/client/index.ts'
import type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
} from '../../../src/env/index.ts'

/**
 * - `before`: the request does not reach the server, and the connection breaks.
 * - `after`: the server carries it out, and the connection breaks before the answer is there.
 */
export type Loss = 'after' | 'before'

/** Decides the fate of a request by its number; the first one of a client is 0. Pings and handshakes do not count. */
export type LossPlan = (request: number) => Loss | null

/** The network of one client, on which chosen requests are lost. */
export class LossyNetwork implements ClientNetwork {
  /** Requests so far. */
  requests = 0
  /** Watch events so far. */
  events = 0
  plan: LossPlan = () => null
  readonly #network: ClientNetwork

  constructor(network: ClientNetwork) {
    this.#network = network
  }

  connect(address: Address, handler: ConnectHandler, signal: AbortSignal): void {
    const open = (connection: Connection): ConnectionHandler => {
      const lossy = new LossyConnection(connection, this, () => this.#fate())
      lossy.handler = handler.onOpen(lossy)
      return lossy
    }
    this.#network.connect(address, { onOpen: open, onError: (e) => handler.onError(e) }, signal)
  }

  #fate(): Loss | null {
    const request = this.requests
    this.requests += 1
    return this.plan(request)
  }
}

const LENGTH_BYTES = 4
const EVENT_XID = -1

/** Cuts a byte stream into frames; what is whole is taken out with its length field. */
class Frames {
  #rest: Uint8Array = new Uint8Array(0)

  push(chunk: Uint8Array): Uint8Array[] {
    const whole: Uint8Array[] = []
    const all = new Uint8Array(this.#rest.length + chunk.length)
    all.set(this.#rest)
    all.set(chunk, this.#rest.length)
    this.#rest = all
    while (this.#rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + int32(this.#rest, 0)
      if (this.#rest.length < end) break
      whole.push(this.#rest.slice(0, end))
      this.#rest = this.#rest.slice(end)
    }
    return whole
  }
}

class LossyConnection implements Connection, ConnectionHandler {
  handler: ConnectionHandler | null = null
  readonly #connection: Connection
  readonly #network: LossyNetwork
  readonly #fate: () => Loss | null
  readonly #out = new Frames()
  readonly #in = new Frames()
  #isGreeted = false
  #isAnswered = false
  /** The answer to this request is to be lost. */
  #lostXid: number | null = null
  #isBroken = false

  constructor(connection: Connection, network: LossyNetwork, fate: () => Loss | null) {
    this.#connection = connection
    this.#network = network
    this.#fate = fate
  }

  get remote(): Address {
    return this.#connection.remote
  }

  get local(): Address {
    return this.#connection.local
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes
  }

  write(bytes: Uint8Array): boolean {
    for (const frame of this.#out.push(bytes)) this.#send(frame)
    return true
  }

  keepAlive(idleMs: number): void {
    this.#connection.keepAlive(idleMs)
  }

  pause(): void {
    this.#connection.pause()
  }

  resume(): void {
    this.#connection.resume()
  }

  end(): void {
    this.#connection.end()
  }

  destroy(): void {
    this.#connection.destroy()
  }

  onBytes(chunk: Uint8Array): void {
    for (const frame of this.#in.push(chunk)) {
      if (this.#isBroken) return
      if (this.#isAnswered && int32(frame, LENGTH_BYTES) === this.#lostXid) {
        this.#isBroken = true
        this.#connection.destroy()
        return
      }
      if (this.#isAnswered && int32(frame, LENGTH_BYTES) === EVENT_XID) this.#network.events += 1
      this.#isAnswered = true
      this.handler?.onBytes(frame)
    }
  }

  onDrain(): void {
    this.handler?.onDrain()
  }

  onEnd(): void {
    this.handler?.onEnd()
  }

  onClose(...args: Parameters<ConnectionHandler['onClose']>): void {
    this.handler?.onClose(...args)
  }

  #send(frame: Uint8Array): void {
    if (this.#isBroken) return
    const xid = int32(frame, LENGTH_BYTES)
    const fate = this.#isGreeted && xid > 0 ? this.#fate() : null
    this.#isGreeted = true
    if (fate === 'before') {
      this.#isBroken = true
      this.#connection.end()
      return
    }
    if (fate === 'after') this.#lostXid ??= xid
    this.#connection.write(frame)
  }
}

function int32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(at)
}
