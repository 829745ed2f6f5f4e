/** Keys by the unit of their value. */
const KEYS_OF: readonly (readonly [unit: string, keys: readonly string[]])[] = [
  [
    'ms',
    [
      'tickTime',
      'minSessionTimeout',
      'maxSessionTimeout',
      'nio.sessionlessCnxnTimeout',
      'multiAddress.reachabilityCheckTimeoutMs',
      'cnxTimeout',
      'quorumCnxnTimeoutMs',
      'fastleader.minNotificationInterval',
      'fastleader.maxNotificationInterval',
      'leader.maxTimeToWaitForEpoch',
      'observer.reconnectDelayMs',
      'observer.election.DelayMs',
      'leaderConnectDelayDuringRetryMs',
      'fsync.warningthresholdms',
      'flushDelay',
      'maxWriteQueuePollTime',
      'request_throttle_stall_time',
      'throttled_op_wait_time',
      'connection_throttle_fill_time',
      'connection_throttle_freeze_time',
      'znode.container.checkIntervalMs',
      'znode.container.maxNeverUsedIntervalMs',
      'admin.idleTimeout',
      'admin.rateLimiterIntervalInMS',
    ],
  ],
  ['ticks', ['initLimit', 'syncLimit', 'connectToLearnerMasterLimit']],
  ['hours', ['autopurge.purgeInterval']],
  [
    'bytes',
    [
      'jute.maxbuffer',
      'jute.maxbuffer.extrasize',
      'largeRequestMaxBytes',
      'largeRequestThreshold',
      'observerMaster.sizeLimit',
    ],
  ],
  ['KiB', ['preAllocSize', 'snapSizeLimitInKb', 'txnLogSizeLimitInKb']],
  ['transactions', ['snapCount', 'commitLogCount', 'maxBatchSize']],
  ['connections', ['maxClientCnxns', 'maxCnxns', 'clientPortListenBacklog']],
  ['requests', ['globalOutstandingLimit', 'request_throttle_max_requests']],
  ['znodes/min', ['znode.container.maxPerMinute']],
]

const UNITS: ReadonlyMap<string, string> = new Map(
  KEYS_OF.flatMap(([unit, keys]) => keys.map((key) => [key, unit] as const)),
)

/** Empty where the value has none. */
export function unitOf(key: string): string {
  return UNITS.get(key) ?? ''
}
