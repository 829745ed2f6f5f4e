import { formatHex, type SessionId } from '../base/index.ts'
import type { Clock, Logger, TimerHandle, Timers } from '../env/index.ts'
import { SessionTracker } from '../session/index.ts'

/** Told by {@link SessionExpiry}. */
export interface ExpiryHandler {
  /** Before it is asked who has expired: the last occasion to touch. */
  beforeExpiry(): void
  /** The time of the session is over; it is closing from now on. */
  onExpired(sessionId: SessionId): void
  /** The timer for `dueMs` runs now. */
  onTimer?(dueMs: number): void
}

/** Sessions, and the timer that finds those of which nothing is heard any more. It runs from the first session on. */
export class SessionExpiry {
  readonly #tickMs: number
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #logger: Logger
  readonly #handler: ExpiryHandler
  #tracker: SessionTracker
  #timer: TimerHandle | null = null
  #timerMs = 0
  /** Whether sessions expire here. */
  #isDeciding = true
  #isStopped = false

  constructor(
    tickMs: number,
    clock: Clock,
    timers: Timers,
    logger: Logger,
    handler: ExpiryHandler,
  ) {
    this.#tickMs = tickMs
    this.#tracker = new SessionTracker({ tickMs })
    this.#clock = clock
    this.#timers = timers
    this.#logger = logger
    this.#handler = handler
  }

  get tracker(): SessionTracker {
    return this.#tracker
  }

  /** Forgets all sessions. From now on they expire here, or are only looked up. */
  startAnew(isDeciding: boolean): void {
    this.#isDeciding = isDeciding
    this.#tracker = new SessionTracker({ tickMs: this.#tickMs })
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Sessions may have been added. */
  arm(): void {
    if (this.#timer !== null || this.#isStopped || !this.#isDeciding) return
    const deadlineMs = this.#tracker.nextDeadlineMs()
    if (deadlineMs === Number.POSITIVE_INFINITY) return
    this.#timerMs = deadlineMs
    this.#timer = this.#timers.at(deadlineMs, this.#onDeadline)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Timers run before sockets are read: what clients have sent in time must count first. */
  readonly #onDeadline = (): void => {
    this.#handler.onTimer?.(this.#timerMs)
    this.#timers.endOfTurn(this.#check)
  }

  readonly #check = (): void => {
    this.#timer = null
    if (this.#isStopped || !this.#isDeciding) return
    this.#handler.beforeExpiry()
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
      this.#handler.onExpired(sessionId)
    }
    this.arm()
  }
}
