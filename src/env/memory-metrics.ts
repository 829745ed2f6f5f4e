import { Distribution } from './distribution.ts'
import type { CounterName, CounterSetName, SummaryName, SummarySetName } from './metric-names.ts'
import type {
  Counter,
  Labelled,
  MetricSummary,
  Metrics,
  MetricsReader,
  Observer,
} from './metrics.ts'

/** Labels of one set: the names of namespaces come from clients, and must not fill the memory. */
const LABELS_MAX = 1000

class MemoryCounter implements Counter {
  value = 0

  add(delta: number): void {
    this.value += delta
  }

  reset(): void {
    this.value = 0
  }
}

interface Resettable {
  reset(): void
}

/** What is asked for by name is made when it is asked for the first time, and kept: a reset sets it to zero. */
class Named<T extends Resettable> implements Labelled<T> {
  readonly byName: Map<string, T> = new Map()
  readonly #make: () => T
  readonly #max: number
  #beyond: T | null = null

  constructor(make: () => T, max: number) {
    this.#make = make
    this.#max = max
  }

  of(name: string): T {
    const known = this.byName.get(name)
    if (known !== undefined) return known
    if (this.byName.size >= this.#max) {
      this.#beyond ??= this.#make()
      return this.#beyond
    }
    const made = this.#make()
    this.byName.set(name, made)
    return made
  }

  reset(): void {
    for (const one of this.byName.values()) one.reset()
  }
}

/** Keeps everything in memory; both worlds use it. */
export class MemoryMetrics implements Metrics, MetricsReader {
  readonly #counters = new Named(() => new MemoryCounter(), Number.POSITIVE_INFINITY)
  readonly #summaries = new Named(() => new Distribution(), Number.POSITIVE_INFINITY)
  readonly #counterSets = new Named(
    () => new Named(() => new MemoryCounter(), LABELS_MAX),
    Number.POSITIVE_INFINITY,
  )
  readonly #summarySets = new Named(
    () => new Named(() => new Distribution(), LABELS_MAX),
    Number.POSITIVE_INFINITY,
  )

  counter(name: CounterName): Counter {
    return this.#counters.of(name)
  }

  summary(name: SummaryName): Observer {
    return this.#summaries.of(name)
  }

  counterSet(name: CounterSetName): Labelled<Counter> {
    return this.#counterSets.of(name)
  }

  summarySet(name: SummarySetName): Labelled<Observer> {
    return this.#summarySets.of(name)
  }

  count(name: CounterName, delta: number): void {
    this.#counters.of(name).add(delta)
  }

  observe(name: SummaryName, value: number): void {
    this.#summaries.of(name).observe(value)
  }

  get counters(): ReadonlyMap<string, number> {
    return valuesOf(this.#counters)
  }

  get summaries(): ReadonlyMap<string, MetricSummary> {
    return this.#summaries.byName
  }

  get counterSets(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return new Map([...this.#counterSets.byName].map(([name, set]) => [name, valuesOf(set)]))
  }

  get summarySets(): ReadonlyMap<string, ReadonlyMap<string, MetricSummary>> {
    return new Map([...this.#summarySets.byName].map(([name, set]) => [name, set.byName]))
  }

  /** Forgets everything, as the four-letter word `srst` asks for. */
  reset(): void {
    this.#counters.reset()
    this.#summaries.reset()
    this.#counterSets.reset()
    this.#summarySets.reset()
  }
}

function valuesOf(counters: Named<MemoryCounter>): ReadonlyMap<string, number> {
  return new Map([...counters.byName].map(([name, { value }]) => [name, value]))
}
