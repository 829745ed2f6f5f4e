import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { Address, Listener, ListenHandler, ListenOptions, Logger } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { formatAddress, plainAddress } from './addresses.ts'
import { codeOf, toIoError } from './errors.ts'
import { TcpConnection } from './tcp-connection.ts'

const BACKLOG = 511
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000

/** Accepts connections; survives a process that has run out of file descriptors. */
export class TcpListener implements Listener {
  #address: Address
  readonly #options: ListenOptions
  readonly #handler: ListenHandler
  readonly #logger: Logger
  #server: Server | null = null
  #retryTimer: NodeJS.Timeout | null = null
  #retryMs = FIRST_RETRY_MS
  #isBound = false
  #isClosed = false

  constructor(address: Address, options: ListenOptions, handler: ListenHandler, logger: Logger) {
    this.#address = address
    this.#options = options
    this.#handler = handler
    this.#logger = logger
  }

  get address(): Address {
    return this.#address
  }

  start(): void {
    const server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: this.#options.keepAlive ?? false,
    })
    this.#server = server
    server.on('listening', () => this.#onListening(server))
    server.on('connection', (socket) => this.#onConnection(socket))
    server.on('error', (error) => this.#onError(error))
    const { host, port } = this.#address
    const backlog = this.#options.backlog ?? BACKLOG
    server.listen(host === '' ? { port, backlog } : { host, port, backlog })
  }

  close(done: () => void): void {
    this.#isClosed = true
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer)
    // `server.close` would wait for open connections before it calls back; the port is free at once.
    this.#server?.close()
    this.#server = null
    setImmediate(done)
  }

  #onListening(server: Server): void {
    const bound = server.address()
    if (bound === null || typeof bound === 'string') return
    this.#address = plainAddress(bound.address, bound.port)
    if (this.#isBound) {
      this.#logger.info('accepting connections again', { address: formatAddress(this.#address) })
      return
    }
    this.#isBound = true
    this.#handler.onListening(this)
  }

  #onConnection(socket: Socket): void {
    this.#retryMs = FIRST_RETRY_MS
    // Without a remote address the other side is already gone: nobody to talk to.
    if (socket.remoteAddress === undefined) {
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const connection = new TcpConnection(socket)
    connection.attach(this.#handler.onConnection(connection))
  }

  #onError(error: Error): void {
    if (this.#isClosed) return
    if (!this.#isBound) {
      this.#isClosed = true
      this.#handler.onError(listenError(error, this.#address))
      return
    }
    this.#pauseAccepting(error)
  }

  /**
   * Accepting fails when descriptors run out (EMFILE, ENFILE). libuv would try again without end in the
   * same turn, so the listening socket is closed and opened again after a while.
   */
  #pauseAccepting(error: Error): void {
    this.#server?.close()
    this.#server = null
    if (this.#retryTimer !== null) return
    this.#logger.warn('cannot accept connections, trying again', {
      address: formatAddress(this.#address),
      code: codeOf(error),
      reason: error.message,
      retryMs: this.#retryMs,
    })
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null
      this.start()
    }, this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
  }
}

function listenError(error: Error, address: Address): IoError {
  const where = formatAddress(address)
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new IoError(
        'EADDRINUSE',
        `cannot listen on ${where}: another program uses this port; stop it or configure another port`,
        error,
      )
    case 'EACCES':
      return new IoError(
        'EACCES',
        `cannot listen on ${where}: this user may not use the port; configure one above 1023`,
        error,
      )
    case 'EADDRNOTAVAIL':
      return new IoError(
        'EADDRNOTAVAIL',
        `cannot listen on ${where}: no network interface of this machine has that address`,
        error,
      )
    case 'ENOTFOUND':
      return new IoError(
        'ENOTFOUND',
        `cannot listen on ${where}: the host name has no address`,
        error,
      )
    default:
      return toIoError(error, `cannot listen on ${where}`)
  }
}
