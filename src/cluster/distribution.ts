/** Of measured times, ms. */
export interface Distribution {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Null for none. A percentile is the smallest value that so many of a hundred do not exceed. */
export function distributionOf(timesMs: readonly number[]): Distribution | null {
  if (timesMs.length === 0) return null
  const sorted = [...timesMs].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1]!
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! }
}

/** Three significant digits: `0.183 ms`, `12.4 ms`, `1240 ms`. */
export function formatMs(ms: number): string {
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(3))} ms`
}
