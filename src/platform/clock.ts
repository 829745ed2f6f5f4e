import { performance } from 'node:perf_hooks'
import type { Clock, TimerHandle, Timers } from '../env/index.ts'

/** The clocks of the operating system. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}

/** `setTimeout` treats anything longer as 1 ms. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** Timers of the event loop. A pending one keeps the process alive. */
export const systemTimers: Timers = {
  // The check phase follows the poll phase: by then every readable socket has been read.
  endOfTurn: (task) => {
    setImmediate(task)
  },
  at: (deadlineMs, task) => new SystemTimer(deadlineMs, task),
}

class SystemTimer implements TimerHandle {
  readonly #deadlineMs: number
  readonly #task: () => void
  #timeout: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null

  constructor(deadlineMs: number, task: () => void) {
    this.#deadlineMs = deadlineMs
    this.#task = task
    this.#arm()
  }

  cancel(): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    this.#timeout = null
    this.#immediate = null
  }

  #arm(): void {
    const leftMs = this.#deadlineMs - performance.now()
    if (leftMs > 0) {
      const delayMs = Math.min(Math.ceil(leftMs), LONGEST_TIMEOUT_MS)
      this.#timeout = setTimeout(this.#onTimeout, delayMs)
    } else {
      this.#immediate = setImmediate(this.#task)
    }
  }

  // The event loop counts whole milliseconds from a cached time, so it may be a fraction early.
  readonly #onTimeout = (): void => {
    this.#timeout = null
    if (performance.now() < this.#deadlineMs) this.#arm()
    else this.#task()
  }
}
