import { createServer, type Server, type Socket } from 'node:net'
import type { ClientNetwork } from '../client/index.ts'
import type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  IoError,
} from '../env/index.ts'
import { TcpConnection } from '../platform/sockets/index.ts'

const LOOPBACK = '127.0.0.1'

/**
 * A TCP port of this machine that leads to a server in memory. The port stays open while the server is stopped, so that
 * nobody else gets it meanwhile; connections are then reset as soon as they are made.
 */
export class TcpEdge {
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, sockets: Set<Socket>, port: number) {
    this.#server = server
    this.#sockets = sockets
    this.port = port
  }

  /** Opens a free port; what connects there is connected with `target`. */
  static open(network: ClientNetwork, target: Address): Promise<TcpEdge> {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      bridge(socket, network, target)
    })
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, LOOPBACK, () => {
        const { port } = server.address() as { port: number }
        resolve(new TcpEdge(server, sockets, port))
      })
    })
  }

  get address(): string {
    return `${LOOPBACK}:${this.port}`
  }

  /** Resolves when the port is free and every connection is gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      for (const socket of this.#sockets) socket.destroy()
    })
  }
}

function bridge(socket: Socket, network: ClientNetwork, target: Address): void {
  // A socket that is gone already has no addresses, and nobody to talk to.
  if (socket.remoteAddress === undefined) {
    socket.on('error', () => {})
    socket.destroy()
    return
  }
  const abort = new AbortController()
  const outside = new Outside(socket, abort)
  // Nothing is read before there is somewhere to write it to.
  outside.tcp.pause()
  outside.tcp.attach(outside)
  network.connect(target, outside, abort.signal)
}

/** The side of a bridge that faces a TCP client. */
class Outside implements ConnectionHandler, ConnectHandler {
  readonly tcp: TcpConnection
  readonly #socket: Socket
  readonly #abort: AbortController
  #inside: Connection | null = null

  constructor(socket: Socket, abort: AbortController) {
    this.#socket = socket
    this.tcp = new TcpConnection(socket)
    this.#abort = abort
  }

  onOpen(inside: Connection): ConnectionHandler {
    this.#inside = inside
    this.tcp.resume()
    return new Inside(this, inside)
  }

  onError(): void {
    this.reset()
  }

  /** The client has to see that this was no orderly end. */
  reset(): void {
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy()
  }

  // The chunk is the socket's, and may have to wait inside.
  onBytes(chunk: Uint8Array): void {
    if (this.#inside?.write(new Uint8Array(chunk)) === false) this.tcp.pause()
  }

  onDrain(): void {
    this.#inside?.resume()
  }

  onEnd(): void {
    this.#inside?.end()
  }

  onClose(error: IoError | null): void {
    this.#abort.abort()
    if (error === null) this.#inside?.end()
    else this.#inside?.destroy()
  }
}

/** The side of a bridge that faces the server. */
class Inside implements ConnectionHandler {
  readonly #outside: Outside
  readonly #connection: Connection

  constructor(outside: Outside, connection: Connection) {
    this.#outside = outside
    this.#connection = connection
  }

  // The chunk is overwritten after the call.
  onBytes(chunk: Uint8Array): void {
    if (!this.#outside.tcp.write(new Uint8Array(chunk))) this.#connection.pause()
  }

  onDrain(): void {
    this.#outside.tcp.resume()
  }

  onEnd(): void {
    this.#outside.tcp.end()
  }

  onClose(error: IoError | null): void {
    if (error === null) this.#outside.tcp.end()
    else this.#outside.reset()
  }
}
