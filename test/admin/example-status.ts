import type { ProcessStatus } from '../../src/admin/index.ts'
import type { ServerId, SessionId, Zxid } from '../../src/base/index.ts'
import { MemoryMetrics } from '../../src/env/index.ts'
import type {
  ConnectionStatus,
  MemberStatus,
  QuorumStatus,
  ServerInventory,
  ServerStatus,
  WordControl,
} from '../../src/server/index.ts'
import { EventHistory } from '../../src/server/index.ts'

/** A connection as a real server showed it. */
export function exampleConnection(changes: Partial<ConnectionStatus> = {}): ConnectionStatus {
  return {
    remote: { host: '127.0.0.1', port: 34624 },
    heardMs: 1_137_940.7,
    establishedMs: 1_795_229_012_717,
    isReading: true,
    queued: 0,
    received: 7,
    sent: 9,
    session: {
      sessionId: 0x1000010f4650002n as SessionId,
      timeoutMs: 20_000,
      lastOpcode: 4,
      lastCxid: 6,
      lastZxid: 0x141n,
      lastReplyMs: 1_137_940.7,
      lastLatencyMs: 1,
      latency: { minMs: 0, avgMs: 4.9, maxMs: 14 },
    },
    ...changes,
  }
}

export function exampleStatus(changes: Partial<ServerStatus> = {}): ServerStatus {
  return {
    mode: 'standalone',
    phase: 'running',
    isServing: true,
    isReadOnly: false,
    lastProcessedZxid: 0x141n as Zxid,
    tree: { znodeCount: 21, ephemeralCount: 3, watchCount: 7, dataBytes: 346 },
    sessionCount: 3,
    localSessionCount: 0,
    outstandingRequests: 2,
    packetsReceived: 655,
    packetsSent: 662,
    replySizes: { lastBytes: 16, minBytes: 16, maxBytes: 271 },
    latency: { minMs: 0, avgMs: 0.51714, maxMs: 13 },
    uptimeMs: 34_410.9,
    authFailedCount: 1,
    connectionDropChance: 0.25,
    monotonicMs: 1_138_000,
    wallMs: Date.UTC(2026, 10, 21, 2, 43, 47),
    connections: [
      exampleConnection(),
      exampleConnection({
        remote: { host: '::1', port: 45924 },
        isReading: false,
        received: 1,
        sent: 0,
        session: null,
      }),
    ],
    configuration: {
      clientPort: 23360,
      dataDir: '/srv/zk/data',
      dataDirBytes: 67_109_358,
      dataLogDir: '/srv/zk/log',
      dataLogBytes: 67_000_000,
      tickTimeMs: 2000,
      maxClientCnxns: 60,
      minSessionTimeoutMs: 4000,
      maxSessionTimeoutMs: 40_000,
      clientPortListenBacklog: -1,
      serverId: 0,
    },
    quorum: null,
    metrics: new MemoryMetrics(),
    storage: {
      slowWrites: 0,
      checkpoint: { zxid: 0x100n as Zxid, madeAtMs: 1_795_228_986_123 },
      isFull: false,
    },
    inventory: exampleInventory(),
    ...changes,
  }
}

const SESSION = 0x1000010f4650000n as SessionId
const OTHER_SESSION = 0x1000010f4650002n as SessionId

