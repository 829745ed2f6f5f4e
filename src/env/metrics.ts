import type { CounterName, CounterSetName, SummaryName, SummarySetName } from './metric-names.ts'

/** One counter. */
export interface Counter {
  add(delta: number): void
}

/** One distribution. */
export interface Observer {
  observe(value: number): void
}

/** One counter or distribution for each label. Labels beyond a bound are not measured: `of` gives what nobody reads. */
export interface Labelled<T> {
  of(label: string): T
}

/**
 * Receives measurements under Apache ZooKeeper's names. On a hot path ask once for what is to be measured and keep it:
 * then a measurement costs some additions. `count` and `observe` look the name up.
 */
export interface Metrics {
  counter(name: CounterName): Counter
  summary(name: SummaryName): Observer
  counterSet(name: CounterSetName): Labelled<Counter>
  summarySet(name: SummarySetName): Labelled<Observer>
  /** Adds to a counter. */
  count(name: CounterName, delta: number): void
  /** Records one observation of a distribution, e.g. `fsynctime` in ms. */
  observe(name: SummaryName, value: number): void
}

/** What has been observed of one distribution since the last reset. `min` and `max` are 0 before the first. */
export interface MetricSummary {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  /** The value that this part (0.99) of the observations does not exceed; NaN before the first. */
  quantile(fraction: number): number
}

type ByLabel<T> = ReadonlyMap<string, T>

/** What has been measured so far, for the operator's commands. What has not been measured yet may be missing. */
export interface MetricsReader {
  readonly counters: ReadonlyMap<string, number>
  readonly counterSets: ReadonlyMap<string, ByLabel<number>>
  readonly summaries: ReadonlyMap<string, MetricSummary>
  /** Forgets all of it, as the four-letter word `srst` asks for. */
  reset(): void
  readonly summarySets: ReadonlyMap<string, ByLabel<MetricSummary>>
}
