import { describe, expect, test } from 'vitest'
import {
  builtInZooCfg,
  type ConfigError,
  defaultConfig,
  inspectZooCfg,
  type PropertySource,
  parseZooCfg,
  propertiesOfCommandLine,
  propertiesOfVariable,
  readImageEnvironment,
} from '../../src/config/index.ts'

const BASE = 'clientPort=2181\ndataDir=/d\n'

function parse(text: string, ...properties: PropertySource[]): ReturnType<typeof parseZooCfg> {
  return parseZooCfg(text, 'zoo.cfg', { properties })
}

describe('which of two values counts', () => {
  const flags = propertiesOfCommandLine(['zookeeper.snapCount=5000'])
  const variable = propertiesOfVariable('JVMFLAGS', '-Xmx1g -Dzookeeper.snapCount=7000')

  test('a flag where the file says nothing', () => {
    const { config, notes } = parse(BASE, flags)
    expect(config.limits.checkpointTxns).toBe(5000)
    expect(notes).toEqual([
      'command line: zookeeper.snapCount: counts, as the file does not say otherwise',
    ])
  })

  test('the file, as upstream, and that is said', () => {
    const { config, notes, warnings } = parse(`${BASE}snapCount=6000`, flags)
    expect(config.limits.checkpointTxns).toBe(6000)
    expect(notes).toEqual([
      'command line: zookeeper.snapCount: without effect: zoo.cfg:3 says otherwise, and counts',
    ])
    expect(warnings).toEqual([])
  })

  test('the stronger of two flags', () => {
    const { config, notes } = parse(BASE, variable, flags)
    expect(config.limits.checkpointTxns).toBe(5000)
    expect(notes[0]).toBe(
      'JVMFLAGS: zookeeper.snapCount: without effect: command line says otherwise, and counts',
    )
  })

  test('a flag over what there is without a file', () => {
    const given = propertiesOfCommandLine(['zookeeper.dataDir=/elsewhere', 'tickTime=500'])
    const { config } = parseZooCfg(builtInZooCfg([given]), 'built-in defaults', {
      properties: [given],
    })
    expect(config).toMatchObject({ dataDir: '/elsewhere', tickTimeMs: 500, clientPort: 2181 })
    expect(parseZooCfg(builtInZooCfg([]), 'built-in defaults').config).toEqual(defaultConfig())
  })

  test('a wrong value is refused with its place', () => {
    expect(() => parse(BASE, propertiesOfVariable('JVMFLAGS', '-Dzookeeper.maxCnxns=x'))).toThrow(
      "JVMFLAGS: zookeeper.maxCnxns: 'x' must be a whole number",
    )
  })
})

test.each([
  ['zookeeper.snapCount=9', 'counts as snapCount; Apache ZooKeeper has it without effect'],
  ['jute.maxbuffer=4194304', 'counts here; Apache ZooKeeper reads it from -D flags only'],
])('a note says when upstream would not look there: %s', (line, note) => {
  expect(parse(BASE + line).notes).toEqual([expect.stringContaining(note)])
})

test('a flag that upstream reads from its file only counts, with a note', () => {
  const { config, notes } = parse(BASE, propertiesOfCommandLine(['zookeeper.tickTime=100']))
  expect(config.tickTimeMs).toBe(100)
  expect(notes).toEqual([expect.stringMatching(/tickTime: counts here; .* its file only$/)])
})

describe('variables of Java', () => {
  test('what is for a server is taken, what is for others is not', () => {
    const text =
      '-Xmx1g  -Dcom.sun.management.jmxremote -Djute.maxbuffer=4194304 -Dlog.dir=/kafka ' +
      '-Dzookeeper.clientCnxnSocket=x -Dzookeeper.server.realm=EXAMPLE.ORG ' +
      '-Dzookeeper.server.1=a:1:2 -Dzookeeper.extendedTypesEnabled=true'
    expect(propertiesOfVariable('JVMFLAGS', text).properties).toEqual([
      { key: 'jute.maxbuffer', value: '4194304' },
      { key: 'zookeeper.extendedTypesEnabled', value: 'true' },
    ])
  })

  test('a list of servers is no flag', () => {
    expect(() => propertiesOfCommandLine(['server.1=a:1:2'])).toThrow(
      'command line: -Dserver.1: the list of servers must be in the file: write it there without -D',
    )
    expect(propertiesOfCommandLine(['zookeeper.server.realm=X']).properties).toEqual([])
  })

  test('values may contain what they like', () => {
    const { properties } = propertiesOfCommandLine(['zookeeper.a=b=c', 'zookeeper.d'])
    expect(properties).toEqual([
      { key: 'zookeeper.a', value: 'b=c' },
      { key: 'zookeeper.d', value: '' },
    ])
    expect(parse(BASE, propertiesOfCommandLine(['zookeeper.mySecret=hunter2'])).warnings).toEqual([
      'zoo.cfg: keys without effect: unknown: zookeeper.mySecret',
    ])
  })
})

describe("the variables of the official image's container", () => {
  test('none of them', () => {
    const image = readImageEnvironment(new Map())
    expect(image).toMatchObject({ confDir: '/conf', dataDir: '/data', myid: '1\n' })
    const { config, warnings } = parse(image.zooCfg)
    expect(config).toMatchObject({ ensemble: null, clientPort: 2181, dataLogDir: '/datalog' })
    expect(warnings).toEqual([
      'zoo.cfg:11: server.1=localhost:2888:3888;2181: only one server is listed, so it runs standalone',
    ])
  })

  test('those of an ensemble', () => {
    const image = readImageEnvironment(
      new Map([
        ['ZOO_MY_ID', '2'],
        [
          'ZOO_SERVERS',
          'server.1=z1:2888:3888;2181 server.2=z2:2888:3888;2181 server.3=z3:2888:3888;2181',
        ],
        ['ZOO_TICK_TIME', '1000'],
        ['ZOO_INIT_LIMIT', ''],
        ['ZOO_STANDALONE_ENABLED', 'false'],
        ['ZOO_ADMINSERVER_ENABLED', 'false'],
        ['ZOO_4LW_COMMANDS_WHITELIST', 'srvr, mntr'],
        ['ZOO_CFG_EXTRA', 'snapCount=5000  enforceQuota=true'],
      ]),
    )
    expect(image.myid).toBe('2\n')
    expect(image.zooCfg).toBe(`dataDir=/data
dataLogDir=/datalog
tickTime=1000
initLimit=5
syncLimit=2
autopurge.snapRetainCount=3
autopurge.purgeInterval=0
maxClientCnxns=60
standaloneEnabled=false
admin.enableServer=false
server.1=z1:2888:3888;2181
server.2=z2:2888:3888;2181
server.3=z3:2888:3888;2181
4lw.commands.whitelist=srvr, mntr
snapCount=5000
enforceQuota=true
`)
    const { config } = parseZooCfg(image.zooCfg, 'zoo.cfg', { beside: { myid: 2 } })
    expect(config).toMatchObject({ enforceQuota: true, clientPort: 2181 })
    expect(config.ensemble?.members).toHaveLength(3)
  })
})

test('all faults are found, not only the first', () => {
  const text =
    'clientPort=2181\nsslQuorum=true\nminSessionTimeout=9\nmaxSessionTimeout=3\njute.maxbuffer=1'
  const { config, faults } = inspectZooCfg(text, 'zoo.cfg')
  expect(config).toBeNull()
  expect(faults.map(({ key }: ConfigError) => key).sort()).toEqual([
    'dataDir',
    'jute.maxbuffer',
    'minSessionTimeout',
    'sslQuorum',
  ])
})
