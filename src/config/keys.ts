/**
 * How a value is written. `hours` is a number of hours or, as since 3.10, a number with a unit (`30m`);
 * `yes-no` keys are compared with one literal upstream, so anything but `yes` and `no` is refused here.
 */
export type ValueKind =
  | 'boolean'
  | 'decimal'
  | 'hours'
  | 'integer'
  | 'path'
  | 'port'
  | 'text'
  | 'yes-no'

/**
 * What this version does with a key.
 * - `honoured`: it does what it says.
 * - `ensemble`: it matters to members of an ensemble only, and is not supported yet: a member names it in a warning
 *   unless it is at its default, a standalone server reads past it, as upstream does.
 * - `later`: not supported yet; named in a warning unless it is at its default. A switch is named when it is on,
 *   whatever its default: the feature behind it is off here.
 * - `irrelevant`: there is nothing here it could change (JVM threads, caches that are not needed, test hooks);
 *   named in a warning unless it is at its default.
 * - `guarded`: not supported yet, and ignoring it would leave the server less protected than its operator
 *   believes: any value but the default stops the start.
 */
export type Treatment = 'ensemble' | 'guarded' | 'honoured' | 'irrelevant' | 'later'

/** What a drop-in server owes a key: A must, B should, C may ignore, D belongs to the JVM. */
export type Grade = 'A' | 'B' | 'C' | 'D'

/** One key of zoo.cfg. Families are written with a capital letter at the end: `server.N`, `authProvider.X`. */
export interface KeySpec {
  readonly key: string
  readonly kind: ValueKind
  /** What Apache ZooKeeper uses when the key is absent; empty when it has none. */
  readonly fallback: string
  readonly grade: Grade
  readonly treatment: Treatment
  /** Other names: some keys are documented under a name that the reference never reads. */
  readonly aliases: readonly string[]
}

type KeyRow = readonly [
  key: string,
  kind: ValueKind,
  fallback: string,
  grade: Grade,
  treatment: Treatment,
  ...aliases: string[],
]

const CORE: readonly KeyRow[] = [
  ['dataDir', 'path', '', 'A', 'honoured'],
  ['dataLogDir', 'path', '', 'A', 'honoured'],
  ['clientPort', 'port', '', 'A', 'honoured'],
  ['clientPortAddress', 'text', '', 'A', 'honoured'],
  ['secureClientPort', 'port', '', 'A', 'guarded'],
  ['secureClientPortAddress', 'text', '', 'A', 'later'],
  ['clientPortListenBacklog', 'integer', '-1', 'B', 'honoured'],
  ['observerMasterPort', 'port', '', 'B', 'honoured'],
  ['tickTime', 'integer', '3000', 'A', 'honoured'],
  ['initLimit', 'integer', '', 'A', 'honoured'],
  ['syncLimit', 'integer', '', 'A', 'honoured'],
  ['connectToLearnerMasterLimit', 'integer', '0', 'B', 'honoured'],
  ['maxClientCnxns', 'integer', '60', 'A', 'honoured'],
  ['minSessionTimeout', 'integer', '-1', 'A', 'honoured'],
  ['maxSessionTimeout', 'integer', '-1', 'A', 'honoured'],
  ['localSessionsEnabled', 'boolean', 'false', 'B', 'honoured'],
  ['localSessionsUpgradingEnabled', 'boolean', 'false', 'B', 'honoured'],
  ['maxCnxns', 'integer', '0', 'A', 'honoured'],
  ['clientTcpKeepAlive', 'boolean', 'false', 'B', 'honoured'],
  ['nio.sessionlessCnxnTimeout', 'integer', '10000', 'B', 'honoured'],
  ['datadir.autocreate', 'boolean', 'true', 'A', 'honoured'],
  ['db.autocreate', 'boolean', 'true', 'B', 'ensemble'],
]

