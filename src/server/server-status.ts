import type { SessionId, Zxid } from '../base/index.ts'
import type { Address, MetricsReader } from '../env/index.ts'

/** The names `srvr` and `mntr` give a server's part in its ensemble. */
export type ServerMode = 'follower' | 'leader' | 'observer' | 'read-only' | 'standalone'

/**
 * A server as its operator sees it, at one moment. The four-letter words, and later the HTTP admin port, are
 * functions of this value. Counters run from the start of the process; times are whole milliseconds.
 */
export interface ServerStatus {
  readonly mode: ServerMode
  /** False until recovery is done and after the stop began: most words then say so instead of answering. */
  readonly isServing: boolean
  readonly isReadOnly: boolean
  readonly lastProcessedZxid: Zxid
  readonly tree: TreeStatus
  readonly sessionCount: number
  /** Requests admitted and not answered. */
  readonly outstandingRequests: number
  readonly packetsReceived: number
  readonly packetsSent: number
  /** From a request's first byte read to its reply written. */
  readonly latency: LatencyStatus
  readonly uptimeMs: number
  /** Client packets refused because their `auth` did not hold. */
  readonly authFailedCount: number
  /** Open connections, those without a session included. */
  readonly connections: readonly ConnectionStatus[]
  readonly configuration: ConfigurationStatus
  readonly metrics: MetricsReader
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
  /** Unix time. */
  readonly establishedMs: number
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

/** Answers four-letter words; who assembles a server gives it one. */
export interface FourLetterWords {
  /** The word that the first four bytes of a connection spell, or null when they begin an ordinary frame. */
  recognize(firstBytes: number): string | null
  /** The whole reply; the connection ends after it. */
  answer(word: string, status: ServerStatus): string
}
