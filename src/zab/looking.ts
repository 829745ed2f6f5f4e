import { formatHex, type ServerId } from '../base/index.ts'
import type { Notification } from './messages.ts'
import type { CoreState } from './state.ts'
import {
  type CastVote,
  compareVotes,
  NOT_VOTING,
  NOT_VOTING_ZXID,
  PeerState,
  sameVote,
  type Vote,
} from './vote.ts'

/** Zxid of an uninitialised data folder in notifications of Apache ZooKeeper: its owner must not vote. */
const UNINITIALISED = -1n
/** Rounds grow by one for an election. A larger one is a broken peer's, and would leave no number for the next. */
const MAX_ROUND = 2 ** 48
/** Shortest time between two introductions to the same server, in first waits for an answer. */
const INTRODUCTIONS = 4

/**
 * One election (`FastLeaderElection.lookForLeader`), first waiting until the disk has finished what the last role
 * handed to it.
 *
 * Two things differ from the original, neither visible in a message. Both answer the same question, who can reach a
 * quorum, for which the original has no answer at all: with a star- or chain-shaped network it never serves.
 *
 *  - A proposal is only changed to a server that was itself heard in this round. Votes of others make its log known,
 *    but do not make it reachable.
 *  - A candidate that hears no quorum steps back after a while (`withdrawAfterMs`) and votes for the best server that
 *    it hears. A server that votes for a worse one than itself has stepped back, and is no candidate for others.
 *
 * So the best server that hears a quorum is voted for by all whom it hears. docs/zab.md has the whole rule.
 */
export class Looking {
  readonly name: 'looking' = 'looking' as const
  readonly reason: string
  /** False while the disk is still busy with the last role. */
  isVoting = false
  /** The history here is of a later epoch than that of a leader with a quorum; it has been told. */
  isAhead = false
  proposal: Vote
  /** Last vote of each voter of this round, own one included (`recvset`). */
  readonly votes: Map<ServerId, CastVote> = new Map()
  /** Votes of established servers of any round (`outofelection`). */
  readonly established: Map<ServerId, CastVote> = new Map()
  /** Best known vote for each server of this round: what its log is. */
  readonly candidates: Map<ServerId, Vote> = new Map()
  /** When whom this server tells of its own log again, in this round. */
  readonly introduced: Map<ServerId, number> = new Map()
  startedMs: number = Infinity
  proposedMs: number = Infinity
  hasWithdrawn = false
  retryMs: number
  /** Nothing is asked before; 0 once that time has come. */
  notBeforeMs: number
  resendAtMs: number = Infinity
  reconsiderAtMs: number = Infinity
  /** When the standing quorum of votes becomes a decision; Infinity without a quorum. */
  decideAtMs: number = Infinity

  constructor(state: CoreState, reason: string) {
    this.reason = reason
    this.proposal = state.vote
    const { minNotificationMs, observerDelayMs } = state.options.timing
    this.retryMs = minNotificationMs
    // All observers of a leader lose it at the same time.
    const isDelayed = observerDelayMs > 0 && !state.isVoter && reason !== 'start'
    this.notBeforeMs = isDelayed ? state.nowMs + observerDelayMs * state.random.next() : 0
  }

  nextDeadlineMs(): number {
    if (!this.isVoting && this.notBeforeMs > 0) return this.notBeforeMs
    return Math.min(this.resendAtMs, this.reconsiderAtMs, this.decideAtMs)
  }
}

/** To be called once after the change of role and whenever a write has become durable. */
export function startWhenDiskIsIdle(state: CoreState, looking: Looking): void {
  if (looking.isVoting || !state.isDiskIdle || state.nowMs < looking.notBeforeMs) return
  looking.isVoting = true
  looking.startedMs = state.nowMs
  startRound(state, looking, state.clock + 1)
  state.trace(`looking, round ${state.clock}, ${state.describeLog()}: ${looking.reason}`)
  broadcastProposal(state, looking)
  // The only voter hears nobody.
  countVotes(state, looking)
}

export function lookingTimeout(state: CoreState, looking: Looking): void {
  if (!looking.isVoting && state.nowMs >= looking.notBeforeMs) {
    looking.notBeforeMs = 0
    startWhenDiskIsIdle(state, looking)
  }
  if (!looking.isVoting) return
  if (state.nowMs >= looking.decideAtMs) {
    decide(state, looking, looking.proposal, 'a quorum of votes')
    return
  }
  if (state.nowMs >= looking.reconsiderAtMs) reconsider(state, looking)
  if (state.nowMs >= looking.resendAtMs) {
    // Who hears no quorum of proposals hears of a leader only by asking.
    if (state.isVoter && !looking.hasWithdrawn) {
      looking.retryMs = Math.min(looking.retryMs * 2, state.options.timing.maxNotificationMs)
    }
    broadcastProposal(state, looking)
  }
}

