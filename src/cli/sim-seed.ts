import {
  drawPlan,
  type RunResult,
  runScenario,
  runSimulation,
  type Scenario,
} from '../sim/index.ts'

/** What is to be run. */
export interface Assignment {
  readonly seed: number
  readonly operations: number
  readonly isTwice: boolean
  /** In place of what the seed draws. */
  readonly scenario: Scenario | null
}

/** Runs one seed, or the scenario under it. */
export function runSeed(assignment: Assignment, onLine?: (line: string) => void): RunResult {
  const first = runOnce(assignment, onLine)
  if (!assignment.isTwice) return first
  const second = runOnce(assignment)
  if (first.traceHash === second.traceHash) return first
  const message = `two runs of one seed differ: ${first.traceHash} and ${second.traceHash}`
  return { ...first, faults: [...first.faults, { rule: 'determinism', message }] }
}

function runOnce(
  { seed, operations, scenario }: Assignment,
  onLine?: (line: string) => void,
): RunResult {
  const options = onLine === undefined ? {} : { onLine }
  if (scenario === null) return runSimulation(drawPlan(seed, { operations }), options)
  const { plan } = scenario
  return runScenario({ ...scenario, plan: { ...plan, seed } }, options)
}
