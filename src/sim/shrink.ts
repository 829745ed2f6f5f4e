import type { FaultScript } from './fault-profile.ts'
import type { RunPlan } from './run-plan.ts'
import { type Expectations, runScenario } from './scenario.ts'

export interface ShrinkOptions {
  /** A clock for the budget. */
  nowMs(): number
  /** After this the best so far is the result. */
  readonly budgetMs?: number
  readonly expect?: Expectations
  /** Progress, in a line. */
  onStep?(text: string): void
}

const BUDGET_MS = 600_000
/** Under a smaller plan the rest of a run is different; other seeds may show the fault where this one does not. */
const SEEDS_PER_TRY = [1, 4]
/** Fewer faults than this need no further looking for lucky seeds. */
const SHORT_SCRIPT = 8

/**
 * Looks for a smaller plan that breaks the same rule: fewer faults (delta debugging), a shorter time, fewer requests and
 * clients. The seed may be another one.
 */
export function shrinkPlan(plan: RunPlan, rule: string, options: ShrinkOptions): RunPlan {
  return new Shrinker(plan, rule, options).run()
}

class Shrinker {
  readonly #rule: string
  readonly #options: ShrinkOptions
  readonly #endMs: number
  #best: RunPlan
  #runs = 0
  #seedsPerTry = 1

  constructor(plan: RunPlan, rule: string, options: ShrinkOptions) {
    this.#best = plan
    this.#rule = rule
    this.#options = options
    this.#endMs = options.nowMs() + (options.budgetMs ?? BUDGET_MS)
  }

  run(): RunPlan {
    for (const seeds of SEEDS_PER_TRY) {
      this.#seedsPerTry = seeds
      if (seeds > 1 && this.#best.script.length <= SHORT_SCRIPT) break
      this.#pass()
    }
    return this.#best
  }

  #pass(): void {
    this.#shorten()
    this.#fewerFaults()
    this.#halve('operations', ({ clients }) => clients.opsTarget, 4, withOperations)
    this.#halve('clients', ({ clients }) => clients.clients, 1, withClients)
    this.#shorten()
    this.#fewerFaults()
  }

  #shorten(): void {
    this.#halve('ms', ({ durationMs }) => durationMs, 1000, withDuration)
  }

  /** Halves a number as long as the rule is still broken, then tries three quarters. */
  #halve(
    what: string,
    read: (plan: RunPlan) => number,
    min: number,
    change: (plan: RunPlan, value: number) => RunPlan,
  ): void {
    for (const share of [0.5, 0.75]) {
      for (;;) {
        const value = Math.floor(read(this.#best) * share)
        if (value < min || !this.#tries(change(this.#best, value), `${value} ${what}`)) break
      }
    }
  }

  /** Zeller's ddmin over the script: leaves out ever smaller parts. */
  #fewerFaults(): void {
    let parts = 2
    while (this.#best.script.length > 0 && !this.#isOver()) {
      const { script } = this.#best
      const size = Math.ceil(script.length / parts)
      if (this.#leavesOut(size)) {
        parts = Math.max(2, parts - 1)
        continue
      }
      if (size === 1) return
      parts = Math.min(script.length, 2 * parts)
    }
  }

  /** Whether some `size` faults in a row can be spared; the last ones are tried first. */
  #leavesOut(size: number): boolean {
    let hasLeftOut = false
    for (let end = this.#best.script.length; end > 0; end -= size) {
      const start = Math.max(0, end - size)
      const { script } = this.#best
      const rest: FaultScript = [...script.slice(0, start), ...script.slice(end)]
      if (this.#tries({ ...this.#best, script: rest }, `${rest.length} faults`)) hasLeftOut = true
    }
    return hasLeftOut
  }

  #isOver(): boolean {
    return this.#options.nowMs() > this.#endMs
  }

  #tries(plan: RunPlan, what: string): boolean {
    for (let i = 0; i < this.#seedsPerTry; i += 1) {
      if (this.#isOver()) return false
      const candidate = { ...plan, seed: (plan.seed + i) >>> 0 }
      if (!this.#fails(candidate)) continue
      this.#best = candidate
      this.#options.onStep?.(`run ${this.#runs}: ${what} are enough`)
      return true
    }
    return false
  }

  #fails(plan: RunPlan): boolean {
    this.#runs += 1
    const { expect = {} } = this.#options
    const { faults } = runScenario({ story: '', plan, expect })
    return faults.some(({ rule }) => rule === this.#rule)
  }
}

function withDuration(plan: RunPlan, durationMs: number): RunPlan {
  const { clients } = plan
  // At the same pace.
  const opsTarget = Math.ceil((clients.opsTarget * durationMs) / plan.durationMs)
  return {
    ...plan,
    durationMs,
    clients: { ...clients, durationMs, opsTarget },
    script: plan.script.filter(({ atMs }) => atMs < durationMs),
  }
}

function withOperations(plan: RunPlan, opsTarget: number): RunPlan {
  return { ...plan, clients: { ...plan.clients, opsTarget } }
}

/** Faults of machines that are gone go too. */
function withClients(plan: RunPlan, clients: number): RunPlan {
  const isThere = (name: string): boolean =>
    !name.startsWith('c') || Number(name.slice(1)) <= clients
  const script = plan.script.filter(({ action }) => namesIn(action).every(isThere))
  return { ...plan, clients: { ...plan.clients, clients }, script }
}

/** Everything in it that may be the name of a machine. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return /^[cs]\d+$/.test(value) ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(namesIn)
}