export function lookingNotification(
  state: CoreState,
  looking: Looking,
  from: ServerId,
  notification: Notification,
): void {
  const { quorum } = state.options.ensemble
  if (!looking.isVoting || from === state.self) return
  if (!quorum.isVoter(from)) {
    if (notification.state === PeerState.LOOKING) sendVote(state, from, PeerState.LOOKING)
    return
  }
  if (!quorum.isVoter(notification.vote.leader)) return
  switch (notification.state) {
    case PeerState.LOOKING:
      onLookingVote(state, looking, from, notification)
      break
    case PeerState.FOLLOWING:
    case PeerState.LEADING:
      onEstablishedVote(state, looking, from, notification)
      break
    default:
      break
  }
}

/** The election connection is gone: its other end can neither support nor lead. */
export function lookingPeerDown(state: CoreState, looking: Looking, sid: ServerId): void {
  looking.votes.delete(sid)
  looking.established.delete(sid)
  if (looking.isVoting) countVotes(state, looking)
}

/** Sends this server's vote; `state.vote` is the proposal while looking, the decided vote afterwards. */
export function sendVote(state: CoreState, to: ServerId, as: PeerState): void {
  const config = state.options.ensemble.text
  state.outbox.notifications.push({
    to,
    notification: { state: as, vote: state.vote, version: 2, config },
  })
}

/**
 * A vote that arrives when this server already follows or leads. Non-voters are told the current round, voters the
 * round of the vote. The answer names the leadership, so that a server that comes late can join it.
 */
export function answerEstablished(
  state: CoreState,
  from: ServerId,
  notification: Notification,
  as: PeerState,
): void {
  if (notification.state !== PeerState.LOOKING || from === state.self) return
  if (state.options.ensemble.quorum.isVoter(from)) {
    // One who does not vote cannot support a leader either; voters ignore it.
    if (state.isVoter) sendVote(state, from, as)
    return
  }
  const config = state.options.ensemble.text
  state.outbox.notifications.push({
    to: from,
    notification: {
      state: as,
      vote: { ...state.vote, electionEpoch: state.clock },
      version: 2,
      config,
    },
  })
}

function initialVote(state: CoreState): Vote {
  const own = state.ownVote()
  if (state.isVoter) return own
  return {
    leader: NOT_VOTING as ServerId,
    zxid: NOT_VOTING_ZXID,
    electionEpoch: own.electionEpoch,
    peerEpoch: NOT_VOTING,
  }
}

function startRound(state: CoreState, looking: Looking, clock: number): void {
  state.clock = clock
  looking.votes.clear()
  looking.candidates.clear()
  looking.introduced.clear()
  looking.hasWithdrawn = false
  looking.decideAtMs = Infinity
  looking.reconsiderAtMs = state.nowMs + state.options.timing.minNotificationMs
  propose(state, looking, initialVote(state))
}

function propose(state: CoreState, looking: Looking, vote: Vote): void {
  if (vote.leader !== looking.proposal.leader) looking.proposedMs = state.nowMs
  const proposal = { ...vote, electionEpoch: state.clock }
  looking.proposal = proposal
  // Votes for another proposal have to stand for the whole wait again.
  looking.decideAtMs = Infinity
  state.vote = proposal
  if (!state.isVoter) return
  looking.votes.set(state.self, { vote: proposal, state: PeerState.LOOKING, version: 2 })
}

function broadcastProposal(state: CoreState, looking: Looking): void {
  for (const sid of state.options.ensemble.quorum.voters) {
    if (sid !== state.self) sendVote(state, sid, PeerState.LOOKING)
  }
  const jitter = 0.9 + state.random.next() / 5
  looking.resendAtMs = state.nowMs + looking.retryMs * jitter
}