const ENSEMBLE: readonly KeyRow[] = [
  ['server.N', 'text', '', 'A', 'honoured'],
  ['group.N', 'text', '', 'A', 'honoured'],
  ['weight.N', 'integer', '1', 'A', 'honoured'],
  ['version', 'text', '0', 'A', 'ensemble'],
  ['dynamicConfigFile', 'path', '', 'A', 'honoured'],
  ['peerType', 'text', 'participant', 'A', 'honoured'],
  ['electionAlg', 'integer', '3', 'A', 'honoured'],
  ['standaloneEnabled', 'boolean', 'true', 'A', 'honoured'],
  ['reconfigEnabled', 'boolean', 'false', 'A', 'honoured'],
  ['oraclePath', 'path', '', 'C', 'ensemble'],
  ['quorumListenOnAllIPs', 'boolean', 'false', 'A', 'honoured'],
  ['multiAddress.enabled', 'boolean', 'false', 'B', 'honoured'],
  ['multiAddress.reachabilityCheckEnabled', 'boolean', 'true', 'B', 'honoured'],
  ['multiAddress.reachabilityCheckTimeoutMs', 'integer', '1000', 'B', 'honoured'],
  ['syncEnabled', 'boolean', 'true', 'B', 'irrelevant', 'observer.syncEnabled'],
  ['leaderServes', 'yes-no', 'yes', 'A', 'honoured'],
  ['cnxTimeout', 'integer', '5000', 'A', 'honoured'],
  ['quorumCnxnTimeoutMs', 'integer', '-1', 'B', 'honoured'],
  ['electionPortBindRetry', 'integer', '3', 'A', 'honoured'],
  ['tcpKeepAlive', 'boolean', 'false', 'B', 'honoured'],
  ['fastleader.minNotificationInterval', 'integer', '200', 'B', 'honoured'],
  ['fastleader.maxNotificationInterval', 'integer', '60000', 'B', 'honoured'],
  ['leader.maxTimeToWaitForEpoch', 'integer', '-1', 'B', 'honoured', 'maxTimeToWaitForEpoch'],
  ['leader.maxConcurrentSnapSyncs', 'integer', '10', 'B', 'honoured', 'maxConcurrentSnapSyncs'],
  ['leader.maxConcurrentDiffSyncs', 'integer', '100', 'B', 'honoured', 'maxConcurrentDiffSyncs'],
  ['observer.reconnectDelayMs', 'integer', '0', 'B', 'honoured'],
  ['observer.election.DelayMs', 'integer', '200', 'B', 'honoured'],
  ['observerMaster.sizeLimit', 'integer', '33554432', 'C', 'honoured'],
  ['leaderConnectDelayDuringRetryMs', 'integer', '100', 'B', 'honoured'],
  ['forceSnapshotSync', 'boolean', 'false', 'C', 'ensemble'],
  ['leader.ackLoggingFrequency', 'integer', '1000', 'C', 'irrelevant'],
  ['leader.closeSocketAsync', 'boolean', 'false', 'C', 'irrelevant'],
  ['learner.closeSocketAsync', 'boolean', 'false', 'C', 'irrelevant'],
  ['learner.asyncSending', 'boolean', 'false', 'C', 'irrelevant'],
  ['forward_learner_requests_to_commit_processor_disabled', 'boolean', 'false', 'C', 'irrelevant'],
  ['follower.skipLearnerRequestToNextProcessor', 'boolean', 'false', 'C', 'irrelevant'],
  ['leader.nodelay', 'boolean', 'true', 'C', 'irrelevant'],
  ['follower.nodelay', 'boolean', 'true', 'C', 'irrelevant'],
  ['quorum.cnxn.threads.size', 'integer', '20', 'D', 'irrelevant'],
]

