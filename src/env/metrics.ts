/** Receives measurements by metric name (Apache ZooKeeper's names). */
export interface Metrics {
  /** Adds to a counter. */
  count(name: string, delta: number): void
  /** Records one observation of a distribution, e.g. `fsynctime` in ms. */
  observe(name: string, value: number): void
}

/** What has been observed of one distribution since the last reset. `min` and `max` are 0 before the first. */
export interface MetricSummary {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** What has been measured so far, for the operator's commands. */
export interface MetricsReader {
  readonly counters: ReadonlyMap<string, number>
  readonly summaries: ReadonlyMap<string, MetricSummary>
}
