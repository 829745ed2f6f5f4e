import type { SimRandom } from '../../random.ts'
import type { Workload, WorkloadContext } from '../workload.ts'
import { Acls } from './acls.ts'
import { Bank } from './bank.ts'
import { Boxes } from './boxes.ts'
import { Counters } from './counters.ts'
import { Ephemerals } from './ephemerals.ts'
import { Growth } from './growth.ts'
import { Hostile } from './hostile.ts'
import { Locks } from './locks.ts'
import { Queue } from './queue.ts'
import { Registers } from './registers.ts'
import { Sessions } from './sessions.ts'
import { SyncReads } from './sync-reads.ts'
import { Tree } from './tree.ts'
import { Watching } from './watching.ts'

export type WorkloadName =
  | 'acls'
  | 'bank'
  | 'boxes'
  | 'counters'
  | 'ephemerals'
  | 'growth'
  | 'hostile'
  | 'locks'
  | 'queue'
  | 'registers'
  | 'sessions'
  | 'sync-reads'
  | 'tree'
  | 'watching'

const MAKERS: Readonly<Record<WorkloadName, (context: WorkloadContext) => Workload>> = {
  acls: (context) => new Acls(context),
  bank: (context) => new Bank(context),
  boxes: (context) => new Boxes(context),
  counters: (context) => new Counters(context),
  ephemerals: (context) => new Ephemerals(context),
  growth: (context) => new Growth(context),
  hostile: (context) => new Hostile(context),
  locks: (context) => new Locks(context),
  queue: (context) => new Queue(context),
  registers: (context) => new Registers(context),
  sessions: (context) => new Sessions(context),
  'sync-reads': (context) => new SyncReads(context),
  tree: (context) => new Tree(context),
  watching: (context) => new Watching(context),
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
