import type { MetricsReader, ProcessStatus } from '../env/index.ts'
import type { QuorumStatus, ServerStatus } from '../server/index.ts'
import { formatAverage } from './numbers.ts'
import { VERSION_TEXT } from './version.ts'
import { shownZnodeCount } from './znode-count.ts'

/**
 * Counters this server keeps, under upstream's names without `zk_`: shown as 0 before they first count.
 * A test holds this list against the code.
 */
export const COUNTERS: readonly string[] = [
  'connection_rejected',
  'connection_request_count',
  'sessionless_connections_expired',
  'stale_sessions_expired',
]

/** Distributions this server measures; shown empty before the first observation. */
export const SUMMARIES: readonly string[] = [
  'dbinittime',
  'fsynctime',
  'readlatency',
  'snapshottime',
  'startup_txns_loaded',
  'updatelatency',
]

/** `zk_<name> TAB value` lines: only what is really measured. `docs/divergence.md` lists what is left out. */
export function renderMonitor(status: ServerStatus, host: ProcessStatus): string {
  return [
    ['version', VERSION_TEXT],
    ['server_state', status.mode],
    ...(status.isReadOnly ? [] : peerState(status.quorum)),
    ...gauges(status, host),
    ...(status.isReadOnly ? [] : quorumGauges(status.quorum)),
    ...counters(status.metrics),
    ...summaries(status.metrics),
  ]
    .map(([name, value]) => `zk_${name}\t${value}\n`)
    .join('')
}

type Reading = readonly [name: string, value: number | string]

/** Clients are served in the broadcast phase only; of a server without a leader nothing of this is told. */
function peerState(quorum: QuorumStatus | null): Reading[] {
  if (quorum === null) return []
  const state: Reading = ['peer_state', `${quorum.peerState} - broadcast`]
  const { learnerMaster } = quorum
  const isObserving = quorum.peerState === 'observing' && learnerMaster !== null
  return isObserving ? [state, ['observer_master_id', learnerMaster]] : [state]
}

function quorumGauges(quorum: QuorumStatus | null): Reading[] {
  if (quorum === null) return []
  const size: Reading = ['quorum_size', quorum.quorumSize]
  const { leadership, observerCount } = quorum
  if (leadership === null) {
    return observerCount === null ? [size] : [size, ['synced_observers', observerCount]]
  }
  return [
    size,
    ['learners', leadership.learners],
    ['synced_followers', leadership.syncedFollowers],
    ['synced_non_voting_followers', leadership.syncedNonVotingFollowers],
    ['synced_observers', leadership.syncedObservers],
    ['pending_syncs', leadership.pendingSyncs],
    ['leader_uptime', leadership.uptimeMs],
    ['last_proposal_size', leadership.proposalSizes.lastBytes],
    ['min_proposal_size', leadership.proposalSizes.minBytes],
    ['max_proposal_size', leadership.proposalSizes.maxBytes],
  ]
}

function gauges(status: ServerStatus, host: ProcessStatus): Reading[] {
  return [
    ['ephemerals_count', status.tree.ephemeralCount],
    ['num_alive_connections', status.connections.length],
    ['avg_latency', formatAverage(status.latency.avgMs)],
    ['outstanding_requests', status.outstandingRequests],
    ['znode_count', shownZnodeCount(status)],
    ['global_sessions', status.sessionCount],
    ['local_sessions', status.localSessionCount],
    ['packets_sent', status.packetsSent],
    ['packets_received', status.packetsReceived],
    ['min_latency', Math.floor(status.latency.minMs)],
    ['max_latency', Math.floor(status.latency.maxMs)],
    ['watch_count', status.tree.watchCount],
    ['auth_failed_count', status.authFailedCount],
    ['approximate_data_size', status.tree.dataBytes],
    ['uptime', Math.floor(status.uptimeMs)],
    ...(host.openFiles === null ? [] : [['open_file_descriptor_count', host.openFiles] as const]),
    ...(host.openFilesMax === null
      ? []
      : [['max_file_descriptor_count', host.openFilesMax] as const]),
  ]
}

function counters(metrics: MetricsReader): Reading[] {
  const names = new Set([...COUNTERS, ...metrics.counters.keys()])
  return [...names].map((name) => [name, metrics.counters.get(name) ?? 0])
}

/** Upstream's basic summary: average, smallest, largest, count, sum. */
function summaries(metrics: MetricsReader): Reading[] {
  const names = new Set([...SUMMARIES, ...metrics.summaries.keys()])
  return [...names].flatMap((name): Reading[] => {
    const summary = metrics.summaries.get(name) ?? { count: 0, sum: 0, min: 0, max: 0 }
    return [
      [`avg_${name}`, formatAverage(summary.count === 0 ? 0 : summary.sum / summary.count)],
      [`min_${name}`, Math.floor(summary.min)],
      [`max_${name}`, Math.floor(summary.max)],
      [`cnt_${name}`, summary.count],
      [`sum_${name}`, Math.floor(summary.sum)],
    ]
  })
}