const STORAGE: readonly KeyRow[] = [
  ['snapCount', 'integer', '100000', 'A', 'honoured'],
  ['snapSizeLimitInKb', 'integer', '4194304', 'B', 'honoured'],
  ['txnLogSizeLimitInKb', 'integer', '-1', 'B', 'irrelevant'],
  ['preAllocSize', 'integer', '65536', 'A', 'honoured'],
  ['commitLogCount', 'integer', '500', 'B', 'honoured'],
  ['snapshotSizeFactor', 'decimal', '0.33', 'B', 'honoured'],
  ['forceSync', 'yes-no', 'yes', 'A', 'honoured'],
  ['fsync.warningthresholdms', 'integer', '1000', 'B', 'honoured'],
  ['flushDelay', 'integer', '0', 'B', 'irrelevant'],
  ['maxWriteQueuePollTime', 'integer', '', 'B', 'irrelevant'],
  ['maxBatchSize', 'integer', '1000', 'B', 'irrelevant'],
  ['snapshot.compression.method', 'text', '', 'B', 'irrelevant'],
  ['snapshot.trust.empty', 'boolean', 'false', 'A', 'irrelevant'],
  ['digest.enabled', 'boolean', 'true', 'B', 'irrelevant'],
  ['serializeLastProcessedZxid.enabled', 'boolean', 'true', 'B', 'irrelevant'],
  ['closeSessionTxn.enabled', 'boolean', 'true', 'B', 'irrelevant'],
  ['autopurge.snapRetainCount', 'integer', '3', 'A', 'honoured'],
  ['autopurge.purgeInterval', 'hours', '0', 'A', 'honoured'],
  ['jute.maxbuffer', 'integer', '1048575', 'A', 'honoured'],
  ['jute.maxbuffer.extrasize', 'integer', '', 'A', 'honoured'],
  ['intBufferStartingSizeBytes', 'integer', '1024', 'D', 'irrelevant'],
  ['testingonly.initialZxid', 'integer', '', 'C', 'irrelevant'],
  ['test.allowDiscontinuousProposals', 'boolean', 'false', 'C', 'irrelevant'],
]

const REQUESTS: readonly KeyRow[] = [
  ['globalOutstandingLimit', 'integer', '1000', 'B', 'honoured'],
  ['enforceQuota', 'boolean', 'false', 'A', 'honoured'],
  ['maxResponseCacheSize', 'integer', '400', 'C', 'irrelevant'],
  ['maxGetChildrenResponseCacheSize', 'integer', '400', 'C', 'irrelevant'],
  ['largeRequestMaxBytes', 'integer', '104857600', 'B', 'honoured'],
  ['largeRequestThreshold', 'integer', '-1', 'B', 'honoured'],
  ['request_throttle_max_requests', 'integer', '0', 'B', 'honoured', 'requestThrottleLimit'],
  ['request_throttle_stall_time', 'integer', '100', 'B', 'irrelevant', 'requestThrottleStallTime'],
  ['request_throttle_drop_stale', 'boolean', 'true', 'B', 'irrelevant', 'requestThrottleDropStale'],
  [
    'request_stale_latency_check',
    'boolean',
    'false',
    'B',
    'irrelevant',
    'requestStaleLatencyCheck',
  ],
  [
    'request_stale_connection_check',
    'boolean',
    'true',
    'B',
    'irrelevant',
    'requestStaleConnectionCheck',
  ],
  ['request_throttler.shutdownTimeout', 'integer', '10000', 'C', 'irrelevant'],
  ['throttled_op_wait_time', 'integer', '0', 'B', 'irrelevant', 'throttledOpWaitTime'],
  ['connection_throttle_tokens', 'integer', '0', 'B', 'honoured', 'connectionMaxTokens'],
  ['connection_throttle_fill_time', 'integer', '1', 'B', 'honoured', 'connectionTokenFillTime'],
  ['connection_throttle_fill_count', 'integer', '1', 'B', 'honoured', 'connectionTokenFillCount'],
  ['connection_throttle_freeze_time', 'integer', '-1', 'B', 'honoured', 'connectionFreezeTime'],
  [
    'connection_throttle_drop_increase',
    'decimal',
    '0.02',
    'B',
    'honoured',
    'connectionDropIncrease',
  ],
  [
    'connection_throttle_drop_decrease',
    'decimal',
    '0.002',
    'B',
    'honoured',
    'connectionDropDecrease',
  ],
  [
    'connection_throttle_decrease_ratio',
    'decimal',
    '0',
    'B',
    'honoured',
    'connectionDecreaseRatio',
  ],
  ['connection_throttle_weight_enabled', 'boolean', 'false', 'B', 'honoured'],
  ['connection_throttle_global_session_weight', 'integer', '3', 'B', 'honoured'],
  ['connection_throttle_local_session_weight', 'integer', '1', 'B', 'honoured'],
  ['connection_throttle_renew_session_weight', 'integer', '2', 'B', 'honoured'],
  ['4lw.commands.whitelist', 'text', '', 'A', 'honoured'],
  ['extendedTypesEnabled', 'boolean', 'false', 'A', 'honoured'],
  ['emulate353TTLNodes', 'boolean', 'false', 'C', 'irrelevant'],
  ['znode.container.checkIntervalMs', 'integer', '60000', 'A', 'honoured'],
  ['znode.container.maxPerMinute', 'integer', '10000', 'A', 'honoured'],
  ['znode.container.maxNeverUsedIntervalMs', 'integer', '0', 'A', 'honoured'],
  ['skipACL', 'yes-no', 'no', 'A', 'honoured'],
  ['enableEagerACLCheck', 'boolean', 'false', 'B', 'honoured'],
  ['readonlymode.enabled', 'boolean', 'false', 'B', 'honoured'],
  ['watchManagerName', 'text', '', 'C', 'irrelevant'],
  ['watcherCleanThreadsNum', 'integer', '2', 'C', 'irrelevant'],
  ['watcherCleanThreshold', 'integer', '1000', 'C', 'irrelevant'],
  ['watcherCleanIntervalInSeconds', 'integer', '600', 'C', 'irrelevant'],
  ['maxInProcessingDeadWatchers', 'integer', '-1', 'C', 'irrelevant'],
  ['bitHashCacheSize', 'integer', '10', 'C', 'irrelevant'],
  ['messageTracker.BufferSize', 'integer', '10', 'C', 'irrelevant'],
  ['messageTracker.Enabled', 'boolean', 'false', 'C', 'irrelevant'],
  ['pathStats.enabled', 'boolean', 'false', 'C', 'irrelevant'],
  ['pathStats.slotCapacity', 'integer', '60', 'C', 'irrelevant'],
  ['pathStats.slotDuration', 'integer', '15', 'C', 'irrelevant'],
  ['pathStats.maxDepth', 'integer', '6', 'C', 'irrelevant'],
  ['pathStats.initialDelay', 'integer', '5', 'C', 'irrelevant'],
  ['pathStats.delay', 'integer', '5', 'C', 'irrelevant'],
  ['pathStats.topPathMax', 'integer', '20', 'C', 'irrelevant'],
  ['pathStats.sampleRate', 'decimal', '0.1', 'C', 'irrelevant'],
]

