import type { ServerId, Zxid } from '../base/index.ts'
import type { Entry, Notification, Packet } from './messages.ts'

declare const brand: unique symbol
/** One connection on the learner port, never reused within a process: input of an older one is told apart by it. */
export type LinkId = number & { readonly [brand]: 'LinkId' }
/** Names everything handed to the disk up to some record. Grows by one for each record. */
export type PersistToken = number & { readonly [brand]: 'PersistToken' }

export const InputKind = {
  TIMEOUT: 0,
  NOTIFICATION: 1,
  PEER_DOWN: 2,
  LINK_ACCEPTED: 3,
  LINK_OPENED: 4,
  LINK_CLOSED: 5,
  LINK_PROGRESS: 6,
  PACKET: 7,
  DURABLE: 8,
  PERSIST_FAILED: 9,
  SNAPSHOT_READY: 10,
  SNAPSHOT_FAILED: 11,
  CONFIRM: 12,
  ENTRIES_READY: 13,
  ENTRIES_FAILED: 14,
  LOG_PURGED: 15,
  PERSIST_PROGRESS: 16,
} as const

export type Input =
  /** The deadline of `nextDeadlineMs` has come (or just time has passed). */
  | { readonly kind: typeof InputKind.TIMEOUT }
  | {
      readonly kind: typeof InputKind.NOTIFICATION
      readonly from: ServerId
      readonly notification: Notification
    }
  /** The election connection with a server was lost. */
  | { readonly kind: typeof InputKind.PEER_DOWN; readonly sid: ServerId }
  /** A learner has connected; `link` comes from `allotLink`. */
  | { readonly kind: typeof InputKind.LINK_ACCEPTED; readonly link: LinkId }
  /** The dialled link stands. */
  | { readonly kind: typeof InputKind.LINK_OPENED; readonly link: LinkId }
  /** A link was lost, or could not be dialled. Not reported for links that the core closed. */
  | { readonly kind: typeof InputKind.LINK_CLOSED; readonly link: LinkId }
  /** Bytes of a long snapshot stream have moved over the link, in either direction. */
  | { readonly kind: typeof InputKind.LINK_PROGRESS; readonly link: LinkId }
  | { readonly kind: typeof InputKind.PACKET; readonly link: LinkId; readonly packet: Packet }
  /** Everything persisted up to `token` survives a crash. */
  | { readonly kind: typeof InputKind.DURABLE; readonly token: PersistToken }
  /** Part of the oldest record that is not durable yet has been written: a snapshot takes its time. */
  | { readonly kind: typeof InputKind.PERSIST_PROGRESS }
  /** A write failed. Nothing can be promised any more. */
  | { readonly kind: typeof InputKind.PERSIST_FAILED; readonly reason: string }
  /** Answers a snapshot request: the state after exactly `zxid`, committed. */
  | {
      readonly kind: typeof InputKind.SNAPSHOT_READY
      readonly link: LinkId
      readonly zxid: Zxid
      readonly snapshot: unknown
    }
  | {
      readonly kind: typeof InputKind.SNAPSHOT_FAILED
      readonly link: LinkId
      readonly reason: string
    }
  /** Leader: `confirmed` names the token once a quorum has answered a ping that was sent after this. */
  | { readonly kind: typeof InputKind.CONFIRM; readonly token: number }
  /**
   * Answers an entry request: everything in the log after `floor` up to `upTo`, without holes. `floor` is the
   * last position of the log at or before `after`.
   */
  | {
      readonly kind: typeof InputKind.ENTRIES_READY
      readonly link: LinkId
      readonly floor: Zxid
      readonly entries: readonly Entry[]
    }
  /** Purged meanwhile, too much, or not readable: the learner gets a snapshot. */
  | {
      readonly kind: typeof InputKind.ENTRIES_FAILED
      readonly link: LinkId
      readonly reason: string
    }
  /** The log on disk now begins after `base`; to be told before anything is deleted. */
  | { readonly kind: typeof InputKind.LOG_PURGED; readonly base: Zxid }
