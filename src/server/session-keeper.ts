import { NO_SESSION, NO_ZXID, type ServerId, type SessionId, type Zxid } from '../base/index.ts'
import type { Clock, Logger, Timers } from '../env/index.ts'
import type { SessionTracker, TrackedSession } from '../session/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { EventHistory } from './events/index.ts'
import type { LocalSessions } from './local-sessions.ts'
import { type ExpiryHandler, SessionExpiry } from './session-expiry.ts'
import type { SessionTable } from './session-table.ts'

/**
 * Told of at once, of 12 bytes each: a leader takes packets of 2 MiB (`jute.maxbuffer` and as much extra), and one more
 * would end the link of a learner that has many clients, again and again.
 */
export const TOUCHES_MAX = 100_000

/** A session that clients were heard in, and its timeout: what a learner tells its leader. */
export interface TouchedSession {
  readonly sessionId: SessionId
  readonly timeoutMs: number
}

/**
 * Who holds which session, and the timer that ends silent ones. Expiry only ever proposes a closeSession: the
 * session is over when that transaction is applied.
 *
 * Only one server decides when sessions expire: one that stands alone, or the leader, which tracks them all. A learner
 * reports: it knows the sessions of its own connections, and gathers in which it heard something. Local sessions are
 * a server's own affair, whatever its role.
 */
export class SessionKeeper implements ExpiryHandler {
  /** Null unless the configuration asks for sessions of this server alone. */
  readonly local: LocalSessions | null
  readonly #clock: Clock
  readonly #events: EventHistory
  readonly #expire: (sessionId: SessionId) => void
  readonly #expiry: SessionExpiry
  readonly #owners: Map<SessionId, ClientConnection> = new Map()
  /** Connections that may have unread pings, until a look finds them read again. */
  readonly #heldBack: Set<ClientConnection> = new Set()
  /** Connections that want a session whose closeSession is on its way. */
  readonly #awaitingEnd: Map<SessionId, ClientConnection[]> = new Map()
  /** The last write of a session whose connection ended before the reply. */
  readonly #unfinished: Map<SessionId, Zxid> = new Map()
  /** Live sessions heard of since the leader was told of them last; null for the server that decides. */
  #touched: Map<SessionId, number> | null = null
  /** A leader knows which of its learners serves a session. */
  whoServes: ((sessionId: SessionId) => ServerId | null) | null = null

  constructor(
    tickMs: number,
    clock: Clock,
    timers: Timers,
    logger: Logger,
    expire: (sessionId: SessionId) => void,
    local: LocalSessions | null,
    events: EventHistory,
  ) {
    this.local = local
    this.#events = events
    this.#clock = clock
    this.#expire = expire
    this.#expiry = new SessionExpiry(tickMs, clock, timers, logger, this)
  }

