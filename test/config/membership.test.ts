import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Config, FilesBeside } from '../../src/config/index.ts'
import {
  ConfigError,
  ensembleText,
  filesBesideZooCfg,
  type MemberConfig,
  parseMyid,
  parseZooCfg,
} from '../../src/config/index.ts'

const BASE = 'clientPort=2181\ndataDir=/var/lib/zookeeper\n'
const LIMITS = 'initLimit=10\nsyncLimit=5\n'
const THREE = 'server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n'

interface Parsed {
  readonly config: Config
  readonly warnings: readonly string[]
}

function parse(text: string, beside: FilesBeside = { myid: 1 }): Parsed {
  return parseZooCfg(text, 'conf/zoo.cfg', { beside })
}

function refusal(text: string, beside: FilesBeside = { myid: 1 }): ConfigError {
  try {
    parse(text, beside)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}

function member(id: number, host: string, changes: Partial<MemberConfig> = {}): MemberConfig {
  return {
    id,
    host,
    quorumPort: 2888,
    electionPort: 3888,
    moreAddresses: [],
    role: 'participant',
    client: null,
    ...changes,
  }
}

describe('a server that stands alone', () => {
  test('may have one line, and a word is said about it', () => {
    const { config, warnings } = parse(
      'dataDir=/d\ninitLimit=5\nsyncLimit=2\nserver.1=localhost:2888:3888;2190',
      {},
    )
    expect(config).toMatchObject({ clientPort: 2190, clientHost: '', ensemble: null })
    expect(warnings).toEqual([
      expect.stringMatching(/^conf\/zoo\.cfg:4: server\.1=.*runs standalone$/),
    ])
  })

  test.each([
    ['[::1]:2888:3888:PARTICIPANT;[::1]:2190', '::1', 2190],
    ['h:2888:3888;127.0.0.1:2190', '127.0.0.1', 2190],
    ['h:2888:3888;0.0.0.0:2190', '', 2190],
    ['h:2888:3888;127.0.0.1:2190\nclientPort=2190\nclientPortAddress=0.0.0.0', '127.0.0.1', 2190],
  ])('takes its client address from %s', (line, clientHost, clientPort) => {
    expect(parse(`dataDir=/d\nserver.1=${line}`, {}).config).toMatchObject({
      clientHost,
      clientPort,
    })
  })
})

describe('an ensemble', () => {
  test('is made of what the lines say', () => {
    const { config, warnings } = parse(
      `${LIMITS}dataDir=/d
server.3=[fe80::1%eth0]:2888:3888:Observer;[::1]:2183
server.1=zk1.example.org:2888:3888;2181
server.2=10.0.0.2:2888:3888:participant;10.0.0.2:2182
server.200=zk200:2887:3887
quorumListenOnAllIPs=true
peerType=participant
electionAlg=3
`,
      { myid: 2 },
    )
    expect(warnings).toEqual([])
    expect(config).toMatchObject({ clientHost: '10.0.0.2', clientPort: 2182 })
    expect(config.ensemble).toEqual({
      self: 2,
      members: [
        member(1, 'zk1.example.org', { client: { host: '', port: 2181 } }),
        member(2, '10.0.0.2', { client: { host: '10.0.0.2', port: 2182 } }),
        member(3, 'fe80::1%eth0', { role: 'observer', client: { host: '::1', port: 2183 } }),
        member(200, 'zk200', { quorumPort: 2887, electionPort: 3887 }),
      ],
      groups: [],
      weights: new Map(),
      initLimit: 10,
      syncLimit: 5,
      listensOnAllAddresses: true,
      isReadOnlyModeEnabled: false,
      localSessions: { isEnabled: false, isUpgrading: false },
      multiAddress: { isEnabled: false, waitMs: 1000 },
      observerMaster: { port: 0, windowBytesMax: 33_554_432 },
    })
  })

  test('has servers with several addresses if that is enabled', () => {
    const text = `${BASE}${LIMITS}zookeeper.multiAddress.enabled=true\n${THREE}`
    const own = 'server.4=d:1:2|[::1]:3:4:observer|c:5:6;2181\n'
    const { ensemble } = parse(`${text}${own}`, { myid: 4 }).config
    expect(ensemble).toMatchObject({ multiAddress: { isEnabled: true, waitMs: 1000 } })
    expect(ensemble!.members[3]).toEqual({
      id: 4,
      host: 'd',
      quorumPort: 1,
      electionPort: 2,
      moreAddresses: [
        { host: '::1', quorumPort: 3, electionPort: 4 },
        { host: 'c', quorumPort: 5, electionPort: 6 },
      ],
      role: 'observer',
      client: { host: '', port: 2181 },
    })
    expect(ensembleText(ensemble!, 0n)).toContain(
      'server.4=[::1]:3:4|c:5:6|d:1:2:observer;0.0.0.0:2181\n',
    )
    const patient = `${text}${own}multiAddress.reachabilityCheckEnabled=false\n`
    expect(parse(patient).config.ensemble).toMatchObject({ multiAddress: { waitMs: null } })
    const shared = `${text}server.4=d:1:2|a:3888:5\n`
    expect(refusal(shared).message).toMatch(/a port 3888 is also the address of server\.1/)
  })

  test('of one is asked for with standaloneEnabled=false', () => {
    const text = `${BASE}${LIMITS}standaloneEnabled=false\nserver.1=a:2888:3888\n`
    const { config, warnings } = parse(text)
    expect(config.ensemble).toMatchObject({ self: 1, members: [member(1, 'a')] })
    expect(warnings).toEqual([
      'conf/zoo.cfg: 1 participant: no server failure will be tolerated, you need at least 3 servers',
    ])
    expect(parse(`${text}server.2=b:1:2:observer`, { myid: 2 }).config.ensemble).toMatchObject({
      self: 2,
    })
  })

  test.each([
    ['server.1=h', /must be host/],
    ['server.1=h:2888', /must be host/],
    ['server.1=h:2888:3888:boss', /must be host/],
    ['server.1=:2888:3888', /must be host/],
    ['server.1=h:0:3888', /must be host/],
    ['server.1=::1:2888:3888', /must be host/],
    ['server.1=h:2888:3888;x', /must be host/],
    ['server.1=h h:2888:3888', /must be host/],
    ['server.1=h\\nserver.9=x:2888:3888', /must be host/],
    ['server.1=h:2888:3888;a,b:2181', /must be host/],
    [`server.1=${'h'.repeat(256)}:2888:3888`, /must be host/],
    ['server.1=h:2888:2888', /must differ/],
    ['server.1=h:2888:3888;2181;2182', /no TLS/],
    ['server.1=a:1:2|b:1:2', /multiAddress\.enabled/],
    ['server.1=a:1:2:observer|b:1:2:participant', /same role/],
    ['server.1=a:1:2|', /must be host/],
    ['server.1=a:1:2|b:3:3', /must differ/],
    ['server.x=h:1:2', /server number/],
    ['server.256=h:1:2', /server number/],
    ['server.=h:1:2', null],
  ])('does not have the line %s', (line, reason) => {
    if (reason === null) expect(parse(`${BASE}${line}`).config.ensemble).toBeNull()
    else
      expect(refusal(`${BASE}${line}`)).toMatchObject({
        line: 3,
        reason: expect.stringMatching(reason),
      })
  })

  test.each([
    ['server.1=h:2888:3888:observer', 'server.1', 3, /observers cannot elect a leader/],
    ['server.1=h:1:2:observer\nserver.2=g:1:2:observer', 'server.1', 3, /at least one/],
    ['server.1=h:1:2\nserver.2=g:1:2:observer', 'server.2', 4, /needs an ensemble/],
    ['standaloneEnabled=false', 'standaloneEnabled', 3, /no server\.N line/],
    [`${THREE}server.2=d:2888:3888`, 'server.2', 6, /is given twice/],
    [`${THREE}server.02=d:2888:3888`, 'server.02', 6, /the same number as server\.2/],
    [`${THREE}server.4=C:2999:2888`, 'server.4', 6, /c port 2888 is also.*server\.3/],
    [`${THREE}server.4=a:3888:4888`, 'server.4', 6, /a port 3888 is also.*server\.1/],
    [`${THREE}peerType=boss`, 'peerType', 6, /participant or observer/],
    [`${THREE}electionAlg=0`, 'electionAlg', 6, /algorithm 3/],
    [`${THREE}syncLimit=2`, 'initLimit', null, /is missing.*initLimit=10/],
    [`${THREE}initLimit=0\nsyncLimit=2`, 'initLimit', 6, /is missing/],
    [`${THREE}initLimit=2`, 'syncLimit', null, /is missing.*syncLimit=5/],
    [`${THREE}initLimit=2\nsyncLimit=-1`, 'syncLimit', 7, /outside/],
    [`${THREE}initLimit=2000000\nsyncLimit=5`, 'initLimit', 6, /longer than 24 days/],
    [
      `${THREE}${LIMITS}extendedTypesEnabled=true\nserver.255=d:1:2`,
      'extendedTypesEnabled',
      8,
      /254/,
    ],
    [`${THREE}${LIMITS}dynamicConfigFile=other`, 'server.1', 3, /belongs into other.*line 8/],
    ['weight.1=1\ndynamicConfigFile=other', 'weight.1', 3, /belongs into other/],
    ['dynamicConfigFile=other', 'dynamicConfigFile', 3, /in other, which was not read/],
  ] as const)('is not what %j makes', (lines, key, line, reason) => {
    expect(refusal(`${BASE}${lines}`)).toMatchObject({
      file: 'conf/zoo.cfg',
      key,
      line,
      reason: expect.stringMatching(reason),
    })
  })

  test('needs to know which of its servers this one is', () => {
    const text = `${BASE}${LIMITS}${THREE}`
    for (const beside of [{}, { myid: null }]) {
      const missing = refusal(text, beside)
      expect(missing).toMatchObject({ key: 'myid', line: null })
      expect(missing.reason).toMatch(/file \/var\/lib\/zookeeper\/myid.*which one of 1, 2, 3/)
    }
    expect(refusal(text, { myid: 9 }).reason).toMatch(
      /number is 9, but the listed servers are 1, 2, 3: .*add a line server\.9/,
    )
  })

  test.each([
    ['clientPort=2888', 'clientPort', /2888 is a port of server\.1/],
    ['clientPort=3888\nclientPortAddress=a', 'clientPort', /3888 is a port of server\.1/],
    ['clientPort=3888\nclientPortAddress=z\nquorumListenOnAllIPs=true', 'clientPort', /3888 is/],
    ['clientPort=2999', 'clientPort', /disagrees/],
  ])('does not take %j for clients', (lines, key, reason) => {
    const servers = lines.includes('2999') ? THREE.replace('3888', '3888;2181') : THREE
    const error = refusal(`dataDir=/d\n${LIMITS}${servers}${lines}`)
    expect(error).toMatchObject({ key, line: 7, reason: expect.stringMatching(reason) })
  })

  test('may use a port of its ensemble on another address for clients', () => {
    const text = `dataDir=/d\n${LIMITS}${THREE}clientPort=2888\nclientPortAddress=z`
    expect(parse(text).config).toMatchObject({ clientHost: 'z', clientPort: 2888 })
  })

  test.each([
    ['server.1=a:1:2\nserver.2=b:1:2', /2 participants: no server failure will be tolerated/],
    [`${THREE}server.4=d:1:2`, /4 participants: .*consider an odd number/],
    [`${THREE}peerType=observer`, /peerType=observer: ignored: .*server\.1.* a participant$/],
    ['server.1=0.0.0.0:1:2\nserver.2=b:1:2\nserver.3=c:1:2', /server\.1=.*cannot reach 0\.0\.0\.0/],
    [`${THREE}reconfigEnabled=true`, /reconfigEnabled=true: changing an ensemble/],
    [`${THREE}portUnification=true`, /keys without effect: not supported yet: portUnification/],
  ])('starts with a warning: %j', (lines, warning) => {
    const { warnings } = parse(`${BASE}${LIMITS}${lines}`)
    expect(warnings).toEqual([expect.stringMatching(warning)])
  })

  test('says nothing about 3 participants, whatever the number of observers', () => {
    const text = `${BASE}${LIMITS}${THREE}server.4=d:1:2:observer\npeerType=OBSERVER`
    expect(parse(text, { myid: 4 }).warnings).toEqual([])
  })
})

describe('groups and weights', () => {
  const NINE = Array.from({ length: 9 }, (_, i) => `server.${i + 1}=h${i + 1}:1:2\n`).join('')
  const GROUPS = 'group.1=1:2:3\ngroup.2=4:5:6\ngroup.7=7: 8 :9\n'

  test('reach the configuration', () => {
    const { config, warnings } = parse(
      `${BASE}${LIMITS}${NINE}${GROUPS}weight.1=1\nweight.2=3\nweight.9=0`,
    )
    expect(warnings).toEqual([])
    expect(config.ensemble?.groups).toEqual([
      { id: 1, members: [1, 2, 3] },
      { id: 2, members: [4, 5, 6] },
      { id: 7, members: [7, 8, 9] },
    ])
    expect(config.ensemble?.weights).toEqual(
      new Map([
        [2, 3],
        [9, 0],
      ]),
    )
  })

  test.each([
    ['group.1=1:2\ngroup.2=4:5:6\ngroup.7=7:8:9', 'group.1', 14, /server 3 is in none/],
    ['weight.1=2', 'weight.1', 14, /server 1 is in none/],
    [`${GROUPS}group.8=9`, 'group.8', 17, /server 9 is in group\.7 already/],
    ['group.1=1:2:3:1', 'group.1', 14, /server 1 is in group\.1 already/],
    [`${GROUPS}group.8=10`, 'group.8', 17, /no line server\.10/],
    [`${GROUPS}weight.10=1`, 'weight.10', 17, /no line server\.10/],
    [`${GROUPS}weight.1=-1`, 'weight.1', 17, /a weight from 0/],
    [`${GROUPS}weight.x=1`, 'weight.x', 17, /a server number after the dot/],
    [`${GROUPS}group.x=1`, 'group.x', 17, /a group number after the dot/],
    ['group.1=1,2,3', 'group.1', 14, /server numbers with colons/],
    ['group.1=', 'group.1', 14, /server numbers with colons/],
    ['group.1=1\ngroup.01=2', 'group.01', 15, /listed twice/],
    ['group.1=1\ngroup.1=2', 'group.1', 15, /given twice/],
    [
      `${GROUPS}${Array.from({ length: 9 }, (_, i) => `weight.${i + 1}=0\n`).join('')}`,
      'group.1',
      14,
      /nobody could ever decide/,
    ],
  ] as const)('cannot be %j', (lines, key, line, reason) => {
    expect(refusal(`${BASE}${LIMITS}${NINE}${lines}`)).toMatchObject({
      key,
      line,
      reason: expect.stringMatching(reason),
    })
  })

  test('leave observers out', () => {
    const text = `${BASE}${LIMITS}${NINE}server.10=h10:1:2:observer\n${GROUPS}`
    expect(refusal(`${text}group.8=10`).reason).toMatch(/server 10 is an observer/)
    const { config, warnings } = parse(`${text}weight.10=5`)
    expect(config.ensemble?.weights).toEqual(new Map())
    expect(warnings).toEqual([expect.stringMatching(/weight\.10=5: ignored: server 10/)])
  })

  test('without servers say nothing', () => {
    expect(parse(`${BASE}group.1=1:2\nweight.3=x0`.replace('x0', '0'), {}).warnings).toEqual([])
  })
})

describe('a dynamic configuration file', () => {
  const STATIC = `${BASE}${LIMITS}dynamicConfigFile=conf/zoo.cfg.dynamic.100000000\n`
  const dynamic = (text: string): FilesBeside => ({
    myid: 2,
    dynamicConfig: { file: 'conf/zoo.cfg.dynamic.100000000', text },
  })

  test('lists the servers instead of zoo.cfg', () => {
    const elsewhere = parse(STATIC, dynamic(`${THREE}group.1=1:2:3\nweight.3=0`))
    const inside = parse(`${BASE}${LIMITS}${THREE}group.1=1:2:3\nweight.3=0`, { myid: 2 })
    expect(elsewhere).toEqual(inside)
  })

  test('may list a server that stands alone', () => {
    const { config } = parse(`dataDir=/d\ndynamicConfigFile=x`, {
      dynamicConfig: { file: 'x', text: 'server.1=h:1:2;2190' },
    })
    expect(config).toMatchObject({ clientPort: 2190, ensemble: null })
  })

  test.each([
    ['version=100000000', 'version', 4, /end of its name/],
    ['dataDir=/d', 'dataDir', 4, /belongs into the zoo\.cfg/],
    ['myOwnKey=1', 'myOwnKey', 4, /no key of a dynamic/],
    ['weight.1=heavy', 'weight.1', 4, /whole number/],
    ['server.4=h', 'server.4', 4, /must be host/],
  ] as const)('cannot have the line %s', (line, key, number, reason) => {
    expect(refusal(STATIC, dynamic(`${THREE}${line}`))).toMatchObject({
      file: 'conf/zoo.cfg.dynamic.100000000',
      key,
      line: number,
      reason: expect.stringMatching(reason),
    })
  })
})

describe('files beside zoo.cfg', () => {
  test.each([
    [BASE, null, null],
    [`${BASE}${LIMITS}`, null, null],
    [`${BASE}${THREE}`, '/var/lib/zookeeper/myid', null],
    [`${BASE}dynamicConfigFile=zoo.dynamic`, '/var/lib/zookeeper/myid', 'zoo.dynamic'],
  ])('%j', (text, myid, dynamicConfig) => {
    expect(filesBesideZooCfg(text, 'zoo.cfg')).toEqual({ myid, dynamicConfig })
  })

  test('the folder on the command line wins', () => {
    const needed = filesBesideZooCfg(`${BASE}${THREE}`, 'zoo.cfg', {
      overrides: { dataDir: 'elsewhere' },
    })
    expect(needed.myid).toBe('elsewhere/myid')
  })

  test.each([
    ['1', 1],
    ['0', 0],
    ['255\n', 255],
    [' 17 \r\nanything', 17],
  ])('myid may be %j', (text, id) => {
    expect(parseMyid(text, 'data/myid')).toBe(id)
  })

  test.each(['', '\n1', '-1', '256', '1.5', 'one', '0x1', '1 2'])('myid must not be %j', (text) => {
    expect(() => parseMyid(text, 'data/myid')).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^data\/myid:1: '.*' is no server number from 0 to 255/),
      }),
    )
  })
})

