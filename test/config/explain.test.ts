import { expect, test } from 'vitest'
import {
  explainSettings,
  explainUnknown,
  inspectZooCfg,
  propertiesOfCommandLine,
} from '../../src/config/index.ts'
import { suggestKey } from '../../src/config/suggest.ts'

const TEXT = `clientPort=2181
dataDir=/d
tickTime=2000
initLimit=10
syncLimit=5
server.1=a:2888:3888
server.2=b:2888:3888
server.3=c:2888:3888
snapCount=0
zookeeper.preAllocSize=64
forceSync=no
flushDelay=3
ssl.keyStore.password=hunter2
tickTme=3
mySecret=hunter3
`

const SOURCES = {
  beside: { myid: 1 },
  properties: [propertiesOfCommandLine(['zookeeper.maxCnxns=7'])],
}

function rows(text: string): Map<string, string> {
  const settings = explainSettings(inspectZooCfg(text, 'zoo.cfg', SOURCES))
  return new Map(
    settings.map(({ key, written, effective, unit, origin, note }) => [
      key,
      [written, effective, unit, origin, note].join('|'),
    ]),
  )
}

test('every key that is given, with what it comes to', () => {
  const found = rows(TEXT)
  expect(found.get('snapCount')).toBe('0|2|transactions|zoo.cfg:9|')
  expect(found.get('preAllocSize')).toMatch(/^64\|1024\|KiB\|zoo\.cfg:10\|counts as preAllocSize/)
  expect(found.get('forceSync')).toBe('no|yes||zoo.cfg:11|')
  expect(found.get('flushDelay')).toBe('3|-|ms|zoo.cfg:12|nothing to change in this server')
  expect(found.get('initLimit')).toBe('10|10|ticks|zoo.cfg:4|20000 ms')
  expect(found.get('server.2')).toBe('b:2888:3888|b:2888:3888||zoo.cfg:7|')
  expect(found.get('ssl.keyStore.password')).toBe('(set)|-||zoo.cfg:13|not supported yet')
  expect(found.get('maxCnxns')).toMatch(/^7\|7\|connections\|command line\|counts/)
})

test('what is not given and matters', () => {
  const found = rows(TEXT)
  expect(found.get('minSessionTimeout')).toBe('|4000|ms|default|')
  expect(found.get('admin.serverAddress')).toBe('|127.0.0.1||default|')
  expect([...found.values()].join()).not.toMatch(/hunter/)
})

test('of a file that stops the start, what is written', () => {
  const found = rows(`${TEXT}sslQuorum=true`)
  expect(found.get('sslQuorum')).toBe('true|||zoo.cfg:16|not supported yet')
  expect(found.has('minSessionTimeout')).toBe(false)
})

test('unknown keys, and what may have been meant', () => {
  expect(explainUnknown(inspectZooCfg(TEXT, 'zoo.cfg', SOURCES))).toEqual([
    { name: 'tickTme', origin: 'zoo.cfg:14', suggestion: 'tickTime' },
    { name: 'mySecret', origin: 'zoo.cfg:15', suggestion: null },
  ])
})

test.each([
  ['ticktime', 'tickTime'],
  ['zookeeper.sanpCount', 'snapCount'],
  ['autopurge', null],
  ['autopurge.snapRetainCounts', 'autopurge.snapRetainCount'],
  ['requestThrottleLimits', 'request_throttle_max_requests'],
  ['maxClientConns', 'maxClientCnxns'],
  ['x', null],
  ['', null],
])('%j may mean %s', (name, key) => {
  expect(suggestKey(name)).toBe(key)
})