  get #tracker(): SessionTracker {
    return this.#expiry.tracker
  }

  /** This server decides from now on. Every session has its full timeout (ZooKeeper's new leaders do the same). */
  startDeciding(sessions: SessionTable): void {
    this.#touched = null
    this.#startAnew(true)
    sessions.forEach((sessionId, timeoutMs) => {
      this.track(sessionId, timeoutMs)
    })
  }

  /** Another server decides from now on. */
  startReporting(): void {
    this.#touched = new Map()
    this.#startAnew(false)
  }

  #startAnew(isDeciding: boolean): void {
    this.whoServes = null
    this.#expiry.startAnew(isDeciding)
    this.#unfinished.clear()
    this.#awaitingEnd.clear()
    this.#heldBack.clear()
  }

  /** A createSession has been applied. Every learner reports it, so that its timeout counts from now on at the leader. */
  onCreated(sessionId: SessionId, timeoutMs: number): void {
    if (this.#touched === null) this.track(sessionId, timeoutMs)
    else this.#touched.set(sessionId, timeoutMs)
  }

  /** Others have heard something in these sessions. */
  noteTouched(sessions: readonly TouchedSession[]): void {
    for (const { sessionId, timeoutMs } of sessions) this.#touched?.set(sessionId, timeoutMs)
  }

  /** What was heard since the last call; of very much what came first, and the rest the next time. */
  takeTouched(): readonly TouchedSession[] {
    if (this.#touched === null) return []
    this.beforeExpiry()
    const touched: TouchedSession[] = []
    for (const [sessionId, timeoutMs] of this.#touched) {
      if (touched.length === TOUCHES_MAX) break
      touched.push({ sessionId, timeoutMs })
      this.#touched.delete(sessionId)
    }
    return touched
  }

  /** Tracks a session with a full timeout from now on. */
  track(sessionId: SessionId, timeoutMs: number): TrackedSession {
    const session = this.#tracker.add(sessionId, timeoutMs, this.#clock.monotonicMs())
    this.#expiry.arm()
    return session
  }

  /** Sessions of the ensemble by the monotonic time at which they expire; null where that is not decided. */
  expiries(): ReadonlyMap<number, readonly SessionId[]> | null {
    return this.#touched === null ? this.#tracker.expiries() : null
  }

  /** Not a local one. */
  find(sessionId: SessionId): TrackedSession | undefined {
    return this.#tracker.get(sessionId)
  }

  /** Whether the session is one of this server alone. */
  isLocal(sessionId: SessionId): boolean {
    return this.local?.find(sessionId) !== undefined
  }

  /** Makes `connection` the session's only one; an older connection of the session on this server is closed. */
  attach(sessionId: SessionId, connection: ClientConnection): void {
    const previous = this.#owners.get(sessionId)
    if (previous !== undefined && previous !== connection) {
      previous.closeAfterFlush('its session goes on over a new connection')
    }
    this.#owners.set(sessionId, connection)
  }

  /** Its client wants the session on a new connection: the one that it has on this server is closed. */
  leave(sessionId: SessionId): void {
    this.#owners.get(sessionId)?.closeAfterFlush('its client has come back over a new connection')
  }

  detach(connection: ClientConnection): void {
    const { sessionId } = connection
    if (sessionId !== NO_SESSION && this.#owners.get(sessionId) === connection) {
      this.#owners.delete(sessionId)
      if (this.#touched !== null) this.#tracker.remove(sessionId)
    }
  }

  /** The server has stopped reading it: its silence does not count against the session. */
  noteHeldBack(connection: ClientConnection): void {
    this.#heldBack.add(connection)
  }

  noteUnfinished(session: TrackedSession, lastZxid: Zxid): void {
    if (this.#tracker.has(session.id) || this.isLocal(session.id)) {
      this.#unfinished.set(session.id, lastZxid)
    }
  }

  /** Zxid up to which writes of the session's earlier connections may be on their way. */
  takeUnfinished(sessionId: SessionId): Zxid {
    const zxid = this.#unfinished.get(sessionId) ?? NO_ZXID
    this.#unfinished.delete(sessionId)
    return zxid
  }

  markClosing(sessionId: SessionId): void {
    this.#tracker.markClosing(sessionId)
  }

  /** The closeSession has been applied, or was never needed. Returns the connection that held the session, if any. */
  remove(sessionId: SessionId): ClientConnection | null {
    this.local?.remove(sessionId)
    this.#tracker.remove(sessionId)
    this.#touched?.delete(sessionId)
    this.#unfinished.delete(sessionId)
    const owner = this.#owners.get(sessionId) ?? null
    this.#owners.delete(sessionId)
    return owner
  }

  /** The connection is told that the session is over when it is: until then a crash may undo that. */
  awaitEnd(sessionId: SessionId, connection: ClientConnection): void {
    const waiting = this.#awaitingEnd.get(sessionId)
    if (waiting === undefined) this.#awaitingEnd.set(sessionId, [connection])
    else waiting.push(connection)
  }

  takeAwaitingEnd(sessionId: SessionId): readonly ClientConnection[] {
    const waiting = this.#awaitingEnd.get(sessionId) ?? []
    this.#awaitingEnd.delete(sessionId)
    return waiting
  }

  touch(session: TrackedSession, nowMs: number): void {
    if (this.local?.touch(session, nowMs) === true) return
    if (this.#touched === null) this.#tracker.touch(session, nowMs)
    else if (!session.isClosing) this.#touched.set(session.id, session.timeoutMs)
  }

  /** A learner has heard something in the session. */
  touchById(sessionId: SessionId): void {
    const session = this.#tracker.get(sessionId)
    if (session !== undefined) this.#tracker.touch(session, this.#clock.monotonicMs())
  }

  stop(): void {
    this.#expiry.stop()
    this.local?.stop()
  }

  onExpired(sessionId: SessionId): void {
    this.noteExpired(sessionId, false)
    this.#expire(sessionId)
  }

  /** For the history: why the session ends. */
  noteExpired(sessionId: SessionId, isForced: boolean): void {
    const session = this.#tracker.get(sessionId)
    if (session === undefined) return
    const { whoServes } = this
    const servedBy = whoServes === null ? this.#events.serverId : whoServes(sessionId)
    this.#events.recordExpiry(session, servedBy, isForced)
  }

  onTimer(dueMs: number): void {
    this.#events.noteTimer(dueMs)
  }

  /** Connections that are not read may have sent pings. */
  beforeExpiry(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const connection of this.#heldBack) {
      const { session } = connection
      if (session !== null && connection.isHeldBack) this.touch(session, nowMs)
      else this.#heldBack.delete(connection)
    }
  }
}
