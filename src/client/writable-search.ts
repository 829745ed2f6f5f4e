const FIRST_DELAY_MS = 500
const DELAY_MS_MAX = 10_000

/** When a client at a read-only server looks for one that takes writes: soon at first, then ever less often. */
export class WritableSearch {
  #delayMs = FIRST_DELAY_MS
  #nextMs = Number.POSITIVE_INFINITY

  get nextMs(): number {
    return this.#nextMs
  }

  /** A connection is up. */
  reset(isReadOnly: boolean, nowMs: number): void {
    this.#delayMs = FIRST_DELAY_MS
    this.#nextMs = isReadOnly ? nowMs + FIRST_DELAY_MS : Number.POSITIVE_INFINITY
  }

  /** True once each time it is due. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#nextMs) return false
    this.#delayMs = Math.min(this.#delayMs * 2, DELAY_MS_MAX)
    this.#nextMs = nowMs + this.#delayMs
    return true
  }
}
