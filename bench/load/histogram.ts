const STEP_US = 10
const STEPS = 100_000

/** Latencies in steps of 10 µs up to 1 s; longer ones count as 1 s, but the maximum is exact. */
export class Histogram {
  count = 0
  maxUs = 0
  readonly #buckets = new Uint32Array(STEPS)

  add(us: number): void {
    this.count++
    if (us > this.maxUs) this.maxUs = us
    const step = Math.min(STEPS - 1, Math.floor(us / STEP_US))
    this.#buckets[step] = (this.#buckets[step] ?? 0) + 1
  }

  /** In µs; `part` is 0.5 for the median. NaN when nothing was added. */
  quantile(part: number): number {
    let left = Math.ceil(this.count * part)
    if (left === 0) return Number.NaN
    for (const [step, count] of this.#buckets.entries()) {
      left -= count
      if (left <= 0) return Math.min((step + 1) * STEP_US, this.maxUs)
    }
    return this.maxUs
  }

  clear(): void {
    this.count = 0
    this.maxUs = 0
    this.#buckets.fill(0)
  }
}
