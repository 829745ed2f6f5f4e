import { formatHex } from '../base/index.ts'
import type { ProcessStatus } from '../env/index.ts'
import type { LeadershipStatus, QuorumConfigurationStatus, ServerStatus } from '../server/index.ts'
import { longConnectionLine, shortConnectionLine } from './connection-lines.ts'
import { formatAverage, formatMegabytes } from './numbers.ts'
import { VERSION_TEXT } from './version.ts'
import { shownZnodeCount } from './znode-count.ts'

/** `srvr`: version and the server's own numbers. zkServer.sh looks for the `Mode:` line. */
export function renderServer(status: ServerStatus): string {
  return versionLines(status) + serverLines(status)
}

/** `stat`: as `srvr`, with the clients. */
export function renderStat(status: ServerStatus): string {
  const clients = status.connections.map((connection) => `${shortConnectionLine(connection)}\n`)
  return `${versionLines(status)}Clients:\n${clients.join('')}\n${serverLines(status)}`
}

/** `cons`: everything known about each connection, then an empty line. */
export function renderConnections(status: ServerStatus): string {
  return `${status.connections.map((connection) => `${longConnectionLine(connection)}\n`).join('')}\n`
}

/** `conf`: the settings in force. Of an ensemble, its list of servers ends the answer without a line end. */
export function renderConfiguration(status: ServerStatus): string {
  const { configuration, quorum } = status
  const own = keyValueLines([
    ['clientPort', configuration.clientPort],
    ['secureClientPort', -1],
    ['dataDir', configuration.dataDir],
    ['dataDirSize', configuration.dataDirBytes],
    ['dataLogDir', configuration.dataLogDir],
    ['dataLogSize', configuration.dataLogBytes],
    ['tickTime', configuration.tickTimeMs],
    ['maxClientCnxns', configuration.maxClientCnxns],
    ['minSessionTimeout', configuration.minSessionTimeoutMs],
    ['maxSessionTimeout', configuration.maxSessionTimeoutMs],
    ['clientPortListenBacklog', configuration.clientPortListenBacklog],
    ['serverId', configuration.serverId],
  ])
  if (quorum === null) return own
  const limits = own + quorumLimits(quorum.configuration)
  // Without a leader, upstream does not tell the servers (`ReadOnlyZooKeeperServer.dumpConf`).
  if (status.isReadOnly) return limits
  return `${limits}membership: \n${quorum.configuration.membership}`
}

function quorumLimits(configuration: QuorumConfigurationStatus): string {
  return keyValueLines([
    ['initLimit', configuration.initLimit],
    ['syncLimit', configuration.syncLimit],
    ['electionAlg', 3],
    ['electionPort', configuration.electionPort],
    ['quorumPort', configuration.quorumPort],
    ['peerType', configuration.isObserver ? 1 : 0],
  ])
}

/** `dirs`: bytes on disk of both folders, which may be the same. */
export function renderDirectories({ configuration }: ServerStatus): string {
  return `datadir_size: ${configuration.dataDirBytes}\nlogdir_size: ${configuration.dataLogBytes}\n`
}

/** `hash`: tree digests at round zxids, which are equal on servers with the same history. */
export function renderDigests({ inventory }: ServerStatus): string {
  const lines = inventory.digests().map(({ zxid, digest }) => {
    return `${BigInt.asUintN(64, zxid).toString(16)}: ${digest}\n`
  })
  return lines.join('')
}

/** `envi`: kazoo reads `zookeeper.version` from it. Upstream's `java.*` lines have nothing to say here. */
export function renderEnvironment(host: ProcessStatus): string {
  return `Environment:\n${keyValueLines([
    ['zookeeper.version', VERSION_TEXT],
    ['host.name', host.hostName],
    ['node.version', host.nodeVersion],
    ['node.path', host.nodePath],
    ['node.tmpdir', host.temporaryFolder],
    ['os.name', host.osName],
    ['os.arch', host.osArch],
    ['os.version', host.osVersion],
    ['user.name', host.userName],
    ['user.home', host.userHome],
    ['user.dir', host.workingFolder],
    ['os.memory.free', formatMegabytes(host.heapFreeBytes)],
    ['os.memory.max', formatMegabytes(host.heapMaxBytes)],
    ['os.memory.total', formatMegabytes(host.heapTotalBytes)],
  ])}`
}

function versionLines(status: ServerStatus): string {
  const readOnly = status.isReadOnly ? 'READ-ONLY mode; serving only read-only clients\n' : ''
  return `Zookeeper version: ${VERSION_TEXT}\n${readOnly}`
}

function serverLines(status: ServerStatus): string {
  const { minMs, avgMs, maxMs } = status.latency
  return [
    `Latency min/avg/max: ${Math.floor(minMs)}/${formatAverage(avgMs)}/${Math.floor(maxMs)}`,
    `Received: ${status.packetsReceived}`,
    `Sent: ${status.packetsSent}`,
    `Connections: ${status.connections.length}`,
    `Outstanding: ${status.outstandingRequests}`,
    `Zxid: ${formatHex(status.lastProcessedZxid)}`,
    `Mode: ${status.mode}`,
    `Node count: ${shownZnodeCount(status)}`,
    ...proposalLines(status.quorum?.leadership ?? null),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function proposalLines(leadership: LeadershipStatus | null): string[] {
  if (leadership === null) return []
  const { lastBytes, minBytes, maxBytes } = leadership.proposalSizes
  return [`Proposal sizes last/min/max: ${lastBytes}/${minBytes}/${maxBytes}`]
}

function keyValueLines(pairs: readonly (readonly [string, number | string])[]): string {
  return pairs.map(([key, value]) => `${key}=${value}\n`).join('')
}
