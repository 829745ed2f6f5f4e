import type { BufferSizesStatus, ConnectionStatus, ServerStatus } from '../../server/index.ts'
import { monitorReadings } from '../monitor.ts'
import { formatAverage } from '../numbers.ts'
import { operationTag } from '../operation-tags.ts'
import { VERSION_TEXT } from '../version.ts'
import { shownZnodeCount } from '../znode-count.ts'
import type { AdminAnswer, AdminContext } from './admin-document.ts'
import { type JsonObject, type JsonValue, jsonObject, RawNumber } from './json.ts'

type Data = (readonly [string, JsonValue])[]

export function configurationAnswer({ status }: AdminContext): AdminAnswer {
  const { configuration } = status
  return {
    data: [
      ['client_port', configuration.clientPort],
      ['data_dir', configuration.dataDir],
      ['data_log_dir', configuration.dataLogDir],
      ['tick_time', configuration.tickTimeMs],
      ['max_client_cnxns', configuration.maxClientCnxns],
      ['min_session_timeout', configuration.minSessionTimeoutMs],
      ['max_session_timeout', configuration.maxSessionTimeoutMs],
      ['server_id', configuration.serverId],
      ['client_port_listen_backlog', configuration.clientPortListenBacklog],
    ],
  }
}

/** There is no TLS in this version, so nobody is connected by it. */
export function connectionsAnswer({ status }: AdminContext): AdminAnswer {
  return {
    data: [
      ['connections', status.connections.map(longConnection)],
      ['secure_connections', []],
    ],
  }
}

export function dirsAnswer({ status: { configuration } }: AdminContext): AdminAnswer {
  return {
    data: [
      ['datadir_size', configuration.dataDirBytes],
      ['logdir_size', configuration.dataLogBytes],
    ],
  }
}

/** The lines of `mntr` without `zk_`, numbers as numbers. */
export function monitorAnswer({ status, process }: AdminContext): AdminAnswer {
  const readings = monitorReadings(status, process)
  return { data: readings.map(([name, value]) => [name, numberOrText(value)]) }
}

export function serverStatsAnswer({ status }: AdminContext): AdminAnswer {
  return { data: serverStats(status) }
}

export function statsAnswer({ status }: AdminContext): AdminAnswer {
  return {
    data: [
      ...serverStats(status),
      ['connections', status.connections.map((connection) => jsonObject(packets(connection)))],
      ['secure_connections', []],
    ],
  }
}

export function isReadOnlyAnswer({ status }: AdminContext): AdminAnswer {
  return { data: [['read_only', status.isReadOnly]] }
}

/** Hexadecimal digits without a prefix, and seconds; -1 for what is not there or not known. */
export function lastSnapshotAnswer({ status }: AdminContext): AdminAnswer {
  const { checkpoint } = status.storage
  const zxid = BigInt.asUintN(64, checkpoint?.zxid ?? -1n)
  const madeAtMs = checkpoint?.madeAtMs ?? null
  return {
    data: [
      ['zxid', zxid.toString(16)],
      ['timestamp', madeAtMs === null ? -1 : Math.floor(madeAtMs / 1000)],
    ],
  }
}

function serverStats(status: ServerStatus): Data {
  const { leadership = null } = status.quorum ?? {}
  return [
    ['version', VERSION_TEXT],
    ['read_only', status.isReadOnly],
    ['server_stats', innerStats(status)],
    ['client_response', bufferSizes(status.replySizes)],
    ...(leadership === null
      ? []
      : [['proposal_stats', bufferSizes(leadership.proposalSizes)] as const]),
    ['node_count', shownZnodeCount(status)],
  ]
}

/** The counts of connections by TLS without a certificate are spelled as upstream spells them. */
function innerStats(status: ServerStatus): JsonObject {
  const { latency, configuration } = status
  return jsonObject([
    ['packets_sent', status.packetsSent],
    ['packets_received', status.packetsReceived],
    ['fsync_threshold_exceed_count', status.storage.slowWrites],
    ['client_response_stats', bufferSizes(status.replySizes)],
    ['data_dir_size', configuration.dataDirBytes],
    ['log_dir_size', configuration.dataLogBytes],
    ['last_processed_zxid', status.lastProcessedZxid],
    ['provider_null', false],
    ['server_state', status.mode],
    ['outstanding_requests', status.outstandingRequests],
    ['avg_latency', new RawNumber(formatAverage(latency.avgMs))],
    ['max_latency', Math.floor(latency.maxMs)],
    ['min_latency', Math.floor(latency.minMs)],
    ['num_alive_client_connections', status.connections.length],
    ['uptime', Math.floor(status.uptimeMs)],
    ['auth_failed_count', status.authFailedCount],
    ['non_mtlsremote_conn_count', 0],
    ['non_mtlslocal_conn_count', 0],
  ])
}

function bufferSizes({ lastBytes, minBytes, maxBytes }: BufferSizesStatus): JsonObject {
  return jsonObject([
    ['last_buffer_size', lastBytes],
    ['min_buffer_size', minBytes],
    ['max_buffer_size', maxBytes],
  ])
}

function packets(connection: ConnectionStatus): Data {
  const { host, port } = connection.remote
  return [
    ['remote_socket_address', `${host.includes(':') ? `[${host}]` : host}:${port}`],
    ['interest_ops', connection.isReading ? 1 : 0],
    ['outstanding_requests', connection.queued],
    ['packets_received', connection.received],
    ['packets_sent', connection.sent],
  ]
}

function longConnection(connection: ConnectionStatus): JsonObject {
  const { session } = connection
  const { minMs, avgMs, maxMs } = session?.latency ?? { minMs: 0, avgMs: 0, maxMs: 0 }
  return jsonObject([
    ...packets(connection),
    ['session_id', session?.sessionId ?? 0],
    ['last_operation', operationTag(session?.lastOpcode ?? 0)],
    ['established', connection.establishedMs],
    ['session_timeout', session?.timeoutMs ?? 0],
    ['last_cxid', session?.lastCxid ?? -1],
    ['last_zxid', session?.lastZxid ?? -1],
    ['last_response_time', Math.floor(session?.lastReplyMs ?? 0)],
    ['last_latency', Math.floor(session?.lastLatencyMs ?? 0)],
    ['min_latency', Math.floor(minMs)],
    ['avg_latency', Math.floor(avgMs)],
    ['max_latency', Math.floor(maxMs)],
  ])
}

function numberOrText(text: string): JsonValue {
  return /^-?\d+(\.\d+)?$/.test(text) ? new RawNumber(text) : text
}
