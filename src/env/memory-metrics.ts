import type { MetricSummary, Metrics, MetricsReader } from './metrics.ts'

class Summary implements MetricSummary {
  count = 0
  sum = 0
  min = 0
  max = 0

  add(value: number): void {
    if (this.count === 0 || value < this.min) this.min = value
    if (this.count === 0 || value > this.max) this.max = value
    this.count += 1
    this.sum += value
  }
}

/**
 * Keeps counters and summaries in memory; both worlds use it. The names come from the program,
 * never from outside, so the maps do not grow.
 */
export class MemoryMetrics implements Metrics, MetricsReader {
  readonly #counters = new Map<string, number>()
  readonly #summaries = new Map<string, Summary>()

  get counters(): ReadonlyMap<string, number> {
    return this.#counters
  }

  get summaries(): ReadonlyMap<string, MetricSummary> {
    return this.#summaries
  }

  count(name: string, delta: number): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + delta)
  }

  observe(name: string, value: number): void {
    let summary = this.#summaries.get(name)
    if (summary === undefined) {
      summary = new Summary()
      this.#summaries.set(name, summary)
    }
    summary.add(value)
  }

  /** Forgets everything, as the four-letter word `srst` asks for. */
  reset(): void {
    this.#counters.clear()
    this.#summaries.clear()
  }
}
