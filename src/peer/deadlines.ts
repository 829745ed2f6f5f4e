import type { Clock, TimerHandle, Timers } from '../env/index.ts'

/** Calls back for each item that is not deleted in time; all have the same time. One timer for all of them. */
export class Deadlines<T> {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #timeoutMs: number
  readonly #onLate: (item: T) => void
  /** In the order of the deadlines. */
  readonly #deadlines = new Map<T, number>()
  #timer: TimerHandle | null = null

  constructor(
    env: { readonly clock: Clock; readonly timers: Timers },
    timeoutMs: number,
    onLate: (item: T) => void,
  ) {
    this.#clock = env.clock
    this.#timers = env.timers
    this.#timeoutMs = timeoutMs
    this.#onLate = onLate
  }

  get size(): number {
    return this.#deadlines.size
  }

  add(item: T): void {
    this.#deadlines.set(item, this.#clock.monotonicMs() + this.#timeoutMs)
    this.#arm()
  }

  delete(item: T): void {
    this.#deadlines.delete(item)
    if (this.#deadlines.size === 0) this.#disarm()
  }

  clear(): void {
    this.#deadlines.clear()
    this.#disarm()
  }

  /** Does not wait any longer for the item that was added first. */
  expireOldest(): void {
    for (const item of this.#deadlines.keys()) {
      this.delete(item)
      this.#onLate(item)
      return
    }
  }

  keys(): T[] {
    return [...this.#deadlines.keys()]
  }

  #arm(): void {
    if (this.#timer !== null) return
    for (const deadlineMs of this.#deadlines.values()) {
      this.#timer = this.#timers.at(deadlineMs, this.#onTimer)
      return
    }
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  readonly #onTimer = (): void => {
    this.#timer = null
    const nowMs = this.#clock.monotonicMs()
    for (const [item, deadlineMs] of this.#deadlines) {
      if (deadlineMs > nowMs) break
      this.#deadlines.delete(item)
      this.#onLate(item)
    }
    this.#arm()
  }
}
