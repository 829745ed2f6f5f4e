import { counterOf, epochOf, NO_ZXID, type Zxid } from '../../base/index.ts'
import type { Clock, Counter, Metrics, Observer } from '../../env/index.ts'
import { type LinkId, type Packet, PacketKind, Role, type RoleChange } from '../../zab/index.ts'
import type { ReplicaView } from '../events/index.ts'
import { ZxidTimes } from './zxid-times.ts'

/** Links whose summaries are known by now; they come and go while one server leads. */
const ACKING_LINKS_MAX = 256

/** Measures what a member of an ensemble sends to the others, gets of them, and is to them. */
export class ReplicaMetrics {
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #view: ReplicaView
  /** Learner: when the leader's word came that a transaction is committed. */
  readonly #committedAt: ZxidTimes
  /** Leader: when it was proposed, monotonic. Learner: what the leader's clock said then. */
  readonly #proposedAt: ZxidTimes = new ZxidTimes()
  readonly #proposals: Counter
  readonly #commits: Counter
  readonly #quorumAckLatency: Observer
  readonly #proposalsReceived: Counter
  readonly #proposalLatency: Observer
  readonly #ackLatency: Observer
  readonly #commitsReceived: Counter
  readonly #commitLatency: Observer
  /** By the links of learners. */
  readonly #ackLatencies: Map<LinkId, Observer> = new Map()
  /** Leader: how far it is known that transactions are committed. */
  #committedTo: Zxid = NO_ZXID
  #epoch = 0
  #lookingSinceMs: number
  #learningSinceMs: number

  constructor(metrics: Metrics, clock: Clock, view: ReplicaView, committedAt: ZxidTimes) {
    this.#metrics = metrics
    this.#clock = clock
    this.#view = view
    this.#committedAt = committedAt
    this.#proposals = metrics.counter('proposal_count')
    this.#commits = metrics.counter('commit_count')
    this.#quorumAckLatency = metrics.summary('quorum_ack_latency')
    this.#proposalsReceived = metrics.counter('learner_proposal_received_count')
    this.#proposalLatency = metrics.summary('proposal_latency')
    this.#ackLatency = metrics.summary('proposal_ack_creation_latency')
    this.#commitsReceived = metrics.counter('learner_commit_received_count')
    this.#commitLatency = metrics.summary('commit_propagation_latency')
    this.#lookingSinceMs = clock.monotonicMs()
    this.#learningSinceMs = this.#lookingSinceMs
  }

  /* ---------------------------------------------------------------- roles */

  onRole({ role, serving, epoch }: RoleChange): void {
    const nowMs = this.#clock.monotonicMs()
    const lookedMs = nowMs - this.#lookingSinceMs
    if (role === Role.LOOKING) {
      this.#lookingSinceMs = nowMs
      this.#metrics.count('looking_count', 1)
      this.#forget()
    } else if (!serving) {
      this.#learningSinceMs = nowMs
      this.#metrics.observe('election_time', lookedMs)
    } else {
      this.#metrics.observe('unavailable_time', lookedMs)
      if (role === Role.LEADING) {
        this.#metrics.observe('leader_unavailable_time', lookedMs)
        this.#epoch = epoch
      } else {
        const name = role === Role.FOLLOWING ? 'follower_sync_time' : 'observer_sync_time'
        this.#metrics.observe(name, nowMs - this.#learningSinceMs)
      }
    }
  }

  #forget(): void {
    this.#proposedAt.clear()
    this.#committedAt.clear()
    this.#ackLatencies.clear()
    this.#committedTo = NO_ZXID
    this.#epoch = 0
  }

  /* ---------------------------------------------------------------- leader */

  onProposed(zxid: Zxid, nowMs: number): void {
    this.#proposals.add(1)
    this.#proposedAt.note(zxid, nowMs)
  }

  /** Called at the end of a turn: what has a quorum's acks by then. */
  onCommitted(zxid: Zxid): void {
    if (zxid === this.#committedTo || epochOf(zxid) !== this.#epoch) return
    const nowMs = this.#clock.monotonicMs()
    const committed = counterOf(zxid)
    for (let counter = counterOf(this.#committedTo) + 1; counter <= committed; counter += 1) {
      const proposedMs = this.#proposedAt.ofCounter(counter)
      if (proposedMs === null) continue
      this.#commits.add(1)
      this.#quorumAckLatency.observe(nowMs - proposedMs)
    }
    this.#committedTo = zxid
  }

  #onAck(link: LinkId, zxid: Zxid): void {
    const proposedMs = this.#proposedAt.of(zxid)
    if (proposedMs === null) return
    let latencies = this.#ackLatencies.get(link)
    if (latencies === undefined) {
      const learner = this.#view.learnerViews.find((view) => view.link === link)
      // Others may be as many as there are numbers, and their acks count for nothing.
      if (learner === undefined || !learner.isVoter) return
      latencies = this.#metrics.summarySet('ack_latency').of(`${learner.sid}`)
      if (this.#ackLatencies.size === ACKING_LINKS_MAX) this.#ackLatencies.clear()
      this.#ackLatencies.set(link, latencies)
    }
    latencies.observe(this.#clock.monotonicMs() - proposedMs)
  }

  /* ---------------------------------------------------------------- packets */

  /** A packet leaves. */
  onSent(packet: Packet): void {
    switch (packet.kind) {
      case PacketKind.ACK:
        this.#observeSince(this.#ackLatency, this.#proposedAt.of(packet.zxid))
        return
      case PacketKind.DIFF:
      case PacketKind.TRUNC:
        if (this.#view.role === Role.LEADING) this.#metrics.count('diff_count', 1)
        return
      case PacketKind.SNAP:
        this.#metrics.count('snap_count', 1)
        return
      default:
    }
  }

  /** A packet other than an entry came. */
  onReceived(link: LinkId, packet: Packet): void {
    switch (packet.kind) {
      case PacketKind.ACK:
        this.#onAck(link, packet.zxid)
        return
      case PacketKind.COMMIT:
        this.#onCommit(packet.zxid)
        return
      case PacketKind.REVALIDATE:
        if (this.#view.role === Role.LEADING) this.#metrics.count('revalidate_count', 1)
        return
      default:
    }
  }

  /** A transaction came of the leader, whose clock said `timeMs` when it made it. */
  onEntry(kind: Packet['kind'], zxid: Zxid, timeMs: number): void {
    this.#proposedAt.note(zxid, timeMs)
    if (kind === PacketKind.INFORM) {
      this.#onCommit(zxid)
      return
    }
    this.#proposalsReceived.add(1)
    this.#observeSince(this.#proposalLatency, timeMs)
  }

  #onCommit(zxid: Zxid): void {
    this.#commitsReceived.add(1)
    this.#committedAt.note(zxid, this.#clock.monotonicMs())
    this.#observeSince(this.#commitLatency, this.#proposedAt.of(zxid))
  }

  /** By the clocks of two servers, which may disagree: what would be negative is not measured (`Request.logLatency`). */
  #observeSince(observer: Observer, timeMs: number | null): void {
    const latencyMs = timeMs === null ? -1 : this.#clock.wallMs() - timeMs
    if (latencyMs >= 0) observer.observe(latencyMs)
  }
}
