import type { TimerHandle, Timers } from '../env/index.ts'
import type { EventQueue } from './event-queue.ts'

const CANCELLED: TimerHandle = { cancel: () => {} }

/**
 * The timers of one simulated process. Everything that happens to a process is scheduled through them, so
 * that nothing does any more once it has been stopped.
 */
export class SimTimers implements Timers {
  readonly #events: EventQueue
  #isStopped = false

  constructor(events: EventQueue) {
    this.#events = events
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  // What is readable now has been scheduled before, so it comes first.
  endOfTurn(task: () => void): void {
    this.at(this.#events.nowMs, task)
  }

  at(deadlineMs: number, task: () => void): TimerHandle {
    if (this.#isStopped) return CANCELLED
    return this.#events.schedule(deadlineMs, () => {
      if (!this.#isStopped) task()
    })
  }

  /** The process ends without a word: none of its tasks runs from now on. */
  stop(): void {
    this.#isStopped = true
  }
}
