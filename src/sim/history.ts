import type { ServerId, SessionId, Zxid } from '../base/index.ts'
import type {
  AclEntry,
  ByteString,
  OpCode,
  OpResult,
  ReadOp,
  ReadOpResult,
  SetWatchesRequest,
  Stat,
  Txn,
  TxnHeader,
  WriteRequest,
} from '../wire/index.ts'

/*
 * What a simulated run leaves behind for the checkers: one list of plain events, in the order in which they happened in
 * the whole world. Nothing in it is taken from the memory of the code under test except what is said here.
 */

interface Timed {
  /** Virtual time of the world, never a server's own clock. */
  readonly atMs: number
}

interface OfServer extends Timed {
  readonly server: ServerId
  /** Counts the starts of this server, from 1. */
  readonly incarnation: number
}

/** A record handed to the disk. It survives a crash for certain once `durable` has named its token or a later one. */
interface DiskRecord extends OfServer {
  /** The core's `PersistToken`: grows by one for each record of an incarnation. */
  readonly token: number
}

/** One log entry by its content: `hash` is {@link hashBytes} of the encoded transaction. */
export interface LoggedEntry {
  readonly zxid: Zxid
  readonly hash: number
}

/* ------------------------------------------------------------------ servers: disk */

export interface AppendEvent extends DiskRecord, LoggedEntry {
  readonly kind: 'append'
}

/** Every entry after `zxid` is forgotten. */
export interface TruncateEvent extends DiskRecord {
  readonly kind: 'truncate'
  readonly zxid: Zxid
}

/** acceptedEpoch (`epochAccepted`) or currentEpoch (`epochCurrent`) is written. */
export interface EpochEvent extends DiskRecord {
  readonly kind: 'epochAccepted' | 'epochCurrent'
  readonly epoch: number
}

/** A received state at `zxid`, the entries after it and the epoch replace log and state at once. */
export interface InstallEvent extends DiskRecord {
  readonly kind: 'install'
  readonly zxid: Zxid
  /** Tree digest of the state as it was loaded from the stream. */
  readonly digest: bigint
  readonly currentEpoch: number
  readonly entries: readonly LoggedEntry[]
}

/** Everything up to `token` survives a power cut. */
export interface DurableEvent extends DiskRecord {
  readonly kind: 'durable'
}

/** A checkpoint was taken, or a state captured for a learner, at exactly `zxid`. */
export interface SnapshotEvent extends OfServer {
  readonly kind: 'snapshot'
  readonly zxid: Zxid
  readonly digest: bigint
}

/** The process is gone: killed, or by its own decision. */
export interface CrashEvent extends OfServer {
  readonly kind: 'crash'
  /** Whether what was not durable may be gone too (a power cut); false for a mere kill. */
  readonly lostUnsynced: boolean
}

/** What a server found on its disk. */
export interface Recovered {
  /** End of the log. */
  readonly lastZxid: Zxid
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  /** The state in memory now, before any commit of a leader: the checkpoint's zxid and tree digest. */
  readonly checkpointZxid: Zxid
  readonly checkpointDigest: bigint
}

/** A start, the first one too. */
export interface RestartEvent extends OfServer {
  readonly kind: 'restart'
  readonly recovered: Recovered
  /** `replaced`: the folder is not what this server left (wiped, an older copy, damaged), so nothing is promised for it. */
  readonly disk: 'kept' | 'replaced'
}

/* ------------------------------------------------------------------ servers: protocol */

/** A notification of the election left the server. */
export interface VoteEvent extends OfServer {
  readonly kind: 'vote'
  readonly leader: ServerId
  readonly zxid: Zxid
  readonly peerEpoch: number
  readonly electionEpoch: number
  /** Whether the sender is LOOKING; established servers repeat the vote of their election. */
  readonly isLooking: boolean
}

/** A promise to accept no older epoch left the server: ACKEPOCH of a learner, LEADERINFO of a leader. */
export interface PromiseEvent extends OfServer {
  readonly kind: 'promise'
  readonly epoch: number
}

/** The leader has a quorum of NEWLEADER acks. `lastZxid` is the end of its history before the first proposal. */
export interface EstablishedEvent extends OfServer {
  readonly kind: 'established'
  readonly epoch: number
  readonly lastZxid: Zxid
}

