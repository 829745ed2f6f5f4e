import { counterOf, epochOf, type Zxid } from '../base/index.ts'
import { PacketKind } from './messages.ts'

/** How a learner is brought to the leader's history. Everything after `from` follows as proposals. */
export type SyncPlan =
  | {
      readonly kind: typeof PacketKind.DIFF | typeof PacketKind.TRUNC
      /** Position up to which both logs are the same afterwards; TRUNC names it to the learner. */
      readonly from: Zxid
    }
  | { readonly kind: typeof PacketKind.SNAP }

/** What the plan needs to know of the leader's log. */
export interface KnownLog {
  /** Zxid before the first entry in memory. */
  readonly base: Zxid
  readonly last: Zxid
  holds(zxid: Zxid): boolean
  floor(zxid: Zxid): Zxid
}

export interface SyncRule {
  readonly name: string
  readonly applies: (log: KnownLog, peer: Zxid) => boolean
  readonly plan: (log: KnownLog, peer: Zxid) => SyncPlan
}

const SNAP: SyncPlan = { kind: PacketKind.SNAP }

/**
 * The first rule that applies to the learner's last zxid decides; the last one always does.
 *
 * Why the plans are right: a zxid stands for one entry for ever, and whoever holds e:n holds everything that the leader
 * of epoch e held before it. So a position found in both logs has the same past in both (rule 1), and two logs that
 * share an epoch share every position of it up to the shorter one (rule 4). Across epochs nothing follows: the
 * learner may lack the very position that would be the end of its log, so rule 5 never truncates.
 */
export const SYNC_RULES: readonly SyncRule[] = [
  {
    // Also for entries that are not committed yet: to have them cut off and sent again would take back an ack that
    // has been counted.
    name: 'the log holds it',
    applies: (log, peer) => log.holds(peer),
    plan: (_, peer) => ({ kind: PacketKind.DIFF, from: peer }),
  },
  {
    name: 'older than the window',
    applies: (log, peer) => peer < log.base,
    plan: () => SNAP,
  },
  {
    // epoch:0 is the state that the leader of that epoch started from: no entry of any log, never cut off.
    name: 'start of an epoch',
    applies: (_, peer) => counterOf(peer) === 0,
    plan: (log, peer) => ({ kind: PacketKind.DIFF, from: log.floor(peer) }),
  },
  {
    name: 'more of an epoch than the log holds',
    applies: (log, peer) => epochOf(log.floor(peer)) === epochOf(peer),
    plan: (log, peer) => ({ kind: PacketKind.TRUNC, from: log.floor(peer) }),
  },
  {
    name: 'an epoch that the log knows nothing of',
    applies: () => true,
    plan: () => SNAP,
  },
]

/** DIFF, TRUNC or SNAP for a learner whose log ends at `peer` (peer-protocol: `LearnerHandler.syncFollower`). */
export function planSync(log: KnownLog, peer: Zxid): SyncPlan {
  for (const rule of SYNC_RULES) if (rule.applies(log, peer)) return rule.plan(log, peer)
  return SNAP
}
