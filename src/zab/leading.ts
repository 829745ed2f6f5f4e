import { formatHex, type ServerId, type Zxid } from '../base/index.ts'
import { onAck, onOwnDurable } from './broadcast.ts'
import { chooseEpochAlone, leaderEpochDurable, onAckEpoch, onLearnerInfo } from './discovery.ts'
import { deniedPatienceMs } from './following.ts'
import type { LinkId, PersistToken } from './inputs.ts'
import { dropLearner, forgetLearner, LeaderPhase, Leadership } from './leadership.ts'
import { type Notification, type Packet, PacketKind } from './messages.ts'
import { Learner, LearnerPhase } from './progress.ts'
import type { CoreState } from './state.ts'
import { leaderEnteredDurable, onNewLeaderAck } from './synchronization.ts'
import { PeerState } from './vote.ts'

export function startLeading(state: CoreState): Leadership {
  const lead = new Leadership(state)
  chooseEpochAlone(state, lead)
  return lead
}

export function leadingDeadlineMs(state: CoreState, lead: Leadership): number {
  return Math.min(lead.nextPingMs, state.oldestWriteMs + state.options.timing.diskStallMs)
}

export function onLinkAccepted(state: CoreState, lead: Leadership, link: LinkId): void {
  const { timing, maxUnknownLinks } = state.options
  let unknown = 0
  for (const other of lead.learners.values()) if (other.sid === null) unknown += 1
  if (unknown >= maxUnknownLinks) {
    state.close(link, `${unknown} others have not said who they are`)
    return
  }
  const deadlineMs = state.nowMs + timing.initLimit * timing.tickMs
  lead.learners.set(link, new Learner(link, deadlineMs))
}

export function leadingLinkClosed(state: CoreState, lead: Leadership, link: LinkId): void {
  const learner = lead.learners.get(link)
  if (learner === undefined) return
  state.trace(`${learner.name} has gone`)
  forgetLearner(lead, learner)
}

/**
 * A learner looks for a leader: (1) it has lost its power and was started again; (2) the link of its old process still
 * stands here; (3) until `initLimit` it would make a quorum for a leader that has none, or keep a place for a server that
 * follows another one by now. Unless something comes over the link, it is given up sooner.
 */
export function leadingNotification(
  state: CoreState,
  lead: Leadership,
  from: ServerId,
  notification: Notification,
): void {
  if (notification.state !== PeerState.LOOKING) return
  const { vote } = notification
  // Of strangers nothing is kept: they may be as many as there are numbers.
  const isVoter = state.options.ensemble.quorum.isVoter(from)
  if (isVoter && vote.leader === from) state.epochsOfLooking.set(from, vote.peerEpoch)
  const limitMs = state.nowMs + deniedPatienceMs(state.options.timing)
  for (const learner of lead.learners.values()) {
    if (learner.sid === from) learner.deadlineMs = Math.min(learner.deadlineMs, limitMs)
  }
}

/** Something moves: a stream of a snapshot is not silence, however long it takes. */
export function extendDeadline(state: CoreState, lead: Leadership, learner: Learner): void {
  const { timing } = state.options
  const ticks = learner.phase === LearnerPhase.ACTIVE ? timing.syncLimit : timing.initLimit
  learner.deadlineMs = state.nowMs + ticks * timing.tickMs
  if (learner.isVoter && !lead.isEstablished) {
    lead.deadlineMs = state.nowMs + timing.initLimit * timing.tickMs
  }
}

export function leadingPacket(
  state: CoreState,
  lead: Leadership,
  learner: Learner,
  packet: Packet,
): void {
  if (learner.sid !== null) extendDeadline(state, lead, learner)
  switch (packet.kind) {
    case PacketKind.FOLLOWERINFO:
    case PacketKind.OBSERVERINFO:
      onLearnerInfo(state, lead, learner, packet)
      return
    case PacketKind.ACKEPOCH:
      onAckEpoch(state, lead, learner, packet)
      return
    case PacketKind.ACK:
      if (learner.phase === LearnerPhase.SYNCHRONIZING) {
        onNewLeaderAck(state, lead, learner, packet.zxid)
      } else if (learner.phase > LearnerPhase.SYNCHRONIZING) {
        onAck(state, lead, learner, packet.zxid)
      } else break
      return
    case PacketKind.PING:
      if (learner.phase !== LearnerPhase.ACTIVE) break
      onPingAnswered(state, lead, learner)
      state.outbox.deliveries.push({ link: learner.link, sid: learner.sid!, packet })
      return
    case PacketKind.REQUEST:
    case PacketKind.REVALIDATE:
      if (learner.phase !== LearnerPhase.ACTIVE) break
      state.outbox.deliveries.push({ link: learner.link, sid: learner.sid!, packet })
      return
    default:
      break
  }
  dropLearner(state, lead, learner, `unexpected packet of type ${packet.kind}`)
}

export function leadingDurable(state: CoreState, lead: Leadership, token: PersistToken): void {
  leaderEpochDurable(state, lead, token)
  leaderEnteredDurable(state, lead, token)
  onOwnDurable(state, lead)
}