const AUTHENTICATION: readonly KeyRow[] = [
  ['authProvider.X', 'text', '', 'A', 'later'],
  ['DigestAuthenticationProvider.enabled', 'boolean', 'true', 'A', 'honoured'],
  ['DigestAuthenticationProvider.superDigest', 'text', '', 'A', 'honoured'],
  ['DigestAuthenticationProvider.digestAlg', 'text', 'SHA1', 'A', 'guarded'],
  ['IPAuthenticationProvider.usexforwardedfor', 'boolean', 'false', 'B', 'honoured'],
  ['X509AuthenticationProvider.superUser', 'text', '', 'A', 'later'],
  ['superUser', 'text', '', 'B', 'later'],
  ['ssl.authProvider', 'text', 'x509', 'B', 'later'],
  ['ensembleAuthName', 'text', '', 'B', 'later'],
  ['sessionRequireClientSASLAuth', 'boolean', 'false', 'A', 'guarded'],
  ['enforce.auth.enabled', 'boolean', 'false', 'A', 'guarded'],
  ['enforce.auth.schemes', 'text', '', 'A', 'later'],
  ['allowSaslFailedClients', 'boolean', 'false', 'B', 'later'],
  ['SASLAuthenticationProvider.superPassword', 'text', '', 'B', 'later'],
  ['letAnySaslUserDoX', 'text', '', 'C', 'irrelevant'],
  ['sasl.serverconfig', 'text', 'Server', 'B', 'later'],
  ['java.security.auth.login.config', 'path', '', 'B', 'later'],
  ['kerberos.removeHostFromPrincipal', 'boolean', 'false', 'C', 'later'],
  ['kerberos.removeRealmFromPrincipal', 'boolean', 'false', 'C', 'later'],
  ['kerberos.canonicalizeHostNames', 'boolean', 'false', 'C', 'later'],
  ['kerberos.minReLoginTimeMs', 'integer', '60000', 'D', 'irrelevant'],
  ['requireKerberosConfig', 'boolean', 'false', 'C', 'later'],
  ['security.auth_to_local', 'text', 'DEFAULT', 'C', 'later'],
  ['kinit', 'path', '/usr/bin/kinit', 'D', 'irrelevant'],
  ['quorum.auth.enableSasl', 'boolean', 'false', 'B', 'guarded'],
  ['quorum.auth.serverRequireSasl', 'boolean', 'false', 'B', 'guarded'],
  ['quorum.auth.learnerRequireSasl', 'boolean', 'false', 'B', 'guarded'],
  ['quorum.auth.learner.saslLoginContext', 'text', 'QuorumLearner', 'B', 'ensemble'],
  ['quorum.auth.server.saslLoginContext', 'text', 'QuorumServer', 'B', 'ensemble'],
  ['quorum.auth.kerberos.servicePrincipal', 'text', 'zkquorum/localhost', 'C', 'ensemble'],
]

