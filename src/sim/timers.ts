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
  #isFrozen = false
  readonly #whenThawed: (() => void)[] = []
  readonly #readsWhenThawed: (() => void)[] = []

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
    let isCancelled = false
    const runTask = (): void => {
      if (this.#isStopped || isCancelled) return
      if (this.#isFrozen) this.#whenThawed.push(runTask)
      else task()
    }
    const event = this.#events.schedule(deadlineMs, runTask)
    return {
      cancel: () => {
        isCancelled = true
        event.cancel()
      },
    }
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  /** For sockets: `read` is called when the process runs again, behind its timers. */
  readWhenThawed(read: () => void): void {
    this.#readsWhenThawed.push(read)
  }

  /** The process is stopped as by SIGSTOP: nothing of it runs, what is sent to it waits. */
  freeze(): void {
    this.#isFrozen = true
  }

  /** The process runs again: overdue timers first, then what can be read, as an event loop does it. */
  thaw(): void {
    this.#isFrozen = false
    const tasks = [...this.#whenThawed.splice(0), ...this.#readsWhenThawed.splice(0)]
    for (const task of tasks) this.at(this.#events.nowMs, task)
  }

  /** The process ends without a word: none of its tasks runs from now on. */
  stop(): void {
    this.#isStopped = true
  }
}
