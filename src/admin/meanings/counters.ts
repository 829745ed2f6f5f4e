import type { CounterName, CounterSetName } from '../../env/index.ts'
import type { Meanings } from './meaning.ts'

export const COUNTER_MEANINGS: Meanings<CounterName | CounterSetName> = {
  bytes_received_count: ['bytes', 'frames of clients, their lengths included'],
  response_bytes: ['bytes', 'replies to clients, without their lengths'],
  watch_bytes: ['bytes', 'events to clients, without their lengths'],
  connection_request_count: ['connections', 'handshakes, new sessions and old ones'],
  connection_revalidate_count: ['connections', 'handshakes that want to go on with a session'],
  connection_rejected: [
    'connections',
    'connections closed because of maxClientCnxns, maxCnxns or connection_throttle_tokens',
  ],
  connection_drop_count: [
    'connections',
    'connections ended by the client, or broken, before this server ended them',
  ],
  large_requests_rejected: [
    'requests',
    'large requests that came beside others and closed their connection (largeRequestMaxBytes)',
  ],
  cnxn_closed_without_zk_server_running: [
    'connections',
    'connections turned away because there was no leader',
  ],
  sessionless_connections_expired: ['connections', 'connections closed because no handshake came'],
  stale_sessions_expired: ['sessions', 'sessions that this server has expired'],
  prep_processor_request_queued: ['writes', 'writes that were made transactions'],
  outstanding_changes_queued: [
    'changes',
    'states of znodes that transactions on their way will make',
  ],
  outstanding_changes_removed: [
    'changes',
    'states of znodes that transactions on their way have made: they are applied',
  ],
  quota_exceeded_error_per_namespace: [
    'requests',
    'writes that a hard quota has refused (enforceQuota)',
    'namespace',
  ],
  sync_processor_request_queued: ['transactions', 'transactions handed to the log'],
  request_commit_queued: ['transactions', 'transactions that became committed here'],
  digest_mismatches_count: [
    'transactions',
    'transactions after which the tree was not what the leader had computed: never, unless servers differ',
  ],
  proposal_count: ['transactions', 'proposals that this server has made as the leader'],
  commit_count: ['transactions', 'proposals that a quorum has acknowledged'],
  learner_proposal_received_count: ['transactions', 'proposals that came from the leader'],
  learner_commit_received_count: ['transactions', 'commits that came from the leader'],
  diff_count: ['times', 'how often a learner was brought up to date by the transactions it lacked'],
  snap_count: ['times', 'how often a learner was sent the whole tree'],
  revalidate_count: ['sessions', 'sessions that learners have asked about'],
  looking_count: ['times', 'how often this server began to look for a leader'],
  snapshot_error_count: ['times', 'how often a snapshot over HTTP has failed'],
  snapshot_rate_limited_count: [
    'times',
    'how often a snapshot over HTTP was refused because the last one was too recent',
  ],
  restore_error_count: ['times', 'how often a restore over HTTP has failed'],
  restore_rate_limited_count: [
    'times',
    'how often a restore over HTTP was refused because the last one was too recent',
  ],
}
