import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type ConfigRequest,
  requestedFile,
  requestedProperties,
} from '../../src/cli/config-request.ts'
import { loadConfig } from '../../src/cli/load-config.ts'

const NOTHING: ConfigRequest = {
  file: undefined,
  isFromEnvironment: false,
  javaFlags: [],
  overrides: {},
}

let folder: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-request-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test.each([
  [{}, undefined],
  [{ ZOOCFGDIR: '/etc/zookeeper' }, '/etc/zookeeper/zoo.cfg'],
  [{ ZOOCFGDIR: '/etc/zookeeper', ZOOCFG: 'other.cfg' }, '/etc/zookeeper/other.cfg'],
  [{ ZOOCFGDIR: '/etc/zookeeper', ZOOCFG: './zoo.cfg' }, './zoo.cfg'],
  [{ ZOOCFG: 'zoo.cfg' }, 'zoo.cfg'],
])('%j names the file %s', (variables, file) => {
  expect(requestedFile(NOTHING, variables)).toBe(file)
  expect(requestedFile({ ...NOTHING, file: 'my.cfg' }, variables)).toBe('my.cfg')
})

test('a container writes its files once', () => {
  const variables = {
    ZOO_CONF_DIR: `${folder}/conf`,
    ZOO_DATA_DIR: `${folder}/data`,
    ZOO_DATA_LOG_DIR: `${folder}/log`,
    ZOO_MY_ID: '3',
    ZOO_SERVERS: 'server.1=a:1:2;2181 server.2=b:1:2;2181 server.3=c:1:2;2181',
  }
  const request = { ...NOTHING, isFromEnvironment: true }
  const file = requestedFile(request, variables)
  expect(file).toBe(`${folder}/conf/zoo.cfg`)
  expect(loadConfig(file, {}).config.ensemble?.self).toBe(3)
  writeFileSync(file!, `${readFileSync(file!, 'utf8')}snapCount=77\n`)
  requestedFile(request, { ...variables, ZOO_MY_ID: '1', ZOO_TICK_TIME: '1' })
  const { config } = loadConfig(file, {})
  expect(config).toMatchObject({ tickTimeMs: 2000, ensemble: { self: 3 } })
  expect(config.limits.checkpointTxns).toBe(77)
})

test('a container whose folder cannot be written says so', () => {
  writeFileSync(`${folder}/conf`, '')
  const variables = { ZOO_CONF_DIR: `${folder}/conf`, ZOO_DATA_DIR: `${folder}/data` }
  expect(() => requestedFile({ ...NOTHING, isFromEnvironment: true }, variables)).toThrow(
    /conf\/zoo\.cfg: cannot be written .*ZOO_CONF_DIR$/,
  )
})

test('properties come from all places that upstream has, the strongest last', () => {
  const variables = {
    ZOO_LOG_DIR: '/var/log/zookeeper',
    ZOO_DATADIR_AUTOCREATE_DISABLE: '1',
    SERVER_JVMFLAGS: '-Xmx1g -Dzookeeper.snapCount=1',
    JVMFLAGS: '-Djute.maxbuffer=5000000',
  }
  const request = { ...NOTHING, javaFlags: ['zookeeper.snapCount=3'] }
  expect(requestedProperties(request, variables)).toEqual([
    { name: 'ZOO_LOG_DIR', properties: [{ key: 'log.dir', value: '/var/log/zookeeper' }] },
    {
      name: 'ZOO_DATADIR_AUTOCREATE_DISABLE',
      properties: [{ key: 'datadir.autocreate', value: 'false' }],
    },
    { name: 'SERVER_JVMFLAGS', properties: [{ key: 'zookeeper.snapCount', value: '1' }] },
    { name: 'JVMFLAGS', properties: [{ key: 'jute.maxbuffer', value: '5000000' }] },
    { name: 'command line', properties: [{ key: 'zookeeper.snapCount', value: '3' }] },
  ])
  const { config } = loadConfig(undefined, {}, requestedProperties(request, variables))
  expect(config).toMatchObject({
    createDataDir: false,
    audit: { file: '/var/log/zookeeper/zookeeper_audit.log' },
    limits: { checkpointTxns: 3, requestFrameBytesMax: 5_000_000 },
  })
})
