import type { SimRandom } from '../../random.ts'
import type { Workload, WorkloadContext } from '../workload.ts'
import { Registers } from './registers.ts'

export type WorkloadName = 'registers'

const MAKERS: Readonly<Record<WorkloadName, (context: WorkloadContext) => Workload>> = {
  registers: (context) => new Registers(context),
}

export const WORKLOAD_NAMES: readonly WorkloadName[] = Object.keys(MAKERS) as WorkloadName[]

export function makeWorkload(name: WorkloadName, context: WorkloadContext): Workload {
  return MAKERS[name](context)
}

/**
 * How often each workload acts. Drawn so that some are absent from a run and some rule it: a run of few kinds goes deeper
 * than one of all.
 */
export function drawWeights(
  random: SimRandom,
  wanted?: Partial<Record<WorkloadName, number>>,
): Record<WorkloadName, number> {
  const weights = {} as Record<WorkloadName, number>
  let sum = 0
  for (const name of WORKLOAD_NAMES) {
    const drawn = random.oneIn(3) ? 0 : 2 ** random.below(4)
    weights[name] = wanted === undefined ? drawn : (wanted[name] ?? 0)
    sum += weights[name]
  }
  if (sum === 0) weights.registers = 1
  return weights
}