/** The leader proposes a transaction (before its own write begins). */
export interface BroadcastEvent extends OfServer, LoggedEntry {
  readonly kind: 'broadcast'
  readonly epoch: number
}

/** ACK of a proposal was sent to the leader of `epoch`: everything up to `zxid` is durable. */
export interface AckEvent extends OfServer {
  readonly kind: 'ack'
  readonly epoch: number
  readonly zxid: Zxid
}

/** ACK of NEWLEADER was sent to the leader of `epoch`. */
export interface NewLeaderAckEvent extends OfServer {
  readonly kind: 'newLeaderAck'
  readonly epoch: number
}

/** The leader decides that `zxid` is committed (once for each zxid of its epoch, before COMMIT is sent). */
export interface CommitEvent extends OfServer {
  readonly kind: 'commit'
  readonly epoch: number
  readonly zxid: Zxid
}

/**
 * The next committed transaction was carried out in memory. A closeSession that the leader made by itself has cxid 0, that
 * of a client the xid of its request.
 */
export interface ApplyEvent extends OfServer, LoggedEntry {
  readonly kind: 'apply'
  readonly header: TxnHeader
  readonly txn: Txn
  /** Tree digest after it. */
  readonly digest: bigint
}

export interface RoleChangeEvent extends OfServer {
  readonly kind: 'roleChange'
  readonly role: 'following' | 'leading' | 'looking' | 'observing'
  readonly epoch: number
  readonly leader: ServerId | null
  /** Whether clients may be served. */
  readonly serving: boolean
}

/**
 * A server has accepted a sign of life of a session that it takes to be alive: its connect, a request, a ping. Not recorded
 * for what it refuses or ignores.
 */
export interface SessionTouchEvent extends OfServer {
  readonly kind: 'sessionTouch'
  readonly sessionId: SessionId
}

/* ------------------------------------------------------------------ clients */

interface OfClient extends Timed {
  readonly client: number
  /** Never used again within a run: also tells what belongs to an earlier connection of the client. */
  readonly connection: number
}

interface OfSession extends OfClient {
  readonly sessionId: SessionId
}

/** The handshake is over, as the client sees it. */
export interface ConnectEvent extends OfClient {
  readonly kind: 'connect'
  readonly server: ServerId
  /** What the client asked for: 0 for a new session. */
  readonly askedSessionId: SessionId
  readonly lastZxidSeen: Zxid
  /** `expired`: the session is unknown (timeOut 0); `refused`: closed without an answer. */
  readonly outcome: 'accepted' | 'expired' | 'refused'
  /** The session that was granted; 0 unless accepted. */
  readonly sessionId: SessionId
  /** Negotiated; 0 unless accepted. */
  readonly timeoutMs: number
}

/** The connection is gone. Requests without a return are undecided. */
export interface DisconnectEvent extends OfSession {
  readonly kind: 'disconnect'
}

/** A request as it is written to the connection, by opcode. */
export type ClientRequest =
  | WriteRequest
  | {
      readonly type:
        | typeof OpCode.exists
        | typeof OpCode.getData
        | typeof OpCode.getChildren
        | typeof OpCode.getChildren2
      readonly path: string
      readonly watch: boolean
    }
  | {
      readonly type:
        | typeof OpCode.getACL
        | typeof OpCode.sync
        | typeof OpCode.getEphemerals
        | typeof OpCode.getAllChildrenNumber
      readonly path: string
    }
  | ({ readonly type: typeof OpCode.setWatches | typeof OpCode.setWatches2 } & SetWatchesRequest)
  | { readonly type: typeof OpCode.addWatch; readonly path: string; readonly mode: number }
  | {
      readonly type: typeof OpCode.checkWatches | typeof OpCode.removeWatches
      readonly path: string
      readonly watcherType: number
    }
  | { readonly type: typeof OpCode.multiRead; readonly ops: readonly ReadOp[] }
  | { readonly type: typeof OpCode.auth | typeof OpCode.ping | typeof OpCode.whoAmI }

/** What a reply holds beside its header, as far as the opcode has it. */
export interface ClientResponse {
  readonly path?: string | null
  readonly data?: ByteString | null
  readonly stat?: Stat
  /** Names or (getEphemerals) paths. */
  readonly children?: readonly string[]
  readonly acl?: readonly AclEntry[]
  readonly count?: number
  /** Results of a multi. */
  readonly ops?: readonly OpResult[]
  /** Results of a multiRead. */
  readonly reads?: readonly ReadOpResult[]
}

