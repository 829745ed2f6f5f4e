import type { SessionId } from '../base/index.ts'
import { ErrorCode, OpCode, type WriteRequest } from '../wire/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { WriteOrigin } from './write-pipeline.ts'

/** A write of the server itself, such as the end of an expired session: nobody waits for a reply. */
export function ownWriteOf(
  request: WriteRequest,
  sessionId: SessionId,
  admittedMs: number,
): WriteOrigin {
  return {
    connection: null,
    sessionId,
    xid: 0,
    opcode: request.type,
    ids: [],
    sessionError: ErrorCode.ok,
    ephemeralError: ErrorCode.ok,
    bytes: 0,
    admittedMs,
    audit: null,
  }
}

/** The write that opens a session for a client that has just connected. */
export function createSessionOf(
  connection: ClientConnection,
  sessionId: SessionId,
  timeoutMs: number,
  admittedMs: number,
): { readonly request: WriteRequest; readonly origin: WriteOrigin } {
  const request: WriteRequest = { type: OpCode.createSession, timeOut: timeoutMs }
  const origin = { ...ownWriteOf(request, sessionId, admittedMs), connection, ids: connection.ids }
  return { request, origin }
}