const TLS: readonly KeyRow[] = [
  ['sslQuorum', 'boolean', 'false', 'A', 'guarded'],
  ['portUnification', 'boolean', 'false', 'B', 'ensemble'],
  ['sslQuorumReloadCertFiles', 'boolean', 'false', 'B', 'ensemble'],
  ['ssl.keyStore.location', 'path', '', 'A', 'later'],
  ['ssl.keyStore.password', 'text', '', 'A', 'later'],
  ['ssl.keyStore.passwordPath', 'path', '', 'A', 'later'],
  ['ssl.keyStore.type', 'text', '', 'A', 'later'],
  ['ssl.trustStore.location', 'path', '', 'A', 'later'],
  ['ssl.trustStore.password', 'text', '', 'A', 'later'],
  ['ssl.trustStore.passwordPath', 'path', '', 'A', 'later'],
  ['ssl.trustStore.type', 'text', '', 'A', 'later'],
  ['ssl.protocol', 'text', '', 'B', 'later'],
  ['ssl.enabledProtocols', 'text', '', 'A', 'later'],
  ['ssl.ciphersuites', 'text', '', 'B', 'later'],
  ['ssl.context.supplier.class', 'text', '', 'D', 'irrelevant'],
  ['ssl.hostnameVerification', 'boolean', 'true', 'A', 'later'],
  ['ssl.clientHostnameVerification', 'boolean', '', 'B', 'later'],
  ['ssl.allowReverseDnsLookup', 'boolean', 'false', 'C', 'later'],
  ['ssl.crl', 'boolean', 'false', 'B', 'later'],
  ['ssl.ocsp', 'boolean', 'false', 'B', 'later'],
  ['ssl.clientAuth', 'text', 'need', 'A', 'later'],
  ['ssl.handshakeDetectionTimeoutMillis', 'integer', '5000', 'B', 'later'],
  ['ssl.quorum.keyStore.location', 'path', '', 'A', 'later'],
  ['ssl.quorum.keyStore.password', 'text', '', 'A', 'later'],
  ['ssl.quorum.keyStore.passwordPath', 'path', '', 'A', 'later'],
  ['ssl.quorum.keyStore.type', 'text', '', 'A', 'later'],
  ['ssl.quorum.trustStore.location', 'path', '', 'A', 'later'],
  ['ssl.quorum.trustStore.password', 'text', '', 'A', 'later'],
  ['ssl.quorum.trustStore.passwordPath', 'path', '', 'A', 'later'],
  ['ssl.quorum.trustStore.type', 'text', '', 'A', 'later'],
  ['ssl.quorum.protocol', 'text', '', 'B', 'later'],
  ['ssl.quorum.enabledProtocols', 'text', '', 'A', 'later'],
  ['ssl.quorum.ciphersuites', 'text', '', 'B', 'later'],
  ['ssl.quorum.context.supplier.class', 'text', '', 'D', 'irrelevant'],
  ['ssl.quorum.hostnameVerification', 'boolean', 'true', 'A', 'later'],
  ['ssl.quorum.clientHostnameVerification', 'boolean', '', 'B', 'later'],
  ['ssl.quorum.allowReverseDnsLookup', 'boolean', 'false', 'C', 'later'],
  ['ssl.quorum.crl', 'boolean', 'false', 'B', 'later'],
  ['ssl.quorum.ocsp', 'boolean', 'false', 'B', 'later'],
  ['ssl.quorum.clientAuth', 'text', 'need', 'A', 'later'],
  ['ssl.quorum.handshakeDetectionTimeoutMillis', 'integer', '5000', 'B', 'later'],
  ['client.portUnification', 'boolean', 'false', 'B', 'guarded'],
  ['client.certReload', 'boolean', 'false', 'B', 'later'],
  ['fips-mode', 'boolean', 'true', 'C', 'irrelevant'],
  ['serverCnxnFactory', 'text', '', 'C', 'irrelevant'],
  [
    'netty.server.outstandingHandshake.limit',
    'integer',
    '-1',
    'B',
    'later',
    'outstandingHandshake.limit',
  ],
  ['netty.server.earlyDropSecureConnectionHandshakes', 'boolean', 'false', 'B', 'later'],
  [
    'netty.advancedFlowControl.enabled',
    'boolean',
    'false',
    'C',
    'irrelevant',
    'advancedFlowControlEnabled',
  ],
]

