import type { IoError } from './io-error.ts'

export interface Address {
  /** Name or numeric address; empty for all interfaces. */
  readonly host: string
  /** 0 asks {@link Network.listen} for any free port. */
  readonly port: number
}

/** One byte stream. Bytes given to `write` belong to the connection until it has drained. */
export interface Connection {
  /** Numeric address and port of the other side, e.g. `127.0.0.1` (never an IPv4-mapped IPv6 form). */
  readonly remote: Address
  readonly local: Address
  /** Bytes accepted by `write` that the operating system has not taken yet. */
  readonly bufferedBytes: number
  /**
   * Queues bytes. The caller must not change them until `bufferedBytes` is 0.
   * Returns false when the caller should wait for `onDrain` before it queues more.
   */
  write(bytes: Uint8Array): boolean
  /** No `onBytes` after this returns, until `resume`. */
  pause(): void
  resume(): void
  /**
   * From now on the operating system asks after `idleMs` without a word from the other side whether the connection still
   * exists there, and `onClose` comes with an error if it does not: a machine that has lost its power does not say so.
   */
  keepAlive(idleMs: number): void
  /** Sends what is queued, then closes. `onClose` follows. */
  end(): void
  /** Closes now, dropping what is queued. `onClose` follows. */
  destroy(): void
}

/** The receiver of a connection's events. No method is called inside a call to the connection. */
export interface ConnectionHandler {
  /** `chunk` is valid during the call only. */
  onBytes(chunk: Uint8Array): void
  /** Everything queued has been taken by the operating system. */
  onDrain(): void
  /** The other side has finished sending (half-close). */
  onEnd(): void
  /** The last event; `error` is null for an orderly close. */
  onClose(error: IoError | null): void
}

export interface Listener {
  /** The bound address, with the real port. */
  readonly address: Address
  /** Stops accepting. Open connections stay. */
  close(done: () => void): void
}

export interface ListenHandler {
  /** Called once the port is bound. */
  onListening(listener: Listener): void
  /** Called for each accepted connection; returns who receives its events. */
  onConnection(connection: Connection): ConnectionHandler
  /** The port could not be bound, or accepting failed for good. */
  onError(error: IoError): void
}

export interface ConnectHandler {
  onOpen(connection: Connection): ConnectionHandler
  onError(error: IoError): void
}

export interface ListenOptions {
  readonly backlog?: number
  readonly keepAlive?: boolean
}

export interface Network {
  listen(address: Address, options: ListenOptions, handler: ListenHandler): void
  connect(address: Address, handler: ConnectHandler): void
}
