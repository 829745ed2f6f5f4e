import { formatHex, type ServerId } from '../../base/index.ts'
import type { Clock } from '../../env/index.ts'
import {
  type LearnerView,
  type LinkId,
  type Notification,
  type Packet,
  PacketKind,
  Role,
  type RoleChange,
  type Vote,
} from '../../zab/index.ts'
import type { EventRole, SyncKind } from './event.ts'
import type { EventHistory } from './event-history.ts'

/** Ended links whose learner is still known: sessions of a learner that died expire after its link is gone. */
const ENDED_LINKS_MAX = 256

interface Sync {
  readonly peer: ServerId | null
  readonly how: SyncKind
  readonly sinceMs: number
}

/** The replica, as the writing down of what it does needs it. */
export interface ReplicaView {
  readonly role: Role
  readonly leader: ServerId | null
  readonly learnerViews: readonly LearnerView[]
}

/** Turns what a replica sees and does into events. It is told, and answers nothing that counts. */
export class ReplicaEvents {
  readonly history: EventHistory
  readonly #clock: Clock
  readonly #view: ReplicaView
  #lastVote: Vote | null = null
  #lookingSinceMs: number
  #was: EventRole | null = null
  #wasServing = false
  #wasLeader: ServerId | null = null
  /** Learners by their links, those of ended links included for a while. */
  readonly #peers: Map<LinkId, ServerId> = new Map()
  readonly #syncs: Map<LinkId, Sync> = new Map()

  constructor(history: EventHistory, clock: Clock, view: ReplicaView) {
    this.history = history
    this.#clock = clock
    this.#view = view
    this.#lookingSinceMs = clock.monotonicMs()
  }

  /** Each vote goes to every server, again and again; it is told once. */
  onVote({ vote }: Notification): void {
    const last = this.#lastVote
    if (this.#view.role !== Role.LOOKING) return
    if (last !== null && last.leader === vote.leader && last.zxid === vote.zxid) {
      if (last.electionEpoch === vote.electionEpoch) return
    }
    this.#lastVote = vote
    this.history.record({
      kind: 'voted',
      leader: vote.leader,
      zxid: formatHex(vote.zxid),
      epoch: vote.peerEpoch,
      round: vote.electionEpoch,
    })
  }

  onRole(change: RoleChange): void {
    const nowMs = this.#clock.monotonicMs()
    const { role, serving, epoch, leader, reason } = change
    if (role === Role.LOOKING) {
      const [was, wasServing] = [this.#was, this.#wasServing]
      this.history.record({
        kind: 'looking',
        reason,
        was,
        wasServing,
        epoch,
        leader: this.#wasLeader,
      })
      this.#lookingSinceMs = nowMs
      this.#was = null
      this.#wasServing = false
      this.#wasLeader = null
      return
    }
    const name = nameOf(role)
    const tookMs = Math.round(nowMs - this.#lookingSinceMs)
    this.#was = name
    this.#wasServing = serving
    this.#wasLeader = leader
    if (serving) this.history.record({ kind: 'serving', role: name, leader, epoch, tookMs })
    else this.history.record({ kind: 'elected', role: name, leader, epoch, reason, tookMs })
  }

  /** Before it leaves. Only what brings a learner up to date is looked at. */
  onSent(link: LinkId, { kind }: Packet): void {
    const how = syncKindOf(kind)
    if (how !== null) {
      const sid = this.#view.learnerViews.find((view) => view.link === link)?.sid ?? null
      if (sid !== null) this.#know(link, sid)
      this.#syncs.set(link, { peer: sid, how, sinceMs: this.#clock.monotonicMs() })
    } else if (kind === PacketKind.UPTODATE) this.#synchronized(link)
  }

  /** As it came, on a learner. */
  onReceived(link: LinkId, { kind }: Packet): void {
    const how = syncKindOf(kind)
    if (how !== null) {
      const peer = this.#view.leader
      this.#syncs.set(link, { peer, how, sinceMs: this.#clock.monotonicMs() })
    } else if (kind === PacketKind.UPTODATE) this.#synchronized(link)
  }

  #synchronized(link: LinkId): void {
    const sync = this.#syncs.get(link)
    if (sync === undefined) return
    this.#syncs.delete(link)
    const { peer, how, sinceMs } = sync
    const tookMs = Math.round(this.#clock.monotonicMs() - sinceMs)
    this.history.record({ kind: 'synchronized', peer, how, tookMs })
  }

  /** Before the core is told. */
  onLinkLost(link: LinkId, reason: string): void {
    this.#syncs.delete(link)
    const peer = this.peerOf(link)
    // A refused dial, tried again a moment later, is not worth a line.
    if (peer === null && this.#view.role === Role.LEADING) return
    this.history.record({ kind: 'linkLost', peer, reason })
  }

  /** The core has a link closed; what it ends with its own role is told by that. */
  onLinkClosed(link: LinkId, reason: string): void {
    this.#syncs.delete(link)
    if (this.#view.role !== Role.LEADING) return
    this.history.record({ kind: 'learnerDropped', peer: this.peerOf(link), reason })
  }

  /** Leader: which server is, or was, at the other end. Learner: its leader. */
  peerOf(link: LinkId): ServerId | null {
    if (this.#view.role !== Role.LEADING) return this.#view.leader
    return this.#peers.get(link) ?? null
  }

  #know(link: LinkId, sid: ServerId): void {
    this.#peers.set(link, sid)
    if (this.#peers.size <= ENDED_LINKS_MAX) return
    for (const oldest of this.#peers.keys()) {
      this.#peers.delete(oldest)
      return
    }
  }
}

function syncKindOf(kind: Packet['kind']): SyncKind | null {
  if (kind === PacketKind.DIFF) return 'diff'
  if (kind === PacketKind.SNAP) return 'snap'
  return kind === PacketKind.TRUNC ? 'trunc' : null
}

function nameOf(role: Role): EventRole {
  if (role === Role.LEADING) return 'leader'
  return role === Role.OBSERVING ? 'observer' : 'follower'
}