const OBSERVABILITY: readonly KeyRow[] = [
  [
    'metricsProvider.className',
    'text',
    'org.apache.zookeeper.metrics.impl.DefaultMetricsProvider',
    'A',
    'honoured',
  ],
  ['metricsProvider.httpPort', 'port', '7000', 'A', 'honoured'],
  ['metricsProvider.httpHost', 'text', '0.0.0.0', 'A', 'honoured'],
  ['metricsProvider.exportJvmInfo', 'boolean', 'true', 'B', 'honoured'],
  ['metricsProvider.httpsPort', 'port', '', 'B', 'later'],
  ['metricsProvider.ssl.keyStore.location', 'path', '', 'B', 'later'],
  ['metricsProvider.ssl.keyStore.password', 'text', '', 'B', 'later'],
  ['metricsProvider.ssl.keyStore.type', 'text', 'JKS', 'B', 'later'],
  ['metricsProvider.ssl.trustStore.location', 'path', '', 'B', 'later'],
  ['metricsProvider.ssl.trustStore.password', 'text', '', 'B', 'later'],
  ['metricsProvider.ssl.trustStore.type', 'text', 'JKS', 'B', 'later'],
  ['metricsProvider.ssl.need.client.auth', 'boolean', 'true', 'B', 'later'],
  ['metricsProvider.ssl.want.client.auth', 'boolean', 'true', 'B', 'later'],
  ['metricsProvider.ssl.enabledProtocols', 'text', '', 'B', 'later'],
  ['metricsProvider.ssl.ciphersuites', 'text', '', 'B', 'later'],
  ['metricsProvider.numWorkerThreads', 'integer', '1', 'C', 'irrelevant'],
  ['metricsProvider.maxQueueSize', 'integer', '1000000', 'C', 'irrelevant'],
  ['metricsProvider.workerShutdownTimeoutMs', 'integer', '1000', 'C', 'irrelevant'],
  [
    'metricsProvider.prometheusMetricsSummaryRotateIntervalSeconds',
    'integer',
    '60',
    'C',
    'irrelevant',
  ],
  ['audit.enable', 'boolean', 'false', 'A', 'honoured'],
  ['audit.impl.class', 'text', '', 'C', 'irrelevant'],
  ['admin.enableServer', 'boolean', 'true', 'A', 'honoured'],
  ['admin.serverAddress', 'text', '0.0.0.0', 'A', 'honoured'],
  ['admin.serverPort', 'port', '8080', 'A', 'honoured'],
  ['admin.commandURL', 'text', '/commands', 'A', 'honoured'],
  ['admin.idleTimeout', 'integer', '30000', 'B', 'honoured'],
  ['admin.httpVersion', 'integer', '11', 'C', 'irrelevant'],
  ['admin.portUnification', 'boolean', 'false', 'B', 'later'],
  ['admin.forceHttps', 'boolean', 'false', 'B', 'guarded'],
  ['admin.needClientAuth', 'boolean', 'false', 'B', 'guarded'],
  ['admin.rateLimiterIntervalInMS', 'integer', '300000', 'A', 'honoured'],
  ['admin.snapshot.enabled', 'boolean', 'true', 'A', 'honoured'],
  ['admin.restore.enabled', 'boolean', 'true', 'A', 'honoured'],
  // Of our own: upstream has no token.
  ['admin.token', 'text', '', 'B', 'honoured'],
  ['admin.tokenFile', 'path', '', 'B', 'honoured'],
]

