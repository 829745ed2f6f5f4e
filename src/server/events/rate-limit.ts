/**
 * Lets through so many in any second, and counts the rest: a fault that hits every client must not fill a log or a
 * history by itself.
 */
export class RateLimit {
  readonly #perSecond: number
  #startMs = Number.NEGATIVE_INFINITY
  #passed = 0
  #suppressed = 0

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** How many were held back since the last that passed, if this one passes; null if it does not. */
  pass(nowMs: number): number | null {
    if (nowMs - this.#startMs >= 1000) {
      this.#startMs = nowMs
      this.#passed = 0
    }
    if (this.#passed >= this.#perSecond) {
      this.#suppressed += 1
      return null
    }
    this.#passed += 1
    const suppressed = this.#suppressed
    this.#suppressed = 0
    return suppressed
  }
}
