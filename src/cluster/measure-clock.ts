import { type Distribution, distributionOf } from './distribution.ts'

export interface ClockMeasurement {
  /** How much later than asked for a timer came, ms: this process, or its whole machine, stood still. */
  readonly lateness: Distribution | null
  /** By how much the wall clock was moved meanwhile, ms. */
  readonly movedMs: number
}

const INTERVAL_MS = 10
const READINGS = 5

/** Watches the clocks while something else is measured. */
export class ClockWatch {
  readonly #startOffsetMs = clockOffsetMs()
  readonly #lateness: number[] = []
  #dueMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor() {
    this.#arm()
  }

  end(): ClockMeasurement {
    clearTimeout(this.#timer)
    const movedMs = clockOffsetMs() - this.#startOffsetMs
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

/**
 * By how much the wall clock is ahead of the monotonic one. This process may stand still between the two readings, which
 * would look as if the wall clock had been moved: of several pairs the closest counts.
 */
function clockOffsetMs(): number {
  let best = { gapMs: Number.POSITIVE_INFINITY, offsetMs: 0 }
  for (let pair = 0; pair < READINGS; pair++) {
    const before = performance.now()
    const wallMs = Date.now()
    const gapMs = performance.now() - before
    if (gapMs < best.gapMs) best = { gapMs, offsetMs: wallMs - before }
  }
  return best.offsetMs
}
