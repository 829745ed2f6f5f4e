import { formatHex, type ServerId } from '../base/index.ts'
import { learnerEpochDurable, onLeaderInfo, sendLearnerInfo } from './discovery.ts'
import type { LinkId, PersistToken } from './inputs.ts'
import { Learning, LearningPhase } from './learning.ts'
import { type Notification, type Packet, PacketKind, packetName } from './messages.ts'
import { observedInform } from './observing.ts'
import type { Timing } from './options.ts'
import { Role } from './outbox.ts'
import type { CoreState } from './state.ts'
import {
  learnerEnteredDurable,
  onCommitted,
  onEntry,
  onNewLeader,
  onSnap,
  onSyncStart,
  sendEpochAck,
} from './synchronization.ts'
import { PeerState } from './vote.ts'

/** Begins to follow (or observe) a server that was elected; dials it at once. */
export function startLearning(state: CoreState, leader: ServerId): Learning {
  const learning = new Learning(state, leader)
  dial(state, learning)
  return learning
}

export function learningDeadlineMs(state: CoreState, learning: Learning): number {
  const stall = state.oldestWriteMs + state.options.timing.diskStallMs * STALLED_LEARNER
  return Math.min(learning.retryAtMs, learning.deadlineMs, stall)
}

/** A learner with a hung disk harms nobody for a while, but it cannot be counted on, and serves ever older data. */
const STALLED_LEARNER = 4

export function learningTimeout(state: CoreState, learning: Learning): void {
  const stallMs = state.options.timing.diskStallMs * STALLED_LEARNER
  if (state.nowMs >= state.oldestWriteMs + stallMs) {
    state.become({ to: 'looking', reason: `own disk silent for ${stallMs} ms` })
  } else if (state.nowMs >= learning.deadlineMs) {
    giveUp(state, learning, 'leader not heard in time')
  } else if (state.nowMs >= learning.retryAtMs) {
    dial(state, learning)
  }
}

function dial(state: CoreState, learning: Learning): void {
  learning.retryAtMs = Infinity
  learning.tries += 1
  learning.link = state.allotLink()
  state.outbox.connects.push({ link: learning.link, to: learning.leader })
}

export function learningLinkOpened(state: CoreState, learning: Learning, link: LinkId): void {
  if (link !== learning.link || learning.phase !== LearningPhase.CONNECTING) return
  sendLearnerInfo(state, learning)
  heardLeader(state, learning)
}

/** The leader may not have noticed yet that it was elected: a refused connection is tried again a few times. */
export function learningLinkClosed(state: CoreState, learning: Learning, link: LinkId): void {
  if (link !== learning.link) return
  learning.link = null
  const { timing } = state.options
  // With a time to connect in, that is the limit.
  const triesMax = timing.connectMs === null ? timing.connectTries : Infinity
  if (learning.phase !== LearningPhase.CONNECTING || learning.tries >= triesMax) {
    giveUp(state, learning, 'link lost')
    return
  }
  learning.retryAtMs = state.nowMs + retryMs(timing, learning.tries)
}

/** Of servers that decide at the same time the learner is often the first: a tenth of the wait at first, then doubled. */
function retryMs({ connectRetryMs }: Timing, tries: number): number {
  return Math.min(connectRetryMs, (connectRetryMs / 10) * 2 ** (tries - 1))
}

export function heardLeader(state: CoreState, learning: Learning): void {
  const { timing } = state.options
  learning.deadlineMs = state.nowMs + patienceMs(timing, learning.phase)
  learning.deniedSinceMs = Infinity
}

/**
 * A leader that gathers no quorum in time falls. One that says nothing for longer before the synchronization is none, or
 * its link is dead though it stands: a partition that ended can leave such links behind.
 */
function patienceMs(timing: Timing, phase: LearningPhase): number {
  if (phase < LearningPhase.SYNCHRONIZING) return 2 * timing.gatherMs
  const ticks = phase === LearningPhase.ACTIVE ? timing.syncLimit : timing.initLimit
  return ticks * timing.tickMs
}

/**
 * The leader itself says that it looks for a leader: (1) it has lost its power and was started again; (2) the link to its
 * old process still stands here, as nobody has told; (3) it would be waited for until `syncLimit`. One such message may be
 * an old one that was sent again with a new connection; a second one, and nothing over the link in between, is not. It may
 * have found a leader before it sends a second one: then it is not waited for as long as before.
 */
export function learningNotification(
  state: CoreState,
  learning: Learning,
  from: ServerId,
  notification: Notification,
): void {
  if (from === learning.leader && leadsAnotherEpoch(learning, notification)) {
    giveUp(state, learning, `it leads epoch ${notification.vote.peerEpoch} by now`)
    return
  }
  // Until it offers an epoch it may just have decided later than this server.
  if (learning.epoch === 0) return
  if (from !== learning.leader || notification.state !== PeerState.LOOKING) return
  const { timing } = state.options
  if (learning.deniedSinceMs === Infinity) {
    learning.deniedSinceMs = state.nowMs
    learning.deadlineMs = Math.min(learning.deadlineMs, state.nowMs + deniedPatienceMs(timing))
  }
  if (state.nowMs - learning.deniedSinceMs < timing.minNotificationMs / 2) return
  giveUp(state, learning, 'it looks for a leader itself')
}

