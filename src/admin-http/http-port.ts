import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Address, Logger } from '../env/index.ts'

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

export interface HttpPortOptions {
  /** For messages: `admin server`. */
  readonly name: string
  /** Empty for all interfaces. */
  readonly host: string
  /** 0 asks for any free port. */
  readonly port: number
  /** The settings that choose another port, for the warning when this one is taken. */
  readonly portSetting: string
  /** How long a connection may keep silent. */
  readonly idleTimeoutMs: number
}

/** Connections at one time; more are closed at once. */
const CONNECTIONS_MAX = 100
const HEADER_BYTES_MAX = 16 * 1024
/** How long a request line with its headers may take. */
const HEADERS_TIMEOUT_MS = 10_000
const HEADERS_MAX = 100
/** Node looks for requests that are too slow this often. */
const CHECK_INTERVAL_MS = 1000

/**
 * A listening HTTP port that bounds what strangers can take: connections, headers and their time. A port that cannot
 * be bound is one line in the log: a server without it serves its clients as well.
 */
export class HttpPort {
  readonly #options: HttpPortOptions
  readonly #logger: Logger
  readonly #server: Server
  #isClosed = false

  constructor(options: HttpPortOptions, logger: Logger, handler: HttpHandler) {
    this.#options = options
    this.#logger = logger
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      // A snapshot may take long to arrive; a body that keeps silent ends with the idle timeout.
      requestTimeout: 0,
      keepAliveTimeout: Math.min(options.idleTimeoutMs, 60_000),
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    })
    this.#server.maxConnections = CONNECTIONS_MAX
    this.#server.maxHeadersCount = HEADERS_MAX
    this.#server.timeout = options.idleTimeoutMs
    this.#server.on('request', handler)
    // Who wants to be told to go on is told so once its request is accepted.
    this.#server.on('checkContinue', handler)
    this.#server.on('clientError', onClientError)
    this.#server.on('connect', (_request, socket: Duplex) => socket.destroy())
  }

  /** Resolves when the port is bound or could not be; gives its address, or null. */
  open(): Promise<Address | null> {
    const { name, host, port, portSetting } = this.#options
    const server = this.#server
    return new Promise((resolve) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        this.#logger.warn(
          `the ${name} cannot listen on ${host === '' ? '*' : host}:${port} (${reasonOf(error)}); ` +
            `the server goes on without it, ${portSetting} chooses another port`,
        )
        resolve(null)
      }
      server.once('error', onError)
      server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
        server.off('error', onError)
        server.on('error', ({ message }) => {
          this.#logger.warn(`the ${name} failed`, { reason: message })
        })
        const bound = server.address() as AddressInfo
        if (this.#isClosed) server.close()
        resolve({ host, port: bound.port })
      })
    })
  }

  /** Stops listening and cuts every connection. */
  close(): void {
    this.#isClosed = true
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'another process has it'
  if (code === 'EACCES') return 'not permitted'
  return message
}

const STATUS_OF_ERROR = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
])

/** What is no HTTP, too large or too slow: told in a line, if anybody still listens. */
function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  const isGone =
    error.code === 'ECONNRESET' || !socket.writable || (socket as Socket).bytesWritten > 0
  if (isGone) {
    socket.destroy()
    return
  }
  const status = STATUS_OF_ERROR.get(error.code ?? '') ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  )
}
