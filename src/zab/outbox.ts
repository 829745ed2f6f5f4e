import type { ServerId, Zxid } from '../base/index.ts'
import type { LinkId, PersistToken } from './inputs.ts'
import type { Entry, Notification, Packet } from './messages.ts'

export const Role = { LOOKING: 0, FOLLOWING: 1, LEADING: 2, OBSERVING: 3 } as const
export type Role = (typeof Role)[keyof typeof Role]

export const RecordKind = {
  APPEND: 0,
  TRUNCATE: 1,
  ACCEPTED_EPOCH: 2,
  CURRENT_EPOCH: 3,
  INSTALL: 4,
} as const

/**
 * What goes to disk, strictly in this order. `INSTALL` must be atomic: after a crash either the state before it is
 * found, or the snapshot with all its entries and the epoch.
 */
export type PersistRecord =
  | { readonly kind: typeof RecordKind.APPEND; readonly token: PersistToken; readonly entry: Entry }
  /** Forget every entry after `zxid`. */
  | { readonly kind: typeof RecordKind.TRUNCATE; readonly token: PersistToken; readonly zxid: Zxid }
  | {
      readonly kind: typeof RecordKind.ACCEPTED_EPOCH | typeof RecordKind.CURRENT_EPOCH
      readonly token: PersistToken
      readonly epoch: number
    }
  /** The whole log and state are replaced by `snapshot` at `zxid`, followed by `entries`. */
  | {
      readonly kind: typeof RecordKind.INSTALL
      readonly token: PersistToken
      readonly zxid: Zxid
      readonly snapshot: unknown
      readonly entries: readonly Entry[]
      readonly currentEpoch: number
    }

export interface RoleChange {
  readonly role: Role
  /** Epoch that is being led or followed; the last one while LOOKING. */
  readonly epoch: number
  readonly leader: ServerId | null
  /** Whether clients may be served: the leader has a quorum, the learner is up to date. */
  readonly serving: boolean
  readonly reason: string
}

/**
 * What the core wants done. Plain arrays, reused: the driver drains them after a turn, in the order of the fields,
 * and calls `clear`. Everything is independent of everything else, except that order within a field counts.
 */
export class Outbox {
  readonly notifications: { readonly to: ServerId; readonly notification: Notification }[] = []
  /** Learner: links to dial to the learner port of a server. */
  readonly connects: { readonly link: LinkId; readonly to: ServerId }[] = []
  readonly packets: { readonly link: LinkId; readonly packet: Packet }[] = []
  /** Links to close once what was sent on them before is out (nobody waits for that). */
  readonly closes: { readonly link: LinkId; readonly reason: string }[] = []
  readonly persists: PersistRecord[] = []
  /** Every entry up to this one is committed and durable here: apply it. Strictly growing. */
  readonly commits: Zxid[] = []
  readonly roleChanges: RoleChange[] = []
  /** What an operator has to be told: nothing here can put it right. */
  readonly warnings: string[] = []
  /** Leader: hand over the committed state (`SNAPSHOT_READY`) for a learner that is too far behind. */
  readonly snapshotRequests: { readonly link: LinkId; readonly sid: ServerId }[] = []
  /**
   * Leader: read the log on disk from `after` to `upTo` for a learner that is behind the window in memory
   * (`ENTRIES_READY`). More than `maxBytes` of transactions, or than a snapshot would be, is refused with
   * `ENTRIES_FAILED`.
   */
  readonly entryRequests: {
    readonly link: LinkId
    readonly sid: ServerId
    readonly after: Zxid
    readonly upTo: Zxid
    readonly maxBytes: number
  }[] = []
  /** Packets of the request pipeline, and answered pings with their touches. */
  readonly deliveries: {
    readonly link: LinkId
    readonly sid: ServerId
    readonly packet: Packet
  }[] = []
  readonly confirmed: number[] = []
  /** Confirmations that will never come: this server does not lead (any more). */
  readonly unconfirmed: number[] = []
  /** One readable line for each decision. */
  readonly traces: string[] = []

  clear(): void {
    this.notifications.length = 0
    this.connects.length = 0
    this.packets.length = 0
    this.closes.length = 0
    this.persists.length = 0
    this.commits.length = 0
    this.roleChanges.length = 0
    this.warnings.length = 0
    this.snapshotRequests.length = 0
    this.entryRequests.length = 0
    this.deliveries.length = 0
    this.confirmed.length = 0
    this.unconfirmed.length = 0
    this.traces.length = 0
  }
}
