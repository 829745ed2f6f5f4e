import { Fifo, NO_ZXID, type ServerId, type Zxid } from '../base/index.ts'
import type { LinkId } from './inputs.ts'

/** How far a leader has come with a learner. Only ever grows. */
export const LearnerPhase = {
  /** Connected, has not said who it is. */
  UNKNOWN: 0,
  /** Has named its acceptedEpoch; the new epoch is not decided, or not durable. */
  WAITS_FOR_EPOCH: 1,
  /** LEADERINFO sent, the promise is not back. */
  PROMISING: 2,
  /** Has promised; the others that are needed have not. */
  WAITS_FOR_QUORUM: 3,
  /** The driver is reading for it what the memory does not hold any more. */
  WAITS_FOR_ENTRIES: 4,
  /** The driver is preparing a snapshot for it. */
  WAITS_FOR_SNAPSHOT: 5,
  /** Everything up to NEWLEADER is on its way. */
  SYNCHRONIZING: 6,
  /** Has acked NEWLEADER; the leader is not established yet. */
  SYNCHRONIZED: 7,
  /** UPTODATE sent. */
  ACTIVE: 8,
} as const
export type LearnerPhase = (typeof LearnerPhase)[keyof typeof LearnerPhase]

/** One connected learner as status output shows it. */
export interface LearnerView {
  readonly link: LinkId
  /** Null until it has said who it is. */
  readonly sid: ServerId | null
  readonly role: 'follower' | 'observer'
  /** Whether its acks count; a follower that the configuration does not know is no voter. */
  readonly isVoter: boolean
  readonly state: 'connected' | 'synchronizing' | 'synced'
  /** End of its log when it connected. */
  readonly lastZxid: Zxid
}

export function viewOf(learner: Learner): LearnerView {
  const { link, sid, isObserver, isVoter, phase, lastZxid } = learner
  const isSynced = phase === LearnerPhase.ACTIVE
  const hasPromised = phase >= LearnerPhase.WAITS_FOR_QUORUM
  const state = isSynced ? 'synced' : hasPromised ? 'synchronizing' : 'connected'
  return { link, sid, role: isObserver ? 'observer' : 'follower', isVoter, state, lastZxid }
}

/** A leader's view of one learner on one link. */
export class Learner {
  readonly link: LinkId
  sid: ServerId | null = null
  isObserver = false
  /** Its promises and acks count. */
  isVoter = false
  phase: LearnerPhase = LearnerPhase.UNKNOWN
  /** Whether its synchronization takes a snapshot; of use until it is active. */
  takesSnapshot = false
  /** End of its log, as it said. */
  lastZxid: Zxid = NO_ZXID
  /** While the driver prepares something for it: what comes after this is sent from memory, and must stay there. */
  claim: Zxid | null = null
  /** End of the committed history that NEWLEADER completes. */
  syncedTo: Zxid = NO_ZXID
  /** Whether new proposals are sent to it; set in the step that plans its synchronization, so nothing is missed. */
  isForwarding = false
  /** Lost if nothing is heard until then. */
  deadlineMs: number
  pingsSent = 0
  pingsAnswered = 0
  /** Number of the ping whose answer counts for the confirmation in progress. */
  confirmingPing: number = Infinity
  /** `SyncLimitCheck`: one proposal that is not acked, and the newest one sent after it. */
  watchedZxid: Zxid | null = null
  watchedSinceMs = 0
  nextWatchedZxid: Zxid | null = null
  nextWatchedSinceMs = 0
  /** Syncs that it waits for, oldest first: the last proposal before each. */
  readonly syncs: Fifo<Zxid> = new Fifo()
  /** Syncs that a commit has answered, before the request pipeline came to it. */
  syncsAnswered = 0

  constructor(link: LinkId, deadlineMs: number) {
    this.link = link
    this.deadlineMs = deadlineMs
  }

  get name(): string {
    return this.sid === null ? `link ${this.link}` : `server ${this.sid}`
  }

  onProposalSent(zxid: Zxid, nowMs: number): void {
    if (this.watchedZxid === null) {
      this.watchedZxid = zxid
      this.watchedSinceMs = nowMs
    } else {
      this.nextWatchedZxid = zxid
      this.nextWatchedSinceMs = nowMs
    }
  }

  onAck(zxid: Zxid): void {
    if (this.watchedZxid === null || zxid < this.watchedZxid) return
    const next = this.nextWatchedZxid
    this.watchedZxid = next !== null && next > zxid ? next : null
    this.watchedSinceMs = this.nextWatchedSinceMs
    this.nextWatchedZxid = null
  }

  /** Whether a proposal has waited for its ack since before `limitMs`, even if pings are answered. */
  isAckLate(limitMs: number): boolean {
    return this.watchedZxid !== null && this.watchedSinceMs < limitMs
  }
}
