import { expect, test } from 'vitest'
import { ensembleText, type MemberConfig, parseZooCfg } from '../../src/config/index.ts'

const MEMBERS: readonly MemberConfig[] = [
  {
    id: 4,
    host: '127.0.0.1',
    quorumPort: 23386,
    electionPort: 23387,
    moreAddresses: [],
    role: 'observer',
    client: { host: '127.0.0.1', port: 23373 },
  },
  {
    id: 1,
    host: '127.0.0.1',
    quorumPort: 23380,
    electionPort: 23381,
    moreAddresses: [],
    role: 'participant',
    client: { host: '', port: 23370 },
  },
  {
    id: 12,
    host: 'fe80::1',
    quorumPort: 2888,
    electionPort: 3888,
    moreAddresses: [],
    role: 'participant',
    client: null,
  },
]

/** As Apache ZooKeeper 3.9.3 wrote it for a configuration of this shape. */
test('shows every server with every default, and the version without a line end', () => {
  const membership = { members: MEMBERS, groups: [], weights: new Map() }
  expect(
    ensembleText(membership, 0x1_0000_0000n),
  ).toBe(`server.1=127.0.0.1:23380:23381:participant;0.0.0.0:23370
server.4=127.0.0.1:23386:23387:observer;127.0.0.1:23373
server.12=[fe80::1]:2888:3888:participant
version=100000000`)
  expect(ensembleText(membership, 0n)).toMatch(/\nversion=0$/)
  expect(ensembleText(membership, -1n)).toMatch(/\nversion=ffffffffffffffff$/)
})

test('groups come with the weight of every voter', () => {
  const groups = [
    { id: 2, members: [12] },
    { id: 0, members: [1] },
  ]
  const text = ensembleText({ members: MEMBERS, groups, weights: new Map([[12, 0]]) }, 255n)
  expect(text.split('\n').slice(3)).toEqual([
    'group.0=1',
    'group.2=12',
    'weight.1=1',
    'weight.12=0',
    'version=ff',
  ])
})

test('read as a dynamic configuration, it gives the same ensemble', () => {
  const text = 'dataDir=/d\nclientPort=2182\ninitLimit=5\nsyncLimit=2\n'
  const servers =
    'server.1=a:1:2:observer;2181\nserver.2=[::1]:1:2;[::1]:2182\nserver.3=c:1:2\ngroup.1=3\ngroup.2=2\nweight.3=7'
  const { ensemble } = parseZooCfg(text + servers, 'zoo.cfg', { beside: { myid: 2 } }).config
  const lines = ensembleText(ensemble!, 5n).replace(/\nversion=5$/, '')
  const beside = { myid: 2, dynamicConfig: { file: 'x', text: lines } }
  const again = parseZooCfg(`${text}dynamicConfigFile=x`, 'zoo.cfg', { beside })
  expect(again.config.ensemble).toEqual(ensemble)
})
