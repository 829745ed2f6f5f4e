import { ErrorCode, OpCode, type TxnHeader } from '../wire/index.ts'
import type { ApplyResult } from '../znodes/index.ts'
import type { ClientConnection, ClientWrite } from './client-connection.ts'
import type { Handshake } from './handshake.ts'
import type { ServerStats } from './server-stats.ts'
import type { SessionKeeper } from './session-keeper.ts'
import { writeWriteReply } from './write-replies.ts'

/** The server, as its answers need it. */
export interface AnsweringServer {
  readonly stats: ServerStats
  onTurnNeeded(connection: ClientConnection): void
}

/** The write of a client of this server is applied: it gets its reply, and what it asked for after that may run. */
export function answerWrite(
  server: AnsweringServer,
  sessions: SessionKeeper,
  handshake: Handshake,
  origin: ClientConnection,
  write: ClientWrite,
  header: TxnHeader,
  result: ApplyResult,
  nowMs: number,
): void {
  const { xid, opcode, admittedMs } = write
  const queued = origin.pendingCount
  origin.completeWrite(write)
  if (opcode === OpCode.createSession) {
    sessions.track(write.sessionId, origin.timeoutMs)
    handshake.onSessionCreated(origin)
  } else if (result.err === ErrorCode.sessionMoved) {
    // Its client is connected elsewhere by now, and does not listen here (ZOOKEEPER-710).
    origin.closeAfterFlush('its client is connected to another server')
  } else {
    writeWriteReply(origin.out, write, header.zxid, result)
    server.stats.recordReply(origin, opcode, xid, header.zxid, admittedMs, nowMs, true)
  }
  origin.runWaiting()
  server.stats.recordQueue(queued, origin.pendingCount)
  server.onTurnNeeded(origin)
}