function onLookingVote(
  state: CoreState,
  looking: Looking,
  from: ServerId,
  notification: Notification,
): void {
  const { vote } = notification
  if (vote.zxid === UNINITIALISED || vote.electionEpoch > MAX_ROUND) return
  if (vote.electionEpoch < state.clock) {
    sendVote(state, from, PeerState.LOOKING)
    return
  }
  const isNewRound = vote.electionEpoch > state.clock
  if (isNewRound) startRound(state, looking, vote.electionEpoch)
  const isFirst = !looking.votes.has(from)
  looking.votes.set(from, { vote, state: PeerState.LOOKING, version: notification.version })
  const known = looking.candidates.get(vote.leader)
  if (vote.leader === from || known === undefined || compareVotes(vote, known) > 0) {
    looking.candidates.set(vote.leader, vote)
  }
  const best = bestCandidate(state, looking)
  const isBetter = compareVotes(best, looking.proposal) > 0
  if (isBetter) propose(state, looking, best)
  if (isBetter || isNewRound) broadcastProposal(state, looking)
  // The slots of this port lose messages: who is heard for the first time may not know my vote either.
  else if (isFirst && state.isVoter) sendVote(state, from, PeerState.LOOKING)
  countVotes(state, looking)
}

/** The best server to vote for: itself, or a server heard in this round that has not stepped back. */
function bestCandidate(state: CoreState, looking: Looking): Vote {
  const { quorum } = state.options.ensemble
  const own = initialVote(state)
  let best: Vote | null = null
  for (const [sid, vote] of looking.candidates) {
    if (sid === state.self || quorum.weightOf(sid) === 0 || state.isShunned(sid)) continue
    const cast = looking.votes.get(sid)
    if (cast === undefined || cast.state !== PeerState.LOOKING) continue
    if (compareVotes(cast.vote, vote) < 0) continue
    if (best === null || compareVotes(vote, best) > 0) best = vote
  }
  if (best === null) return own
  if (!state.isVoter) return own
  const canLead = !looking.hasWithdrawn && !state.isShunned(state.self)
  if (!canLead || quorum.weightOf(state.self) === 0) return best
  return compareVotes(best, own) > 0 ? best : own
}

/**
 * Steps back, or forward again, and turns away from candidates that others have given up. Only on a timer: if two
 * servers alone step back for each other at the speed of messages, each answer is a reason for the next one.
 */
function reconsider(state: CoreState, looking: Looking): void {
  const { timing, ensemble } = state.options
  const jitter = 0.75 + state.random.next() / 2
  looking.reconsiderAtMs = state.nowMs + timing.minNotificationMs * jitter
  if (!state.isVoter) return
  const hearsQuorum = ensemble.quorum.containsQuorum(new Set(looking.votes.keys()))
  const isLate = state.nowMs - looking.startedMs >= timing.withdrawAfterMs
  if (looking.hasWithdrawn !== (isLate && !hearsQuorum)) {
    looking.hasWithdrawn = !looking.hasWithdrawn
    looking.retryMs = timing.minNotificationMs
    looking.resendAtMs = Math.min(looking.resendAtMs, state.nowMs + looking.retryMs)
    const what = looking.hasWithdrawn ? 'steps back: hears no quorum' : 'hears a quorum again'
    state.trace(what)
  }
  const { leader } = looking.proposal
  const doubtful = state.nowMs - looking.proposedMs >= timing.doubtAfterMs
  if (leader !== state.self && hearsQuorum && doubtful) {
    looking.proposedMs = state.nowMs
    state.shun(leader, 'it was proposed for long and does not lead')
  }
  const best = bestCandidate(state, looking)
  if (compareVotes(best, looking.proposal) === 0) {
    if (isLate) introduce(state, looking)
    return
  }
  propose(state, looking, best)
  broadcastProposal(state, looking)
  countVotes(state, looking)
}

/**
 * Somebody who keeps to its own vote does not hear the server that this one proposes, and may never have seen this
 * server's own vote, which its proposal has replaced in the slot. Tells it now and then, so that it can step back for
 * this server; the proposal follows soon.
 */
function introduce(state: CoreState, looking: Looking): void {
  if (looking.hasWithdrawn || looking.proposal.leader === state.self) return
  // With a quorum of votes the proposal stands, and has to be seen as it is.
  if (looking.decideAtMs !== Infinity) return
  const vote = initialVote(state)
  const config = state.options.ensemble.text
  for (const [to, cast] of looking.votes) {
    if (to === state.self || cast.state !== PeerState.LOOKING) continue
    if (cast.vote.leader !== to || state.nowMs < (looking.introduced.get(to) ?? 0)) continue
    looking.introduced.set(to, state.nowMs + INTRODUCTIONS * state.options.timing.minNotificationMs)
    const notification = { state: PeerState.LOOKING, vote, version: 2, config }
    state.outbox.notifications.push({ to, notification })
    const soon = state.nowMs + state.options.timing.minNotificationMs
    looking.resendAtMs = Math.min(looking.resendAtMs, soon)
  }
}

