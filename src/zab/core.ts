import { assert, type ServerId, unreachable, type Zxid } from '../base/index.ts'
import { answerSync, expectSync, nextZxid, propose } from './broadcast.ts'
import {
  heardLeader,
  learningDeadlineMs,
  learningDurable,
  learningLinkClosed,
  learningLinkOpened,
  learningNotification,
  learningPacket,
  learningTimeout,
  startLearning,
  stopLearning,
} from './following.ts'
import { type Input, InputKind, type LinkId } from './inputs.ts'
import { LeaderPhase, type Leadership } from './leadership.ts'
import {
  confirmLeadership,
  extendDeadline,
  leadingDeadlineMs,
  leadingDurable,
  leadingLinkClosed,
  leadingNotification,
  leadingPacket,
  leadingTimeout,
  onLinkAccepted,
  startLeading,
  stopLeading,
} from './leading.ts'
import { type Learning, LearningPhase } from './learning.ts'
import {
  answerEstablished,
  Looking,
  lookingNotification,
  lookingPeerDown,
  lookingTimeout,
  startWhenDiskIsIdle,
} from './looking.ts'
import type { Notification, Packet, Relayed } from './messages.ts'
import type { CoreOptions, Ensemble } from './options.ts'
import { type Outbox, Role } from './outbox.ts'
import { LearnerPhase, type LearnerView, viewOf } from './progress.ts'
import { CoreState, type Transition } from './state.ts'
import {
  onEntriesFailed,
  onEntriesReady,
  onSnapshotFailed,
  onSnapshotReady,
} from './synchronization.ts'
import { PeerState, type Vote } from './vote.ts'

/** Looking for a leader; agreeing on its epoch; on its history; clients are served. */
export type ZabPhase = 'broadcast' | 'discovery' | 'election' | 'synchronization'

/**
 * A server's part in Zab: a state machine without clock, disk or network. `step` takes what happened, `outbox` holds
 * what is to be done, `nextDeadlineMs` says when to step again at the latest. The duties of the caller are listed in
 * docs/zab.md.
 */
export class ZabCore {
  readonly #state: CoreState
  #role: Looking | Leadership | Learning
  /** A write has failed: nothing this server says could be relied on. */
  #isHalted = false

  /** Begins to look for a leader, or to be one. */
  constructor(options: CoreOptions, nowMs: number) {
    this.#state = new CoreState(options)
    this.#state.nowMs = nowMs
    this.#role = this.#becomeLooking('start')
    this.#settle()
  }

  /** To be drained and cleared after each turn. */
  get outbox(): Outbox {
    return this.#state.outbox
  }

