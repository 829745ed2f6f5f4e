import type { TimerHandle, Timers } from '../env/index.ts'
import type { SimClock } from './clock.ts'
import type { EventQueue, ScheduledEvent } from './event-queue.ts'

const CANCELLED: TimerHandle = { cancel: () => {} }

/** A deadline that is not the process's own: it has come when the world says so. */
const NO_DEADLINE = Number.NEGATIVE_INFINITY

/** Something that happens to a process. */
class ProcessTask implements ScheduledEvent, TimerHandle {
  isDead = false
  readonly deadlineMs: number
  readonly task: () => void
  readonly #process: SimTimers

  constructor(process: SimTimers, deadlineMs: number, task: () => void) {
    this.#process = process
    this.deadlineMs = deadlineMs
    this.task = task
  }

  run(): void {
    this.#process.runTask(this)
  }

  cancel(): void {
    this.isDead = true
  }
}

/**
 * The timers of one simulated process. Everything that happens to a process is scheduled through them, so
 * that nothing does any more once it has been stopped.
 */
export class SimTimers implements Timers {
  readonly #events: EventQueue
  readonly #clock: SimClock
  #isStopped = false
  #isFrozen = false
  #whenThawed: ProcessTask[] = []
  #readsWhenThawed: (() => void)[] = []

  constructor(events: EventQueue, clock: SimClock) {
    this.#events = events
    this.#clock = clock
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  // What is readable now has been scheduled before, so it comes first.
  endOfTurn(task: () => void): void {
    this.inWorld(this.#events.nowMs, task)
  }

  at(deadlineMs: number, task: () => void): TimerHandle {
    if (this.#isStopped) return CANCELLED
    const event = new ProcessTask(this, deadlineMs, task)
    this.#events.add(this.#clock.worldMsOf(deadlineMs), event)
    return event
  }

  /** Lets `task` happen to the process at a time of the world, whatever the machine's clock says then. */
  inWorld(atMs: number, task: () => void): TimerHandle {
    if (this.#isStopped) return CANCELLED
    const event = new ProcessTask(this, NO_DEADLINE, task)
    this.#events.add(atMs, event)
    return event
  }

  /** Like {@link inWorld}, so much later than now. */
  after(delayMs: number, task: () => void): TimerHandle {
    return this.inWorld(this.#events.nowMs + delayMs, task)
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
    if (!this.#isFrozen) return
    this.#isFrozen = false
    const { nowMs } = this.#events
    const tasks = this.#whenThawed
    const reads = this.#readsWhenThawed
    this.#whenThawed = []
    this.#readsWhenThawed = []
    for (const task of tasks) this.#events.add(nowMs, task)
    for (const read of reads) this.inWorld(nowMs, read)
  }

  /** The process ends without a word: none of its tasks runs from now on. */
  stop(): void {
    this.#isStopped = true
    this.#whenThawed = []
    this.#readsWhenThawed = []
  }

  /** The time of a task has come. */
  runTask(event: ProcessTask): void {
    if (this.#isStopped) return
    if (this.#isFrozen) {
      this.#whenThawed.push(event)
      return
    }
    // The machine's clock may have slowed down or stood still since.
    if (event.deadlineMs > this.#clock.monotonicMs()) {
      this.#events.add(this.#clock.worldMsOf(event.deadlineMs), event)
      return
    }
    event.isDead = true
    event.task()
  }
}
