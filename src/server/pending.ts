import type { Zxid } from '../base/index.ts'
import type { AuthId, Txn, TxnHeader } from '../wire/index.ts'

/** What a connection owes a reply for. */
export const PendingKind = { proposal: 1, request: 2 } as const

/** A write that has a zxid and waits until its log record is durable. `Origin` is the kind of thing that asked. */
export interface Proposal<Origin> {
  readonly kind: typeof PendingKind.proposal
  readonly header: TxnHeader
  readonly txn: Txn
  /** Tree digest after it; null for a refused single write. */
  readonly digest: bigint | null
  /** The connection that is owed the reply; null for the server's own writes and for clients that have gone. */
  origin: Origin | null
  readonly xid: number
  /** The opcode asked for: it decides the shape of the reply. */
  readonly opcode: number
  /** Length of the request's frame; 0 for the server's own writes. */
  readonly bytes: number
  readonly admittedMs: number
}

/** A request that may not run yet: an earlier write of its connection is unfinished, or it is a sync. */
export interface WaitingRequest {
  readonly kind: typeof PendingKind.request
  readonly xid: number
  readonly opcode: number
  /** Not 0 when the answer was decided as the request was read: an error and nothing else. */
  readonly err: number
  /** The body, copied: the chunk it came in is gone when the request runs. */
  readonly body: Uint8Array
  /** Length of the request's frame. */
  readonly bytes: number
  /** The identities the connection had when the request was read. */
  readonly ids: readonly AuthId[]
  /**
   * Runs only when this zxid has been applied. For sync: the last one proposed when it was read; otherwise what
   * {@link ClientConnection.notBefore} was then.
   */
  readonly notBefore: Zxid
  readonly admittedMs: number
}

/** Replies leave in the order of these, which is the order of the requests. */
export type Pending<Origin> = Proposal<Origin> | WaitingRequest
