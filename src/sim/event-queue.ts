import { assert } from '../base/index.ts'
import type { TimerHandle } from '../env/index.ts'

/** A task that will run at a virtual time; a cancelled one stays in the heap until its turn. */
class QueuedEvent implements TimerHandle {
  readonly atMs: number
  readonly sequence: number
  task: (() => void) | null

  constructor(atMs: number, sequence: number, task: () => void) {
    this.atMs = atMs
    this.sequence = sequence
    this.task = task
  }

  cancel(): void {
    this.task = null
  }
}

/**
 * The virtual time of a world and everything that is going to happen in it. Events run in order of time,
 * those of the same time in the order they were scheduled; time stands still while one runs.
 */
export class EventQueue {
  readonly #heap: QueuedEvent[] = []
  #nowMs = 0
  #nextSequence = 0
  #executed = 0

  get nowMs(): number {
    return this.#nowMs
  }

  /** Events executed so far. */
  get executed(): number {
    return this.#executed
  }

  /** Runs `task` at `atMs`, or at the present time but after everything already due, if that is past. */
  schedule(atMs: number, task: () => void): TimerHandle {
    assert(!Number.isNaN(atMs), 'an event needs a time')
    const event = new QueuedEvent(Math.max(atMs, this.#nowMs), this.#nextSequence, task)
    this.#nextSequence += 1
    this.#heap.push(event)
    this.#siftUp(this.#heap.length - 1)
    return event
  }

  /** Runs the next event; false when nothing is left to happen. */
  step(): boolean {
    for (;;) {
      const event = this.#pop()
      if (event === null) return false
      const { task } = event
      if (task === null) continue
      event.task = null
      this.#nowMs = event.atMs
      this.#executed += 1
      task()
      return true
    }
  }

  /** Runs everything up to and including `untilMs`, and leaves the time there. */
  runUntil(untilMs: number): void {
    assert(untilMs >= this.#nowMs, `time does not go back from ${this.#nowMs} to ${untilMs}`)
    while ((this.#nextTime() ?? Number.POSITIVE_INFINITY) <= untilMs) this.step()
    this.#nowMs = untilMs
  }

  /**
   * Runs events until `isDone`. False when nothing is left to happen before, or after `eventsMax` events:
   * a world that keeps itself busy without getting there.
   */
  runUntilDone(isDone: () => boolean, eventsMax = 1_000_000): boolean {
    for (let i = 0; i < eventsMax; i += 1) {
      if (isDone()) return true
      if (!this.step()) return isDone()
    }
    return isDone()
  }

  #nextTime(): number | null {
    while (this.#heap.length > 0 && this.#heap[0]!.task === null) this.#pop()
    return this.#heap[0]?.atMs ?? null
  }

  #pop(): QueuedEvent | null {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined) return null
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#siftDown()
    }
    return first
  }

  #siftUp(start: number): void {
    const heap = this.#heap
    let index = start
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(heap[index]!, heap[parent]!)) return
      swap(heap, index, parent)
      index = parent
    }
  }

  #siftDown(): void {
    const heap = this.#heap
    let index = 0
    for (;;) {
      let earliest = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[earliest]!)) earliest = child
      }
      if (earliest === index) return
      swap(heap, index, earliest)
      index = earliest
    }
  }
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.atMs === b.atMs ? a.sequence < b.sequence : a.atMs < b.atMs
}

function swap(heap: QueuedEvent[], i: number, j: number): void {
  const event = heap[i]!
  heap[i] = heap[j]!
  heap[j] = event
}
