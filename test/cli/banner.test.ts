import { expect, test } from 'vitest'
import { NO_ZXID } from '../../src/base/index.ts'
import { type BannerFacts, bannerFields, bannerText } from '../../src/cli/banner.ts'
import { type EnsembleConfig, parseZooCfg } from '../../src/config/index.ts'
import { exampleStatus } from '../admin/example-status.ts'

function ensembleOf(lines: string): EnsembleConfig {
  const text = `clientPort=2181\ndataDir=/d\ninitLimit=5\nsyncLimit=2\n${lines}`
  return parseZooCfg(text, 'zoo.cfg', { beside: { myid: 2 } }).config.ensemble!
}

function facts(ensemble: EnsembleConfig | null): BannerFacts {
  return {
    status: exampleStatus({ mode: ensemble === null ? 'standalone' : 'looking' }),
    recovery: {
      isNew: true,
      wasCleanStop: false,
      checkpointZxid: null,
      rowsLoaded: 0,
      entriesReplayed: 0,
      tornBytes: 0,
      lastLogged: NO_ZXID,
    },
    startMs: 12.4,
    pid: 4711,
    clientHost: '',
    ensemble,
    configFile: '/etc/zoo.cfg',
  }
}

const THREE = 'server.1=a:1:2\nserver.2=zk2:2888:3888\nserver.3=c:1:2\n'

test('of a server that stands alone says nothing of an ensemble', () => {
  expect(bannerText(facts(null))).not.toContain('ensemble')
  expect(bannerFields(facts(null))).not.toHaveProperty('serverId')
})

test('of a member shows its place in the ensemble', () => {
  const lines = bannerText(facts(ensembleOf(THREE))).split('\n')
  expect(lines.slice(1, 3)).toEqual([
    '  mode      looking, pid 4711',
    '  ensemble  server 2 of 3 participants, ports 2888 and 3888 on zk2',
  ])
  expect(bannerFields(facts(ensembleOf(THREE)))).toMatchObject({
    mode: 'looking',
    serverId: 2,
    ensemble: '3 participants',
  })
})

test('counts observers apart, and says when it listens everywhere', () => {
  const ensemble = ensembleOf(`${THREE}server.4=d:1:2:observer\nquorumListenOnAllIPs=true`)
  expect(bannerText(facts(ensemble))).toContain(
    'server 2 of 3 participants and 1 observer, ports 2888 and 3888 on all interfaces\n',
  )
})
