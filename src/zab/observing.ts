import type { Learning } from './learning.ts'
import { LearningPhase } from './learning.ts'
import type { Carried } from './messages.ts'
import type { CoreState } from './state.ts'
import { onCommitted, onEntry } from './synchronization.ts'

/**
 * INFORM is PROPOSAL and COMMIT in one, without an ack. An observer takes the same way as a follower otherwise: own
 * code for it once dropped what came between snapshot and UPTODATE (ZOOKEEPER-1551).
 */
export function observedInform(
  state: CoreState,
  learning: Learning,
  packet: Carried,
): string | null {
  const refusal = onEntry(state, learning, packet.zxid, packet.txn)
  if (refusal !== null) return refusal
  const committed = onCommitted(learning, packet.zxid)
  if (committed === null && learning.phase === LearningPhase.ACTIVE) {
    state.commitUpTo(packet.zxid)
  }
  return committed
}