/** The request was handed to the connection. */
export interface InvokeEvent extends OfSession {
  readonly kind: 'invoke'
  /** Never used again within the session, unless it is one of the special, negative ones. */
  readonly xid: number
  readonly request: ClientRequest
}

/** The reply came: its header and body. */
export interface ReturnEvent extends OfSession {
  readonly kind: 'return'
  readonly xid: number
  readonly err: number
  readonly zxid: Zxid
  readonly response: ClientResponse
}

/** How a path is watched. `data` also stands for the watch of an exists that found the znode. */
export type WatchMode = 'child' | 'data' | 'exists' | 'persistent' | 'persistentRecursive'

/** A reply has told the client that its watch stands: recorded right after the `return`, with that reply's zxid. */
export interface WatchSetEvent extends OfSession {
  readonly kind: 'watchSet'
  readonly path: string
  readonly mode: WatchMode
  readonly zxid: Zxid
}

export interface WatchEventEvent extends OfSession {
  readonly kind: 'watchEvent'
  /** An `EventType`. */
  readonly type: number
  readonly path: string
  /** Of the transaction; null (-1 on the wire) when setWatches made the event up. */
  readonly zxid: Zxid | null
}

/* ------------------------------------------------------------------ the world */

/** The ensemble; the first event of a history, and again after each change of it. */
export interface ConfigEvent extends Timed {
  readonly kind: 'config'
  readonly voters: readonly ServerId[]
  readonly observers: readonly ServerId[]
}

/** A fault by its registered name, e.g. `disk-hang`. `server` is null for faults that concern no single server. */
export interface FaultEvent extends Timed {
  readonly kind: 'faultBegin' | 'faultEnd'
  readonly name: string
  readonly server: ServerId | null
}

/** No fault acts any more, every server runs (again), everybody reaches everybody. Progress is demanded from here on. */
export interface HealEvent extends Timed {
  readonly kind: 'heal'
}

/** How much of something there is at the end, and how much may be there. */
export interface Gauge {
  readonly name: string
  readonly value: number
  readonly limit: number
}

/** A running server at the end of the run, when everything has come to rest. */
export interface FinalReplica {
  readonly server: ServerId
  readonly zxid: Zxid
  readonly digest: bigint
  readonly sessions: readonly SessionId[]
  readonly ephemerals: readonly { readonly path: string; readonly owner: SessionId }[]
  readonly gauges: readonly Gauge[]
}

export interface EndEvent extends Timed {
  readonly kind: 'end'
  readonly replicas: readonly FinalReplica[]
}

export type ServerEvent =
  | AckEvent
  | AppendEvent
  | ApplyEvent
  | BroadcastEvent
  | CommitEvent
  | CrashEvent
  | DurableEvent
  | EpochEvent
  | EstablishedEvent
  | InstallEvent
  | NewLeaderAckEvent
  | PromiseEvent
  | RestartEvent
  | RoleChangeEvent
  | SessionTouchEvent
  | SnapshotEvent
  | TruncateEvent
  | VoteEvent

export type ClientEvent =
  | ConnectEvent
  | DisconnectEvent
  | InvokeEvent
  | ReturnEvent
  | WatchEventEvent
  | WatchSetEvent

export type WorldEvent = ConfigEvent | EndEvent | FaultEvent | HealEvent

export type HistoryEvent = ClientEvent | ServerEvent | WorldEvent
export type HistoryKind = HistoryEvent['kind']
export type History = readonly HistoryEvent[]

/** The name under which faults that stop a disk from answering are recorded. */
export const DISK_HANG_FAULT = 'disk-hang'
/** A process that stands still; the operating system of its machine does not. */
export const PAUSE_FAULT = 'pause'
/** A machine that stands still: what is sent to it is lost, and sent again later and later, as with faults of the network. */
export const SUSPEND_FAULT = 'net-suspend'

/** 32-bit FNV-1a with a final mix; names the content of a transaction in a history. */
export function hashBytes(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad)
  return (hash ^ (hash >>> 15)) >>> 0
}