function supporters(votes: ReadonlyMap<ServerId, CastVote>, wanted: CastVote): Set<ServerId> {
  const sids = new Set<ServerId>()
  for (const [sid, cast] of votes) if (sameVote(cast, wanted)) sids.add(sid)
  return sids
}

function countVotes(state: CoreState, looking: Looking): void {
  const { quorum } = state.options.ensemble
  const wanted = { vote: looking.proposal, state: PeerState.LOOKING, version: 2 }
  // Who does not vote hears of proposals only when it asks, so what it knows of them is old. It waits for a leader.
  if (!state.isVoter) return
  const sids = supporters(looking.votes, wanted)
  if (!quorum.containsQuorum(sids)) {
    looking.decideAtMs = Infinity
    return
  }
  // Nobody is left who could bring a better vote. The wait is only for finding the best one, and in most elections the
  // one whose vote is missing is the old leader.
  if (quorum.voters.every((sid) => sids.has(sid) || state.gone.has(sid))) {
    const isEverybody = sids.size === quorum.voters.length
    decide(state, looking, looking.proposal, isEverybody ? 'all votes' : 'all votes of who is left')
  } else if (looking.decideAtMs === Infinity) {
    looking.decideAtMs = state.nowMs + state.options.timing.finalizeWaitMs
  }
}

/**
 * The leader must have said itself that it leads: a quorum that follows it may be the remains of a leadership that
 * has just ended. Conversely, with the leader's own word a quorum need not be heard (it may be out of reach for this
 * server alone): after a while its word is enough. Following the wrong one costs time, never data.
 */
function onEstablishedVote(
  state: CoreState,
  looking: Looking,
  from: ServerId,
  notification: Notification,
): void {
  const { vote } = notification
  const { quorum } = state.options.ensemble
  const cast: CastVote = { vote, state: notification.state, version: notification.version }
  if (vote.electionEpoch === state.clock) looking.votes.set(from, cast)
  looking.established.set(from, cast)
  if (state.isShunned(vote.leader) || vote.leader === state.self) return
  const ofLeader = looking.established.get(vote.leader)
  if (ofLeader?.state !== PeerState.LEADING) return
  for (const votes of [looking.votes, looking.established]) {
    if (!quorum.containsQuorum(supporters(votes, cast))) continue
    if (isOfEarlierEpoch(state, looking, vote)) return
    joinEstablished(state, looking, vote, 'a quorum follows it')
    return
  }
  const isLate = state.nowMs - looking.startedMs >= state.options.timing.withdrawAfterMs / 2
  if (isLate && ofLeader.vote.leader === vote.leader) {
    if (isOfEarlierEpoch(state, looking, ofLeader.vote)) return
    joinEstablished(state, looking, ofLeader.vote, 'it says that it leads')
  }
}

/**
 * A quorum that has come to this server's epoch does not follow a leader of an earlier one. So either that leader is
 * about to fall, or this server's history was made without the ensemble (race 19).
 */
function isOfEarlierEpoch(state: CoreState, looking: Looking, vote: Vote): boolean {
  if (vote.peerEpoch >= state.currentEpoch) return false
  if (looking.isAhead) return true
  looking.isAhead = true
  state.outbox.warnings.push(
    `a quorum follows server ${vote.leader} in epoch ${vote.peerEpoch}, and the history here is of epoch ${state.currentEpoch}, which they have not come to: this server does not join them. If it was started without them, or has the data folder of another ensemble, save what is needed of its data and start it with an empty data folder`,
  )
  return true
}

function joinEstablished(state: CoreState, looking: Looking, vote: Vote, reason: string): void {
  if (Math.abs(vote.electionEpoch) <= MAX_ROUND) state.clock = vote.electionEpoch
  decide(state, looking, vote, reason)
}

function decide(state: CoreState, looking: Looking, vote: Vote, reason: string): void {
  looking.decideAtMs = Infinity
  looking.resendAtMs = Infinity
  looking.reconsiderAtMs = Infinity
  looking.isVoting = false
  state.vote = vote
  const to = vote.leader === state.self ? 'leading' : 'following'
  const what = `server ${vote.leader} at ${formatHex(vote.zxid)}, epoch ${vote.peerEpoch}`
  state.become({ to, vote, reason: `${what}: ${reason}` })
}
