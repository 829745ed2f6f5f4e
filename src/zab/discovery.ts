import { assert, formatHex } from '../base/index.ts'
import type { PersistToken } from './inputs.ts'
import { dropLearner, LeaderPhase, type Leadership } from './leadership.ts'
import { type Learning, LearningPhase } from './learning.ts'
import { type AckEpoch, type LeaderInfo, type LearnerInfo, PacketKind } from './messages.ts'
import { type Learner, LearnerPhase } from './progress.ts'
import type { CoreState } from './state.ts'
import { startSynchronization, synchronize } from './synchronization.ts'

/** Epochs grow by one for a leadership. One near the end of their range is a broken peer's. */
const MAX_EPOCH = 0x7fff_ff00

// --- leader ---------------------------------------------------------------------------------------------------------

/**
 * A learner names itself and its acceptedEpoch. The new epoch is larger than every acceptedEpoch of a quorum, so no
 * older leader can have a quorum of its own any more.
 */
export function onLearnerInfo(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  info: LearnerInfo,
): void {
  const { quorum, version } = state.options.ensemble
  if (learner.phase !== LearnerPhase.UNKNOWN) {
    dropLearner(state, lead, learner, 'says twice who it is')
    return
  }
  if (info.sid === state.self || info.acceptedEpoch < 0 || info.acceptedEpoch > MAX_EPOCH) {
    dropLearner(state, lead, learner, `impossible: id ${info.sid}, epoch ${info.acceptedEpoch}`)
    return
  }
  if (info.configVersion > version) {
    dropLearner(state, lead, learner, 'knows a later configuration of the ensemble')
    return
  }
  // A server has one link: the older one is the remains of a connection that this side has not seen end.
  const older = lead.bySid.get(info.sid)
  if (older !== undefined) dropLearner(state, lead, older, 'has connected anew')
  learner.sid = info.sid
  learner.isObserver = info.kind === PacketKind.OBSERVERINFO
  learner.isVoter = !learner.isObserver && quorum.isVoter(info.sid)
  learner.phase = LearnerPhase.WAITS_FOR_EPOCH
  lead.bySid.set(info.sid, learner)
  if (lead.phase !== LeaderPhase.GATHERING) {
    if (refusesEpoch(state, lead, learner, info)) return
    if (lead.acceptToken === null) sendLeaderInfo(state, lead, learner)
    return
  }
  // Only those who vote decide when, and with them how far, the epoch grows (ZOOKEEPER-769); an observer that is
  // ahead would be refused by its own promise, so it is heard as long as it is in time.
  lead.epoch = Math.max(lead.epoch, info.acceptedEpoch + 1)
  if (!learner.isVoter) return
  lead.epochVotes.add(info.sid)
  if (quorum.containsQuorum(lead.epochVotes)) chooseEpoch(state, lead)
}

/**
 * A server that has promised itself to a later epoch, whose leader came to nothing, may never follow this one: it would
 * stay out until this leader falls. (Apache's does.) So an established leader has a new epoch elected, later than that
 * promise. One that is not established yet leaves it at that: the others may be enough.
 *
 * Not for a server whose history is of a later epoch: a quorum promised that epoch before anybody had a history of it,
 * and could not follow this leader now. So its history was made without this ensemble, by a member that was started
 * alone, say. An election would have it win (race 19).
 */
function refusesEpoch(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  info: LearnerInfo,
): boolean {
  if (info.acceptedEpoch <= lead.epoch) return false
  const historyEpoch = state.epochsOfLooking.get(info.sid) ?? Infinity
  const what = `has promised epoch ${info.acceptedEpoch}, this is ${lead.epoch}`
  if (lead.isEstablished && learner.isVoter && historyEpoch <= lead.epoch) {
    state.become({ to: 'looking', reason: `${learner.name} ${what}` })
  }
  dropLearner(state, lead, learner, what)
  return true
}

/** Also called at the start, for an ensemble of one. */
export function chooseEpochAlone(state: CoreState, lead: Leadership): void {
  if (state.options.ensemble.quorum.containsQuorum(lead.epochVotes)) chooseEpoch(state, lead)
}

function chooseEpoch(state: CoreState, lead: Leadership): void {
  lead.phase = LeaderPhase.PROMISING
  lead.acceptToken = state.acceptEpoch(lead.epoch, state.self)
  state.trace(`epoch ${lead.epoch} proposed by a quorum of ${[...lead.epochVotes]}`)
}

/**
 * LEADERINFO leaves only now: a leader that forgot in a crash which epoch it had chosen could choose it again for
 * another history (ZOOKEEPER-335).
 */
export function leaderEpochDurable(state: CoreState, lead: Leadership, token: PersistToken): void {
  if (lead.acceptToken === null || token < lead.acceptToken) return
  lead.acceptToken = null
  for (const learner of lead.learners.values()) {
    if (learner.phase === LearnerPhase.WAITS_FOR_EPOCH) sendLeaderInfo(state, lead, learner)
  }
  lead.epochAcks.add(state.self)
  endDiscovery(state, lead)
}

