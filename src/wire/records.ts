import type { SessionId, Zxid } from '../base/index.ts'
import type { OpCode } from './codes.ts'

declare const bytesBrand: unique symbol

/**
 * Bytes kept as a string with one character (U+0000–U+00FF) per byte. Retained data (znode values) uses this form:
 * a million small values cost a quarter of the memory of a million `Uint8Array`s (docs/decisions/0003).
 */
export type ByteString = string & { readonly [bytesBrand]: 'ByteString' }

export const EMPTY_BYTES: ByteString = '' as ByteString

/** ACL: int perms, Id { ustring scheme, ustring id }. Null strings are legal on the wire. */
export interface AclEntry {
  readonly perms: number
  readonly scheme: string | null
  readonly id: string | null
}

/** Who a connection is: `ip:127.0.0.1`, `digest:user:hash`, `super:` … */
export interface AuthId {
  readonly scheme: string
  readonly id: string
}

/**
 * Stat (68 bytes): czxid mzxid ctime mtime (longs), version cversion aversion (ints), ephemeralOwner (long),
 * dataLength numChildren (ints), pzxid (long). Wire values: cversion = 2 × creates − children, owner 0 unless ephemeral.
 */
export interface Stat {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: SessionId
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: Zxid
}

/** int protocolVersion, long lastZxidSeen, int timeOut, long sessionId, buffer passwd, optional boolean readOnly. */
export interface ConnectRequest {
  readonly protocolVersion: number
  readonly lastZxidSeen: Zxid
  readonly timeOut: number
  readonly sessionId: SessionId
  readonly passwd: ByteString | null
  readonly readOnly: boolean
  /** Old clients (3.3 and before, Go) send no readOnly byte and must not get one back. */
  readonly hasReadOnly: boolean
}

/** int protocolVersion (0), int timeOut, long sessionId, buffer passwd (16 bytes), optional boolean readOnly. */
export interface ConnectResponse {
  readonly protocolVersion: number
  /** Negotiated, ms; 0 when the session is invalid. */
  readonly timeOut: number
  readonly sessionId: SessionId
  readonly passwd: ByteString | null
  readonly readOnly: boolean
  /** Sent only to clients whose request had the byte. */
  readonly hasReadOnly: boolean
}

/* ------------------------------------------------------------------ headers */

/** int xid, int type. Filled in place: one per connection. */
export interface RequestHeader {
  xid: number
  type: number
}

/** int xid, long zxid, int err. */
export interface ReplyHeader {
  readonly xid: number
  readonly zxid: Zxid
  readonly err: number
}

/* ------------------------------------------------------------------ requests that change nothing in the tree */

/** exists, getData, getChildren, getChildren2: path, boolean watch. */
export interface PathWatchRequest {
  readonly path: string | null
  readonly watch: boolean
}

/** setWatches: long relativeZxid and the first three lists; setWatches2: all five (else the last two are empty). */
export interface SetWatchesRequest {
  readonly relativeZxid: Zxid
  readonly dataWatches: readonly string[]
  readonly existWatches: readonly string[]
  readonly childWatches: readonly string[]
  readonly persistentWatches: readonly string[]
  readonly persistentRecursiveWatches: readonly string[]
}

/** path, int mode (an `AddWatchMode`, not checked). */
export interface AddWatchRequest {
  readonly path: string | null
  readonly mode: number
}

/** checkWatches, removeWatches: path, int type (a `WatcherType`, not checked). */
export interface WatchesRequest {
  readonly path: string | null
  readonly type: number
}

/** int type (ignored), scheme, buffer auth. */
export interface AuthPacket {
  readonly type: number
  readonly scheme: string | null
  readonly auth: ByteString | null
}

/** One read inside a multiRead: type getData or getChildren, path (its watch flag is ignored). */
export interface ReadOp {
  readonly type: typeof OpCode.getData | typeof OpCode.getChildren
  readonly path: string | null
}

/* ------------------------------------------------------------------ write requests */

/** create, create2, createContainer: path, data, acl, flags; createTTL: the same and long ttl (else `ttl` is -1n). */
export interface CreateRequest {
  readonly type:
    | typeof OpCode.create
    | typeof OpCode.create2
    | typeof OpCode.createContainer
    | typeof OpCode.createTTL
  readonly path: string | null
  readonly data: ByteString | null
  readonly acl: readonly AclEntry[] | null
  readonly flags: number
  readonly ttl: bigint
}

/** path, int version. */
export interface DeleteRequest {
  readonly type: typeof OpCode.delete
  readonly path: string | null
  readonly version: number
}

/** path, data, int version. */
export interface SetDataRequest {
  readonly type: typeof OpCode.setData
  readonly path: string | null
  readonly data: ByteString | null
  readonly version: number
}

/** path, acl, int version (compared to aversion). */
export interface SetAclRequest {
  readonly type: typeof OpCode.setACL
  readonly path: string | null
  readonly acl: readonly AclEntry[] | null
  readonly version: number
}

/** path, int version; only inside a multi. */
export interface CheckRequest {
  readonly type: typeof OpCode.check
  readonly path: string | null
  readonly version: number
}

/** Made by the server itself for an empty container or an outlived TTL node. */
export interface DeleteContainerRequest {
  readonly type: typeof OpCode.deleteContainer
  readonly path: string
}

export type WriteOp = CreateRequest | DeleteRequest | SetDataRequest | SetAclRequest | CheckRequest

