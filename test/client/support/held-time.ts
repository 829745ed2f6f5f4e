import type { Clock, TimerHandle, Timers } from '../../../src/env/index.ts'
import { systemTimers } from '../../../src/platform/sockets/index.ts'

interface Pending {
  readonly deadlineMs: number
  readonly task: () => void
}

/** A clock that a test moves on, beside sockets that take the time they take: no attempt is cut short by a slow machine. */
export class HeldTime {
  readonly clock: Pick<Clock, 'monotonicMs'> = { monotonicMs: () => this.#nowMs }
  readonly timers: Timers
  readonly #pending = new Set<Pending>()
  #nowMs = 0

  constructor() {
    this.timers = {
      endOfTurn: (task) => systemTimers.endOfTurn(task),
      at: (deadlineMs, task) => this.#at({ deadlineMs, task }),
    }
  }

  /** Runs what is due in the meantime, earliest first. Not to be called by what a timer runs. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#pending].filter(({ deadlineMs }) => deadlineMs <= endMs)
      if (due.length === 0) break
      const first = due.reduce((a, b) => (b.deadlineMs < a.deadlineMs ? b : a))
      this.#pending.delete(first)
      this.#nowMs = Math.max(this.#nowMs, first.deadlineMs)
      first.task()
    }
    this.#nowMs = endMs
  }

  #at(one: Pending): TimerHandle {
    this.#pending.add(one)
    if (one.deadlineMs <= this.#nowMs) setImmediate(() => this.advance(0))
    return { cancel: () => this.#pending.delete(one) }
  }
}
