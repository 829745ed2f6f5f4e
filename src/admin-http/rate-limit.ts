/** Lets something begin once in an interval, and only while it is not under way. What fails does not count. */
export class RateLimit {
  readonly #intervalMs: number
  readonly #nowMs: () => number
  #lastMs = Number.NEGATIVE_INFINITY
  #isBusy = false

  /** `intervalMs` of 0 is no limit. `nowMs` is monotonic. */
  constructor(intervalMs: number, nowMs: () => number) {
    this.#intervalMs = intervalMs
    this.#nowMs = nowMs
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  /** How long to wait; 0 when it may begin. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(this.#lastMs + this.#intervalMs - this.#nowMs()))
  }

  begin(): void {
    this.#isBusy = true
  }

  end(isDone: boolean): void {
    this.#isBusy = false
    if (isDone) this.#lastMs = this.#nowMs()
  }
}
