import type { SessionId, Zxid } from '../base/index.ts'
import type { AuthId, ErrorCode } from '../wire/index.ts'
import type { AuditSubject } from './audit/index.ts'

/** What a connection owes a reply for. */
export const PendingKind = { write: 1, request: 2 } as const

/** A write on its way: answered when the transaction made of it is applied. `Origin` is the kind of thing that asked. */
export interface PendingWrite<Origin> {
  readonly kind: typeof PendingKind.write
  /** The connection that is owed the reply; null for the server's own writes and for clients that have gone. */
  origin: Origin | null
  readonly sessionId: SessionId
  readonly xid: number
  /** The opcode asked for: it decides the shape of the reply. */
  readonly opcode: number
  /** What the client is told in place of -112: only this server knows why its session may not own an ephemeral. */
  readonly ephemeralError: ErrorCode
  /** Place in history; 0 as long as only the leader knows it. */
  readonly zxid: Zxid
  /** Length of the request's frame; 0 for the server's own writes. */
  readonly bytes: number
  readonly admittedMs: number
  /** What the audit log will tell of it; null unless that is kept. */
  readonly audit: AuditSubject | null
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
   * Runs only when this zxid has been applied. For sync: the last one proposed when the leader took it; otherwise what
   * {@link ClientConnection.notBefore} was then.
   */
  notBefore: Zxid
  /** False for a sync until the leader is known to have led when it was asked. */
  isConfirmed: boolean
  readonly admittedMs: number
}

/** Replies leave in the order of these, which is the order of the requests. */
export type Pending<Origin> = PendingWrite<Origin> | WaitingRequest
