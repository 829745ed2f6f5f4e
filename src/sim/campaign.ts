import { DRAWN_FAULTS } from './fault-profile.ts'
import type { FaultKind } from './faults.ts'
import type { RunResult } from './run.ts'
import type { RunFacts } from './run-facts.ts'

/** Facts of which the sum says something. */
const SUMMED: readonly (keyof RunFacts)[] = [
  'elections',
  'transactions',
  'deaths',
  'installs',
  'truncations',
  'expirations',
  'revalidations',
  'watchEvents',
]

/** The sums over many runs. */
export class Campaign {
  passed = 0
  readonly failures: RunResult[] = []
  simulatedMs = 0
  events = 0
  operations = 0
  answered = 0
  readonly facts: Map<keyof RunFacts, number> = new Map()
  readonly hits: Map<FaultKind, number> = new Map()

  get runs(): number {
    return this.passed + this.failures.length
  }

  add(result: RunResult): void {
    if (result.faults.length > 0) this.failures.push(result)
    else this.passed += 1
    this.simulatedMs += result.simulatedMs
    this.events += result.events
    this.operations += result.operations
    this.answered += result.answered
    for (const name of SUMMED) {
      this.facts.set(name, (this.facts.get(name) ?? 0) + result.facts[name])
    }
    for (const [kind, count] of result.hits) {
      this.hits.set(kind, (this.hits.get(kind) ?? 0) + count)
    }
  }

  /** A few lines about runs that took `wallMs` of real time; the last one is `N passed, N failed`. */
  summary(wallMs: number): readonly string[] {
    const { runs } = this
    const drawn = DRAWN_FAULTS.map((kind) => [kind, this.hits.get(kind) ?? 0] as const)
    const hits = drawn.filter(([, n]) => n > 0).sort(([, n], [, m]) => m - n)
    return [
      `${runs} runs in ${seconds(wallMs)} s: ${perSecond(runs, wallMs)} runs/s, ${perSecond(this.events, wallMs)} events/s`,
      `${hours(this.simulatedMs)} hours simulated, ${Math.round(this.simulatedMs / wallMs)} times as fast as real time`,
      `${mean(this.operations, runs)} operations per run (${mean(this.answered, runs)} answered)`,
      `in all ${[...this.facts].map(([name, count]) => `${count} ${name}`).join(', ')}`,
      `${hits.length} kinds of faults: ${hits.map(([kind, count]) => `${kind} ${count}`).join(', ') || 'none'}`,
      `${this.passed} passed, ${this.failures.length} failed`,
    ]
  }

  /** One line while it goes on. */
  progress(total: number, wallMs: number): string {
    const { runs } = this
    return `${runs} of ${total} runs, ${perSecond(runs, wallMs)} runs/s, ${hours(this.simulatedMs)} hours simulated (${Math.round(this.simulatedMs / wallMs)} times as fast as real time), ${this.failures.length} failed`
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}

function hours(ms: number): string {
  return (ms / 3_600_000).toFixed(1)
}

function perSecond(count: number, wallMs: number): string {
  const rate = count / (wallMs / 1000)
  return rate < 100 ? rate.toFixed(1) : Math.round(rate).toString()
}

function mean(sum: number, count: number): string {
  return count === 0 ? '0' : Math.round(sum / count).toString()
}
