import type { ServerId, Zxid } from '../base/index.ts'

/** What a server says of itself on the election port (`ServerState`); the numbers are those of the wire. */
export const PeerState = { LOOKING: 0, FOLLOWING: 1, LEADING: 2, OBSERVING: 3 } as const
export type PeerState = (typeof PeerState)[keyof typeof PeerState]

/** `Long.MIN_VALUE`: what a server that does not vote puts into every field of its vote. */
export const NOT_VOTING: number = -(2 ** 63)
export const NOT_VOTING_ZXID: Zxid = -(2n ** 63n) as Zxid

/** Whom a server wants as leader, and why. */
export interface Vote {
  readonly leader: ServerId
  /** Last logged zxid of `leader` when it was a candidate; never its current one after the election. */
  readonly zxid: Zxid
  /** The round (logical clock) in which the vote was cast; -1 after a leader was designated by a reconfig. */
  readonly electionEpoch: number
  /** `currentEpoch` of `leader`. */
  readonly peerEpoch: number
}

/**
 * Greater wins, the first difference decides. The epoch comes first: a longer log of an older epoch may hold what
 * was never committed, a shorter one of a newer epoch holds everything that was.
 */
const ORDER: readonly ((a: Vote, b: Vote) => number)[] = [
  (a, b) => a.peerEpoch - b.peerEpoch,
  (a, b) => (a.zxid > b.zxid ? 1 : a.zxid < b.zxid ? -1 : 0),
  (a, b) => a.leader - b.leader,
]

/** Positive if `a` beats `b`, 0 only for votes that name the same server in the same state. */
export function compareVotes(a: Vote, b: Vote): number {
  for (const compare of ORDER) {
    const difference = compare(a, b)
    if (difference !== 0) return difference
  }
  return 0
}

/** A vote as it was received, with what its sender said of itself. */
export interface CastVote {
  readonly vote: Vote
  readonly state: PeerState
  /** Version of the notification; 0 for the short forms before 3.4.6, whose epochs mean something else. */
  readonly version: number
}

/**
 * Whether two votes support the same leadership. While one of both is LOOKING everything must be equal; established
 * servers are compared by (leader, epoch) alone, as those that joined at different times hold different zxids and
 * rounds for the same leader and a newcomer could never count a quorum of them (ZOOKEEPER-1732, 1805).
 */
export function sameVote(a: CastVote, b: CastVote): boolean {
  if (a.state === PeerState.LOOKING || b.state === PeerState.LOOKING) {
    return (
      a.vote.leader === b.vote.leader &&
      a.vote.zxid === b.vote.zxid &&
      a.vote.electionEpoch === b.vote.electionEpoch &&
      a.vote.peerEpoch === b.vote.peerEpoch
    )
  }
  if (a.vote.leader !== b.vote.leader) return false
  return (a.version === 0) !== (b.version === 0) || a.vote.peerEpoch === b.vote.peerEpoch
}
