import type { SessionId } from '../base/index.ts'
import type { ErrorCode, WriteRequest } from '../wire/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { WaitingRequest } from './pending.ts'
import type { Flushable } from './turn.ts'
import type { WriteOrigin } from './write-pipeline.ts'

/**
 * How the writes and sessions of a server's clients are agreed on: by its own log if it stands alone
 * ({@link Standalone}), by the ensemble it belongs to otherwise ({@link Member}).
 */
export interface WriteService extends Flushable {
  /** Whether clients may be served now. */
  readonly isServing: boolean
  /** Whether clients that ask for no more may be served reads, though there is no leader. */
  readonly isReadOnly: boolean
  /** Not null while nothing can be written here: the error that answers a client. */
  refusal(): ErrorCode | null
  /** A write of a client. The bytes are what follows the request's header, valid during the call only. */
  write(
    request: WriteRequest,
    origin: WriteOrigin,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void
  /** A sync of a client: sets `notBefore` and `isConfirmed` once it may be answered. */
  sync(connection: ClientConnection, request: WaitingRequest): void
  /** The connection has a request that waits for something else than its own writes. */
  awaitTurn(connection: ClientConnection): void
  /** The handshake ends when the createSession transaction is applied. */
  openSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void
  /** The password is right: the handshake ends at once, or when the leader has answered. */
  takeUpSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void
}
