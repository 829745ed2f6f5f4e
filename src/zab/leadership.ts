import { NO_ZXID, type ServerId, type Zxid } from '../base/index.ts'
import type { LinkId, PersistToken } from './inputs.ts'
import { type Learner, LearnerPhase } from './progress.ts'
import type { CoreState } from './state.ts'

export const LeaderPhase = {
  /** Waits for a quorum of learners to name their acceptedEpoch. */
  GATHERING: 0,
  /** The epoch is decided; waits for a quorum of promises. */
  PROMISING: 1,
  /** Waits for a quorum to hold this leader's history. */
  SYNCHRONIZING: 2,
  /** Established. */
  BROADCASTING: 3,
} as const
export type LeaderPhase = (typeof LeaderPhase)[keyof typeof LeaderPhase]

/** All that a server knows because it leads, or is about to. Dropped whole when it stops. */
export class Leadership {
  readonly name: 'leading' = 'leading' as const
  phase: LeaderPhase = LeaderPhase.GATHERING
  readonly learners: Map<LinkId, Learner> = new Map()
  readonly bySid: Map<ServerId, Learner> = new Map()
  /** Until it is established: given up at this time unless something moves. */
  deadlineMs: number
  /** When the servers connected last formed a quorum. */
  quorumSeenMs: number
  nextPingMs: number
  pings = 0

  // Discovery
  epoch: number
  readonly epochVotes: Set<ServerId> = new Set()
  acceptToken: PersistToken | null = null
  readonly epochAcks: Set<ServerId> = new Set()
  /** Since when a voter is here that has promised this epoch to somebody before. */
  refusedMs: number = Infinity

  // Synchronization
  enterToken: PersistToken | null = null
  readonly newLeaderAcks: Set<ServerId> = new Set()
  /** End of the history with which this server was elected; committed as a whole once it is established. */
  readonly initialEnd: Zxid

  // Broadcast
  committed: Zxid
  lastProposed: Zxid = NO_ZXID
  /** For each voter the end of what it is known to hold durably. */
  readonly acked: Map<ServerId, Zxid> = new Map()
  /** Confirmations that wait for the pings now under way, and those that came after these were sent. */
  confirming: number[] = []
  confirmNext: number[] = []
  readonly confirmedBy: Set<ServerId> = new Set()

  constructor(state: CoreState) {
    const { timing } = state.options
    this.epoch = state.acceptedEpoch + 1
    this.initialEnd = state.history.last
    this.committed = state.history.last
    this.deadlineMs = state.nowMs + timing.initLimit * timing.tickMs
    this.quorumSeenMs = state.nowMs
    this.nextPingMs = state.nowMs + timing.tickMs / 2
    this.epochVotes.add(state.self)
  }

  get isEstablished(): boolean {
    return this.phase === LeaderPhase.BROADCASTING
  }

  /** What has to stay in memory after this zxid for those who are being prepared for. */
  get claimed(): Zxid {
    let least = this.committed
    for (const { claim } of this.learners.values()) {
      if (claim !== null && claim < least) least = claim
    }
    return least
  }

  /** Voters that are connected and were heard in time, and the leader itself. */
  reachable(state: CoreState): Set<ServerId> {
    const sids = new Set<ServerId>([state.self])
    for (const learner of this.bySid.values()) {
      const isKnown = learner.phase > LearnerPhase.UNKNOWN
      if (learner.isVoter && isKnown && state.nowMs <= learner.deadlineMs) sids.add(learner.sid!)
    }
    return sids
  }
}

/** Drops a learner; what it has acked stays true. */
export function dropLearner(state: CoreState, lead: Leadership, one: Learner, why: string): void {
  forgetLearner(lead, one)
  state.close(one.link, `${one.name}: ${why}`)
}

export function forgetLearner(lead: Leadership, one: Learner): void {
  lead.learners.delete(one.link)
  if (one.sid !== null && lead.bySid.get(one.sid) === one) lead.bySid.delete(one.sid)
}
