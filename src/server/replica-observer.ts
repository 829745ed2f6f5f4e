import type { SessionId, Zxid } from '../base/index.ts'
import type { Txn, TxnHeader } from '../wire/index.ts'
import type {
  Entry,
  LinkId,
  Notification,
  Packet,
  PersistRecord,
  PersistToken,
  RoleChange,
} from '../zab/index.ts'
import type { DataTree } from '../znodes/index.ts'

/** Sees everything a member of an ensemble does, in the order in which it happens: for simulations and their checkers. */
export interface ReplicaObserver {
  /** Recovery is done: what the log held, and the state of the checkpoint. */
  onRecovered(found: {
    readonly lastLogged: Zxid
    readonly lastApplied: Zxid
    readonly acceptedEpoch: number
    readonly currentEpoch: number
    /** Of the state in memory. */
    readonly digest: bigint
    /** What the log holds, up to its end. */
    readonly entries: readonly Entry[]
  }): void
  onVoted(notification: Notification): void
  /** To the learner or leader at the other end of the link. */
  onSent(link: LinkId, packet: Packet): void
  /** Handed to the disk. */
  onPersist(record: PersistRecord): void
  /** Everything up to this record survives a power cut. */
  onDurable(token: PersistToken): void
  onRole(change: RoleChange): void
  /** `tree` has it. */
  onApplied(header: TxnHeader, txn: Txn, tree: DataTree): void
  /** A client was heard of in its session. */
  onTouched(sessionId: SessionId): void
  /** The state at `zxid` was frozen for a learner. */
  onSnapshotTaken(zxid: Zxid, digest: bigint): void
  /** One line for each decision of the core. */
  onTrace(line: string): void
}
