import type { KeySpec } from './keys.ts'

/** Keys that Apache ZooKeeper's parser of the file reads itself: as `-D` flags it does not look at them. */
const FILE_ONLY: ReadonlySet<string> = new Set([
  'dataDir',
  'dataLogDir',
  'clientPort',
  'clientPortAddress',
  'secureClientPort',
  'secureClientPortAddress',
  'clientPortListenBacklog',
  'observerMasterPort',
  'tickTime',
  'initLimit',
  'syncLimit',
  'connectToLearnerMasterLimit',
  'maxClientCnxns',
  'minSessionTimeout',
  'maxSessionTimeout',
  'localSessionsEnabled',
  'localSessionsUpgradingEnabled',
  'dynamicConfigFile',
  'peerType',
  'electionAlg',
  'standaloneEnabled',
  'reconfigEnabled',
  'oraclePath',
  'quorumListenOnAllIPs',
  'quorum.cnxn.threads.size',
  'autopurge.snapRetainCount',
  'autopurge.purgeInterval',
  'quorum.auth.enableSasl',
  'quorum.auth.serverRequireSasl',
  'quorum.auth.learnerRequireSasl',
  'quorum.auth.learner.saslLoginContext',
  'quorum.auth.server.saslLoginContext',
  'quorum.auth.kerberos.servicePrincipal',
  'sslQuorum',
  'portUnification',
  'sslQuorumReloadCertFiles',
  'jvm.pause.monitor',
  'jvm.pause.info-threshold.ms',
  'jvm.pause.warn-threshold.ms',
  'jvm.pause.sleep.time.ms',
])

/** Keys that Apache ZooKeeper reads from `-D` flags only: in its zoo.cfg they have no effect. */
const FLAG_ONLY: ReadonlySet<string> = new Set([
  'jute.maxbuffer',
  'znode.container.checkIntervalMs',
  'znode.container.maxPerMinute',
  'znode.container.maxNeverUsedIntervalMs',
  'readonlymode.enabled',
  'java.security.auth.login.config',
  'leader.nodelay',
  'follower.nodelay',
])

/** Names that are read without the prefix too. */
const WITHOUT_PREFIX: ReadonlySet<string> = new Set([
  ...FLAG_ONLY,
  'fsync.warningthresholdms',
  'leader.closeSocketAsync',
  'learner.closeSocketAsync',
  'learner.asyncSending',
])

/** Where Apache ZooKeeper looks for a key. */
export function apachePlace({ key }: KeySpec): 'anywhere' | 'file' | 'flag' {
  if (FILE_ONLY.has(key) || key.startsWith('metricsProvider.')) return 'file'
  return FLAG_ONLY.has(key) ? 'flag' : 'anywhere'
}

/** Whether a `-D` flag of this name, given to whatever Java programs run here, is meant for a ZooKeeper server. */
export function isServerProperty(name: string): boolean {
  return WITHOUT_PREFIX.has(name) || (name.startsWith('zookeeper.') && !isClientProperty(name))
}

/** Of clients, which are often given the same flags. */
export function isClientProperty(name: string): boolean {
  return CLIENT_PROPERTY.test(name)
}

const CLIENT_PROPERTY =
  /^zookeeper\.(client\.|clientCnxnSocket$|request\.timeout$|disableAutoWatchReset$|sasl\.client|server\.(principal|realm)$|shuffleDnsResponse$|hostProvider\.|ssl\.sslProvider$)/
