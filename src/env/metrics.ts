/** Receives measurements by metric name (Apache ZooKeeper's names). */
export interface Metrics {
  /** Adds to a counter. */
  count(name: string, delta: number): void
  /** Records one observation of a distribution, e.g. `fsynctime` in ms. */
  observe(name: string, value: number): void
}
