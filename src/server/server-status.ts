import type { ServerId, SessionId, Zxid } from '../base/index.ts'
import type { Address, MetricsReader } from '../env/index.ts'
import type { ZabPhase } from '../zab/index.ts'
import type { ServerInventory } from './server-inventory.ts'

/**
 * The names `srvr` and `mntr` give a server's part in its ensemble. They never show `looking`: without a leader no
 * clients are served.
 */
export type ServerMode = 'follower' | 'leader' | 'looking' | 'observer' | 'read-only' | 'standalone'

/** Where a process is in its life: `starting` until its recovery is done and its port is bound. */
export type ServerPhase = 'running' | 'starting' | 'stopped' | 'stopping'

/** A server's state in the election; its {@link ServerMode} follows from it. */
export type PeerState = 'following' | 'leading' | 'looking' | 'observing'

/**
 * A server as its operator sees it, at one moment. The four-letter words, and later the HTTP admin port, are
 * functions of this value. Counters run from the start of the process; times are whole milliseconds.
 */
export interface ServerStatus {
  readonly mode: ServerMode
  readonly phase: ServerPhase
  /** False until recovery is done and after the stop began: most words then say so instead of answering. */
  readonly isServing: boolean
  readonly isReadOnly: boolean
  readonly lastProcessedZxid: Zxid
  readonly tree: TreeStatus
  /** Sessions of the whole ensemble. */
  readonly sessionCount: number
  /** Sessions that only this server knows. */
  readonly localSessionCount: number
  /** Requests admitted and not answered. */
  readonly outstandingRequests: number
  readonly packetsReceived: number
  readonly packetsSent: number
  /** Of replies to clients. */
  readonly replySizes: BufferSizesStatus
  /** From a request's first byte read to its reply written. */
  readonly latency: LatencyStatus
  readonly uptimeMs: number
  /** From 0 to 1: the chance of a client to be turned away at present (`connection_throttle_…`). */
  readonly connectionDropChance: number
  /** Client packets refused because their `auth` did not hold. */
  readonly authFailedCount: number
  /** The clocks, when this was asked for. */
  readonly monotonicMs: number
  readonly wallMs: number
  /** Open connections, those without a session included. */
  readonly connections: readonly ConnectionStatus[]
  readonly configuration: ConfigurationStatus
  /** Null for a server that stands alone, and before recovery is done. */
  readonly quorum: QuorumStatus | null
  readonly metrics: MetricsReader
  readonly storage: StorageStatus
  readonly inventory: ServerInventory
}

/** What is on disk. */
export interface StorageStatus {
  /** Durable writes that took longer than `fsync.warningthresholdms`. */
  readonly slowWrites: number
  /** The state that a start would begin from; null while there is none. */
  readonly checkpoint: CheckpointStatus | null
  /** The disk is nearly full: writes are refused. */
  readonly isFull: boolean
}

export interface CheckpointStatus {
  readonly zxid: Zxid
  /** Unix time; null when an earlier process has made it. */
  readonly madeAtMs: number | null
}

/** A server's place in its ensemble. */
export interface QuorumStatus {
  readonly self: ServerId
  readonly zabPhase: ZabPhase
  readonly peerState: PeerState
  /** Whom it follows or observes; itself when it leads; null while there is nobody. */
  readonly leader: ServerId | null
  /** Whom it has its transactions from: the leader, or a follower in its place; null while there is nobody. */
  readonly learnerMaster: ServerId | null
  /** Observers that a follower serves; null if it does not serve any. */
  readonly observerCount: number | null
  /** Servers that may vote. */
  readonly quorumSize: number
  /** Null for everyone but a leader who has a quorum. */
  readonly leadership: LeadershipStatus | null
  readonly configuration: QuorumConfigurationStatus
  /** By id. */
  readonly members: readonly MemberStatus[]
  /** Observers that are served here; empty for a server that serves none. */
  readonly observers: readonly ObserverStatus[]
}

/** A server of the ensemble, as the configuration has it. */
export interface MemberStatus {
  readonly id: ServerId
  readonly role: 'observer' | 'participant'
  /** Of each of its addresses. */
  readonly quorumAddresses: readonly Address[]
  readonly electionAddresses: readonly Address[]
  /** Null if the configuration does not say it; the host is empty for all interfaces. */
  readonly clientAddress: Address | null
}

