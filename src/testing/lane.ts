import { assert, Fifo } from '../base/index.ts'
import type { Clock, TimerHandle, Timers } from '../env/index.ts'

interface Held {
  readonly dueMs: number
  readonly bytes: number
  readonly pass: () => void
}

/** One direction of a connection: lets things through in their order, at once, later or not until it is mended. */
export class Lane {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #timers: Timers
  readonly #onEmptied: () => void
  readonly #held = new Fifo<Held>()
  #heldBytes = 0
  #lastDueMs = 0
  #timer: TimerHandle | null = null
  #isCut = false
  #isPaused = false
  #isClosed = false
  delayMs = 0

  /** `onEmptied` is called when nothing is held any more. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, timers: Timers, onEmptied: () => void) {
    this.#clock = clock
    this.#timers = timers
    this.#onEmptied = onEmptied
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** True when whatever comes may pass at once. */
  get isOpen(): boolean {
    return !this.#isCut && !this.#isPaused && this.delayMs === 0 && this.#held.length === 0
  }

  /** Keeps something until its time has come. */
  hold(bytes: number, pass: () => void): void {
    if (this.#isClosed) return
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#clock.monotonicMs() + this.delayMs)
    this.#held.push({ dueMs: this.#lastDueMs, bytes, pass })
    this.#heldBytes += bytes
    this.#arm()
  }

  /** Nothing passes until `mend`. */
  cut(): void {
    this.#isCut = true
  }

  mend(): void {
    this.#isCut = false
    this.#arm()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#arm()
  }

  /** What is held is lost, and nothing passes any more. */
  close(): void {
    this.#isClosed = true
    this.#held.clear()
    this.#heldBytes = 0
    this.#timer?.cancel()
    this.#timer = null
  }

  #arm(): void {
    const next = this.#held.peek()
    if (next === null || this.#isCut || this.#isPaused || this.#timer !== null) return
    this.#timer = this.#timers.at(next.dueMs, this.#onDue)
  }

  readonly #onDue = (): void => {
    this.#timer = null
    const nowMs = this.#clock.monotonicMs()
    while (!this.#isCut && !this.#isPaused) {
      const next = this.#held.peek()
      if (next === null || next.dueMs > nowMs) break
      this.#held.shift()
      this.#heldBytes -= next.bytes
      assert(this.#heldBytes >= 0, 'a lane holds what it was given')
      next.pass()
      if (this.#isClosed) return
    }
    if (this.#held.length === 0) this.#onEmptied()
    this.#arm()
  }
}