/** What clients of a real server had. */
export function exampleInventory(changes: Partial<ServerInventory> = {}): ServerInventory {
  return {
    quotas: () =>
      new Map([['app', { countLimit: 100, bytesLimit: -1, countUsage: 17, bytesUsage: 28 }]]),
    watchSummary: () => ({ connections: 2, paths: 2, watches: 3 }),
    watchesBySession: () =>
      new Map([
        [SESSION, new Set(['/app/config'])],
        [OTHER_SESSION, new Set(['/app/config', '/nope'])],
      ]),
    watchesByPath: () =>
      new Map([
        ['/app/config', [SESSION, OTHER_SESSION]],
        ['/nope', [OTHER_SESSION]],
      ]),
    ephemerals: () => new Map([[SESSION, new Set(['/app/eph-a'])]]),
    sessionExpiries: () =>
      new Map([
        [1_156_000, [SESSION]],
        [1_166_000, [OTHER_SESSION]],
      ]),
    localSessionExpiries: () => null,
    sessionTimeouts: () =>
      new Map([
        [SESSION, 10_000],
        [OTHER_SESSION, 20_000],
      ]),
    localSessionTimeouts: () => new Map(),
    history: new EventHistory({ monotonicMs: () => 0, wallMs: () => 0 }, 1 as ServerId),
    digests: () => [
      { zxid: 128n as Zxid, digest: 45_068_163_003n },
      { zxid: 256n as Zxid, digest: 41_935_666_942n },
    ],
    ...changes,
  }
}

function exampleMember(id: number): MemberStatus {
  const host = '127.0.0.1'
  return {
    id: id as ServerId,
    role: id === 4 ? 'observer' : 'participant',
    quorumAddresses: [{ host, port: 23378 + 2 * id }],
    electionAddresses: [{ host, port: 23379 + 2 * id }],
    clientAddress: { host, port: 23369 + id },
  }
}

/** The second of four servers, of which the last observes, as Apache ZooKeeper 3.9.3 showed them. */
export function exampleQuorum(changes: Partial<QuorumStatus> = {}): QuorumStatus {
  return {
    self: 2 as ServerId,
    zabPhase: 'broadcast',
    peerState: 'following',
    leader: 3 as ServerId,
    learnerMaster: 3 as ServerId,
    observerCount: null,
    quorumSize: 3,
    leadership: null,
    configuration: {
      initLimit: 10,
      syncLimit: 5,
      quorumPort: 23382,
      electionPort: 23383,
      isObserver: false,
      membership: `server.1=127.0.0.1:23380:23381:participant;127.0.0.1:23370
server.2=127.0.0.1:23382:23383:participant;127.0.0.1:23371
server.3=127.0.0.1:23384:23385:participant;127.0.0.1:23372
server.4=127.0.0.1:23386:23387:observer;127.0.0.1:23373
version=100000000`,
    },
    members: [1, 2, 3, 4].map(exampleMember),
    observers: [],
    ...changes,
  }
}

export function exampleProcess(changes: Partial<ProcessStatus> = {}): ProcessStatus {
  return {
    hostName: 'localhost',
    nodeVersion: 'v20.19.0',
    nodePath: '/usr/bin/node',
    temporaryFolder: '/tmp',
    osName: 'Linux',
    osArch: 'amd64',
    osVersion: '6.18.44',
    userName: 'zookeeper',
    userHome: '/home/zookeeper',
    workingFolder: '/srv/zk',
    heapFreeBytes: 386_000_000,
    heapMaxBytes: 419_430_400,
    heapTotalBytes: 398_458_880,
    openFiles: 51,
    openFilesMax: 20_000,
    runtime: () => ({
      cpuSeconds: 12.25,
      startedAtSeconds: 1_795_230_827.214,
      residentBytes: 105_840_640,
      virtualBytes: 3_101_659_136,
      heapUsedBytes: 12_458_880,
      externalBytes: 2_134_016,
      heapSpaces: [
        { name: 'new_space', usedBytes: 1_000_000, committedBytes: 2_000_000 },
        { name: 'old_space', usedBytes: 11_000_000, committedBytes: 12_000_000 },
      ],
      collections: [
        { collector: 'minor', count: 25, seconds: 0.0625 },
        { collector: 'major', count: 2, seconds: 0.5 },
      ],
      threads: new Map([
        ['R', 1],
        ['S', 10],
      ]),
    }),
    ...changes,
  }
}

/** Nothing that an operator does to it has an effect. */
export function exampleControl(): WordControl {
  return { traceMask: 306n, resetStats: () => {}, resetConnectionStats: () => {} }
}
