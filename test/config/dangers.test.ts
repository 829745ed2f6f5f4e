import { describe, expect, test } from 'vitest'
import {
  type FolderFacts,
  fileSystemOf,
  findDangers,
  parseZooCfg,
  type SystemFacts,
} from '../../src/config/index.ts'

const GOOD: FolderFacts = {
  kind: 'folder',
  isWritable: true,
  fileSystem: 'ext4',
  freeBytes: 100 * 2 ** 30,
}
const FACTS: SystemFacts = { dataDir: GOOD, dataLogDir: GOOD, nowMs: Date.UTC(2026, 0, 1) }

const BASE = 'clientPort=2181\ndataDir=/var/lib/zookeeper\ntickTime=2000\n'
const THREE =
  'initLimit=10\nsyncLimit=5\nserver.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n'

function dangersOf(text: string, facts: SystemFacts = FACTS): string[] {
  const { config } = parseZooCfg(BASE + text, 'zoo.cfg', { beside: { myid: 1 } })
  return findDangers(config, facts).map(({ level, key, text: what }) => `${level} ${key}: ${what}`)
}

test('an ordinary ensemble has none', () => {
  expect(dangersOf(THREE)).toEqual([])
})

test('a single server is named as such', () => {
  expect(dangersOf('')).toEqual([expect.stringMatching(/^warning server\.N: .* stands alone/)])
})

test.each([
  ['tickTime=100\ninitLimit=100\nsyncLimit=50', 'warning tickTime: 100 ms is short'],
  ['tickTime=20000', 'warning tickTime: 20000 ms is long'],
  ['minSessionTimeout=3000', 'warning minSessionTimeout: 3000 ms is less than 2 ticks (4000 ms)'],
  ['maxSessionTimeout=3600000', 'warning maxSessionTimeout: 3600000 ms: locks'],
  ['initLimit=2\nsyncLimit=2', 'warning initLimit: 2 ticks are 4000 ms'],
  ['tickTime=500\nsyncLimit=3', 'warning syncLimit: 3 ticks are 1500 ms'],
  ['syncLimit=11', 'warning syncLimit: it is longer than initLimit (10)'],
  ['server.4=localhost:2888:3888\nserver.5=d:1:2', 'warning server.N: localhost means another'],
  ['localSessionsUpgradingEnabled=true', 'warning localSessionsUpgradingEnabled: without effect'],
  ['dataDir=data', 'warning dataDir: data is another folder in each working folder'],
  ['dataDir=/tmp/zookeeper', 'warning dataDir: /tmp/zookeeper is a folder for temporary files'],
  ['4lw.commands.whitelist=*', 'warning 4lw.commands.whitelist: * lets everybody'],
  ['admin.serverAddress=0.0.0.0', 'warning admin.serverAddress: the admin server is open to all'],
  [
    'DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
    'warning DigestAuthenticationProvider.superDigest: it is the one of the documentation',
  ],
  ['admin.serverPort=2181', 'error admin.serverPort: 2181 is clientPort already'],
  ['observerMasterPort=3888', 'error observerMasterPort: 3888 is the election port of server.1'],
  [
    'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n' +
      'metricsProvider.httpPort=8080',
    'error metricsProvider.httpPort: 8080 is admin.serverPort already',
  ],
  ['jute.maxbuffer=67108864', 'warning jute.maxbuffer: 67108864 bytes for one request'],
  ['jute.maxbuffer=4096', 'warning jute.maxbuffer: 4096 bytes is less than clients expect'],
  ['snapCount=10', 'warning snapCount: a checkpoint after 10 transactions'],
  ['maxClientCnxns=1', 'warning maxClientCnxns: 1: a client that connects anew'],
])('%s: %s', (lines, danger) => {
  expect(dangersOf(THREE + lines)).toEqual([expect.stringContaining(danger)])
})

test.each([
  ['4lw.commands.whitelist=*\nclientPortAddress=127.0.0.1'],
  ['admin.serverAddress=0.0.0.0\nadmin.enableServer=false'],
  ['admin.serverPort=2181\nadmin.enableServer=false'],
])('%j is none', (lines) => {
  expect(dangersOf(THREE + lines)).toEqual([])
})

describe('the machine', () => {
  test.each<[string, Partial<FolderFacts>, string[]]>([
    ['a file', { kind: 'file' }, ['error dataDir: /var/lib/zookeeper is a file']],
    [
      'not writable',
      { isWritable: false },
      ['error dataDir: /var/lib/zookeeper cannot be written'],
    ],
    [
      'missing below a folder of somebody else',
      { kind: 'missing', isWritable: false },
      ['error dataDir: /var/lib/zookeeper does not exist and cannot be made'],
    ],
    ['missing', { kind: 'missing' }, []],
    [
      'in memory',
      { fileSystem: 'tmpfs' },
      ['warning dataDir: /var/lib/zookeeper is in memory (tmpfs)'],
    ],
    [
      'on a network',
      { fileSystem: 'nfs4' },
      ['warning dataDir: /var/lib/zookeeper is on a network'],
    ],
    ['full', { freeBytes: 2 ** 20 }, ['error dataDir: /var/lib/zookeeper has 1 MiB free: writes']],
    [
      'nearly full',
      { freeBytes: 2 ** 28 },
      ['warning dataDir: /var/lib/zookeeper has 256 MiB free'],
    ],
    ['of an unknown kind', { fileSystem: null, freeBytes: null }, []],
  ])('a data folder that is %s', (_, change, dangers) => {
    const facts = { ...FACTS, dataDir: { ...GOOD, ...change } }
    expect(dangersOf(THREE, facts)).toEqual(dangers.map((text) => expect.stringContaining(text)))
  })

  test('a missing folder that must not be made', () => {
    const facts: SystemFacts = { ...FACTS, dataDir: { ...GOOD, kind: 'missing' } }
    expect(dangersOf(`${THREE}datadir.autocreate=false`, facts)).toEqual([
      expect.stringMatching(/^error dataDir: .* datadir\.autocreate=false forbids/),
    ])
  })

  test('a folder for the log of its own', () => {
    const facts: SystemFacts = { ...FACTS, dataLogDir: { ...GOOD, fileSystem: 'tmpfs' } }
    expect(dangersOf(`${THREE}dataLogDir=/log`, facts)).toEqual([
      expect.stringMatching(/^warning dataLogDir: \/log is in memory/),
    ])
  })

  test('a clock that was never set', () => {
    expect(dangersOf(THREE, { ...FACTS, nowMs: 5000 })).toEqual([
      expect.stringMatching(/^warning clock: /),
    ])
  })
})

const MOUNTS = `/dev/vda1 / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
/dev/sdb /srv/my\\040disk xfs rw 0 0
tmpfs /srv tmpfs rw 0 0
nfs:/x /srv nfs4 rw 0 0
`

test.each([
  ['/var/lib', 'ext4'],
  ['/run', 'tmpfs'],
  ['/run/x', 'tmpfs'],
  ['/runner', 'ext4'],
  ['/srv/my disk/data', 'xfs'],
  ['/srv/data', 'nfs4'],
])('%s is on %s', (path, kind) => {
  expect(fileSystemOf(path, MOUNTS)).toBe(kind)
  expect(fileSystemOf(path, '')).toBeNull()
})