/** MultiHeader + op, repeated, ended by a header with done = true. */
export interface MultiRequest {
  readonly type: typeof OpCode.multi
  readonly ops: readonly WriteOp[]
}

/** joiningServers, leavingServers, newMembers (ustrings), long curConfigId. */
export interface ReconfigRequest {
  readonly type: typeof OpCode.reconfig
  readonly joiningServers: string | null
  readonly leavingServers: string | null
  readonly newMembers: string | null
  readonly curConfigId: bigint
}

/** Made by the server when a client connects without a session. */
export interface CreateSessionRequest {
  readonly type: typeof OpCode.createSession
  readonly timeOut: number
}

/** From the client, or made by the server when the session expires. */
export interface CloseSessionRequest {
  readonly type: typeof OpCode.closeSession
}

/** Everything that becomes a transaction. */
export type WriteRequest =
  | WriteOp
  | MultiRequest
  | ReconfigRequest
  | DeleteContainerRequest
  | CreateSessionRequest
  | CloseSessionRequest

/* ------------------------------------------------------------------ transactions */

/** long clientId, int cxid, long zxid, long time, int type. */
export interface TxnHeader {
  readonly clientId: SessionId
  readonly cxid: number
  readonly zxid: Zxid
  readonly time: number
  readonly type: number
}

/** path, data, acl, boolean ephemeral, int parentCVersion (the parent's new stored cversion). Types 1 and 15. */
export interface CreateTxn {
  readonly type: typeof OpCode.create | typeof OpCode.create2
  readonly path: string
  readonly data: ByteString | null
  readonly acl: readonly AclEntry[]
  readonly ephemeral: boolean
  readonly parentCVersion: number
}

/** path, data, acl, int parentCVersion. */
export interface CreateContainerTxn {
  readonly type: typeof OpCode.createContainer
  readonly path: string
  readonly data: ByteString | null
  readonly acl: readonly AclEntry[]
  readonly parentCVersion: number
}

/** path, data, acl, int parentCVersion, long ttl. */
export interface CreateTtlTxn {
  readonly type: typeof OpCode.createTTL
  readonly path: string
  readonly data: ByteString | null
  readonly acl: readonly AclEntry[]
  readonly parentCVersion: number
  readonly ttl: bigint
}

/** path. Types 2 and 20. */
export interface DeleteTxn {
  readonly type: typeof OpCode.delete | typeof OpCode.deleteContainer
  readonly path: string
}

/** path, data, int version (the new one; -1 for reconfig). Types 5 and 16. */
export interface SetDataTxn {
  readonly type: typeof OpCode.setData | typeof OpCode.reconfig
  readonly path: string
  readonly data: ByteString | null
  readonly version: number
}

/** path, acl, int version (the new aversion). */
export interface SetAclTxn {
  readonly type: typeof OpCode.setACL
  readonly path: string
  readonly acl: readonly AclEntry[]
  readonly version: number
}

/** path, int version (current + 1); changes nothing; only inside a multi. */
export interface CheckTxn {
  readonly type: typeof OpCode.check
  readonly path: string
  readonly version: number
}

/** int err: a write that was refused and still took a zxid. */
export interface ErrorTxn {
  readonly type: typeof OpCode.error
  readonly err: number
}

/** vector of { int type, buffer with the serialized sub-record }. */
export interface MultiTxn {
  readonly type: typeof OpCode.multi
  readonly txns: readonly Txn[]
}

/** int timeOut. */
export interface CreateSessionTxn {
  readonly type: typeof OpCode.createSession
  readonly timeOut: number
}

/** vector<ustring> paths of the session's ephemerals; null when the record is absent (servers before 3.6). */
export interface CloseSessionTxn {
  readonly type: typeof OpCode.closeSession
  readonly paths: readonly string[] | null
}

export type Txn =
  | CreateTxn
  | CreateContainerTxn
  | CreateTtlTxn
  | DeleteTxn
  | SetDataTxn
  | SetAclTxn
  | CheckTxn
  | ErrorTxn
  | MultiTxn
  | CreateSessionTxn
  | CloseSessionTxn

/** A transaction as it is logged and proposed: header, record, and the tree digest after it (null when absent). */
export interface TxnEntry {
  readonly header: TxnHeader
  readonly txn: Txn
  readonly digest: TxnDigest | null
}

/** int version (2), long treeDigest. */
export interface TxnDigest {
  readonly version: number
  readonly treeDigest: bigint
}

/* ------------------------------------------------------------------ results */

/** type, state (`SYNC_CONNECTED`), path. */
export interface WatcherEvent {
  readonly type: number
  readonly state: number
  readonly path: string | null
}

/** whoAmI: authScheme, user. */
export interface ClientInfo {
  readonly authScheme: string
  readonly user: string
}

/** What one read of a multiRead answers: data and stat, or children, or an error. */
export type ReadOpResult =
  | { readonly type: typeof OpCode.getData; readonly data: ByteString | null; readonly stat: Stat }
  | { readonly type: typeof OpCode.getChildren; readonly children: readonly string[] }
  | { readonly type: typeof OpCode.error; readonly err: number }

/** What a write answers, one per op of a multi too. `type` is the opcode the reply uses. */
export interface OpResult {
  readonly type: number
  readonly err: number
  /** The created path, else null. */
  readonly path: string | null
  readonly stat: Stat | null
}
