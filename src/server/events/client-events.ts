import { formatHex, NO_SESSION, type SessionId } from '../../base/index.ts'
import type { Address, Clock, Logger } from '../../env/index.ts'
import type { OpCode, Txn, TxnHeader } from '../../wire/index.ts'
import type { EventHistory } from './event-history.ts'
import { RateLimit } from './rate-limit.ts'

/** So many of one sort are told in any second: what hits every client at once must not push out the rest. */
const PER_SECOND = 20
const LOG_LINES_PER_SECOND = 5

/** A client that is silent for longer than this part of its timeout is late: it pings every third. */
const LATE_PART = 2 / 3

/** The end of a session, as it is logged. */
export type CloseSessionTxn = Extract<Txn, { readonly type: typeof OpCode.closeSession }>

/** A connection while its session goes on. */
export interface LiveConnection {
  readonly sessionId: SessionId
  readonly timeoutMs: number
  heardMs: number
  readonly lateAfterMs: number
}

/** What is known of a connection when it ends. */
export interface EndedConnection {
  readonly sessionId: SessionId
  readonly remote: Address
  readonly closeReason: string | null
  readonly heardMs: number
  readonly acceptedMs: number
  readonly hadSession: boolean
}

/** Turns what clients do into events. */
export class ClientEvents {
  readonly #history: EventHistory
  readonly #clock: Clock
  readonly #logger: Logger
  /** Requests that take longer are told, ms; 0 for none. */
  readonly #slowRequestMs: number
  readonly #lateLimit: RateLimit = new RateLimit(PER_SECOND)
  readonly #turnedAway: RateLimit = new RateLimit(PER_SECOND)
  readonly #slow: RateLimit = new RateLimit(PER_SECOND)
  readonly #slowLines: RateLimit = new RateLimit(LOG_LINES_PER_SECOND)

  constructor(history: EventHistory, clock: Clock, logger: Logger, slowRequestMs: number) {
    this.#history = history
    this.#clock = clock
    this.#logger = logger
    this.#slowRequestMs = slowRequestMs > 0 ? slowRequestMs : Number.POSITIVE_INFINITY
  }

  /** From how much silence on a request is late. */
  lateAfterMs(timeoutMs: number): number {
    return timeoutMs * LATE_PART
  }

  connected(sessionId: SessionId, timeoutMs: number, remote: Address, isNew: boolean): void {
    const kind = isNew ? 'sessionCreated' : 'sessionResumed'
    this.#history.record({ kind, sessionId, timeoutMs, remote: textOf(remote) })
  }

  refused(sessionId: SessionId, remote: Address): void {
    if (this.#turnedAway.pass(this.#clock.monotonicMs()) === null) return
    this.#history.record({ kind: 'sessionRefused', sessionId, remote: textOf(remote) })
  }

  /** A connection never got a session. */
  turnedAway(remote: Address, reason: string): void {
    if (this.#turnedAway.pass(this.#clock.monotonicMs()) === null) return
    this.#history.record({ kind: 'connectionRefused', remote: textOf(remote), reason })
  }

  /** A request has come: to be called for each, so it does next to nothing. */
  heard(connection: LiveConnection, nowMs: number): void {
    const silentMs = nowMs - connection.heardMs
    connection.heardMs = nowMs
    if (silentMs > connection.lateAfterMs) this.#late(connection, silentMs, nowMs)
  }

  #late({ sessionId, timeoutMs }: LiveConnection, silentMs: number, nowMs: number): void {
    if (this.#lateLimit.pass(nowMs) === null) return
    this.#history.record({
      kind: 'sessionLate',
      sessionId,
      timeoutMs,
      silentMs: Math.round(silentMs),
    })
  }

  /** The session is over: a client's own closeSession has a request number, the server's has none. */
  sessionClosed({ clientId, cxid, zxid }: TxnHeader, { paths }: CloseSessionTxn): void {
    this.#history.record({
      kind: 'sessionClosed',
      sessionId: clientId,
      by: cxid === 0 ? 'server' : 'client',
      zxid: formatHex(zxid),
      ephemerals: paths?.length ?? 0,
    })
  }

  /** Such a session has no transactions. One that has expired is told to have before. */
  localSessionClosed(sessionId: SessionId): void {
    const over = { sessionId, by: 'client', zxid: '0x0', ephemerals: 0 } as const
    this.#history.record({ kind: 'sessionClosed', ...over })
  }

  closed(connection: EndedConnection): void {
    const { sessionId, remote, closeReason, hadSession } = connection
    if (!hadSession || sessionId === NO_SESSION) return
    const nowMs = this.#clock.monotonicMs()
    this.#history.record({
      kind: 'connectionClosed',
      sessionId,
      remote: textOf(remote),
      reason: closeReason ?? 'closed by this server',
      silentMs: Math.round(nowMs - connection.heardMs),
      openMs: Math.round(nowMs - connection.acceptedMs),
    })
  }

  /** A reply has been written: to be called for each, so it does next to nothing. */
  answered(sessionId: SessionId, operation: number, latencyMs: number, nowMs: number): void {
    if (latencyMs < this.#slowRequestMs) return
    if (this.#slow.pass(nowMs) !== null) {
      this.#history.record({ kind: 'slowRequest', sessionId, operation, tookMs: latencyMs })
    }
    const suppressed = this.#slowLines.pass(nowMs)
    if (suppressed === null) return
    this.#logger.warn('a request took long', {
      sessionId: formatHex(sessionId),
      operation,
      ms: latencyMs,
      thresholdMs: this.#slowRequestMs,
      ...(suppressed === 0 ? {} : { notLogged: suppressed }),
    })
  }
}

function textOf({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
