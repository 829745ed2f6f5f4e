import { NO_ZXID, type SessionId, type Zxid } from '../base/index.ts'
import type { Clock } from '../env/index.ts'
import {
  type AuthId,
  DecodeError,
  decodeAuthPacket,
  decodeWriteRequest,
  ErrorCode,
  InputReader,
  OpCode,
  type RequestHeader,
  readRequestHeader,
  type WriteRequest,
} from '../wire/index.ts'
import type { AuthProviders } from '../znodes/index.ts'
import type { Auditor } from './audit/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { EagerAcl } from './eager-acl.ts'
import type { Outstanding } from './outstanding.ts'
import { PendingKind, type WaitingRequest } from './pending.ts'
import type { ReadRequests } from './read-requests.ts'
import type { ServerStats } from './server-stats.ts'
import type { WriteService } from './write-service.ts'

const NO_BODY = new Uint8Array(0)
const REQUEST_HEADER_BYTES = 8

/** Opcodes that become transactions when a client sends them. */
const WRITE_OPCODES: ReadonlySet<number> = new Set([
  OpCode.create,
  OpCode.delete,
  OpCode.setData,
  OpCode.setACL,
  OpCode.multi,
  OpCode.create2,
  OpCode.reconfig,
  OpCode.createContainer,
  OpCode.createTTL,
  OpCode.closeSession,
])

/** Beside the writes, what is refused by a server without a leader (`ReadOnlyRequestProcessor`). */
const OTHER_REFUSED_READ_ONLY: ReadonlySet<number> = new Set([
  OpCode.sync,
  OpCode.check,
  OpCode.deleteContainer,
])

/** The rest of the server as requests see it. */
export interface RequestHost {
  /** Zxid of the last applied transaction. */
  readonly lastApplied: Zxid
  /** Whether there is no leader, and reads are served all the same. */
  readonly isReadOnly: boolean
  readonly outstanding: Pick<Outstanding, 'isOneTooLarge'>
  /** Not null while writes cannot be logged (the disk is full): the error code that answers them. */
  writeRefusal(): number | null
  /** The session of the connection has asked to be closed; nothing else of it may be written. */
  onSessionClosing(connection: ClientConnection): void
  /** Whether the session of the connection is known to this server only. */
  isInLocalSession(connection: ClientConnection): boolean
  /** The answer to the closeSession of such a session is written. */
  onLocalSessionClosed(sessionId: SessionId): void
}

/**
 * Takes whole request frames of connections with a session. Writes get their zxid at once; everything else is answered
 * at once too, unless an earlier request of the same connection is unfinished: then it waits its turn, because
 * replies leave in request order (ZooKeeper clients end a connection that breaks it).
 */
export class RequestProcessor {
  readonly #host: RequestHost
  readonly #clock: Clock
  readonly #writes: WriteService
  #reads: ReadRequests
  readonly #providers: AuthProviders
  readonly #stats: ServerStats
  /** Null unless it is enabled. */
  readonly #eagerAcl: EagerAcl | null
  readonly #auditor: Auditor | null
  readonly #reader: InputReader = new InputReader()
  readonly #header: RequestHeader = { xid: 0, type: 0 }

  constructor(
    host: RequestHost,
    clock: Clock,
    writes: WriteService,
    reads: ReadRequests,
    providers: AuthProviders,
    stats: ServerStats,
    eagerAcl: EagerAcl | null,
    auditor: Auditor | null,
  ) {
    this.#host = host
    this.#clock = clock
    this.#writes = writes
    this.#reads = reads
    this.#providers = providers
    this.#stats = stats
    this.#eagerAcl = eagerAcl
    this.#auditor = auditor
  }

  /** What reads are made of from now on. */
  readFrom(reads: ReadRequests): void {
    this.#reads = reads
  }

