/**
 * What a server measures, under the names of Apache ZooKeeper. `docs/metrics.md` says what each one means; a test
 * holds that page, these lists and the places that measure against each other.
 */

/** Numbers that only grow, until they are reset. */
export const COUNTERS = [
  'bytes_received_count',
  'cnxn_closed_without_zk_server_running',
  'commit_count',
  'connection_drop_count',
  'connection_rejected',
  'connection_request_count',
  'connection_revalidate_count',
  'diff_count',
  'digest_mismatches_count',
  'large_requests_rejected',
  'learner_commit_received_count',
  'learner_proposal_received_count',
  'looking_count',
  'outstanding_changes_queued',
  'outstanding_changes_removed',
  'prep_processor_request_queued',
  'proposal_count',
  'request_commit_queued',
  'response_bytes',
  'restore_error_count',
  'restore_rate_limited_count',
  'revalidate_count',
  'sessionless_connections_expired',
  'snap_count',
  'snapshot_error_count',
  'snapshot_rate_limited_count',
  'stale_sessions_expired',
  'sync_processor_request_queued',
  'watch_bytes',
] as const
export type CounterName = (typeof COUNTERS)[number]

/** Counters with a label each. */
export const COUNTER_SETS = ['quota_exceeded_error_per_namespace'] as const
export type CounterSetName = (typeof COUNTER_SETS)[number]

/** Distributions that are shown without the rare large values: average, smallest, largest, median. */
export const BASIC_SUMMARIES = [
  'commit_commit_proc_req_queued',
  'commit_process_time',
  'connection_token_deficit',
  'dbinittime',
  'election_time',
  'follower_sync_time',
  'fsynctime',
  'leader_unavailable_time',
  'node_changed_watch_count',
  'node_children_watch_count',
  'node_created_watch_count',
  'node_deleted_watch_count',
  'observer_sync_time',
  'pending_session_queue_size',
  'prep_process_time',
  'read_commit_proc_issued',
  'read_commit_proc_req_queued',
  'reads_after_write_in_session_queue',
  'reads_issued_from_session_queue',
  'requests_in_session_queue',
  'restore_time',
  'session_queues_drained',
  'snapshottime',
  'startup_snap_load_time',
  'startup_txns_load_time',
  'startup_txns_loaded',
  'sync_process_time',
  'sync_processor_batch_size',
  'sync_processor_queue_size',
  'unavailable_time',
  'write_batch_time_in_commit_processor',
  'write_commit_proc_issued',
  'write_commit_proc_req_queued',
] as const

/** Distributions whose high quantiles are shown too. */
export const ADVANCED_SUMMARIES = [
  'close_session_prep_time',
  'commit_propagation_latency',
  'jvm_pause_time_ms',
  'local_write_committed_time_ms',
  'om_commit_process_time_ms',
  'om_proposal_process_time_ms',
  'propagation_latency',
  'proposal_ack_creation_latency',
  'proposal_latency',
  'quorum_ack_latency',
  'read_commitproc_time_ms',
  'read_final_proc_time_ms',
  'readlatency',
  'server_write_committed_time_ms',
  'sync_processor_queue_and_flush_time_ms',
  'sync_processor_queue_flush_time_ms',
  'sync_processor_queue_time_ms',
  'updatelatency',
  'write_commitproc_time_ms',
  'write_final_proc_time_ms',
] as const
export type SummaryName = (typeof ADVANCED_SUMMARIES)[number] | (typeof BASIC_SUMMARIES)[number]

/** Distributions with a label each: a namespace, the first element of a path, or the id of a learner. */
export const BASIC_SUMMARY_SETS = [
  'learner_handler_qp_size',
  'read_per_namespace',
  'write_per_namespace',
] as const
export const ADVANCED_SUMMARY_SETS = ['ack_latency', 'learner_handler_qp_time_ms'] as const
export type SummarySetName =
  | (typeof ADVANCED_SUMMARY_SETS)[number]
  | (typeof BASIC_SUMMARY_SETS)[number]
