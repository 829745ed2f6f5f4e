import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/index.ts'
import {
  ConfigError,
  DEFAULT_FOUR_LETTER_WORDS,
  DEFAULT_LIMITS,
  defaultConfig,
  KEYS,
  parseZooCfg,
} from '../../src/config/index.ts'

const BASE = 'clientPort=2181\ndataDir=/var/lib/zookeeper\n'

function parse(text: string): Config {
  return parseZooCfg(text, 'conf/zoo.cfg').config
}

function warningsOf(text: string): readonly string[] {
  return parseZooCfg(text, 'conf/zoo.cfg').warnings
}

function refusal(text: string): ConfigError {
  try {
    parseZooCfg(text, 'conf/zoo.cfg')
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}

test("reads upstream's sample file as it is", () => {
  const sample = `
# The number of milliseconds of each tick
tickTime=2000
initLimit=10
syncLimit=5
dataDir=/tmp/zookeeper
clientPort=2181
#maxClientCnxns=60
#autopurge.snapRetainCount=3
`
  const { config, warnings } = parseZooCfg(sample, 'zoo.cfg')
  expect(warnings).toEqual([])
  expect(config).toEqual({
    ...defaultConfig(),
    dataDir: '/tmp/zookeeper',
    dataLogDir: '/tmp/zookeeper',
  })
})

test('a file without tickTime gets 3000, as upstream does', () => {
  const config = parse(BASE)
  expect(config.tickTimeMs).toBe(3000)
  expect(config.minSessionTimeoutMs).toBe(6000)
  expect(config.maxSessionTimeoutMs).toBe(60_000)
})

test('every honoured key reaches the configuration', () => {
  const config = parse(`${BASE}
clientPortAddress=127.0.0.1
clientPortListenBacklog=77
clientTcpKeepAlive=TRUE
dataLogDir=/log
datadir.autocreate=false
tickTime=100
minSessionTimeout=150
maxSessionTimeout=9000
maxClientCnxns=5
maxCnxns=9
nio.sessionlessCnxnTimeout=1234
snapCount=5000
snapSizeLimitInKb=2048
preAllocSize=2048
fsync.warningthresholdms=20
globalOutstandingLimit=321
zookeeper.jute.maxbuffer=4194304
4lw.commands.whitelist=ruok, mntr
extendedTypesEnabled=true
enforceQuota=true
reconfigEnabled=true
znode.container.checkIntervalMs=500
znode.container.maxPerMinute=60
znode.container.maxNeverUsedIntervalMs=300000
DigestAuthenticationProvider.enabled=false
DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=
admin.enableServer=false
admin.serverAddress=[::1]
admin.serverPort=9090
admin.commandURL=/zk/commands/
admin.idleTimeout=99
admin.rateLimiterIntervalInMS=0
admin.snapshot.enabled=false
admin.restore.enabled=false
IPAuthenticationProvider.usexforwardedfor=true
metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider
metricsProvider.httpPort=7070
metricsProvider.httpHost=127.0.0.1
metricsProvider.exportJvmInfo=false
audit.enable=true
auditlog.file=audit.log
log.dir=/var/log/zookeeper
log.threshold=ERROR
console.threshold=Warn
request.warningthresholdms=250
jvm.pause.monitor=false
jvm.pause.sleep.time.ms=100
jvm.pause.info-threshold.ms=300
jvm.pause.warn-threshold.ms=3000
events.persist=false
cnxTimeout=4000
quorumCnxnTimeoutMs=4001
tcpKeepAlive=true
electionPortBindRetry=0
fastleader.minNotificationInterval=150
fastleader.maxNotificationInterval=3000
leader.maxTimeToWaitForEpoch=7000
connectToLearnerMasterLimit=4
leaderConnectDelayDuringRetryMs=50
observer.reconnectDelayMs=30
observer.election.DelayMs=70
commitLogCount=600
snapshotSizeFactor=-1
maxConcurrentSnapSyncs=2
maxConcurrentDiffSyncs=3
leaderServes=no
enableEagerACLCheck=true
largeRequestThreshold=1000
largeRequestMaxBytes=2000
connectionMaxTokens=9
connection_throttle_fill_time=8
connection_throttle_fill_count=7
connection_throttle_freeze_time=6
connection_throttle_drop_increase=0.5
connection_throttle_drop_decrease=0.4
connection_throttle_decrease_ratio=0.3
connection_throttle_weight_enabled=true
connection_throttle_global_session_weight=5
`)
  expect(config).toEqual({
    clientHost: '127.0.0.1',
    clientPort: 2181,
    listenBacklog: 77,
    tcpKeepAlive: true,
    dataDir: '/var/lib/zookeeper',
    dataLogDir: '/log',
    createDataDir: false,
    tickTimeMs: 100,
    minSessionTimeoutMs: 150,
    maxSessionTimeoutMs: 9000,
    fourLetterWhitelist: new Set(['srvr', 'ruok', 'mntr']),
    extendedTypes: true,
    enforceQuota: true,
    skipAcl: false,
    reconfigEnabled: true,
    digestAuth: false,
    superDigest: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
    containers: { intervalMs: 500, neverUsedMs: 300_000 },
    ensemble: null,
    fsyncWarningMs: 20,
    limits: {
      ...DEFAULT_LIMITS,
      requestFrameBytesMax: 4_194_304,
      handshakeTimeoutMs: 1234,
      outstandingMax: 321,
      connectionsPerAddressMax: 5,
      connectionsMax: 9,
      logSegmentBytes: 2048 * 1024,
      checkpointTxns: 5000,
      checkpointLogBytes: 2048 * 1024,
      containerDeletesPerMinuteMax: 60,
    },
    admin: {
      isEnabled: false,
      host: '::1',
      port: 9090,
      commandPath: '/zk/commands',
      idleTimeoutMs: 99,
      rateLimitIntervalMs: 0,
      isSnapshotEnabled: false,
      isRestoreEnabled: false,
      trustsForwardedFor: true,
      token: null,
      tokenFile: null,
    },
    metricsProvider: {
      kind: 'prometheus',
      host: '127.0.0.1',
      port: 7070,
      exportsProcessFigures: false,
    },
    audit: { isEnabled: true, file: '/var/log/zookeeper/audit.log' },
    logLevel: 'warn',
    tuning: {
      peers: {
        electionConnectMs: 4000,
        electionIntroductionMs: 4001,
        electionKeepAlive: true,
        electionBindTries: 0,
        notificationMsMin: 150,
        notificationMsMax: 3000,
        gatherMs: 7000,
        leaderConnectMs: 400,
        leaderConnectRetryMs: 50,
        observerDelayMs: 100,
        historyEntries: 600,
        snapshotSizeFactor: -1,
        snapSyncsMax: 2,
        diffSyncsMax: 3,
      },
      connectionThrottle: {
        tokensMax: 9,
        fillMs: 8,
        fillCount: 7,
        freezeMs: 6,
        dropIncrease: 0.5,
        dropDecrease: 0.4,
        decreaseRatio: 0.3,
        weights: { global: 5, local: 1, renewed: 2 },
      },
      isLeaderServing: false,
      isAclCheckedEarly: true,
      largeRequests: { thresholdBytes: 1000, bytesMax: 2000 },
    },
    warnings: {
      slowRequestMs: 250,
      watchesStalls: false,
      stallSleepMs: 100,
      stallInfoMs: 300,
      stallWarnMs: 3000,
      keepsEvents: false,
    },
  } satisfies Config)
})

test('the defaults of limits hold when a file says nothing about them', () => {
  expect(parse(BASE).limits).toEqual(DEFAULT_LIMITS)
})

describe('values', () => {
  test.each([
    ['tickTime=abc', 'tickTime', /whole number/],
    ['tickTime=', 'tickTime', /whole number/],
    ['tickTime=0', 'tickTime', /outside 1 to/],
    ['tickTime=2000 # ms', 'tickTime', /whole number/],
    ['tickTime=99999999999', 'tickTime', /outside/],
    ['tickTime=1e3', 'tickTime', /whole number/],
    ['maxClientCnxns=many', 'maxClientCnxns', /whole number/],
    ['syncEnabled=maybe', 'syncEnabled', /true or false/],
    ['extendedTypesEnabled=yes', 'extendedTypesEnabled', /true or false/],
    ['skipACL=true', 'skipACL', /yes or no/],
    ['forceSync=No', 'forceSync', /yes or no/],
    ['clientPort=70000', 'clientPort', /port/],
    ['admin.serverPort=http', 'admin.serverPort', /port/],
    ['snapshotSizeFactor=a third', 'snapshotSizeFactor', /number/],
    ['autopurge.purgeInterval=often', 'autopurge.purgeInterval', /hours/],
    ['jute.maxbuffer=10', 'jute.maxbuffer', /outside/],
    ['jute.maxbuffer=9999999999', 'jute.maxbuffer', /outside/],
    ['electionAlg=1', 'electionAlg', /algorithm 3/],
    [
      'DigestAuthenticationProvider.superDigest=secret',
      'DigestAuthenticationProvider.superDigest',
      /super:/,
    ],
    [
      'DigestAuthenticationProvider.superDigest=super:secret',
      'DigestAuthenticationProvider.superDigest',
      /digest of/,
    ],
    ['minSessionTimeout=70000', 'minSessionTimeout', /above the largest/],
    ['maxSessionTimeout=10', 'maxSessionTimeout', /above the largest/],
    ['zookeeper.maxCnxns=x', 'zookeeper.maxCnxns', /whole number/],
    ['connectionDropIncrease=1.5', 'connectionDropIncrease', /outside 0 to 1/],
    ['connectToLearnerMasterLimit=-1', 'connectToLearnerMasterLimit', /outside/],
    ['log.threshold=LOUD', 'log.threshold', /must be one of ALL/],
    ['admin.serverPort=-1', 'admin.serverPort', /outside 0 to 65535/],
    ['admin.commandURL=/', 'admin.commandURL', /path of its own/],
    ['metricsProvider.className=my.Metrics', 'metricsProvider.className', /must be one of/],
  ])('%s is refused with file, line, key and reason', (line, key, reason) => {
    const error = refusal(`${BASE}# comment\n${line}`)
    expect(error).toMatchObject({ file: 'conf/zoo.cfg', line: 4, key })
    expect(error.reason).toMatch(reason)
    expect(error.message).toBe(`conf/zoo.cfg:4: ${key}: ${error.reason}`)
  })

  test.each([
    ['jute.maxbuffer=0x200000', (config: Config) => config.limits.requestFrameBytesMax, 0x200000],
    ['maxClientCnxns=-1', (config: Config) => config.limits.connectionsPerAddressMax, 0],
    ['maxClientCnxns=0', (config: Config) => config.limits.connectionsPerAddressMax, 0],
    ['snapCount=0', (config: Config) => config.limits.checkpointTxns, 2],
    ['requestThrottleLimit=50', (config: Config) => config.limits.outstandingMax, 50],
    [
      'request_throttle_max_requests=50\nglobalOutstandingLimit=40',
      (config: Config) => config.limits.outstandingMax,
      40,
    ],
    ['log.threshold=debug', (config: Config) => config.logLevel, 'debug'],
    [
      'DigestAuthenticationProvider.superDigest=curator-test:zghsj3JfJqK7DbWf0RQ1BgbJH9w=',
      (config: Config) => config.superDigest,
      'curator-test:zghsj3JfJqK7DbWf0RQ1BgbJH9w=',
    ],
    ['cnxTimeout=0', (config: Config) => config.tuning.peers.electionConnectMs, null],
    ['preAllocSize=64', (config: Config) => config.limits.logSegmentBytes, 1024 * 1024],
    [
      'snapSizeLimitInKb=-1',
      (config: Config) => config.limits.checkpointLogBytes,
      256 * 1024 * 1024,
    ],
    ['clientPortAddress=0.0.0.0', (config: Config) => config.clientHost, ''],
    ['clientPortAddress=[::1]', (config: Config) => config.clientHost, '::1'],
  ] as const)('%s', (line, read, expected) => {
    expect(read(parse(`${BASE}${line}`))).toBe(expected)
  })

  test('the last of several counts, and that is said', () => {
    const { config, warnings } = parseZooCfg(`${BASE}clientPort=2182`, 'zoo.cfg')
    expect(config.clientPort).toBe(2182)
    expect(warnings).toEqual(['zoo.cfg:3: clientPort is given more than once; the last one counts'])
  })

  test('a bad escape is refused with its line', () => {
    expect(refusal(`${BASE}a=\\u00`)).toMatchObject({ line: 3, key: '' })
  })
})

describe('what must be there', () => {
  test('dataDir', () => {
    expect(refusal('clientPort=2181').message).toMatch(/^conf\/zoo\.cfg: dataDir: is missing/)
    expect(refusal('clientPort=2181\ndataDir=').message).toMatch(
      /^conf\/zoo\.cfg:2: dataDir: is missing/,
    )
  })

  test('clientPort', () => {
    expect(refusal('dataDir=/d').message).toMatch(/^conf\/zoo\.cfg: clientPort: is missing/)
    expect(refusal('dataDir=/d\nclientPortAddress=::1')).toMatchObject({
      line: 2,
      key: 'clientPortAddress',
    })
  })

  test('unless it is given beside the file', () => {
    const { config } = parseZooCfg('maxClientCnxns=3', 'zoo.cfg', {
      overrides: { clientHost: '::1', clientPort: 0, dataDir: '/d', tickTimeMs: 500 },
    })
    expect(config).toMatchObject({
      clientHost: '::1',
      clientPort: 0,
      dataDir: '/d',
      dataLogDir: '/d',
    })
    expect(config).toMatchObject({
      tickTimeMs: 500,
      minSessionTimeoutMs: 1000,
      maxSessionTimeoutMs: 10_000,
    })
    expect(config.limits.connectionsPerAddressMax).toBe(3)
  })
})

describe('warnings', () => {
  test('writing without syncing is not offered', () => {
    expect(warningsOf(`${BASE}forceSync=no`)).toEqual([
      'conf/zoo.cfg:3: forceSync=no: ignored: an answered write is always on disk here',
    ])
  })

  test('open doors are named', () => {
    expect(warningsOf(`${BASE}skipACL=yes`)).toEqual([
      expect.stringMatching(/ACLs are not checked/),
    ])
  })

  test('secrets are not repeated', () => {
    const warnings = warningsOf(`${BASE}ssl.keyStore.password=hunter2\nmySecret=hunter3`)
    expect(warnings.join()).not.toMatch(/hunter/)
    expect(warnings).toHaveLength(1)
  })
})

describe('the whitelist', () => {
  test.each([
    ['', DEFAULT_FOUR_LETTER_WORDS],
    ['4lw.commands.whitelist=*', 'all'],
    ['4lw.commands.whitelist=ruok, *', 'all'],
    ['4lw.commands.whitelist=', new Set(['srvr'])],
    ['zookeeper.4lw.commands.whitelist= ruok ,stat,', new Set(['srvr', 'ruok', 'stat'])],
  ] as const)('%j', (line, expected) => {
    expect(parse(`${BASE}${line}`).fourLetterWhitelist).toEqual(expected)
  })
})

test('no text does anything but parse or be refused', () => {
  const names = fc.constantFrom(
    ...KEYS.map((spec) => spec.key),
    'server.1',
    'group.1',
    'weight.1',
    'x',
    'zookeeper.x',
    '',
  )
  const line = fc.tuple(names, fc.constantFrom('=', ':', ' ', '\\\n'), fc.string())
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(line).map((lines) => BASE + lines.map((parts) => parts.join('')).join('\n')),
  )
  fc.assert(
    fc.property(text, (input) => {
      try {
        parseZooCfg(input, 'zoo.cfg', {
          beside: { myid: 1, dynamicConfig: { file: 'd', text: input } },
        })
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError)
      }
    }),
    { numRuns: 2000 },
  )
})