test('whatever is accepted can elect a leader, and this server is part of it', () => {
  const host = fc.constantFrom('', '', '', '', '', '', 'h', '[::1]')
  const server = fc
    .tuple(host, fc.constantFrom('', '', ':observer', ';2181'), fc.constantFrom(-1, 0, 1, 2, 3))
    .map(([name, rest, group]) => ({ name, rest, group }))
  const weight = fc
    .tuple(fc.nat({ max: 4 }), fc.constantFrom(-1, 0, 0, 0, 2))
    .map(([id, heaviness]) => `weight.${id}=${heaviness}`)
  const lines = fc
    .tuple(
      fc.array(server, { maxLength: 5 }),
      fc.boolean(),
      fc.oneof(fc.constant([]), fc.array(weight, { maxLength: 3 })),
    )
    .map(([servers, areGrouped, weights]) => {
      const groups = new Map<number, number[]>()
      servers.forEach(({ rest, group }, id) => {
        if (!areGrouped || group < 0 || (rest === ':observer' && group < 3)) return
        groups.set(group, [...(groups.get(group) ?? []), id])
      })
      return [
        ...servers.map(({ name, rest }, id) => `server.${id}=${name || `h${id}`}:1:2${rest}`),
        ...[...groups].map(([id, members]) => `group.${id}=${members.join(':')}`),
        ...weights,
      ]
    })
  let plain = 0
  let grouped = 0
  fc.assert(
    fc.property(lines, fc.nat({ max: 3 }), fc.boolean(), (parts, myid, isAloneAllowed) => {
      const text = `${BASE}${LIMITS}standaloneEnabled=${isAloneAllowed}\n${parts.join('\n')}`
      let ensemble: Config['ensemble']
      try {
        ensemble = parse(text, { myid }).config.ensemble
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError)
        return
      }
      if (ensemble === null) return
      const voters = ensemble.members.filter(({ role }) => role === 'participant')
      expect(voters.length).toBeGreaterThan(0)
      expect(ensemble.members.map((listed) => listed.id)).toContain(ensemble.self)
      if (ensemble.groups.length === 0) {
        plain += 1
        return
      }
      grouped += 1
      const { weights } = ensemble
      const inGroups = ensemble.groups.flatMap(({ members }) => members)
      expect(inGroups.toSorted()).toEqual(voters.map((voter) => voter.id))
      expect(inGroups.some((voter) => weights.get(voter) !== 0)).toBe(true)
    }),
    { numRuns: 3000 },
  )
  expect(plain).toBeGreaterThan(100)
  expect(grouped).toBeGreaterThan(20)
})
