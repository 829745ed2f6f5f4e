import type { Clock } from '../env/index.ts'

/**
 * A stretch of time in which the client knows that the server keeps its session: ephemeral znodes stay, nobody else
 * is given what they stand for. When a session that was thought lost is taken up again, its id is the same and this
 * object another one.
 */
export class Session {
  readonly id: bigint
  /** Aborts when the session is lost or may be, or ended by `close`. The reason is a `ZkError`. */
  readonly signal: AbortSignal
  readonly #abort: AbortController = new AbortController()
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #timeoutMs: number
  #sureUntilMs: number

  /** For the client. */
  constructor(id: bigint, timeoutMs: number, clock: Pick<Clock, 'monotonicMs'>) {
    this.id = id
    this.signal = this.#abort.signal
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#sureUntilMs = Number.NEGATIVE_INFINITY
  }

  /** What the server granted. */
  get timeoutMs(): number {
    return this.#timeoutMs
  }

  /** On the monotonic clock: the session lives until then unless a server with it was cut off from its leader. */
  get sureUntilMs(): number {
    return this.#sureUntilMs
  }

  /**
   * A lower bound of the time that the session still has. It counts from the moment at which the last answered request
   * was sent, since the server began its timeout not earlier.
   */
  get remainingMs(): number {
    if (this.signal.aborted) return 0
    return Math.max(0, this.#sureUntilMs - this.#clock.monotonicMs())
  }

  get isOver(): boolean {
    return this.signal.aborted
  }

  /** For the client: a request that was sent then has been answered. */
  extend(sentAtMs: number, timeoutMs: number, driftMargin: number): void {
    this.#timeoutMs = timeoutMs
    this.#sureUntilMs = Math.max(this.#sureUntilMs, sentAtMs + timeoutMs * (1 - driftMargin))
  }

  /** For the client. Runs the listeners of the signal. */
  end(reason: Error): void {
    this.#abort.abort(reason)
  }
}