  /** One request frame, header included, as it was read from the socket. */
  admit(
    connection: ClientConnection,
    bytes: Uint8Array,
    start: number,
    end: number,
    nowMs: number,
  ): void {
    if (end - start < REQUEST_HEADER_BYTES) {
      connection.destroy()
      return
    }
    const reader = this.#reader
    reader.reset(bytes, start, end)
    readRequestHeader(reader, this.#header)
    const { xid, type } = this.#header
    const length = end - start
    if (this.#host.outstanding.isOneTooLarge(length)) {
      this.#stats.recordLargeRequest()
      // There is no reply that says so: a client library tries again, here or elsewhere.
      connection.destroy(`a request of ${length} bytes beside others of that size`)
      return
    }
    if (WRITE_OPCODES.has(type)) this.#admitWrite(connection, type, xid, bytes, end, length, nowMs)
    else if (type === OpCode.auth) this.#admitAuth(connection, xid, length, nowMs)
    else if (this.#host.isReadOnly && OTHER_REFUSED_READ_ONLY.has(type)) {
      this.#decide(connection, type, xid, ErrorCode.notReadOnly, length, nowMs)
    } else if (
      connection.pendingCount > 0 ||
      type === OpCode.sync ||
      connection.notBefore > this.#host.lastApplied
    ) {
      this.#wait(connection, type, xid, bytes, start, end, nowMs)
    } else this.#run(connection, type, xid, connection.ids, nowMs, nowMs)
  }

  /** A request whose turn has come. */
  runWaiting(connection: ClientConnection, request: WaitingRequest): void {
    const nowMs = this.#clock.monotonicMs()
    if (request.err !== ErrorCode.ok || isDecided(request.opcode)) {
      this.#answerDecided(connection, request.opcode, request.xid, request.err)
      this.#record(connection, request.opcode, request.xid, request.admittedMs, nowMs)
      return
    }
    this.#reader.reset(request.body, 0, request.body.length)
    const { opcode, xid, ids, admittedMs } = request
    this.#run(connection, opcode, xid, ids, admittedMs, nowMs)
  }

  #run(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    ids: readonly AuthId[],
    admittedMs: number,
    nowMs: number,
  ): void {
    try {
      if (!this.#reads.execute(connection, opcode, xid, this.#reader, ids)) {
        this.#refuseOpcode(connection, xid)
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#refuseBody(connection, opcode, xid)
    }
    this.#stats.recordReadTime(this.#clock.monotonicMs() - nowMs)
    this.#record(connection, opcode, xid, admittedMs, nowMs)
  }

  /* ---------------------------------------------------------------- writes */

  #admitWrite(
    connection: ClientConnection,
    type: number,
    xid: number,
    bytes: Uint8Array,
    end: number,
    length: number,
    nowMs: number,
  ): void {
    const bodyStart = this.#reader.offset
    const refusal = this.#host.writeRefusal()
    if (refusal !== null && type !== OpCode.closeSession) {
      this.#decide(connection, type, xid, refusal, length, nowMs)
      return
    }
    if (type === OpCode.closeSession && this.#host.isInLocalSession(connection)) {
      connection.readNoMore()
      this.#decide(connection, type, xid, ErrorCode.ok, length, nowMs)
      return
    }
    let request: WriteRequest
    try {
      request = decodeWriteRequest(type, this.#reader)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      // Unlike 3.8, a malformed write costs no zxid (3.9).
      this.#decide(connection, type, xid, ErrorCode.marshallingError, length, nowMs)
      return
    }
    if (this.#eagerAcl?.refuses(request, connection.ids) === true) {
      this.#decide(connection, type, xid, ErrorCode.noAuth, length, nowMs)
      return
    }
    // Once a closeSession is on its way nothing may be made that it does not know of (ZOOKEEPER-1208).
    const isClosing = connection.session?.isClosing === true
    if (type === OpCode.closeSession) {
      connection.readNoMore()
      this.#host.onSessionClosing(connection)
    }
    const origin = {
      connection,
      sessionId: connection.sessionId,
      xid,
      opcode: type,
      ids: connection.ids,
      sessionError: isClosing ? ErrorCode.sessionExpired : ErrorCode.ok,
      ephemeralError: ErrorCode.ok,
      bytes: length,
      admittedMs: nowMs,
      audit: this.#auditor?.subjectOf(request, connection.ids, connection.remote.host) ?? null,
    }
    this.#writes.write(request, origin, bytes, bodyStart, end)
  }

  /* ---------------------------------------------------------------- auth */

  /** Takes effect for every request read after it; a refusal ends the connection behind the replies owed before. */
  #admitAuth(connection: ClientConnection, xid: number, length: number, nowMs: number): void {
    try {
      const packet = decodeAuthPacket(this.#reader)
      const ids = this.#providers.authenticate(packet.scheme, packet.auth, connection.ids)
      if (ids !== null) {
        connection.ids = ids
      } else {
        this.#stats.authFailed += 1
        connection.readNoMore()
      }
      const err = ids === null ? ErrorCode.authFailed : ErrorCode.ok
      this.#decide(connection, OpCode.auth, xid, err, length, nowMs)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      connection.destroy()
    }
  }

  /* ---------------------------------------------------------------- waiting and refusing */

  #wait(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    nowMs: number,
  ): void {
    // What follows a request that will end the connection is not executed.
    if (!this.#reads.knows(opcode)) connection.readNoMore()
    const isSync = opcode === OpCode.sync
    const request: WaitingRequest = {
      kind: PendingKind.request,
      xid,
      opcode,
      err: ErrorCode.ok,
      // Not `slice`: of a Node buffer that is no copy.
      body: new Uint8Array(bytes.subarray(this.#reader.offset, end)),
      bytes: end - start,
      ids: connection.ids,
      notBefore: connection.notBefore,
      isConfirmed: !isSync,
      admittedMs: nowMs,
    }
    connection.owe(request)
    if (isSync) this.#writes.sync(connection, request)
    connection.runWaiting()
    if (!request.isConfirmed || request.notBefore > this.#host.lastApplied) {
      this.#writes.awaitTurn(connection)
    }
  }

  /** Answers in its turn with a reply that is a header and nothing else. */
  #decide(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    err: number,
    length: number,
    nowMs: number,
  ): void {
    if (connection.pendingCount === 0) {
      this.#answerDecided(connection, opcode, xid, err)
      this.#record(connection, opcode, xid, nowMs, nowMs)
      return
    }
    connection.owe({
      kind: PendingKind.request,
      xid,
      opcode,
      err,
      body: NO_BODY,
      bytes: length,
      ids: connection.ids,
      notBefore: NO_ZXID,
      isConfirmed: true,
      admittedMs: nowMs,
    })
  }

  #answerDecided(connection: ClientConnection, opcode: number, xid: number, err: number): void {
    const zxid = opcode === OpCode.auth ? NO_ZXID : this.#host.lastApplied
    this.#reads.replyHeader(connection, xid, zxid, err)
    if (opcode === OpCode.auth && err !== ErrorCode.ok) connection.closeAfterFlush()
    if (opcode === OpCode.closeSession) this.#host.onLocalSessionClosed(connection.sessionId)
  }

  #refuseOpcode(connection: ClientConnection, xid: number): void {
    this.#reads.replyHeader(connection, xid, -1n as Zxid, ErrorCode.unimplemented)
    connection.closeAfterFlush()
  }

  /** A malformed sasl packet ends the connection without a word; anything else is answered and forgiven. */
  #refuseBody(connection: ClientConnection, opcode: number, xid: number): void {
    if (opcode === OpCode.sasl) connection.destroy()
    else {
      this.#reads.replyHeader(connection, xid, this.#host.lastApplied, ErrorCode.marshallingError)
    }
  }

  #record(
    connection: ClientConnection,
    opcode: number,
    xid: number,
    admittedMs: number,
    nowMs: number,
  ): void {
    const zxid = this.#host.lastApplied
    this.#stats.recordReply(connection, opcode, xid, zxid, admittedMs, nowMs, false)
  }
}

/** A waiting request of these is answered without a look at it: what came of it is known, or nothing is to be done. */
function isDecided(opcode: number): boolean {
  return opcode === OpCode.auth || opcode === OpCode.closeSession
}
