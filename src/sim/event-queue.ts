import { assert } from '../base/index.ts'
import type { TimerHandle } from '../env/index.ts'

/** Something that is going to happen. One that is dead when its time comes is passed over. */
export interface ScheduledEvent {
  isDead: boolean
  run(): void
}

class Task implements ScheduledEvent, TimerHandle {
  isDead = false
  readonly #task: () => void

  constructor(task: () => void) {
    this.#task = task
  }

  run(): void {
    // From now on cancelling it changes nothing.
    this.isDead = true
    this.#task()
  }

  cancel(): void {
    this.isDead = true
  }
}

/** Children of a heap node: four make the heap flat, and the four times lie in one cache line. */
const FAN_OUT = 4
const FIRST_CAPACITY = 256

/**
 * The virtual time of a world and everything that is going to happen in it. Events run in order of time,
 * those of the same time in the order they were scheduled; time stands still while one runs.
 *
 * What is scheduled for the present time comes after everything in the heap that is due, because that has been
 * scheduled before. So it needs no heap: half of all events of a server are the end of its turn.
 */
export class EventQueue {
  #times = new Float64Array(FIRST_CAPACITY)
  #sequences = new Float64Array(FIRST_CAPACITY)
  readonly #events: ScheduledEvent[] = []
  /** Events of the present time, from `#presentHead` to `#presentTail`. */
  readonly #present: (ScheduledEvent | null)[] = []
  #presentHead = 0
  #presentTail = 0
  #nowMs = 0
  #nextSequence = 0
  #executed = 0
  #hash = 0
  readonly #double = new Float64Array(1)
  readonly #words = new Uint32Array(this.#double.buffer)

  get nowMs(): number {
    return this.#nowMs
  }

  /** When the next event is due; the end of time when there is none. */
  get nextMs(): number {
    while (this.#presentHead < this.#presentTail && this.#present[this.#presentHead]!.isDead) {
      this.#shiftPresent()
    }
    if (this.#presentHead < this.#presentTail) return this.#nowMs
    while (this.#events.length > 0 && this.#events[0]!.isDead) this.#pop()
    return this.#events.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!
  }

  /** Events executed so far. */
  get executed(): number {
    return this.#executed
  }

  /** A 32-bit checksum of when everything so far has happened, and of all that was noted. */
  get traceHash(): number {
    return this.#hash >>> 0
  }

  /** Mixes a 32-bit number into the trace hash. */
  note(value: number): void {
    const mixed = Math.imul(this.#hash ^ value, 0x9e3779b1)
    this.#hash = mixed ^ (mixed >>> 15)
  }

  /** Runs `task` at `atMs`, or at the present time but after everything already due, if that is past. */
  schedule(atMs: number, task: () => void): TimerHandle {
    const event = new Task(task)
    this.add(atMs, event)
    return event
  }

  /** Like {@link schedule}, without a closure. What is for the end of time never happens. */
  add(atMs: number, event: ScheduledEvent): void {
    assert(!Number.isNaN(atMs), 'an event needs a time')
    if (atMs <= this.#nowMs) {
      this.#present[this.#presentTail] = event
      this.#presentTail += 1
    } else if (atMs !== Number.POSITIVE_INFINITY) this.#push(atMs, event)
  }

  /** Runs the next event; false when nothing is left to happen. */
  step(): boolean {
    return this.#stepUntil(Number.POSITIVE_INFINITY)
  }

  /** Runs everything up to and including `untilMs`, and leaves the time there. */
  runUntil(untilMs: number): void {
    assert(untilMs >= this.#nowMs, `time does not go back from ${this.#nowMs} to ${untilMs}`)
    while (this.#stepUntil(untilMs)) {}
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

  /** Runs the next event unless it is later than `untilMs`. */
  #stepUntil(untilMs: number): boolean {
    for (;;) {
      const heapMs = this.#events.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!
      let event: ScheduledEvent
      if (this.#presentHead < this.#presentTail && heapMs > this.#nowMs) {
        event = this.#shiftPresent()
      } else {
        if (this.#events.length === 0 || heapMs > untilMs) return false
        event = this.#pop()
        if (!event.isDead) this.#nowMs = heapMs
      }
      if (event.isDead) continue
      this.#executed += 1
      this.#double[0] = this.#nowMs
      this.note(this.#words[0]! ^ Math.imul(this.#words[1]!, 0x85ebca6b))
      event.run()
      return true
    }
  }

  #shiftPresent(): ScheduledEvent {
    const event = this.#present[this.#presentHead]!
    this.#present[this.#presentHead] = null
    this.#presentHead += 1
    // The array keeps its length: an emptied one would be allocated again for the next event.
    if (this.#presentHead === this.#presentTail) {
      this.#presentHead = 0
      this.#presentTail = 0
    }
    return event
  }

  #push(atMs: number, event: ScheduledEvent): void {
    const events = this.#events
    let index = events.length
    events.push(event)
    if (index === this.#times.length) this.#grow()
    const times = this.#times
    const sequences = this.#sequences
    // No comparison of sequences: the new event is the last of its time.
    while (index > 0) {
      const parent = Math.floor((index - 1) / FAN_OUT)
      if (times[parent]! <= atMs) break
      times[index] = times[parent]!
      sequences[index] = sequences[parent]!
      events[index] = events[parent]!
      index = parent
    }
    times[index] = atMs
    sequences[index] = this.#nextSequence
    events[index] = event
    this.#nextSequence += 1
  }

  #pop(): ScheduledEvent {
    const events = this.#events
    const first = events[0]!
    const last = events.pop()!
    if (events.length > 0) this.#siftDown(last, events.length)
    return first
  }

  /** Puts the event that was last, at index `length`, where it belongs when the first one is gone. */
  #siftDown(event: ScheduledEvent, length: number): void {
    const events = this.#events
    const times = this.#times
    const sequences = this.#sequences
    const atMs = times[length]!
    const sequence = sequences[length]!
    let index = 0
    for (;;) {
      const firstChild = index * FAN_OUT + 1
      if (firstChild >= length) break
      let earliest = firstChild
      const end = Math.min(firstChild + FAN_OUT, length)
      for (let child = firstChild + 1; child < end; child += 1) {
        const isEarlier =
          times[child]! < times[earliest]! ||
          (times[child]! === times[earliest]! && sequences[child]! < sequences[earliest]!)
        if (isEarlier) earliest = child
      }
      const earliestMs = times[earliest]!
      if (atMs < earliestMs || (atMs === earliestMs && sequence < sequences[earliest]!)) break
      times[index] = earliestMs
      sequences[index] = sequences[earliest]!
      events[index] = events[earliest]!
      index = earliest
    }
    times[index] = atMs
    sequences[index] = sequence
    events[index] = event
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2)
    times.set(this.#times)
    this.#times = times
    const sequences = new Float64Array(times.length)
    sequences.set(this.#sequences)
    this.#sequences = sequences
  }
}
