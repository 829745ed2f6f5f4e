import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkConfig } from '../../src/cli/config-check.ts'
import { describeReport } from '../../src/cli/config-text.ts'
import { Scratch } from './support/zabkeeper.ts'

const NOTHING = { file: undefined, isFromEnvironment: false, javaFlags: [], overrides: {} }

let scratch: Scratch

beforeEach(() => {
  scratch = new Scratch()
  mkdirSync(at('data'))
  writeFileSync(at('data', 'myid'), '1\n')
})

afterEach(async () => {
  await scratch.discard()
})

function at(...names: readonly string[]): string {
  return path.join(scratch.folder, ...names)
}

/** A file that differs from a good one by the given lines. */
function write(...lines: readonly string[]): string {
  const text = `tickTime=2000
initLimit=10
syncLimit=5
dataDir=${at('data')}
clientPort=2181
server.1=a:2888:3888
server.2=b:2888:3888
server.3=c:2888:3888
${lines.join('\n')}
`
  writeFileSync(at('zoo.cfg'), text)
  return at('zoo.cfg')
}

test('the command: the table, what is wrong, and the exit code', async () => {
  const good = await scratch.run('config', 'check', write('snapCuont=5000')).ended
  expect(good.code).toBe(0)
  expect(good.stdout).toMatch(/zoo\.cfg: a server starts with it, \d warnings?\n/)
  expect(good.stdout).toMatch(/^initLimit +10 +ticks +line 2 +20000 ms$/m)
  expect(good.stdout).toContain(
    `${at('zoo.cfg')}:9: snapCuont: unknown, without effect; did you mean snapCount?`,
  )
  const flag = '-Dzookeeper.snapCount=7000'
  const bad = await scratch.run('config', 'check', write('sslQuorum=true'), flag, '--json').ended
  expect(bad.code).toBe(1)
  expect(JSON.parse(bad.stdout)).toMatchObject({
    file: at('zoo.cfg'),
    errors: [expect.stringMatching(/zoo\.cfg:9: sslQuorum: this protection/)],
    notes: ['command line: zookeeper.snapCount: counts, as the file does not say otherwise'],
    unknown: [],
  })
  const none = await scratch.run('config', 'check', 'missing.cfg').ended
  expect(none).toMatchObject({ code: 2, stdout: '' })
  expect(none.stderr).toMatch(/^zabkeeper: missing\.cfg: no such file/)
})

test('words of the whitelist that are none are named', () => {
  const file = write('4lw.commands.whitelist=ruok,rouk')
  const { warnings } = checkConfig({ ...NOTHING, file }, {})
  expect(warnings).toContain(`${file}:9: 4lw.commands.whitelist: there is no such word: rouk`)
})

test('a missing number is said once, together with the rest', () => {
  const file = write('dataDir=/nowhere/at/all', 'maxSessionTimeout=1')
  const { errors } = checkConfig({ ...NOTHING, file }, {})
  expect(errors).toHaveLength(2)
  expect(errors.join()).toMatch(/largest.*myid: is missing/)
})

test('a file beside it that cannot be read is an error among the others', () => {
  writeFileSync(at('zoo.cfg'), `dataDir=${at('data')}\nclientPort=2181\ndynamicConfigFile=gone\n`)
  const { errors } = checkConfig({ ...NOTHING, file: at('zoo.cfg') }, {})
  expect(errors).toEqual([expect.stringMatching(/^gone: no such file; dynamicConfigFile in/)])
})

test('a folder that is a file is found here, not at the start', () => {
  writeFileSync(at('file'), '')
  const report = checkConfig({ ...NOTHING, file: write(`dataLogDir=${at('file')}`) }, {})
  expect(report.errors).toEqual([
    `${at('zoo.cfg')}:9: dataLogDir: ${at('file')} is a file, and must be a folder`,
  ])
  expect(describeReport(report)).toMatch(/does not start with it: 1 error/)
})

test('what the variables of a container describe is checked without writing it', () => {
  const variables = {
    ZOO_CONF_DIR: at('conf'),
    ZOO_DATA_DIR: at('data'),
    ZOO_DATA_LOG_DIR: at('log'),
    ZOO_SERVERS: 'server.1=a:1:2;2181 server.2=b:1:2;2181',
    ZOO_MY_ID: '2',
  }
  const request = { ...NOTHING, isFromEnvironment: true }
  const report = checkConfig(request, variables)
  expect(report.errors).toEqual([])
  expect(report.file).toBe(`${at('conf', 'zoo.cfg')} from the environment`)
  expect(report.warnings.join()).toContain('2 participants: no server failure will be tolerated')
  expect(existsSync(at('conf'))).toBe(false)
  expect(() => checkConfig(request, { ...variables, ZOO_MY_ID: 'two' })).toThrow(
    /ZOO_MY_ID:1: 'two/,
  )
})
