import { formatHex, NO_SESSION, NO_ZXID, type SessionId, type Zxid } from '../base/index.ts'
import type { Clock, Logger, TimerHandle, Timers } from '../env/index.ts'
import { SessionTracker, type TrackedSession } from '../session/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { SessionTable } from './session-table.ts'

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
 * reports: it knows the sessions of its own connections, and gathers in which it heard something.
 */
export class SessionKeeper {
  readonly #tickMs: number
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #logger: Logger
  readonly #expire: (sessionId: SessionId) => void
  readonly #owners: Map<SessionId, ClientConnection> = new Map()
  /** Connections that may have unread pings, until a look finds them read again. */
  readonly #heldBack: Set<ClientConnection> = new Set()
  /** Connections that want a session whose closeSession is on its way. */
  readonly #awaitingEnd: Map<SessionId, ClientConnection[]> = new Map()
  /** The last write of a session whose connection ended before the reply. */
  readonly #unfinished: Map<SessionId, Zxid> = new Map()
  /** Sessions heard of since the leader was told last; null for the server that decides. */
  #touched: Map<SessionId, number> | null = null
  #tracker: SessionTracker
  #timer: TimerHandle | null = null
  #isStopped = false

  constructor(
    tickMs: number,
    clock: Clock,
    timers: Timers,
    logger: Logger,
    expire: (sessionId: SessionId) => void,
  ) {
    this.#tickMs = tickMs
    this.#tracker = new SessionTracker({ tickMs })
    this.#clock = clock
    this.#timers = timers
    this.#logger = logger
    this.#expire = expire
  }

  /** This server decides from now on. Every session has its full timeout (ZooKeeper's new leaders do the same). */
  startDeciding(sessions: SessionTable): void {
    this.#touched = null
    this.#startAnew()
    sessions.forEach((sessionId, timeoutMs) => {
      this.track(sessionId, timeoutMs)
    })
  }

  /** Another server decides from now on. */
  startReporting(): void {
    this.#touched = new Map()
    this.#startAnew()
  }

  #startAnew(): void {
    this.#tracker = new SessionTracker({ tickMs: this.#tickMs })
    this.#timer?.cancel()
    this.#timer = null
    this.#unfinished.clear()
    this.#awaitingEnd.clear()
    this.#heldBack.clear()
  }

  /** A createSession has been applied. Every learner reports it, so that its timeout counts from now on at the leader. */
  onCreated(sessionId: SessionId, timeoutMs: number): void {
    if (this.#touched === null) this.track(sessionId, timeoutMs)
    else this.#touched.set(sessionId, timeoutMs)
  }

  /** What was heard since the last call. */
  takeTouched(): readonly TouchedSession[] {
    if (this.#touched === null) return []
    this.#touchHeldBack()
    const touched: TouchedSession[] = []
    for (const [sessionId, timeoutMs] of this.#touched) touched.push({ sessionId, timeoutMs })
    this.#touched.clear()
    return touched
  }

  /** Tracks a session with a full timeout from now on. */
  track(sessionId: SessionId, timeoutMs: number): TrackedSession {
    const session = this.#tracker.add(sessionId, timeoutMs, this.#clock.monotonicMs())
    this.#arm()
    return session
  }

  find(sessionId: SessionId): TrackedSession | undefined {
    return this.#tracker.get(sessionId)
  }

  /** Makes `connection` the session's only one; an older connection of the session on this server is closed. */
  attach(sessionId: SessionId, connection: ClientConnection): void {
    const previous = this.#owners.get(sessionId)
    if (previous !== undefined && previous !== connection) previous.closeAfterFlush()
    this.#owners.set(sessionId, connection)
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
    if (this.#tracker.has(session.id)) this.#unfinished.set(session.id, lastZxid)
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

  /** The closeSession has been applied. Returns the connection that held the session, if any. */
  remove(sessionId: SessionId): ClientConnection | null {
    this.#tracker.remove(sessionId)
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
    if (this.#touched === null) this.#tracker.touch(session, nowMs)
    else if (!session.isClosing) this.#touched.set(session.id, session.timeoutMs)
  }

  /** A learner has heard something in the session. */
  touchById(sessionId: SessionId): void {
    const session = this.#tracker.get(sessionId)
    if (session !== undefined) this.#tracker.touch(session, this.#clock.monotonicMs())
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(): void {
    if (this.#timer !== null || this.#isStopped || this.#touched !== null) return
    const deadlineMs = this.#tracker.nextDeadlineMs()
    if (deadlineMs === Number.POSITIVE_INFINITY) return
    this.#timer = this.#timers.at(deadlineMs, this.#onDeadline)
  }

  /** Timers run before sockets are read: what clients have sent in time must count first. */
  readonly #onDeadline = (): void => {
    this.#timers.endOfTurn(this.#check)
  }

  readonly #check = (): void => {
    this.#timer = null
    if (this.#isStopped || this.#touched !== null) return
    this.#touchHeldBack()
    const pausedBefore = this.#tracker.pausedMs
    const expired = this.#tracker.expired(this.#clock.monotonicMs())
    const pausedMs = this.#tracker.pausedMs - pausedBefore
    if (pausedMs > 0) {
      this.#logger.warn('the process did not run for a while; session deadlines were moved', {
        pausedMs: Math.round(pausedMs),
      })
    }
    for (const sessionId of expired) {
      this.#logger.info('session expired', { sessionId: formatHex(sessionId) })
      this.#expire(sessionId)
    }
    this.#arm()
  }

  #touchHeldBack(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const connection of this.#heldBack) {
      const { session } = connection
      if (session !== null && connection.isHeldBack) this.touch(session, nowMs)
      else this.#heldBack.delete(connection)
    }
  }
}
