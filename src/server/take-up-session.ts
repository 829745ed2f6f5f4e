import type { SessionId } from '../base/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { SessionKeeper } from './session-keeper.ts'

/** What whoever decides about sessions tells the handshake. */
export interface SessionHost {
  /** The session goes on here: the handshake ends with it. */
  onSessionTaken(connection: ClientConnection): void
  /** The session is over: the handshake ends without it. */
  onSessionRefused(connection: ClientConnection): void
}

/**
 * On the server that decides about sessions: the client goes on with its session here, is refused, or waits for the
 * closeSession that is on its way. True if it goes on.
 */
export function takeUpSession(
  host: SessionHost,
  sessions: SessionKeeper,
  connection: ClientConnection,
  sessionId: SessionId,
  timeoutMs: number,
): boolean {
  const session = sessions.find(sessionId)
  if (session === undefined) host.onSessionRefused(connection)
  else if (session.isClosing) sessions.awaitEnd(sessionId, connection)
  else {
    sessions.track(sessionId, timeoutMs)
    host.onSessionTaken(connection)
    return true
  }
  return false
}
