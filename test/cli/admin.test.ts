import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Scratch } from './support/zabkeeper.ts'

const TOKEN = 'token-of-a-test-0123456789'

let scratch: Scratch

beforeAll(() => {
  scratch = new Scratch()
  writeFileSync(path.join(scratch.folder, 'token'), `${TOKEN}\n`)
})

afterAll(async () => {
  await scratch.discard()
})

function zooCfg(name: string, ...lines: readonly string[]): string {
  const file = path.join(scratch.folder, `${name}.cfg`)
  writeFileSync(file, `clientPort=2181\ndataDir=${name}\n${lines.join('\n')}\n`)
  return file
}

test('a server answers its operators on the ports of its configuration', async () => {
  const file = zooCfg(
    'both',
    'admin.serverPort=0',
    'admin.tokenFile=token',
    'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
    'metricsProvider.httpHost=127.0.0.1',
    'metricsProvider.httpPort=0',
  )
  const { run } = await scratch.serve(file)
  const portOf = async (name: string): Promise<string> => {
    const line = new RegExp(`"port":(\\d+)[^\\n]*"msg":"${name} is listening"`)
    return (await run.says(line))[1]!
  }
  const admin = `http://127.0.0.1:${await portOf('admin server')}`
  expect((await fetch(`${admin}/readyz`)).status).toBe(200)
  const settings = await (await fetch(`${admin}/commands/icfg`)).text()
  expect(settings).toContain('clientPort=2181\\ndataDir=both\\n')
  const headers = { Authorization: `Bearer ${TOKEN}` }
  const snapshot = await fetch(`${admin}/commands/snapshot`, { headers })
  const body = Buffer.from(await snapshot.arrayBuffer())
  expect(body.subarray(0, 4).toString()).toBe('ZKSN')
  const backup = path.join(scratch.folder, 'backup')
  mkdirSync(path.join(backup, 'version-2'), { recursive: true })
  const zxid = snapshot.headers.get('last_zxid')!.slice(2)
  writeFileSync(path.join(backup, 'version-2', `snapshot.${zxid}`), body)
  const args = ['--from', backup, '--log-dir', backup, '--to', 'imported']
  expect(await scratch.run('import', ...args).ended).toMatchObject({ code: 0 })
  const url = `${admin}/commands/restore`
  const restored = await fetch(url, { method: 'POST', headers, body })
  expect(await restored.text()).toContain('"last_zxid" : 1,')
  const metrics = `http://127.0.0.1:${await portOf('metrics port')}`
  expect(await (await fetch(`${metrics}/metrics`)).text()).toContain('\nznode_count 5.0\n')
  run.signal('SIGTERM')
  expect((await run.ended).code).toBe(0)
})

test('a port that is taken is a warning, and clients are served', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  const { run } = await scratch.serve(zooCfg('taken', `admin.serverPort=${port}`))
  await run.says(/"level":"warn".*the admin server cannot listen on 127\.0\.0\.1:\d+/)
  run.signal('SIGTERM')
  expect((await run.ended).code).toBe(0)
  await new Promise((resolve) => other.close(resolve))
})

test.each([
  ['admin.token=short', 'admin.token: must have at least 16 characters'],
  ['admin.tokenFile=missing', 'cannot be read: ENOENT; admin.tokenFile names it'],
])('%s stops the start with one line', async (line, reason) => {
  const ending = await scratch.run('serve', zooCfg('bad', line)).ended
  expect(ending.code).toBe(2)
  expect(ending.stderr).toContain(reason)
  expect(ending.stderr.trimEnd().split('\n')).toHaveLength(1)
})
