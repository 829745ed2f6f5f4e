import type { CoreLimits } from '../server/index.ts'
import type { CheckOptions } from './checkers/index.ts'
import type { ClientPoolOptions } from './clients/index.ts'
import type { EnsembleOptions } from './ensemble.ts'
import { type DrawnFault, drawProfile, drawScript, type FaultScript } from './fault-profile.ts'
import type { SimNetworkOptions } from './network.ts'
import { SimRandom } from './random.ts'

/** All that a run depends on. Plain data: a plan can be kept, changed and run again. */
export interface RunPlan {
  readonly seed: number
  readonly ensemble: Pick<
    EnsembleOptions,
    'core' | 'disk' | 'initLimit' | 'limits' | 'observers' | 'syncLimit' | 'tickTimeMs' | 'voters'
  >
  readonly clients: Pick<
    ClientPoolOptions,
    | 'clients'
    | 'durationMs'
    | 'firstXid'
    | 'opsTarget'
    | 'timeoutMsMax'
    | 'timeoutMsMin'
    | 'weights'
  >
  readonly network: SimNetworkOptions
  /** Virtual time with faults; then everything is healed. */
  readonly durationMs: number
  readonly script: FaultScript
  readonly check: Partial<CheckOptions>
}

export interface PlanOptions {
  /** Requests of all clients together. */
  readonly operations?: number
  /** Kinds of faults that may be drawn. */
  readonly kinds?: readonly DrawnFault[]
}

/** Requests of a run, unless asked for otherwise. */
export const DEFAULT_OPERATIONS = 500
const KIB = 1024
/** When the first fault may happen: elections are disturbed too. */
const FIRST_FAULT_MS = 50

/** Draws a plan: the size of the ensemble, its clients, its network and what goes wrong all follow from the seed. */
export function drawPlan(seed: number, options: PlanOptions = {}): RunPlan {
  const random = new SimRandom(seed ^ 0x2545f491)
  const voters = [1, 3, 3, 3, 5, 5][random.below(6)]!
  const observers = [0, 0, 1, 2][random.below(4)]!
  const servers = Array.from({ length: voters + observers }, (_, i) => `s${i + 1}`)
  const tickTimeMs = [200, 500, 1000, 2000][random.below(4)]!
  const operations = options.operations ?? DEFAULT_OPERATIONS
  // 8 to 64 s: sessions can end in all of them, and servers do not merely ping. Of fewer requests down to a half.
  const share = Math.min(1, Math.max(0.5, operations / DEFAULT_OPERATIONS))
  const shortestMs = tickTimeMs < 1000 ? 8000 : 16_000
  const durationMs = Math.round(shortestMs * share) * 2 ** random.below(3)
  const clients = random.between(2, 6)
  const profile = drawProfile(random, {
    servers,
    clients: Array.from({ length: clients }, (_, i) => `c${i + 1}`),
    // A voter that forgets what it has acknowledged breaks the promise of its quorum, an observer does not.
    damagedMax: observers,
    damageable: servers.slice(voters),
    ...(options.kinds === undefined ? {} : { kinds: options.kinds }),
  })
  return {
    seed,
    ensemble: {
      voters,
      observers,
      tickTimeMs,
      initLimit: 10,
      syncLimit: 5,
      disk: { latencyMsMin: 0, latencyMsMax: random.between(1, 8) },
      limits: {
        checkpointTxns: [50, 200, 100_000][random.below(3)]!,
        // Most runs write several of the small ones.
        logSegmentBytes: [16, 32, 64, 256][random.below(4)]! * KIB,
      },
      core: drawCore(random),
    },
    clients: {
      clients,
      durationMs,
      opsTarget: operations,
      timeoutMsMin: 4 * tickTimeMs,
      timeoutMsMax: 10 * tickTimeMs,
    },
    network: { latencyMsMin: 0.05, latencyMsMax: random.between(1, 5) },
    durationMs,
    script: drawScript(random, profile, FIRST_FAULT_MS, durationMs),
    check: {},
  }
}

/** In half of the runs small enough to be reached: snapshots for learners, epochs that run out of counters. */
function drawCore(random: SimRandom): CoreLimits {
  const isSmall = random.oneIn(2)
  const limits = {
    historyEntries: random.between(1, 50),
    diskDiffBytes: 1 << random.between(0, 16),
    lastCounter: random.oneIn(2) ? random.between(5, 500) : 0xffff_fffe,
  }
  return isSmall ? limits : {}
}