function sendLeaderInfo(state: CoreState, lead: Leadership, learner: Learner): void {
  learner.phase = LearnerPhase.PROMISING
  state.send(learner.link, { kind: PacketKind.LEADERINFO, epoch: lead.epoch })
}

export function onAckEpoch(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  ack: AckEpoch,
): void {
  if (learner.phase !== LearnerPhase.PROMISING) {
    dropLearner(state, lead, learner, 'promises what it was not asked for')
    return
  }
  learner.phase = LearnerPhase.WAITS_FOR_QUORUM
  learner.lastZxid = ack.lastZxid
  if (lead.phase >= LeaderPhase.SYNCHRONIZING) {
    synchronize(state, lead, learner)
    return
  }
  if (!learner.isVoter) return
  if (ack.currentEpoch === -1) {
    lead.refusedMs = Math.min(lead.refusedMs, state.nowMs)
    return
  }
  if (isAhead(state, ack)) {
    const what = `is ahead: epoch ${ack.currentEpoch}, ${formatHex(ack.lastZxid)}`
    dropLearner(state, lead, learner, what)
    return
  }
  lead.epochAcks.add(learner.sid!)
  endDiscovery(state, lead)
}

/**
 * Only who holds the most of a quorum may lead: the entry that an older leader committed is in every quorum, so
 * somebody in this one holds it, and so does whoever is not behind him.
 */
function isAhead(state: CoreState, ack: AckEpoch): boolean {
  if (ack.currentEpoch !== state.currentEpoch) return ack.currentEpoch > state.currentEpoch
  return ack.lastZxid > state.durableZxid
}

function endDiscovery(state: CoreState, lead: Leadership): void {
  const { quorum } = state.options.ensemble
  if (lead.phase !== LeaderPhase.PROMISING || !lead.epochAcks.has(state.self)) return
  if (!quorum.containsQuorum(lead.epochAcks)) return
  state.trace(`epoch ${lead.epoch} promised by ${[...lead.epochAcks]}`)
  startSynchronization(state, lead)
}

// --- learner --------------------------------------------------------------------------------------------------------

export function sendLearnerInfo(state: CoreState, learning: Learning): void {
  assert(learning.link !== null, 'no link to the leader')
  learning.phase = LearningPhase.WAITS_FOR_EPOCH
  state.send(learning.link, {
    kind: learning.isObserver ? PacketKind.OBSERVERINFO : PacketKind.FOLLOWERINFO,
    sid: state.self,
    acceptedEpoch: state.acceptedEpoch,
    configVersion: state.options.ensemble.version,
  })
}

/** Why this server cannot follow the leader, or null. */
export function onLeaderInfo(
  state: CoreState,
  learning: Learning,
  info: LeaderInfo,
): string | null {
  const { epoch } = info
  if (learning.phase !== LearningPhase.WAITS_FOR_EPOCH) return 'out of turn'
  if (!Number.isSafeInteger(epoch) || epoch < state.acceptedEpoch || epoch > MAX_EPOCH) {
    return `epoch ${epoch}, promised is ${state.acceptedEpoch}`
  }
  learning.epoch = epoch
  if (learning.isObserver) {
    // Its promise counts for nobody. It takes the epoch when the leader begins to synchronize, so with a quorum's
    // promises: no later leader can have a smaller one, and refuse it for ever.
    sendAckEpoch(state, learning, state.currentEpoch)
  } else if (epoch > state.acceptedEpoch) {
    learning.phase = LearningPhase.PROMISING
    learning.acceptToken = state.acceptEpoch(epoch, learning.leader)
  } else {
    // The same leader asks again, over a new link: an epoch has one leader, who wrote it down before he asked, and so
    // never asks for it in another leadership. To repeat the promise to him is safe, and spares a round of elections.
    const known = state.acceptedFor
    const isSame = known !== null && known.epoch === epoch && known.leader === learning.leader
    sendAckEpoch(state, learning, isSame ? state.currentEpoch : -1)
  }
  return null
}

/** The promise leaves only now: forgotten in a crash, it could be given to an older leader afterwards. */
export function learnerEpochDurable(
  state: CoreState,
  learning: Learning,
  token: PersistToken,
): void {
  if (learning.acceptToken === null || token < learning.acceptToken) return
  learning.acceptToken = null
  sendAckEpoch(state, learning, state.currentEpoch)
}

function sendAckEpoch(state: CoreState, learning: Learning, currentEpoch: number): void {
  learning.phase = LearningPhase.WAITS_FOR_SYNC
  state.send(learning.link!, {
    kind: PacketKind.ACKEPOCH,
    lastZxid: state.history.last,
    currentEpoch,
  })
}