/** The link to an observer, seen from the leader or the follower that serves it. */
export interface ObserverStatus {
  readonly sid: ServerId
  readonly remote: Address
  /** Unix time. */
  readonly establishedMs: number
  /** Packets, and their bytes, that the operating system has not taken yet. */
  readonly queuedPackets: number
  readonly queuedBytes: number
  readonly packetsReceived: number
  readonly packetsSent: number
  /** Requests that it has forwarded. */
  readonly requests: number
  /** End of its log when it connected. */
  readonly lastZxid: Zxid
}

export interface LeadershipStatus {
  readonly uptimeMs: number
  /** Connected followers and observers, synchronized or not. */
  readonly learners: number
  /** Those without a vote included. */
  readonly syncedFollowers: number
  readonly syncedNonVotingFollowers: number
  readonly syncedObservers: number
  readonly pendingSyncs: number
  readonly proposalSizes: BufferSizesStatus
}

/** All -1 before the first. */
export interface BufferSizesStatus {
  readonly lastBytes: number
  readonly minBytes: number
  readonly maxBytes: number
}

/** What `conf` prints of an ensemble. Limits are ticks. */
export interface QuorumConfigurationStatus {
  readonly initLimit: number
  readonly syncLimit: number
  readonly quorumPort: number
  readonly electionPort: number
  readonly isObserver: boolean
  /** The servers, as they tell it each other; without a line end after the last line. */
  readonly membership: string
}

export interface TreeStatus {
  /** Znodes, the root and the system ones included. */
  readonly znodeCount: number
  readonly ephemeralCount: number
  /** Watches of all kinds. */
  readonly watchCount: number
  /** Bytes of paths and values. */
  readonly dataBytes: number
}

export interface LatencyStatus {
  readonly minMs: number
  readonly maxMs: number
  /** 0 before the first reply. */
  readonly avgMs: number
}

export interface ConnectionStatus {
  readonly remote: Address
  /** Unix time. */
  readonly establishedMs: number
  /** When something came of its client last, on the monotonic clock. */
  readonly heardMs: number
  /** False while the server has stopped reading it. */
  readonly isReading: boolean
  /** Replies owed. */
  readonly queued: number
  readonly received: number
  readonly sent: number
  /** Null before the handshake. */
  readonly session: ConnectionSessionStatus | null
}

export interface ConnectionSessionStatus {
  readonly sessionId: SessionId
  readonly timeoutMs: number
  /** 0 before the first reply. */
  readonly lastOpcode: number
  /** The last request number that was not one of the special, negative ones; -1 before the first. */
  readonly lastCxid: number
  /** -1 before the first reply. */
  readonly lastZxid: bigint
  /** On the monotonic clock. */
  readonly lastReplyMs: number
  readonly lastLatencyMs: number
  readonly latency: LatencyStatus
}

/** What `conf` prints. */
export interface ConfigurationStatus {
  /** The port that is really bound. */
  readonly clientPort: number
  /** Absolute. */
  readonly dataDir: string
  readonly dataDirBytes: number
  /** Absolute. */
  readonly dataLogDir: string
  readonly dataLogBytes: number
  readonly tickTimeMs: number
  readonly maxClientCnxns: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly clientPortListenBacklog: number
  readonly serverId: number
}

/** What words may change. */
export interface WordControl {
  traceMask: bigint
  /** `srst` */
  resetStats(): void
  /** `crst` */
  resetConnectionStats(): void
}

/** Answers four-letter words; who assembles a server gives it one. */
export interface FourLetterWords {
  /** The word that the first four bytes of a connection spell, or null when they begin an ordinary frame. */
  recognize(firstBytes: number): string | null
  /** Whether the word is answered only once eight more bytes have come: a trace mask. */
  wantsMask?(word: string): boolean
  /** The whole reply; the connection ends after it. `mask` is null unless the word wants one. */
  answer(word: string, status: ServerStatus, control: WordControl, mask: bigint | null): string
}