export function leadingTimeout(state: CoreState, lead: Leadership): void {
  const { timing, ensemble } = state.options
  // A leader whose disk hangs goes on by the disks of the others, ever further ahead of its own: it hands over.
  if (state.nowMs >= state.oldestWriteMs + timing.diskStallMs) {
    state.become({ to: 'looking', reason: `own disk silent for ${timing.diskStallMs} ms` })
    return
  }
  if (state.nowMs < lead.nextPingMs) return
  lead.nextPingMs = state.nowMs + timing.tickMs / 2
  lead.pings += 1
  dropLateLearners(state, lead)
  pingLearners(state, lead)
  const hasQuorum = ensemble.quorum.containsQuorum(lead.reachable(state))
  if (hasQuorum) lead.quorumSeenMs = state.nowMs
  const reason = hasQuorum ? overdue(state, lead) : withoutQuorum(state, lead)
  if (reason === null) return
  if (!lead.isEstablished) state.shun(state.self, reason)
  state.become({ to: 'looking', reason })
}

/**
 * A quorum is connected, but does not get on. A voter that has promised the epoch before (perhaps to this leader, and was
 * started again since) may not promise it twice: if the others do not come soon, only another epoch helps, and an
 * election brings one.
 */
function overdue(state: CoreState, lead: Leadership): string | null {
  if (lead.isEstablished) return null
  const isRefused = state.nowMs - lead.refusedMs >= state.options.timing.gatherMs / 2
  if (isRefused && lead.phase === LeaderPhase.PROMISING) {
    return `epoch ${lead.epoch} was promised to somebody before`
  }
  if (state.nowMs < lead.deadlineMs) return null
  return 'a quorum is connected, but not synchronized in time'
}

/**
 * An established leader is checked every tick. One that is not has a while for its learners to come, and then gives
 * way to a server that they can reach (docs/zab.md: star and chain).
 */
function withoutQuorum(state: CoreState, lead: Leadership): string | null {
  if (lead.isEstablished) return lead.pings % 2 === 0 ? 'no quorum of learners any more' : null
  if (state.nowMs - lead.quorumSeenMs < state.options.timing.gatherMs) return null
  return lead.phase === LeaderPhase.GATHERING ? 'no quorum came' : 'the quorum has gone'
}

function dropLateLearners(state: CoreState, lead: Leadership): void {
  const { timing } = state.options
  const ackLimitMs = state.nowMs - timing.syncLimit * timing.tickMs
  for (const learner of [...lead.learners.values()]) {
    if (state.nowMs > learner.deadlineMs) {
      dropLearner(state, lead, learner, 'silent for too long')
    } else if (learner.phase >= LearnerPhase.SYNCHRONIZED && learner.isAckLate(ackLimitMs)) {
      const zxid = formatHex(learner.watchedZxid!)
      dropLearner(state, lead, learner, `${zxid} is not acked in time, though pings are answered`)
    }
  }
}

// --- pings and confirmation -----------------------------------------------------------------------------------------

/** Only learners that are up to date answer pings; earlier ones of Apache ZooKeeper drop them silently. */
function pingLearners(state: CoreState, lead: Leadership): void {
  for (const learner of lead.learners.values()) {
    if (learner.phase !== LearnerPhase.ACTIVE) continue
    ping(state, lead, learner)
    // Came after the round of confirmation had begun: its answer is as good.
    if (lead.confirming.length > 0 && learner.confirmingPing === Infinity) {
      learner.confirmingPing = learner.pingsSent
    }
  }
}

function ping(state: CoreState, lead: Leadership, learner: Learner): void {
  learner.pingsSent += 1
  const zxid: Zxid = lead.lastProposed
  state.send(learner.link, { kind: PacketKind.PING, zxid, touches: null })
}

/**
 * Is this server still the leader? Each server of a quorum answers a ping sent after the question; then none of them
 * had promised itself to a later leader when the question was asked, so none could have committed anything by then.
 * Pings carry no number, but a link keeps their order, so the nth answer is that of the nth ping. One round is under
 * way at a time; who asks meanwhile shares the next one.
 */
export function confirmLeadership(state: CoreState, lead: Leadership, token: number): void {
  if (!lead.isEstablished) {
    state.outbox.unconfirmed.push(token)
    return
  }
  lead.confirmNext.push(token)
  if (lead.confirming.length === 0) startConfirmation(state, lead)
}

function startConfirmation(state: CoreState, lead: Leadership): void {
  if (lead.confirmNext.length === 0) return
  const asked = lead.confirming
  lead.confirming = lead.confirmNext
  lead.confirmNext = asked
  lead.confirmedBy.clear()
  if (state.isVoter) lead.confirmedBy.add(state.self)
  for (const learner of lead.bySid.values()) {
    learner.confirmingPing = Infinity
    if (!learner.isVoter || learner.phase !== LearnerPhase.ACTIVE) continue
    ping(state, lead, learner)
    learner.confirmingPing = learner.pingsSent
  }
  endConfirmation(state, lead)
}

function onPingAnswered(state: CoreState, lead: Leadership, learner: Learner): void {
  if (learner.pingsAnswered === learner.pingsSent) {
    dropLearner(state, lead, learner, 'answers a ping that was not sent')
    return
  }
  learner.pingsAnswered += 1
  if (!learner.isVoter || lead.confirming.length === 0) return
  if (learner.pingsAnswered < learner.confirmingPing) return
  lead.confirmedBy.add(learner.sid!)
  endConfirmation(state, lead)
}

function endConfirmation(state: CoreState, lead: Leadership): void {
  if (!state.options.ensemble.quorum.containsQuorum(lead.confirmedBy)) return
  state.outbox.confirmed.push(...lead.confirming)
  lead.confirming.length = 0
  startConfirmation(state, lead)
}

/** Called when the role ends: nobody is the leader's learner any more. */
export function stopLeading(state: CoreState, lead: Leadership): void {
  for (const learner of lead.learners.values()) state.close(learner.link, 'the leader stops')
  state.outbox.unconfirmed.push(...lead.confirming, ...lead.confirmNext)
}
