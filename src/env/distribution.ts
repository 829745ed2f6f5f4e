import type { MetricSummary, Observer } from './metrics.ts'

/** Values below this one have a bucket each. */
const EXACT_BELOW = 32
/** Buckets for each doubling above. */
const BUCKETS_PER_DOUBLING = 16
const VALUE_MAX = 0x7fff_ffff
/** That of {@link VALUE_MAX}, and one. */
const BUCKETS_MAX = EXACT_BELOW + 26 * BUCKETS_PER_DOUBLING
const BUCKETS_AT_FIRST = EXACT_BELOW

/**
 * How often which values were observed. Count, sum, smallest and largest are exact. For quantiles there are buckets whose
 * width grows with the value: whole numbers below 32 are exact, a larger one is told with an error of at most 1/32.
 * Takes 3.5 KB at most, however much is observed; an observation allocates nothing but rarely a longer row of buckets.
 */
export class Distribution implements MetricSummary, Observer {
  count = 0
  sum = 0
  min = 0
  max = 0
  #buckets: Float64Array = new Float64Array(BUCKETS_AT_FIRST)

  /** What is below 0 (two clocks that disagree) counts as 0. */
  observe(value: number): void {
    const observed = value > 0 ? value : 0
    if (this.count === 0) {
      this.min = observed
      this.max = observed
    } else if (observed < this.min) this.min = observed
    else if (observed > this.max) this.max = observed
    this.count += 1
    this.sum += observed
    const bucket = bucketOf(observed)
    if (bucket >= this.#buckets.length) this.#grow(bucket)
    this.#buckets[bucket]! += 1
  }

  quantile(fraction: number): number {
    if (this.count === 0) return Number.NaN
    const rank = Math.max(1, Math.ceil(fraction * this.count))
    let seen = 0
    for (let bucket = 0; bucket < this.#buckets.length; bucket += 1) {
      seen += this.#buckets[bucket]!
      if (seen >= rank) return Math.min(Math.max(middleOf(bucket), this.min), this.max)
    }
    return this.max
  }

  reset(): void {
    this.count = 0
    this.sum = 0
    this.min = 0
    this.max = 0
    this.#buckets.fill(0)
  }

  #grow(bucket: number): void {
    let { length } = this.#buckets
    while (length <= bucket) length *= 2
    const longer = new Float64Array(Math.min(length, BUCKETS_MAX))
    longer.set(this.#buckets)
    this.#buckets = longer
  }
}

function bucketOf(value: number): number {
  const whole = value < VALUE_MAX ? value | 0 : VALUE_MAX
  if (whole < EXACT_BELOW) return whole
  const doublings = 31 - Math.clz32(whole)
  const within = (whole >>> (doublings - 4)) & (BUCKETS_PER_DOUBLING - 1)
  return EXACT_BELOW + (doublings - 5) * BUCKETS_PER_DOUBLING + within
}

function middleOf(bucket: number): number {
  if (bucket < EXACT_BELOW) return bucket
  const above = bucket - EXACT_BELOW
  const doublings = 5 + Math.floor(above / BUCKETS_PER_DOUBLING)
  const within = above % BUCKETS_PER_DOUBLING
  const width = 2 ** (doublings - 4)
  return (BUCKETS_PER_DOUBLING + within) * width + Math.floor((width - 1) / 2)
}
