import { type Distribution, distributionOf } from './distribution.ts'

export interface ClockMeasurement {
  /** How much later than asked for a timer came, ms: this process, or its whole machine, stood still. */
  readonly lateness: Distribution | null
  /** By how much the wall clock was moved meanwhile, ms. */
  readonly movedMs: number
}

const INTERVAL_MS = 10

/** Watches the clocks while something else is measured. */
export class ClockWatch {
  readonly #startWallMs = Date.now()
  readonly #startMs = performance.now()
  readonly #lateness: number[] = []
  #dueMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor() {
    this.#arm()
  }

  end(): ClockMeasurement {
    clearTimeout(this.#timer)
    const movedMs = Date.now() - this.#startWallMs - (performance.now() - this.#startMs)
    return { lateness: distributionOf(this.#lateness), movedMs }
  }

  #arm(): void {
    this.#dueMs = performance.now() + INTERVAL_MS
    this.#timer = setTimeout(() => {
      this.#lateness.push(Math.max(0, performance.now() - this.#dueMs))
      this.#arm()
    }, INTERVAL_MS)
  }
}
