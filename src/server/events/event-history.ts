import type { ServerId, SessionId } from '../../base/index.ts'
import type { Config } from '../../config/index.ts'
import type { Clock } from '../../env/index.ts'
import type { TrackedSession } from '../../session/index.ts'
import type { RecoveryReport } from '../../storage/index.ts'
import { type EventFact, isOfClients, type ServerEvent, sessionOf } from './event.ts'
import { EventRing } from './event-ring.ts'
import { startedEvent } from './started-event.ts'

/** How much is remembered; clients cannot push out what happened to the server itself. */
export interface HistoryLimits {
  readonly clientEventsMax: number
  readonly clientEventsBytesMax: number
  readonly serverEventsMax: number
  readonly serverEventsBytesMax: number
}

export const HISTORY_LIMITS: HistoryLimits = {
  clientEventsMax: 8192,
  clientEventsBytesMax: 2 * 1024 * 1024,
  serverEventsMax: 2048,
  serverEventsBytesMax: 1024 * 1024,
}

/** Texts of others are cut here. */
const TEXT_MAX = 300

/** A timer that is less late is no stall: that is the daily life of a process. */
const STALL_MS_MIN = 200

export interface EventFilter {
  /** Events of one session, and those of no session. */
  readonly sessionId?: SessionId
  /** Unix time, ms. */
  readonly sinceMs?: number
  /** The latest ones. */
  readonly countMax?: number
}

/**
 * What happened on this server lately, for whoever asks why. To record costs one small object and decides nothing: a
 * server without a history would do the same.
 */
export class EventHistory {
  readonly serverId: ServerId
  readonly #clock: Clock
  readonly #ofClients: EventRing
  readonly #ofServer: EventRing
  #sequence = 0
  #lastStall: (ServerEvent & { readonly kind: 'stall' }) | null = null
  /** Told of each event when it is recorded; whoever keeps the history beyond the process. */
  onRecorded: ((event: ServerEvent) => void) | null = null

  constructor(clock: Clock, serverId: ServerId, limits: HistoryLimits = HISTORY_LIMITS) {
    this.#clock = clock
    this.serverId = serverId
    this.#ofClients = new EventRing(limits.clientEventsMax, limits.clientEventsBytesMax)
    this.#ofServer = new EventRing(limits.serverEventsMax, limits.serverEventsBytesMax)
  }

  /** Takes in what an earlier process has written down, oldest first. Called before anything is recorded. */
  restore(events: readonly ServerEvent[]): void {
    for (const event of events) {
      this.#ringOf(event).push(event)
      if (event.sequence > this.#sequence) this.#sequence = event.sequence
    }
  }

  record(fact: EventFact): void {
    this.#add(bounded(fact), this.#clock.monotonicMs())
  }

  /** Decided here. `servedBy`: where the client was connected last; null when that is not known. */
  recordExpiry(
    { id: sessionId, timeoutMs, touchedMs }: TrackedSession,
    servedBy: ServerId | null,
    isForced: boolean,
  ): void {
    const silentMs = Math.round(this.#clock.monotonicMs() - touchedMs)
    this.record({ kind: 'sessionExpired', sessionId, timeoutMs, silentMs, servedBy, isForced })
  }

  /** The server has its state. */
  recordStart(config: Config, recovery: RecoveryReport, tookMs: number): void {
    this.record(startedEvent(this.serverId, config, recovery, tookMs))
  }

  /**
   * A timer came so late, or a gap was seen: from `fromMs` on the monotonic clock until now nothing ran here. Several
   * timers notice one stall; the part that is known already is not told again.
   */
  recordStall(fromMs: number): void {
    const nowMs = this.#clock.monotonicMs()
    const last = this.#lastStall
    const startMs = last === null ? fromMs : Math.max(fromMs, last.monotonicMs)
    const tookMs = Math.round(nowMs - startMs)
    if (tookMs < STALL_MS_MIN) return
    this.#lastStall = this.#add({ kind: 'stall', tookMs }, nowMs)
  }

  /** The timer for `dueMs` runs only now. */
  noteTimer(dueMs: number): void {
    if (this.#clock.monotonicMs() - dueMs >= STALL_MS_MIN) this.recordStall(dueMs)
  }

  /** Events that fit, oldest first. */
  list(filter: EventFilter = {}): readonly ServerEvent[] {
    const { sessionId, sinceMs = Number.NEGATIVE_INFINITY, countMax = Infinity } = filter
    const found: ServerEvent[] = []
    const visit = (event: ServerEvent): void => {
      if (event.wallMs < sinceMs) return
      if (sessionId !== undefined && (sessionOf(event) ?? sessionId) !== sessionId) return
      found.push(event)
    }
    this.#ofClients.forEach(visit)
    this.#ofServer.forEach(visit)
    found.sort((a, b) => a.sequence - b.sequence)
    return found.length > countMax ? found.slice(found.length - countMax) : found
  }

  /** Unix time on this server. */
  get nowMs(): number {
    return this.#clock.wallMs()
  }

  get monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  get length(): number {
    return this.#ofClients.length + this.#ofServer.length
  }

  get bytes(): number {
    return this.#ofClients.bytes + this.#ofServer.bytes
  }

  /** Events that have made room for later ones. */
  get dropped(): number {
    return this.#ofClients.dropped + this.#ofServer.dropped
  }

  #add<Fact extends EventFact>(fact: Fact, monotonicMs: number): ServerEvent & Fact {
    this.#sequence += 1
    const event = {
      sequence: this.#sequence,
      wallMs: this.#clock.wallMs(),
      monotonicMs: Math.round(monotonicMs),
      ...fact,
    } as ServerEvent & Fact
    this.#ringOf(event).push(event)
    this.onRecorded?.(event)
    return event
  }

  #ringOf({ kind }: ServerEvent): EventRing {
    return isOfClients(kind) ? this.#ofClients : this.#ofServer
  }
}

function bounded(fact: EventFact): EventFact {
  if ('reason' in fact && fact.reason.length > TEXT_MAX) {
    return { ...fact, reason: `${fact.reason.slice(0, TEXT_MAX)}…` }
  }
  return fact
}