  get role(): Role {
    switch (this.#role.name) {
      case 'looking':
        return Role.LOOKING
      case 'leading':
        return Role.LEADING
      case 'learning':
        return this.#role.isObserver ? Role.OBSERVING : Role.FOLLOWING
      default:
        return unreachable(this.#role)
    }
  }

  /** Whether clients may be served: leading with a quorum, or up to date with a leader. */
  get isServing(): boolean {
    const role = this.#role
    if (role.name === 'leading') return role.isEstablished
    return role.name === 'learning' && role.phase === LearningPhase.ACTIVE
  }

  /** How far it has come, in the names that operators know (`QuorumPeer.ZabState`). */
  get phase(): ZabPhase {
    const role = this.#role
    if (role.name === 'looking') return 'election'
    if (this.isServing) return 'broadcast'
    const isSynchronizing =
      role.name === 'leading'
        ? role.phase === LeaderPhase.SYNCHRONIZING
        : role.phase >= LearningPhase.WAITS_FOR_SYNC
    return isSynchronizing ? 'synchronization' : 'discovery'
  }

  get vote(): Vote {
    return this.#state.vote
  }

  get ensemble(): Ensemble {
    return this.#state.options.ensemble
  }

  /** Whether this server votes and acks, or only observes. */
  get isVoter(): boolean {
    return this.#state.isVoter
  }

  /** Whom this server follows, or tries to; itself while it leads; null while LOOKING. */
  get leader(): ServerId | null {
    const role = this.#role
    if (role.name === 'leading') return this.#state.self
    return role.name === 'learning' ? role.leader : null
  }

  /** The epoch that is led or followed; while there is none yet, the last one that this server was in. */
  get epoch(): number {
    const role = this.#role
    if (role.name === 'leading') return role.epoch
    const { currentEpoch } = this.#state
    return role.name === 'learning' ? Math.max(role.epoch, currentEpoch) : currentEpoch
  }

  /** The last epoch that this server has durably promised itself to. */
  get acceptedEpoch(): number {
    return this.#state.acceptedEpoch
  }

  /** Leader: everybody who is connected to its learner port, in the order in which they came. A copy. */
  get learnerViews(): readonly LearnerView[] {
    const role = this.#role
    return role.name === 'leading' ? [...role.learners.values()].map(viewOf) : []
  }

  /** End of the durable log. */
  get lastLogged(): Zxid {
    return this.#state.durableZxid
  }

  /** End of what was handed out in `commits`. */
  get committed(): Zxid {
    return this.#state.applied
  }

  /** The most that this server knows to be committed; it may be ahead of what its own disk allows to apply. */
  get knownCommitted(): Zxid {
    return this.#role.name === 'looking' ? this.#state.applied : this.#role.committed
  }

  /** The link to the leader while this server is up to date with it, for requests of its clients. */
  get leaderLink(): LinkId | null {
    const role = this.#role
    return role.name === 'learning' && role.phase === LearningPhase.ACTIVE ? role.link : null
  }

  /** An id for a connection that was accepted on the learner port. */
  allotLink(): LinkId {
    return this.#state.allotLink()
  }

  /** When to step with `TIMEOUT` if nothing else happens; Infinity if that is not needed. */
  nextDeadlineMs(): number {
    if (this.#isHalted) return Infinity
    switch (this.#role.name) {
      case 'looking':
        return this.#role.nextDeadlineMs()
      case 'leading':
        return leadingDeadlineMs(this.#state, this.#role)
      case 'learning':
        return learningDeadlineMs(this.#state, this.#role)
      default:
        return unreachable(this.#role)
    }
  }

  /** Throws if the state contradicts itself. Cheap enough for every step of a test. */
  checkInvariants(): void {
    const { history, durableZxid, applied, isDiskIdle } = this.#state
    assert(applied <= durableZxid, 'memory is ahead of the disk')
    assert(!isDiskIdle || history.last === durableZxid, 'an idle disk is not at the end of history')
    if (this.#role.name !== 'leading' || !this.#role.isEstablished) return
    assert(this.#role.committed <= history.last, 'more is committed than was proposed')
    assert(applied <= this.#role.committed, 'more is applied than is committed')
  }

  /** Leader: the zxid that `propose` would assign now; null exactly when `propose` would return null. */
  get nextZxid(): Zxid | null {
    return this.#role.name === 'leading' ? nextZxid(this.#state, this.#role) : null
  }

  /**
   * Leader: assigns the next zxid to a transaction and sends it out. Null unless this server is established as leader
   * and has a zxid left; the caller keeps the request for the next leader. Bytes that carry their own zxid are made
   * with `nextZxid`; no input may come between.
   */
  propose(txn: Uint8Array, nowMs: number): Zxid | null {
    this.#advance(nowMs)
    if (this.#role.name !== 'leading') return null
    return propose(this.#state, this.#role, txn)
  }

  /** Puts a packet of the request pipeline in its place among the packets of a link. False if the link is no more. */
  relay(link: LinkId, packet: Relayed): boolean {
    const role = this.#role
    const isKnown =
      role.name === 'leading'
        ? role.learners.get(link)?.phase === LearnerPhase.ACTIVE
        : this.leaderLink === link
    if (isKnown) this.#state.send(link, packet)
    return isKnown
  }

  /** Leader: a learner asks for a sync, which has its place behind everything proposed until now. */
  expectSync(link: LinkId): void {
    if (this.#role.name !== 'leading') return
    const learner = this.#role.learners.get(link)
    if (learner !== undefined) expectSync(this.#role, learner)
  }

  /** Leader: the learner's oldest sync may be answered, if a commit has not done so before. */
  answerSync(link: LinkId): void {
    if (this.#role.name !== 'leading') return
    const learner = this.#role.learners.get(link)
    if (learner !== undefined) answerSync(this.#state, learner)
  }

  /** `nowMs` is monotonic. Nothing that a peer sends makes this throw. */
  step(input: Input, nowMs: number): void {
    this.#advance(nowMs)
    if (this.#isHalted) return
    switch (input.kind) {
      case InputKind.TIMEOUT:
        this.#onTimeout()
        break
      case InputKind.NOTIFICATION:
        this.#onNotification(input.from, input.notification)
        break
      case InputKind.PEER_DOWN:
        if (this.#state.options.ensemble.quorum.isVoter(input.sid)) this.#state.gone.add(input.sid)
        if (this.#role.name === 'looking') lookingPeerDown(this.#state, this.#role, input.sid)
        break
      case InputKind.LINK_ACCEPTED:
        if (this.#role.name === 'leading') onLinkAccepted(this.#state, this.#role, input.link)
        else this.#state.close(input.link, 'this server does not lead')
        break
      case InputKind.LINK_OPENED:
        if (this.#role.name === 'learning') {
          learningLinkOpened(this.#state, this.#role, input.link)
        }
        break
      case InputKind.LINK_CLOSED:
        this.#onLinkClosed(input.link)
        break
      case InputKind.LINK_PROGRESS:
        this.#onLinkProgress(input.link)
        break
      case InputKind.PACKET:
        this.#onPacket(input.link, input.packet)
        break
      case InputKind.DURABLE:
        this.#onDurable(input)
        break
      case InputKind.PERSIST_PROGRESS:
        this.#state.onDiskProgress()
        break
      case InputKind.PERSIST_FAILED:
        this.#halt(input.reason)
        break
      case InputKind.SNAPSHOT_READY:
      case InputKind.SNAPSHOT_FAILED:
      case InputKind.ENTRIES_READY:
      case InputKind.ENTRIES_FAILED:
        this.#onPrepared(input)
        break
      case InputKind.LOG_PURGED:
        this.#state.onLogPurged(input.base)
        break
      case InputKind.CONFIRM:
        if (this.#role.name === 'leading') confirmLeadership(this.#state, this.#role, input.token)
        else this.#state.outbox.unconfirmed.push(input.token)
        break
      default:
        unreachable(input)
    }
    this.#settle()
  }

  #advance(nowMs: number): void {
    assert(nowMs >= this.#state.nowMs, 'time runs backwards')
    this.#state.nowMs = nowMs
  }

  #onTimeout(): void {
    switch (this.#role.name) {
      case 'looking':
        lookingTimeout(this.#state, this.#role)
        break
      case 'leading':
        leadingTimeout(this.#state, this.#role)
        break
      case 'learning':
        learningTimeout(this.#state, this.#role)
        break
      default:
        unreachable(this.#role)
    }
  }

  #onNotification(from: ServerId, notification: Notification): void {
    const role = this.#role
    this.#state.gone.delete(from)
    if (role.name === 'looking') {
      lookingNotification(this.#state, role, from, notification)
      return
    }
    answerEstablished(this.#state, from, notification, STATE_OF_ROLE[this.role])
    if (role.name === 'learning') learningNotification(this.#state, role, from, notification)
    else leadingNotification(this.#state, role, from, notification)
  }

  #onLinkClosed(link: LinkId): void {
    if (this.#role.name === 'leading') leadingLinkClosed(this.#state, this.#role, link)
    else if (this.#role.name === 'learning') learningLinkClosed(this.#state, this.#role, link)
  }

  #onLinkProgress(link: LinkId): void {
    if (this.#role.name === 'leading') {
      const learner = this.#role.learners.get(link)
      if (learner?.sid != null) extendDeadline(this.#state, this.#role, learner)
    } else if (this.#role.name === 'learning' && this.#role.link === link) {
      heardLeader(this.#state, this.#role)
    }
  }

  /** Packets of links that are no more are told apart by the link: an id is never used again. */
  #onPacket(link: LinkId, packet: Packet): void {
    if (this.#role.name === 'leading') {
      const learner = this.#role.learners.get(link)
      if (learner !== undefined) leadingPacket(this.#state, this.#role, learner, packet)
    } else if (this.#role.name === 'learning') {
      learningPacket(this.#state, this.#role, link, packet)
    }
  }

  /** First the facts about the disk, whoever asked for the write; then what the role of today may promise by it. */
  #onDurable(input: Extract<Input, { kind: typeof InputKind.DURABLE }>): void {
    this.#state.onDurable(input.token)
    switch (this.#role.name) {
      case 'looking':
        startWhenDiskIsIdle(this.#state, this.#role)
        break
      case 'leading':
        leadingDurable(this.#state, this.#role, input.token)
        break
      case 'learning':
        learningDurable(this.#state, this.#role, input.token)
        break
      default:
        unreachable(this.#role)
    }
    const { applied } = this.#state
    this.#state.trimHistory(this.#role.name === 'leading' ? this.#role.claimed : applied)
  }

  /** The driver has prepared something for a learner, or could not. */
  #onPrepared(input: Prepared): void {
    if (this.#role.name !== 'leading') return
    const learner = this.#role.learners.get(input.link)
    if (learner === undefined) return
    switch (input.kind) {
      case InputKind.SNAPSHOT_READY:
        onSnapshotReady(this.#state, this.#role, learner, input.zxid, input.snapshot)
        break
      case InputKind.SNAPSHOT_FAILED:
        onSnapshotFailed(this.#state, this.#role, learner, input.reason)
        break
      case InputKind.ENTRIES_READY:
        onEntriesReady(this.#state, this.#role, learner, input.floor, input.entries)
        break
      case InputKind.ENTRIES_FAILED:
        onEntriesFailed(this.#state, learner, input.reason)
        break
      default:
        unreachable(input)
    }
  }

  /** The process has to stop: what is in memory may never have reached the disk (ZOOKEEPER-4882). */
  #halt(reason: string): void {
    this.#state.trace(`halted: ${reason}`)
    this.#state.transition = null
    this.#stopRole()
    this.#role = this.#newLooking(`halted: ${reason}`)
    this.#isHalted = true
  }

  /** Carries out role changes that the step asked for. */
  #settle(): void {
    for (;;) {
      const { transition } = this.#state
      if (transition === null) return
      this.#state.transition = null
      this.#stopRole()
      this.#carryOut(transition)
    }
  }

  #stopRole(): void {
    if (this.#role.name === 'leading') stopLeading(this.#state, this.#role)
    else if (this.#role.name === 'learning') stopLearning(this.#state, this.#role)
  }

  #carryOut(transition: Transition): void {
    const state = this.#state
    switch (transition.to) {
      case 'looking':
        this.#role = this.#becomeLooking(transition.reason)
        break
      case 'leading':
        state.trace(`leading ${transition.reason}`)
        this.#changeRole(Role.LEADING, state.self, transition.reason)
        this.#role = startLeading(state)
        break
      case 'following': {
        const role = state.isVoter ? Role.FOLLOWING : Role.OBSERVING
        state.trace(`following ${transition.reason}`)
        this.#changeRole(role, transition.vote.leader, transition.reason)
        this.#role = startLearning(state, transition.vote.leader)
        break
      }
      default:
        unreachable(transition)
    }
  }

  #becomeLooking(reason: string): Looking {
    const looking = this.#newLooking(reason)
    startWhenDiskIsIdle(this.#state, looking)
    return looking
  }

  #newLooking(reason: string): Looking {
    this.#changeRole(Role.LOOKING, null, reason)
    return new Looking(this.#state, reason)
  }

  #changeRole(role: Role, leader: ServerId | null, reason: string): void {
    const epoch = this.#state.currentEpoch
    this.#state.outbox.roleChanges.push({ role, epoch, leader, serving: false, reason })
  }
}

type Prepared = Extract<
  Input,
  {
    readonly kind:
      | typeof InputKind.SNAPSHOT_READY
      | typeof InputKind.SNAPSHOT_FAILED
      | typeof InputKind.ENTRIES_READY
      | typeof InputKind.ENTRIES_FAILED
  }
>

/** What a server in a role says of itself on the election port. */
const STATE_OF_ROLE: Readonly<Record<Role, PeerState>> = {
  [Role.LOOKING]: PeerState.LOOKING,
  [Role.FOLLOWING]: PeerState.FOLLOWING,
  [Role.LEADING]: PeerState.LEADING,
  [Role.OBSERVING]: PeerState.OBSERVING,
}
