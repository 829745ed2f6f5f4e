import type {
  Clock,
  Connection,
  ConnectionHandler,
  IoError,
  Listener,
  ListenHandler,
  Logger,
  Metrics,
  TimerHandle,
  Timers,
} from '../env/index.ts'
import type { ClientConnection } from './client-connection.ts'
import { Phase } from './client-connection.ts'
import type { ClientEvents } from './events/index.ts'

export interface ClientPortLimits {
  /** Open connections from one address; 0 is unlimited. */
  readonly connectionsPerAddressMax: number
  /** Open connections in all; 0 is unlimited. */
  readonly connectionsMax: number
  /** How long a connection may stay without a session. */
  readonly handshakeTimeoutMs: number
  /** How long a connection may take to read its last replies. */
  readonly closeFlushTimeoutMs: number
}

/** What the port needs from the server. */
export interface ClientPortHost {
  newConnection(socket: Connection): ClientConnection
  onListening(listener: Listener): void
  onListenError(error: IoError): void
  readonly clientEvents: Pick<ClientEvents, 'turnedAway'>
}

/** The listening socket for clients: counts connections, and ends those that dawdle. */
export class ClientPort implements ListenHandler {
  readonly #host: ClientPortHost
  readonly #limits: ClientPortLimits
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #connections: Set<ClientConnection> = new Set()
  readonly #perAddress: Map<string, number> = new Map()
  /** Connections without a session and closing ones, with the time by which that must have changed. */
  readonly #dawdlers: Map<ClientConnection, number> = new Map()
  #timer: TimerHandle | null = null
  #timerMs = Number.POSITIVE_INFINITY
  #listener: Listener | null = null
  #isStopped = false
  #onEmpty: () => void = () => {}

  constructor(
    host: ClientPortHost,
    limits: ClientPortLimits,
    clock: Clock,
    timers: Timers,
    logger: Logger,
    metrics: Metrics,
  ) {
    this.#host = host
    this.#limits = limits
    this.#clock = clock
    this.#timers = timers
    this.#logger = logger
    this.#metrics = metrics
  }

  get connections(): ReadonlySet<ClientConnection> {
    return this.#connections
  }

  onListening(listener: Listener): void {
    if (this.#isStopped) {
      listener.close(() => {})
      return
    }
    this.#listener = listener
    this.#host.onListening(listener)
  }

  onError(error: IoError): void {
    this.#host.onListenError(error)
  }

  /** Over a limit: closed at once without a byte, as the original does. */
  onConnection(socket: Connection): ConnectionHandler {
    if (this.#isStopped) {
      socket.destroy()
      return IGNORE
    }
    const address = socket.remote.host
    const sameAddress = this.#perAddress.get(address) ?? 0
    const { connectionsPerAddressMax, connectionsMax, handshakeTimeoutMs } = this.#limits
    if (connectionsPerAddressMax > 0 && sameAddress >= connectionsPerAddressMax) {
      this.#logger.warn('too many connections from one address (maxClientCnxns); closed', {
        remote: address,
        max: connectionsPerAddressMax,
      })
      return this.#reject(socket, 'too many connections from one address')
    }
    if (connectionsMax > 0 && this.#connections.size >= connectionsMax) {
      this.#logger.warn('too many connections (maxCnxns); closed', {
        remote: address,
        max: connectionsMax,
      })
      return this.#reject(socket, 'too many connections')
    }
    this.#perAddress.set(address, sameAddress + 1)
    const connection = this.#host.newConnection(socket)
    this.#connections.add(connection)
    this.#watchDawdler(connection, handshakeTimeoutMs)
    return connection
  }

  /** The connection has its session. */
  onServing(connection: ClientConnection): void {
    this.#dawdlers.delete(connection)
  }

  /** The connection waits for its client to take the last replies. */
  onClosing(connection: ClientConnection): void {
    if (this.#connections.has(connection)) {
      this.#watchDawdler(connection, this.#limits.closeFlushTimeoutMs)
    }
  }

  onClosed(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return
    this.#dawdlers.delete(connection)
    const address = connection.remote.host
    const rest = (this.#perAddress.get(address) ?? 0) - 1
    if (rest > 0) this.#perAddress.set(address, rest)
    else this.#perAddress.delete(address)
    if (this.#connections.size === 0) this.#onEmpty()
  }

  /** Stops accepting; open connections stay. */
  stopListening(): void {
    this.#isStopped = true
    this.#listener?.close(() => {})
    this.#listener = null
  }

  /** Ends every connection once its client has taken the replies it is owed, or after a while without that. */
  drain(done: () => void): void {
    this.#onEmpty = () => {
      this.#onEmpty = () => {}
      this.#cancelTimer()
      done()
    }
    if (this.#connections.size === 0) this.#onEmpty()
    for (const connection of [...this.#connections]) connection.closeAfterFlush('this server stops')
  }

  /** Cuts every connection. */
  destroyAll(): void {
    this.#cancelTimer()
    for (const connection of [...this.#connections]) {
      connection.destroy('this server has stopped to serve')
    }
  }

  #reject(socket: Connection, reason: string): ConnectionHandler {
    this.#host.clientEvents.turnedAway(socket.remote, reason)
    this.#metrics.count('connection_rejected', 1)
    socket.destroy()
    return IGNORE
  }

  #cancelTimer(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#timerMs = Number.POSITIVE_INFINITY
  }

  #watchDawdler(connection: ClientConnection, timeoutMs: number): void {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs
    this.#dawdlers.set(connection, deadlineMs)
    this.#arm(deadlineMs)
  }

  #arm(deadlineMs: number): void {
    if (deadlineMs >= this.#timerMs) return
    this.#cancelTimer()
    this.#timerMs = deadlineMs
    this.#timer = this.#timers.at(deadlineMs, this.#onDeadline)
  }

  readonly #onDeadline = (): void => {
    this.#cancelTimer()
    const nowMs = this.#clock.monotonicMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const [connection, deadlineMs] of this.#dawdlers) {
      if (deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, deadlineMs)
        continue
      }
      this.#dawdlers.delete(connection)
      // A createSession that takes long (a slow disk) is not the client's fault.
      if (connection.phase === Phase.connecting) continue
      if (connection.phase === Phase.opening) {
        this.#metrics.count('sessionless_connections_expired', 1)
      }
      this.#logger.info(
        connection.phase === Phase.closing
          ? 'client did not take its last replies; connection cut'
          : 'connection without a session for too long; closed',
        { remote: connection.remote.host },
      )
      connection.destroy('its client does not take its last replies')
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#arm(nextMs)
  }
}

const IGNORE: ConnectionHandler = {
  onBytes: () => {},
  onDrain: () => {},
  onEnd: () => {},
  onClose: () => {},
}
