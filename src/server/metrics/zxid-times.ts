import { counterOf, type Zxid } from '../../base/index.ts'

/** Of more transactions than that nothing is known: the oldest are overwritten. */
const TIMES_MAX = 4096

/** When something happened to each of the last transactions of one epoch. */
export class ZxidTimes {
  /** Made with the first time: most servers have no part in which they need it. */
  #counters: Float64Array = NOTHING
  #times: Float64Array = NOTHING

  note(zxid: Zxid, timeMs: number): void {
    if (this.#counters.length === 0) {
      this.#counters = new Float64Array(TIMES_MAX)
      this.#times = new Float64Array(TIMES_MAX)
    }
    const counter = counterOf(zxid)
    this.#counters[counter % TIMES_MAX] = counter
    this.#times[counter % TIMES_MAX] = timeMs
  }

  /** Null if it was not noted, or long ago. */
  of(zxid: Zxid): number | null {
    return this.ofCounter(counterOf(zxid))
  }

  ofCounter(counter: number): number | null {
    const at = counter % TIMES_MAX
    return counter > 0 && this.#counters[at] === counter ? this.#times[at]! : null
  }

  /** The next epoch counts anew. */
  clear(): void {
    this.#counters.fill(0)
  }
}

const NOTHING = new Float64Array(0)
