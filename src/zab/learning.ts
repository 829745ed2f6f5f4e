import { Fifo, NO_ZXID, type ServerId, type Zxid } from '../base/index.ts'
import type { LinkId, PersistToken } from './inputs.ts'
import type { Entry } from './messages.ts'
import type { CoreState } from './state.ts'

export const LearningPhase = {
  /** Dialling the leader, or waiting to dial it again. */
  CONNECTING: 0,
  /** FOLLOWERINFO sent. */
  WAITS_FOR_EPOCH: 1,
  /** LEADERINFO received, the promise is on its way to the disk. */
  PROMISING: 2,
  /** ACKEPOCH sent. */
  WAITS_FOR_SYNC: 3,
  /** DIFF, TRUNC or SNAP received. */
  SYNCHRONIZING: 4,
  /** NEWLEADER received, history and epoch are on their way to the disk. */
  ENTERING: 5,
  /** NEWLEADER acked. */
  ENTERED: 6,
  /** UPTODATE received. */
  ACTIVE: 7,
} as const
export type LearningPhase = (typeof LearningPhase)[keyof typeof LearningPhase]

/** A snapshot in memory, with what came after it. Touches neither log nor state before NEWLEADER. */
export interface StagedSnapshot {
  readonly zxid: Zxid
  readonly snapshot: unknown
  readonly entries: Entry[]
  bytes: number
}

/** All that a server knows because it follows or observes a leader. Dropped whole when it stops. */
export class Learning {
  readonly name: 'learning' = 'learning' as const
  readonly isObserver: boolean
  readonly leader: ServerId
  phase: LearningPhase = LearningPhase.CONNECTING
  link: LinkId | null = null
  tries = 0
  retryAtMs: number
  /** Given up at this time unless the leader is heard. */
  deadlineMs: number
  /** Since when the leader says on the election port that it looks for one, and nothing else has come from it. */
  deniedSinceMs: number = Infinity
  epoch = 0
  acceptToken: PersistToken | null = null
  enterToken: PersistToken | null = null
  staged: StagedSnapshot | null = null
  /** End of what the leader has called committed. */
  committed: Zxid = NO_ZXID
  /** Received and not committed: COMMITs must name them one by one (`pendingTxns`). */
  readonly uncommitted: Fifo<Zxid> = new Fifo()
  /** End of what was acked, or needs no ack. */
  acked: Zxid = NO_ZXID

  constructor(state: CoreState, leader: ServerId) {
    this.leader = leader
    this.isObserver = !state.isVoter
    this.retryAtMs = state.nowMs
    const { connectMs, gatherMs } = state.options.timing
    this.deadlineMs = state.nowMs + (connectMs ?? gatherMs)
  }

  /** Zxid after which the next entry of the leader must come. */
  lastReceived(state: CoreState): Zxid {
    if (this.staged === null) return state.history.last
    return this.staged.entries.at(-1)?.zxid ?? this.staged.zxid
  }
}
