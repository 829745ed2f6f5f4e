import type { ProcessStatus } from '../env/index.ts'
import type { NamespaceQuota, QuorumStatus, ServerStatus } from '../server/index.ts'
import { formatAverage } from './numbers.ts'
import { shownZnodeCount } from './znode-count.ts'

/** One value; one for each label; null where it has no meaning: then it is not shown. */
type GaugeValue = ReadonlyMap<string, number> | number | null

/** A value at this moment, under upstream's name without `zk_`. */
export interface Gauge {
  readonly name: string
  /** How `mntr` writes it: a whole number unless something else is said. */
  readonly format?: (value: number) => string
  read(status: ServerStatus, host: ProcessStatus): GaugeValue
}

/** In the order in which `mntr` shows them. */
export const GAUGES: readonly Gauge[] = [
  { name: 'ephemerals_count', read: ({ tree }) => tree.ephemeralCount },
  { name: 'num_alive_connections', read: ({ connections }) => connections.length },
  { name: 'avg_latency', format: formatAverage, read: ({ latency }) => latency.avgMs },
  { name: 'outstanding_requests', read: (status) => status.outstandingRequests },
  { name: 'znode_count', read: shownZnodeCount },
  { name: 'global_sessions', read: (status) => status.sessionCount },
  { name: 'local_sessions', read: (status) => status.localSessionCount },
  { name: 'packets_sent', read: (status) => status.packetsSent },
  { name: 'packets_received', read: (status) => status.packetsReceived },
  { name: 'min_latency', read: ({ latency }) => latency.minMs },
  { name: 'max_latency', read: ({ latency }) => latency.maxMs },
  { name: 'watch_count', read: ({ tree }) => tree.watchCount },
  { name: 'auth_failed_count', read: (status) => status.authFailedCount },
  { name: 'approximate_data_size', read: ({ tree }) => tree.dataBytes },
  { name: 'last_client_response_size', read: ({ replySizes }) => replySizes.lastBytes },
  { name: 'min_client_response_size', read: ({ replySizes }) => replySizes.minBytes },
  { name: 'max_client_response_size', read: ({ replySizes }) => replySizes.maxBytes },
  { name: 'uptime', read: (status) => status.uptimeMs },
  { name: 'open_file_descriptor_count', read: (_, host) => host.openFiles },
  { name: 'max_file_descriptor_count', read: (_, host) => host.openFilesMax },
  {
    name: 'connection_drop_probability',
    format: formatAverage,
    read: ({ connectionDropChance }) => connectionDropChance,
  },
  // There is no TLS here, but dashboards have a panel for it.
  { name: 'outstanding_tls_handshake', read: () => 0 },
  ofQuotas('quota_count_limit_per_namespace', ({ countLimit }) => countLimit),
  ofQuotas('quota_bytes_limit_per_namespace', ({ bytesLimit }) => bytesLimit),
  ofQuotas('quota_count_usage_per_namespace', ({ countUsage }) => countUsage),
  ofQuotas('quota_bytes_usage_per_namespace', ({ bytesUsage }) => bytesUsage),
  ofQuorum('quorum_size', ({ quorumSize }) => quorumSize),
  ofQuorum('learners', ({ leadership }) => leadership?.learners ?? null),
  ofQuorum('synced_followers', ({ leadership }) => leadership?.syncedFollowers ?? null),
  ofQuorum('synced_non_voting_followers', ({ leadership }) => {
    return leadership?.syncedNonVotingFollowers ?? null
  }),
  ofQuorum('synced_observers', ({ leadership, observerCount }) => {
    return leadership?.syncedObservers ?? observerCount
  }),
  ofQuorum('pending_syncs', ({ leadership }) => leadership?.pendingSyncs ?? null),
  ofQuorum('leader_uptime', ({ leadership }) => leadership?.uptimeMs ?? null),
  ofQuorum('last_proposal_size', ({ leadership }) => leadership?.proposalSizes.lastBytes ?? null),
  ofQuorum('min_proposal_size', ({ leadership }) => leadership?.proposalSizes.minBytes ?? null),
  ofQuorum('max_proposal_size', ({ leadership }) => leadership?.proposalSizes.maxBytes ?? null),
]

/** Of each namespace in which there are quotas. */
function ofQuotas(name: string, read: (quota: NamespaceQuota) => number): Gauge {
  return {
    name,
    read: ({ inventory }) => {
      return new Map([...inventory.quotas()].map(([label, quota]) => [label, read(quota)]))
    },
  }
}

/** A server without a leader says nothing of its ensemble. */
function ofQuorum(name: string, read: (quorum: QuorumStatus) => number | null): Gauge {
  return {
    name,
    read: ({ quorum, isReadOnly }) => (quorum === null || isReadOnly ? null : read(quorum)),
  }
}
