import type { SummaryName, SummarySetName } from '../../env/index.ts'
import type { Meanings } from './meaning.ts'

export const SUMMARY_MEANINGS: Meanings<SummaryName | SummarySetName> = {
  readlatency: [
    'ms',
    'time from a request read to its reply written; requests without a transaction, without pings',
  ],
  updatelatency: [
    'ms',
    "time from a write read to its reply written; writes of this server's clients",
  ],
  read_commitproc_time_ms: [
    'ms',
    'how long a request without a transaction waited for earlier writes of its connection',
  ],
  read_final_proc_time_ms: [
    'ms',
    'how long it took to carry out a request without a transaction and write its reply',
  ],
  write_commitproc_time_ms: ['ms', "a client's write: from read to committed and applied here"],
  write_final_proc_time_ms: [
    'ms',
    'time to apply one transaction, fire its watches and write its reply',
  ],
  local_write_committed_time_ms: [
    'ms',
    "a client's write: from known to be committed to applied (on a learner: its own disk, and what was before it)",
  ],
  server_write_committed_time_ms: [
    'ms',
    'a write that nobody here waits for: from known to be committed to applied',
  ],
  prep_process_time: ['ms', 'time to check a write and make it a transaction'],
  close_session_prep_time: [
    'ms',
    'time to make the end of a session a transaction, with all its ephemerals',
  ],
  connection_token_deficit: [
    'tokens',
    'tokens that are gone when a client wants a session (connection_throttle_tokens)',
  ],
  requests_in_session_queue: [
    'requests',
    'queue of a connection whose write is answered, that write included',
  ],
  reads_after_write_in_session_queue: [
    'requests',
    'requests that waited behind a write of their connection and ran at once when it was answered',
  ],
  commit_commit_proc_req_queued: ['transactions', 'size of a batch: what became committed at once'],
  write_commit_proc_req_queued: ['writes', 'writes on their way when a batch comes'],
  read_commit_proc_req_queued: [
    'requests',
    'requests without a transaction that wait when a batch comes',
  ],
  pending_session_queue_size: [
    'connections',
    'connections that are owed something when a batch comes',
  ],
  write_commit_proc_issued: ['transactions', 'transactions applied in a batch'],
  read_commit_proc_issued: [
    'requests',
    'requests without a transaction that were answered since the batch before',
  ],
  reads_issued_from_session_queue: [
    'requests',
    'requests without a transaction that had waited for a batch and were answered behind it',
  ],
  session_queues_drained: ['connections', 'connections whose queue the batch has left empty'],
  write_batch_time_in_commit_processor: ['ms', 'time to apply and answer a batch'],
  commit_process_time: ['ms', 'time to apply and answer a batch, with what waited behind it'],
  propagation_latency: [
    'ms',
    'time from when the leader made a transaction to when it is applied here; by two clocks',
  ],
  fsynctime: ['ms', 'time of one durable write to the log'],
  sync_processor_queue_size: [
    'transactions',
    'transactions that wait for the log when a durable write begins, with those in it',
  ],
  sync_processor_batch_size: ['transactions', 'transactions in one durable write'],
  sync_processor_queue_time_ms: [
    'ms',
    'how long the oldest transaction in a durable write had waited',
  ],
  sync_processor_queue_flush_time_ms: ['ms', 'time of one durable write of transactions'],
  sync_processor_queue_and_flush_time_ms: [
    'ms',
    'how long the oldest transaction in a durable write had waited, and that write',
  ],
  sync_process_time: [
    'ms',
    'time of one durable write, with what it took to encode it and to begin a new file',
  ],
  snapshottime: ['ms', 'time of one checkpoint; the server goes on meanwhile'],
  dbinittime: ['ms', 'time of a start, until the state is there'],
  startup_snap_load_time: ['ms', 'time to load the checkpoint at the start'],
  startup_txns_load_time: ['ms', 'time to read the log behind the checkpoint at the start'],
  startup_txns_loaded: ['transactions', 'transactions applied from the log at the start'],
  restore_time: ['ms', 'time of a restore over HTTP'],
  election_time: ['ms', 'time from looking for a leader to having one'],
  unavailable_time: ['ms', 'time from looking for a leader to serving clients again'],
  leader_unavailable_time: [
    'ms',
    'time from looking for a leader to serving clients again, if this server leads then',
  ],
  follower_sync_time: ['ms', 'a follower: from elected to up to date'],
  observer_sync_time: ['ms', 'an observer: from having found a leader to up to date'],
  ack_latency: ['ms', "time from proposed to this learner's acknowledgement", 'learner'],
  quorum_ack_latency: ['ms', "time from proposed to a quorum's acknowledgement"],
  learner_handler_qp_size: [
    'packets',
    'packets for a learner that the operating system has not taken, at the end of a turn of the server',
    'learner',
  ],
  learner_handler_qp_time_ms: [
    'ms',
    'how long the oldest packet for a learner waited that the operating system has not taken',
    'learner',
  ],
  proposal_latency: [
    'ms',
    'time from when the leader made a transaction to when its proposal comes; by two clocks',
  ],
  proposal_ack_creation_latency: [
    'ms',
    'time from when the leader made a transaction to when this server acknowledges it; by two clocks',
  ],
  commit_propagation_latency: [
    'ms',
    'time from when the leader made a transaction to when its commit comes; by two clocks',
  ],
  om_proposal_process_time_ms: ['ms', 'time to keep a transaction for observers'],
  om_commit_process_time_ms: ['ms', 'time to send what became committed to observers'],
  read_per_namespace: [
    'bytes',
    'size of one read of a znode or its children: path, value or names, and 68 for its Stat',
    'namespace',
  ],
  write_per_namespace: [
    'bytes',
    'size of one change: path and value; what is replayed at the start counts, too',
    'namespace',
  ],
  node_created_watch_count: [
    'watchers',
    'watchers of the creation of a znode that somebody watches',
  ],
  node_deleted_watch_count: ['watchers', 'watchers of the deletion of a znode'],
  node_changed_watch_count: ['watchers', 'watchers of a change of a value'],
  node_children_watch_count: ['watchers', 'watchers of a change of children'],
  jvm_pause_time_ms: [
    'ms',
    'the event loop stood still for so long: nothing was read, no timer ran',
  ],
}
