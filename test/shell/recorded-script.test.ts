import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type ZooKeeper } from '../../src/client-node/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { readTestdata, shape } from './support/recorded.ts'
import { TestShells } from './support/test-shell.ts'

const shells = new TestShells()
let server: TestServer
let zk: ZooKeeper

beforeAll(async () => {
  const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='
  server = await startTestServer({ config: { extendedTypes: true, superDigest } })
  zk = await connect(server.connectionString)
})

afterAll(async () => {
  await shells.close()
  await zk?.close()
  await server?.close()
})

/** What zkCli 3.9.3 printed, with the differences that are explained. */
function expectedOutput(): string {
  const recorded = readTestdata('piped-3.9.3.txt')
    .replace(/^Welcome to ZooKeeper!\nJLine support is disabled\n/m, '')
    .replace(/^rc=0\n/m, '')
    // The znodes of others that were at the root.
    .replace(/^\[app, cli, (?:cur, )?(i, )?(?:mx\d+, )*zookeeper\]$/gm, '[$1zookeeper]')
    .replace(/^\[app, cli, cur, i, (?:mx\d+, )*zookeeper\]$/gm, '[i, zookeeper]')
    // The order of identities is the server's.
    .replace('digest: bob\nip: 127.0.0.1\n', 'ip: 127.0.0.1\ndigest: bob\n')
  return shape(recorded)
}

test('the recorded script prints what zkCli printed, in the same order', async () => {
  const lines = readTestdata('piped.input').trimEnd().split('\n')
  const { output, exitCode } = await shells.script(server.connectionString, lines)
  expect(shape(output)).toBe(expectedOutput())
  expect(exitCode).toBe(0)
})

test('the configuration of an ensemble is printed as zkCli printed it', async () => {
  const banner = /^[\s\S]*?\nWatchedEvent [^\n]*\n/
  const text = readTestdata('config-3.9.3.txt').replace(banner, '').replace('rc=0\n', '')
  await zk.addAuth('digest', 'super:secret')
  await zk.setData('/zookeeper/config', text.trimEnd())
  const whole = await shells.run(server.connectionString, ['config'])
  expect(whole.stdout.replace(banner, '')).toBe(text)
  const addresses = await shells.run(server.connectionString, ['config', '-c'])
  const recorded = readTestdata('config-c-3.9.3.txt').replace(banner, '').replace('rc=0\n', '')
  const sorted = (line: string): string[] => line.trim().split(/[ ,]/).sort()
  expect(sorted(addresses.stdout.replace(banner, ''))).toEqual(sorted(recorded))
  const json = await shells.run(server.connectionString, ['config', '-c'], { isJson: true })
  expect(JSON.parse(json.stdout)).toMatchObject({ version: '100000000' })
})