/** One that could not even be joined is not tried again at once: others may be able to lead. */
function giveUp(state: CoreState, learning: Learning, reason: string): void {
  if (learning.phase !== LearningPhase.ACTIVE) state.shun(learning.leader, reason)
  state.become({ to: 'looking', reason: `server ${learning.leader}: ${reason}` })
}

/**
 * How long a leader or learner may be silent that has said on the election port that it looks for a leader: its link is
 * probably one to a process that is no more. Who lives pings twice a tick.
 */
export function deniedPatienceMs({ gatherMs, tickMs }: Timing): number {
  return Math.max(gatherMs, tickMs)
}

/** Elected again meanwhile: this link is one to its past. */
function leadsAnotherEpoch(learning: Learning, { state, vote }: Notification): boolean {
  return state === PeerState.LEADING && learning.epoch > 0 && vote.peerEpoch > learning.epoch
}

export function learningPacket(
  state: CoreState,
  learning: Learning,
  link: LinkId,
  packet: Packet,
): void {
  if (link !== learning.link || learning.phase === LearningPhase.CONNECTING) return
  heardLeader(state, learning)
  const refusal = learn(state, learning, link, packet)
  if (refusal !== null) giveUp(state, learning, `${packetName(packet)}: ${refusal}`)
}

/** Why this packet ends the leadership for this learner, or null. */
function learn(state: CoreState, learning: Learning, link: LinkId, packet: Packet): string | null {
  const isSynchronizing = learning.phase >= LearningPhase.SYNCHRONIZING
  switch (packet.kind) {
    case PacketKind.LEADERINFO:
      return onLeaderInfo(state, learning, packet)
    case PacketKind.DIFF:
    case PacketKind.TRUNC:
      return onSyncStart(state, learning, packet)
    case PacketKind.SNAP:
      return onSnap(state, learning, packet)
    case PacketKind.PROPOSAL:
      if (!isSynchronizing) return 'out of turn'
      return onEntry(state, learning, packet.zxid, packet.txn)
    case PacketKind.INFORM:
      if (!isSynchronizing || !learning.isObserver) return 'out of turn'
      return observedInform(state, learning, packet)
    case PacketKind.COMMIT:
      if (!isSynchronizing) return 'out of turn'
      return onCommit(state, learning, packet.zxid)
    case PacketKind.NEWLEADER:
      return onNewLeader(state, learning, packet)
    case PacketKind.UPTODATE:
      return onUpToDate(state, learning)
    case PacketKind.PING:
      if (learning.phase !== LearningPhase.ACTIVE) return null
      state.send(link, packet)
      return null
    case PacketKind.SYNC:
    case PacketKind.REVALIDATE:
      if (learning.phase !== LearningPhase.ACTIVE) return 'out of turn'
      state.outbox.deliveries.push({ link, sid: learning.leader, packet })
      return null
    default:
      return 'not for a learner'
  }
}

function onCommit(
  state: CoreState,
  learning: Learning,
  zxid: Parameters<typeof onCommitted>[1],
): string | null {
  const refusal = onCommitted(learning, zxid)
  if (refusal === null && learning.phase === LearningPhase.ACTIVE) state.commitUpTo(zxid)
  return refusal
}

/**
 * Only now is the history known to be committed: before, the leader had no quorum for it and might have fallen with
 * it (ZOOKEEPER-962). The second ACK answers UPTODATE; leaders ignore it.
 */
function onUpToDate(state: CoreState, learning: Learning): string | null {
  if (learning.phase !== LearningPhase.ENTERED) return 'out of turn'
  learning.phase = LearningPhase.ACTIVE
  state.vote = { ...state.vote, peerEpoch: learning.epoch }
  state.shunned.clear()
  sendEpochAck(state, learning)
  state.trace(`up to date at ${formatHex(learning.committed)}`)
  state.commitUpTo(learning.committed)
  state.outbox.roleChanges.push({
    role: learning.isObserver ? Role.OBSERVING : Role.FOLLOWING,
    epoch: learning.epoch,
    leader: learning.leader,
    serving: true,
    reason: 'up to date',
  })
  heardLeader(state, learning)
  return null
}

export function learningDurable(state: CoreState, learning: Learning, token: PersistToken): void {
  learnerEpochDurable(state, learning, token)
  learnerEnteredDurable(state, learning, token)
  if (learning.phase < LearningPhase.ENTERED) return
  if (!learning.isObserver) ackDurable(state, learning)
  if (learning.phase === LearningPhase.ACTIVE) state.commitUpTo(learning.committed)
}

/**
 * Each proposal is acked by itself, as Apache's leader counts them so; none before the ACK of NEWLEADER, which must
 * come first (ZOOKEEPER-4685), and none that was committed when it was sent.
 */
function ackDurable(state: CoreState, learning: Learning): void {
  const { history, durableZxid } = state
  if (durableZxid <= learning.acked) return
  for (let i = history.indexAfter(learning.acked); i < history.length; i += 1) {
    const { zxid } = history.at(i)
    if (zxid > durableZxid) break
    state.send(learning.link!, { kind: PacketKind.ACK, zxid })
  }
  learning.acked = durableZxid
}

export function stopLearning(state: CoreState, learning: Learning): void {
  if (learning.link !== null) state.close(learning.link, `server ${learning.leader} is left`)
}
