import type { FaultKind } from './faults.ts'
import { type RunFault, type RunOptions, type RunResult, runSimulation } from './run.ts'
import { FACT_NAMES, type RunFacts } from './run-facts.ts'
import type { RunPlan } from './run-plan.ts'

/** What a run has to come to, beside breaking no rule. */
export interface Expectations {
  /** Faults that have to make a difference. */
  readonly hits?: readonly FaultKind[]
  readonly min?: Partial<RunFacts>
  readonly max?: Partial<RunFacts>
}

/** A run with a name and a reason, kept as JSON. */
export interface Scenario {
  /** What happens and what must come of it, in a sentence or two. */
  readonly story: string
  /** The bug upstream that it would show, e.g. `ZOOKEEPER-1234`. */
  readonly issue?: string
  readonly plan: RunPlan
  readonly expect: Expectations
}

/** Runs it; what is not as expected is among the faults. */
export function runScenario({ plan, expect }: Scenario, options: RunOptions = {}): RunResult {
  const result = runSimulation(plan, options)
  return { ...result, faults: [...result.faults, ...disappointments(result, expect)] }
}

function disappointments({ facts, hits }: RunResult, expect: Expectations): RunFault[] {
  const faults: RunFault[] = []
  const fail = (message: string): void => {
    faults.push({ rule: 'expect', message })
  }
  for (const kind of expect.hits ?? []) {
    if (!hits.has(kind)) fail(`no ${kind} made a difference`)
  }
  for (const name of FACT_NAMES) {
    const value = facts[name]
    const min = expect.min?.[name] ?? Number.NEGATIVE_INFINITY
    const max = expect.max?.[name] ?? Number.POSITIVE_INFINITY
    if (value < min) fail(`${name} is ${value}, at least ${min} is expected`)
    if (value > max) fail(`${name} is ${value}, at most ${max} is expected`)
  }
  return faults
}
