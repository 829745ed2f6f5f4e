import type { Meanings } from './meaning.ts'

/** Of what `GAUGES` reads. */
export const GAUGE_MEANINGS: Meanings<string> = {
  znode_count: ['znodes', 'znodes in the tree; as upstream the root counts twice'],
  ephemerals_count: ['znodes', 'ephemeral znodes'],
  approximate_data_size: ['bytes', 'size of the paths and values of all znodes'],
  watch_count: [
    'watches',
    "watches of this server's clients; a persistent one counts for data and for children",
  ],
  num_alive_connections: ['connections', 'open client connections, with and without a session'],
  global_sessions: ['sessions', 'sessions of the ensemble'],
  local_sessions: ['sessions', 'sessions that only this server knows'],
  outstanding_requests: ['requests', 'requests read and not answered'],
  packets_received: ['packets', 'requests of clients, since the start or srst'],
  packets_sent: ['packets', 'replies to clients, since the start or srst'],
  avg_latency: [
    'ms',
    'average time from a request read to its reply written, since the start or srst',
  ],
  min_latency: [
    'ms',
    'the shortest time from a request read to its reply written, since the start or srst',
  ],
  max_latency: [
    'ms',
    'the longest time from a request read to its reply written, since the start or srst',
  ],
  last_client_response_size: ['bytes', 'size of the last reply to a client; -1 before the first'],
  min_client_response_size: ['bytes', 'size of the smallest reply to a client'],
  max_client_response_size: ['bytes', 'size of the largest reply to a client'],
  auth_failed_count: ['packets', 'auth requests that were refused, since the start'],
  connection_drop_probability: [
    '0 to 1',
    'chance of a client to be turned away at present (connection_throttle_…)',
  ],
  uptime: ['ms', 'time since the process began to serve'],
  open_file_descriptor_count: ['files', 'open files and sockets of the process'],
  max_file_descriptor_count: ['files', 'how many open files and sockets the process may have'],
  quota_count_limit_per_namespace: [
    'znodes',
    'sum of the limits on znodes below this top-level znode, a hard limit in place of a soft one; -1: none',
    'namespace',
  ],
  quota_bytes_limit_per_namespace: [
    'bytes',
    'sum of the limits on bytes below this top-level znode, a hard limit in place of a soft one; -1: none',
    'namespace',
  ],
  quota_count_usage_per_namespace: [
    'znodes',
    'znodes that the quotas below this top-level znode have counted',
    'namespace',
  ],
  quota_bytes_usage_per_namespace: [
    'bytes',
    'bytes that the quotas below this top-level znode have counted',
    'namespace',
  ],
  quorum_size: ['servers', 'servers that may vote'],
  learners: ['servers', 'connected followers and observers'],
  synced_followers: ['servers', 'followers that are up to date'],
  synced_non_voting_followers: ['servers', 'followers that are up to date and have no vote'],
  synced_observers: ['servers', 'observers that are up to date'],
  pending_syncs: [
    'requests',
    "sync requests, and sessions to be taken up, that wait for a quorum's word",
  ],
  leader_uptime: ['ms', 'time since this server leads'],
  last_proposal_size: ['bytes', 'size of the last proposal; -1 before the first'],
  min_proposal_size: ['bytes', 'size of the smallest proposal of this leadership'],
  max_proposal_size: ['bytes', 'size of the largest proposal of this leadership'],
}
