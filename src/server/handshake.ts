import { formatHex, NO_SESSION, type SessionId, type Zxid } from '../base/index.ts'
import type { Logger } from '../env/index.ts'
import {
  isSessionPassword,
  negotiateTimeout,
  type SessionIdSource,
  sessionPassword,
} from '../session/index.ts'
import {
  type ByteString,
  type ConnectRequest,
  DecodeError,
  decodeConnectRequest,
  InputReader,
  writeConnectResponse,
} from '../wire/index.ts'
import type { Admission } from './admission.ts'
import { type ClientConnection, Phase } from './client-connection.ts'
import type { ClientEvents } from './events/index.ts'
import type { SessionKeeper } from './session-keeper.ts'

const INVALID_PASSWORD = '\0'.repeat(16) as ByteString

/** The rest of the server as a handshake sees it. */
export interface HandshakeHost {
  readonly lastApplied: Zxid
  /** Whether only clients that ask for no more are served, with reads. */
  readonly isReadOnly: boolean
  readonly stats: {
    recordRevalidation(): void
    recordConnectReply(connection: ClientConnection, createdAt: Zxid | null): void
  }
  /** Not null while writes cannot be logged (the disk is full). */
  writeRefusal(): number | null
  /** Has the session created; {@link Handshake.onSessionCreated} follows when that is applied. */
  openSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void
  /** Has the session taken up; {@link Handshake.onSessionTaken} or {@link Handshake.onSessionRefused} follows. */
  takeUpSession(connection: ClientConnection, sessionId: SessionId, timeoutMs: number): void
  /** The connection has its session. */
  onServing(connection: ClientConnection): void
}

/** The first frame of a connection: a new session, or one taken up again. */
export class Handshake {
  readonly #host: HandshakeHost
  readonly #sessions: SessionKeeper
  #ids: SessionIdSource
  readonly #minTimeoutMs: number
  readonly #maxTimeoutMs: number
  readonly #logger: Logger
  readonly #events: ClientEvents
  readonly #admission: Admission
  readonly #reader: InputReader = new InputReader()

  constructor(
    host: HandshakeHost,
    sessions: SessionKeeper,
    ids: SessionIdSource,
    minTimeoutMs: number,
    maxTimeoutMs: number,
    logger: Logger,
    events: ClientEvents,
    admission: Admission,
  ) {
    this.#host = host
    this.#sessions = sessions
    this.#ids = ids
    this.#minTimeoutMs = minTimeoutMs
    this.#maxTimeoutMs = maxTimeoutMs
    this.#logger = logger
    this.#events = events
    this.#admission = admission
  }