const PROCESS: readonly KeyRow[] = [
  ['nio.numSelectorThreads', 'integer', '', 'D', 'irrelevant'],
  ['nio.numWorkerThreads', 'integer', '', 'D', 'irrelevant'],
  ['nio.directBufferBytes', 'integer', '65536', 'D', 'irrelevant'],
  ['nio.shutdownTimeout', 'integer', '5000', 'D', 'irrelevant'],
  ['commitProcessor.numWorkerThreads', 'integer', '', 'D', 'irrelevant'],
  ['commitProcessor.shutdownTimeout', 'integer', '5000', 'D', 'irrelevant'],
  ['commitProcessor.maxReadBatchSize', 'integer', '-1', 'D', 'irrelevant'],
  ['commitProcessor.maxCommitBatchSize', 'integer', '1', 'D', 'irrelevant'],
  ['jvm.pause.monitor', 'boolean', 'false', 'D', 'honoured'],
  ['jvm.pause.info-threshold.ms', 'integer', '1000', 'D', 'honoured'],
  ['jvm.pause.warn-threshold.ms', 'integer', '10000', 'D', 'honoured'],
  ['jvm.pause.sleep.time.ms', 'integer', '500', 'D', 'honoured'],
  ['jmx.log4j.disable', 'boolean', 'false', 'D', 'irrelevant'],
  ['jmx.log4j.mbean', 'text', 'log4j:hierarchy=default', 'D', 'irrelevant'],
  ['log.dir', 'path', '.', 'B', 'honoured'],
  ['log.file', 'text', 'zookeeper.log', 'B', 'irrelevant'],
  ['log.threshold', 'text', 'INFO', 'B', 'honoured'],
  ['console.threshold', 'text', 'INFO', 'B', 'honoured'],
  ['log.maxfilesize', 'text', '256MB', 'C', 'irrelevant'],
  ['log.maxbackupindex', 'integer', '20', 'C', 'irrelevant'],
  ['tracelog.dir', 'path', '', 'C', 'irrelevant'],
  ['tracelog.file', 'text', 'zookeeper_trace.log', 'C', 'irrelevant'],
  ['auditlog.file', 'text', 'zookeeper_audit.log', 'B', 'honoured'],
  ['auditlog.threshold', 'text', 'INFO', 'B', 'irrelevant'],
  ['root.logger', 'text', 'INFO,CONSOLE', 'C', 'irrelevant'],
]

/** Keys that Apache ZooKeeper does not have. */
const OWN: readonly KeyRow[] = [
  ['request.warningthresholdms', 'integer', '', 'B', 'honoured'],
  ['events.persist', 'boolean', '', 'B', 'honoured'],
]

/** Every key that Apache ZooKeeper 3.8 to 3.10 reads, in the order of its documentation, and then our own. */
export const KEYS: readonly KeySpec[] = [
  ...CORE,
  ...ENSEMBLE,
  ...STORAGE,
  ...REQUESTS,
  ...AUTHENTICATION,
  ...TLS,
  ...OBSERVABILITY,
  ...PROCESS,
  ...OWN,
].map(([key, kind, fallback, grade, treatment, ...aliases]) => ({
  key,
  kind,
  fallback,
  grade,
  treatment,
  aliases,
}))

const BY_NAME: ReadonlyMap<string, KeySpec> = new Map(
  KEYS.flatMap((spec) => [spec.key, ...spec.aliases].map((name) => [name, spec] as const)),
)

const FAMILY = /^(server|group|weight|authProvider)\.(.+)$/
const FAMILY_KEY = new Map([
  ['server', 'server.N'],
  ['group', 'group.N'],
  ['weight', 'weight.N'],
  ['authProvider', 'authProvider.X'],
])

/**
 * Finds the specification of a key as written in a file, with or without the `zookeeper.` prefix that
 * upstream's system properties carry.
 */
export function findKey(name: string): KeySpec | undefined {
  const plain = name.startsWith('zookeeper.') ? name.slice('zookeeper.'.length) : name
  const family = FAMILY.exec(plain)?.[1]
  const key = family === undefined ? plain : FAMILY_KEY.get(family)
  return key === undefined ? undefined : BY_NAME.get(key)
}
