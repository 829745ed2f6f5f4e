import { NO_SESSION, type ServerId } from '../base/index.ts'
import type { Config } from '../config/index.ts'
import type { Address, MetricsReader } from '../env/index.ts'
import type { Storage } from '../storage/index.ts'
import type { WatchTable } from '../znodes/index.ts'
import { type ClientConnection, Phase } from './client-connection.ts'
import { modeOf, type QuorumSource, quorumStatus } from './quorum-status.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { ServerInventory } from './server-inventory.ts'
import type { ServerStats } from './server-stats.ts'
import type {
  BufferSizesStatus,
  ConnectionStatus,
  ServerPhase,
  ServerStatus,
  StorageStatus,
} from './server-status.ts'

/** The parts of a server that its status is read from. */
export interface StatusSource {
  /** What clients read. */
  readonly shownState: ReplicatedState
  readonly watches: WatchTable
  readonly stats: ServerStats
  readonly connections: ReadonlySet<ClientConnection>
  readonly serverId: ServerId
  readonly phase: ServerPhase
  readonly isServing: boolean
  readonly isReadOnly: boolean
  /** Where clients connect to; null until the port is bound. */
  readonly address: Address | null
  readonly outstanding: { readonly requests: number }
  /** When the process began to serve, monotonic. */
  readonly startedMs: number
}

/** What {@link serverStatus} looks at beside the server. */
export interface StatusParts {
  /** Of a server that has an ensemble and is past its recovery. */
  readonly member: QuorumSource | null
  readonly localSessionCount: number
  readonly config: Config
  readonly metrics: MetricsReader
  readonly nowMs: number
  readonly wallMs: number
  /** Null until recovery is done. */
  readonly storage: Storage | null
  readonly inventory: ServerInventory
}

/** The server as its operator sees it at this moment. */
export function serverStatus(server: StatusSource, parts: StatusParts): ServerStatus {
  const { config } = parts
  const logBytes = parts.storage?.stats.logBytes ?? 0
  const { tree, sessions } = server.shownState
  const { ensemble } = config
  const quorum =
    ensemble === null || parts.member === null
      ? null
      : quorumStatus(parts.member, ensemble, parts.nowMs)
  return {
    mode: server.isReadOnly ? 'read-only' : modeOf(config, quorum),
    phase: server.phase,
    isServing: server.isServing || server.isReadOnly,
    isReadOnly: server.isReadOnly,
    lastProcessedZxid: server.shownState.lastApplied,
    tree: {
      znodeCount: tree.znodeCount,
      ephemeralCount: tree.ephemeralCount,
      get watchCount() {
        return server.watches.watchCount()
      },
      dataBytes: tree.dataBytes,
    },
    sessionCount: sessions.size,
    localSessionCount: parts.localSessionCount,
    outstandingRequests: server.outstanding.requests,
    packetsReceived: server.stats.packetsReceived,
    packetsSent: server.stats.packetsSent,
    replySizes: replySizesOf(server.stats),
    latency: server.stats.latency(),
    uptimeMs: Math.floor(parts.nowMs - server.startedMs),
    connectionDropChance: server.stats.connectionDropChance,
    authFailedCount: server.stats.authFailed,
    monotonicMs: parts.nowMs,
    wallMs: parts.wallMs,
    // Most words need no list of them.
    get connections() {
      return [...server.connections].map(connectionStatus)
    },
    configuration: {
      clientPort: server.address?.port ?? config.clientPort,
      dataDir: config.dataDir,
      dataDirBytes: logBytes,
      dataLogDir: config.dataLogDir,
      dataLogBytes: logBytes,
      tickTimeMs: config.tickTimeMs,
      maxClientCnxns: config.limits.connectionsPerAddressMax,
      minSessionTimeoutMs: config.minSessionTimeoutMs,
      maxSessionTimeoutMs: config.maxSessionTimeoutMs,
      clientPortListenBacklog: config.listenBacklog,
      serverId: server.serverId,
    },
    quorum,
    metrics: parts.metrics,
    storage: storageStatus(parts.storage),
    inventory: parts.inventory,
  }
}

function replySizesOf({ replySizes }: ServerStats): BufferSizesStatus {
  const { lastBytes, minBytes, maxBytes } = replySizes
  return { lastBytes, minBytes, maxBytes }
}

function storageStatus(storage: Storage | null): StorageStatus {
  if (storage === null) return { slowWrites: 0, checkpoint: null, isFull: false }
  const { slowWrites, checkpointZxid, lastCheckpointAtMs } = storage.stats
  const checkpoint =
    checkpointZxid === null ? null : { zxid: checkpointZxid, madeAtMs: lastCheckpointAtMs }
  return { slowWrites, checkpoint, isFull: storage.isFull }
}

function connectionStatus(connection: ClientConnection): ConnectionStatus {
  const { stats } = connection
  const hasSession = connection.sessionId !== NO_SESSION && connection.phase === Phase.serving
  return {
    remote: connection.remote,
    establishedMs: connection.establishedWallMs,
    heardMs: connection.heardMs,
    isReading: connection.isReading,
    queued: connection.pendingCount,
    received: stats.received,
    sent: stats.sent,
    session: hasSession
      ? {
          sessionId: connection.sessionId,
          timeoutMs: connection.timeoutMs,
          lastOpcode: stats.lastOpcode,
          lastCxid: stats.lastXid,
          lastZxid: stats.lastZxid,
          lastReplyMs: stats.lastReplyMs,
          lastLatencyMs: stats.lastLatencyMs,
          latency: {
            minMs: stats.minLatencyMs,
            maxMs: stats.maxLatencyMs,
            avgMs: stats.answered === 0 ? 0 : stats.totalLatencyMs / stats.answered,
          },
        }
      : null,
  }
}
