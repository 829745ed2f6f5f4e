import type { ServerId, SessionId } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import type { Clock, Environment, Logger, Timers } from '../env/index.ts'
import { serverIdOf, type TrackedSession } from '../session/index.ts'
import type { EventHistory } from './events/index.ts'
import { SessionExpiry } from './session-expiry.ts'

/** What a server does with sessions that it has to itself. */
export interface LocalSessionPolicy {
  /** Every new session begins as a local one (`localSessionsEnabled`); else only those of a read-only server are. */
  readonly isDefault: boolean
  /** A session that wants an ephemeral becomes one of the ensemble (`localSessionsUpgradingEnabled`). */
  readonly isUpgrading: boolean
}

/**
 * Sessions that only this server knows (`LocalSessionTracker`): made and closed without a transaction, and without
 * ephemerals. Their clients cannot take them up elsewhere. Unlike upstream's they outlive a change of the server's
 * role: while nobody is served no time passes for them.
 */
export class LocalSessions {
  readonly policy: LocalSessionPolicy
  readonly #self: ServerId
  readonly #clock: Clock
  readonly #expiry: SessionExpiry
  readonly #timeouts: Map<SessionId, number> = new Map()
  #firstId: SessionId | null = null
  #highestId: SessionId | null = null

  /** `expire`: nothing was heard in the session for its timeout. */
  constructor(
    policy: LocalSessionPolicy,
    self: ServerId,
    tickMs: number,
    clock: Clock,
    timers: Timers,
    logger: Logger,
    expire: (sessionId: SessionId) => void,
  ) {
    this.policy = policy
    this.#self = self
    this.#clock = clock
    const handler = { beforeExpiry: () => {}, onExpired: expire }
    this.#expiry = new SessionExpiry(tickMs, clock, timers, logger, handler)
    this.#expiry.startAnew(false)
  }

  get size(): number {
    return this.#timeouts.size
  }

  /** Sessions by the monotonic time at which they expire. */
  expiries(): ReadonlyMap<number, readonly SessionId[]> {
    return this.#expiry.tracker.expiries()
  }

  /** Their timeouts, in milliseconds. */
  get timeouts(): ReadonlyMap<SessionId, number> {
    return this.#timeouts
  }

  /** The highest id that was given to a local session since the process started; null for none. */
  get highestId(): SessionId | null {
    return this.#highestId
  }

  find(sessionId: SessionId): TrackedSession | undefined {
    return this.#expiry.tracker.get(sessionId)
  }

  /** Whether an id that is no local session's now was one's once, since the process started. */
  hasEnded(sessionId: SessionId): boolean {
    if (this.#firstId === null || serverIdOf(sessionId) !== this.#self) return false
    if (sessionId < this.#firstId || sessionId > this.#highestId!) return false
    return !this.#timeouts.has(sessionId)
  }

  /** Whether an id that is no session of the ensemble may be a local one of another server. */
  mayBeElsewhere(sessionId: SessionId): boolean {
    return this.policy.isDefault && serverIdOf(sessionId) !== this.#self
  }

  /** A new session, or one that is taken up again with another timeout. */
  add(sessionId: SessionId, timeoutMs: number): TrackedSession {
    this.#firstId ??= sessionId
    if (this.#highestId === null || sessionId > this.#highestId) this.#highestId = sessionId
    this.#timeouts.set(sessionId, timeoutMs)
    return this.#track(sessionId, timeoutMs)
  }

  #track(sessionId: SessionId, timeoutMs: number): TrackedSession {
    const session = this.#expiry.tracker.add(sessionId, timeoutMs, this.#clock.monotonicMs())
    this.#expiry.arm()
    return session
  }

  /** It is over, or one of the ensemble from now on. */
  remove(sessionId: SessionId): void {
    if (this.#timeouts.delete(sessionId)) this.#expiry.tracker.remove(sessionId)
  }

  /** False for a session that is not one of these. */
  touch(session: TrackedSession, nowMs: number): boolean {
    if (this.#expiry.tracker.get(session.id) !== session) return false
    this.#expiry.tracker.touch(session, nowMs)
    return true
  }

  /** Clients are served from now on: every session has its full timeout. */
  resume(): void {
    this.#expiry.startAnew(true)
    for (const [sessionId, timeoutMs] of this.#timeouts) this.#track(sessionId, timeoutMs)
  }

  /** Nobody can reach this server's sessions: none of them expires. */
  hold(): void {
    this.#expiry.startAnew(false)
    for (const [sessionId, timeoutMs] of this.#timeouts) this.#track(sessionId, timeoutMs)
  }

  /** Forgets all of them: this server serves as part of its ensemble, where they are not wanted. */
  clear(): void {
    this.#timeouts.clear()
    this.#expiry.startAnew(false)
  }

  stop(): void {
    this.#expiry.stop()
  }
}

/** The local sessions of a server, or null if it has none; `end` is called when one has expired. */
export function localSessionsOf(
  { ensemble, tickTimeMs }: Config,
  { clock, timers, logger, metrics }: Environment,
  end: (sessionId: SessionId) => void,
  events: EventHistory,
): LocalSessions | null {
  if (ensemble === null) return null
  const { isEnabled, isUpgrading } = ensemble.localSessions
  if (!isEnabled && !ensemble.isReadOnlyModeEnabled) return null
  const policy = { isDefault: isEnabled, isUpgrading }
  const self = ensemble.self as ServerId
  const expire = (sessionId: SessionId): void => {
    metrics.count('stale_sessions_expired', 1)
    const session = local.find(sessionId)
    if (session !== undefined) events.recordExpiry(session, self, false)
    end(sessionId)
  }
  const local = new LocalSessions(policy, self, tickTimeMs, clock, timers, logger, expire)
  return local
}