  onConnectFrame(
    connection: ClientConnection,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const request = this.#decode(bytes, start, end)
    if (request === null) {
      this.#logger.warn('malformed connect request; connection closed', {
        remote: connection.remote.host,
        bytes: end - start,
      })
      this.#turnAway(connection, 'its connect request cannot be read')
      return
    }
    if (this.#host.isReadOnly && !request.readOnly) {
      this.#logger.debug('client wants to write, and this server is read-only', {
        remote: connection.remote.host,
      })
      this.#turnAway(connection, 'it wants to write, and this server is read-only')
      return
    }
    if (request.lastZxidSeen > this.#host.lastApplied) {
      this.#logger.warn('client has seen a newer zxid than this server; it must try another one', {
        remote: connection.remote.host,
        lastZxidSeen: formatHex(request.lastZxidSeen),
        lastApplied: formatHex(this.#host.lastApplied),
      })
      this.#turnAway(connection, 'it has seen a newer zxid than this server')
      return
    }
    const refusal = this.#admission.refusal(request)
    if (refusal !== null) {
      const fields = { remote: connection.remote.host, reason: refusal }
      this.#logger.debug('client turned away; it must try another server', fields)
      this.#turnAway(connection, refusal)
      return
    }
    connection.hasReadOnlyFlag = request.hasReadOnly
    const timeoutMs = negotiateTimeout(request.timeOut, this.#minTimeoutMs, this.#maxTimeoutMs)
    connection.timeoutMs = timeoutMs
    if (request.sessionId !== NO_SESSION) {
      this.#host.stats.recordRevalidation()
      this.#takeUp(connection, request, timeoutMs)
    } else if (this.#host.writeRefusal() !== null && !this.#host.isReadOnly) {
      // There is no reply that says so; a client library tries the next server.
      this.#logger.warn('no new session while writes are refused; connection closed', {
        remote: connection.remote.host,
      })
      this.#turnAway(connection, 'no new session while writes are refused')
    } else {
      connection.phase = Phase.connecting
      connection.sessionId = this.#ids.next()
      this.#host.openSession(connection, connection.sessionId, timeoutMs)
    }
  }

  /** New sessions get ids from this source from now on. */
  useIds(ids: SessionIdSource): void {
    this.#ids = ids
  }

  /** The createSession transaction is applied and the session tracked: answer, and read on. */
  onSessionCreated(connection: ClientConnection): void {
    if (connection.phase === Phase.connecting) this.#accept(connection, connection.sessionId, true)
  }

  /** The session may go on here, and is tracked. */
  onSessionTaken(connection: ClientConnection): void {
    if (connection.phase === Phase.connecting) this.#accept(connection, connection.sessionId, false)
  }

  /** The session it wants is over. */
  onSessionRefused(connection: ClientConnection): void {
    if (connection.phase === Phase.connecting) this.#refuse(connection, connection.sessionId)
  }

  /**
   * The password is checked before the session's present connection is touched; upstream does it the other way
   * round, so that anybody who knows an id can cut its connection (docs/divergence.md).
   *
   * That connection ends now, and not when the session is had: (1) the client leaves it while this server stands still,
   * gives up a second one to this server as well, and has its session at another; (2) this server goes on, and the second
   * connection claims the session for it; (3) what was still under way on the first one would be carried out, after what
   * the client has done since.
   */
  #takeUp(connection: ClientConnection, request: ConnectRequest, timeoutMs: number): void {
    if (!isSessionPassword(request.sessionId, request.passwd)) {
      this.#refuse(connection, request.sessionId)
      return
    }
    connection.phase = Phase.connecting
    connection.sessionId = request.sessionId
    this.#sessions.leave(request.sessionId)
    this.#host.takeUpSession(connection, request.sessionId, timeoutMs)
  }

  #accept(connection: ClientConnection, sessionId: SessionId, isNew: boolean): void {
    const session = this.#sessions.find(sessionId) ?? this.#sessions.local?.find(sessionId)
    if (session === undefined) {
      this.#refuse(connection, sessionId)
      return
    }
    connection.sessionId = sessionId
    connection.session = session
    this.#sessions.attach(sessionId, connection)
    connection.notBefore = this.#sessions.takeUnfinished(sessionId)
    connection.phase = Phase.serving
    this.#respond(connection, connection.timeoutMs, sessionId, sessionPassword(sessionId))
    this.#host.stats.recordConnectReply(connection, isNew ? this.#host.lastApplied : null)
    connection.lateAfterMs = this.#events.lateAfterMs(connection.timeoutMs)
    this.#events.connected(sessionId, connection.timeoutMs, connection.remote, isNew)
    this.#host.onServing(connection)
    this.#logger.debug('session connected', {
      sessionId: formatHex(sessionId),
      remote: connection.remote.host,
      timeoutMs: connection.timeoutMs,
    })
  }

  /** All fields zero: each client library looks at another one to learn that the session is over. */
  #refuse(connection: ClientConnection, sessionId: SessionId): void {
    this.#logger.info('connect to a session that is over or with a wrong password', {
      sessionId: formatHex(sessionId),
      remote: connection.remote.host,
    })
    this.#events.refused(sessionId, connection.remote)
    this.#respond(connection, 0, NO_SESSION, INVALID_PASSWORD)
    this.#host.stats.recordConnectReply(connection, null)
    connection.closeAfterFlush('its session is over')
  }

  #turnAway(connection: ClientConnection, reason: string): void {
    this.#events.turnedAway(connection.remote, reason)
    connection.destroy(reason)
  }

  #respond(
    connection: ClientConnection,
    timeOut: number,
    sessionId: SessionId,
    passwd: string,
  ): void {
    const out = connection.out
    const mark = out.beginFrame()
    writeConnectResponse(out, {
      protocolVersion: 0,
      timeOut,
      sessionId,
      passwd: passwd as ByteString,
      hasReadOnly: connection.hasReadOnlyFlag,
      readOnly: this.#host.isReadOnly && sessionId !== NO_SESSION,
    })
    out.endFrame(mark)
  }

  #decode(bytes: Uint8Array, start: number, end: number): ConnectRequest | null {
    this.#reader.reset(bytes, start, end)
    try {
      return decodeConnectRequest(this.#reader)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return null
    }
  }
}
