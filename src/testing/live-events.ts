import { systemClock } from '../platform/sockets/index.ts'
import { EventQueue, type ScheduledEvent } from '../sim/index.ts'

/** Events run before promises get their turn. */
const EVENTS_PER_RUN = 256

/** `setTimeout` treats anything longer as 1 ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

interface Waiter {
  readonly isDone: () => boolean
  readonly settle: () => void
}

/**
 * The events of a simulated world, run inside the event loop of this process, so that promises, sockets and the world
 * go on together. The world begins standing still, for its servers to start in no time; `run` lets it go on:
 *
 * - with the `system` clock, in step with real time. As in any event loop an event may be late, and sees the time at
 *   which it runs, not the one it was meant for: a server notices that its process stood still.
 * - with the `manual` clock, time stands still until {@link advance}. Whatever needs no time happens by itself.
 */
export class LiveEvents extends EventQueue {
  readonly clock: 'manual' | 'system'
  #isLive = false
  #isRunning = false
  #isReleased = false
  #isAdvancing = false
  /** What the monotonic clock of the process showed when the world was at 0. */
  #originMs = 0
  /** Nobody has seen a later time. */
  #seenMs = 0
  #immediate: NodeJS.Immediate | null = null
  #timeout: NodeJS.Timeout | null = null
  #timeoutMs = Number.POSITIVE_INFINITY
  #waiters: Waiter[] = []

  constructor(clock: 'manual' | 'system') {
    super()
    this.clock = clock
  }

  override get nowMs(): number {
    if (this.#isLive && this.clock === 'system') {
      // Inside of a run time stands still at its beginning, as in any turn of an event loop.
      const nowMs = this.#isRunning ? super.nowMs : systemClock.monotonicMs() - this.#originMs
      if (nowMs > this.#seenMs) this.#seenMs = nowMs
      return this.#seenMs
    }
    return super.nowMs
  }

  override add(atMs: number, event: ScheduledEvent): void {
    super.add(atMs, event)
    if (this.#isLive && !this.#isRunning) this.#arm()
  }

  /** From now on the world goes on by itself. */
  run(): void {
    this.#originMs = systemClock.monotonicMs() - super.nowMs
    this.#seenMs = super.nowMs
    this.#isLive = true
    this.#arm()
  }

  /** Timers of the world do not keep the process alive any more. */
  release(): void {
    this.#isReleased = true
    this.#timeout?.unref()
  }

  /** Resolves as soon as `isDone`; time does not move for it. */
  whenDone(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push({ isDone, settle: resolve })
    })
  }

  /**
   * Lets so many milliseconds pass, with everything that happens in them. Between two moments of the world all
   * promises that can settle do.
   */
  async advance(ms: number): Promise<void> {
    this.#checkManual()
    if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`time cannot advance by ${ms} ms`)
    const endMs = super.nowMs + ms
    await this.#move(endMs, () => false)
    super.runUntil(endMs)
  }

  /** Lets time pass until `isDone`, `limitMs` at most; whether it came to that. */
  async advanceUntil(isDone: () => boolean, limitMs: number): Promise<boolean> {
    this.#checkManual()
    await this.#move(super.nowMs + limitMs, isDone)
    return isDone()
  }

  #checkManual(): void {
    if (this.clock !== 'manual') {
      throw new Error("only a manual clock can be advanced: start the server with clock: 'manual'")
    }
    if (this.#isAdvancing) throw new Error('the clock is being advanced already: await that first')
  }

  async #move(endMs: number, isDone: () => boolean): Promise<void> {
    this.#isAdvancing = true
    try {
      for (;;) {
        await turn()
        if (isDone()) return
        const { nextMs } = this
        // What is due now is run by the armed immediate, so that it is run in one place.
        if (nextMs <= super.nowMs) continue
        if (nextMs > endMs) return
        this.#runUntil(nextMs)
      }
    } finally {
      this.#isAdvancing = false
    }
  }

  #arm(): void {
    if (this.#immediate !== null) return
    const { nextMs } = this
    const { nowMs } = this
    if (nextMs <= nowMs) {
      this.#immediate = setImmediate(this.#onImmediate)
      return
    }
    if (this.clock === 'manual' || nextMs >= this.#timeoutMs) return
    this.#disarm()
    this.#timeoutMs = nextMs
    this.#timeout = setTimeout(
      this.#onTimeout,
      Math.min(Math.ceil(nextMs - nowMs), LONGEST_TIMEOUT_MS),
    )
    if (this.#isReleased) this.#timeout.unref()
  }

  #disarm(): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    this.#timeout = null
    this.#timeoutMs = Number.POSITIVE_INFINITY
  }

  readonly #onImmediate = (): void => {
    this.#immediate = null
    this.#runUntil(this.nowMs)
  }

  /** Timers come before sockets in an event loop: what has arrived by now is read first. */
  readonly #onTimeout = (): void => {
    this.#disarm()
    this.#immediate ??= setImmediate(this.#onImmediate)
  }

  #runUntil(untilMs: number): void {
    this.#isRunning = true
    try {
      for (let events = 0; events < EVENTS_PER_RUN && this.nextMs <= untilMs; events += 1) {
        this.step()
      }
    } finally {
      this.#isRunning = false
      this.#arm()
    }
    this.#settleWaiters()
  }

  #settleWaiters(): void {
    if (this.#waiters.length === 0) return
    const done = this.#waiters.filter(({ isDone }) => isDone())
    if (done.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter))
    for (const { settle } of done) settle()
  }
}

/** Lets every promise that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
