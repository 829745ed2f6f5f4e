import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderPrometheus } from '../../../src/admin/index.ts'
import { readProcess } from '../../../src/platform/process/index.ts'
import { startTestServer, type TestServer } from '../../../src/testing/index.ts'
import { readText } from '../../tidy/source-files.ts'
import { type Peer, skipWithout } from '../clients/support/peers.ts'
import { runProgram } from '../clients/support/programs.ts'

/** What Prometheus' own checker says about names that are Apache ZooKeeper's and cannot be others. */
const ABOUT_NAMES = [
  'counter metrics should have "_total" suffix',
  'non-histogram and non-summary metrics should not have "_count" suffix',
  'metric names should not contain abbreviated units',
]

async function promtool(): Promise<Peer<string>> {
  const { code } = await runProgram('promtool', ['--version']).catch(() => ({ code: -1 }))
  return code === 0
    ? { found: 'promtool', missing: null }
    : { found: null, missing: 'promtool is missing (Debian: apt-get install prometheus)' }
}

const isSkipped = skipWithout(await promtool())

describe.skipIf(isSkipped)('promtool check metrics', { timeout: 120_000 }, () => {
  let servers: TestServer
  let alone: TestServer

  beforeAll(async () => {
    servers = await startTestServer({ servers: 3, transport: 'memory' })
    alone = await startTestServer({ transport: 'memory' })
    for (const server of [servers, alone]) {
      const client = await server.connect()
      await client.create('/app', 'x')
      await client.create('/a "quoted" \\name', 'x')
      for (let i = 0; i < 50; i += 1) await client.setData('/app', `${i}`)
      await client.getData('/app')
      await client.getData('/a "quoted" \\name')
    }
  }, 60_000)

  afterAll(async () => {
    await servers?.close()
    await alone?.close()
  })

  test('has nothing to say about names=prometheus of a standalone, a leader and followers', async () => {
    const modes = new Set<string>()
    for (const member of [...alone.members, ...servers.members]) {
      const status = member.server!.status()
      modes.add(status.mode)
      const input = renderPrometheus(status, readProcess(), true, 'prometheus')
      expect(input).toContain('zookeeper_write_bytes_count{namespace="app",} ')
      const result = await runProgram('promtool', ['check', 'metrics'], { input })
      expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' })
    }
    expect([...modes].sort()).toEqual(['follower', 'leader', 'standalone'])
  })

  test('reads what each server shows, and complains about names of Apache ZooKeeper only', async () => {
    const documented = readText('docs/metrics.md')
    for (const member of servers.members) {
      const text = renderPrometheus(member.server!.status(), readProcess())
      expect(text).toContain('write_per_namespace_count{key="app",} ')
      const { code, stdout, stderr } = await runProgram('promtool', ['check', 'metrics'], {
        input: text,
      })
      // 1 is a text that cannot be read, 3 one with complaints.
      expect([0, 3]).toContain(code)
      const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line !== '')
      for (const complaint of complaints) {
        const [name, ...words] = complaint.split(' ')
        expect(ABOUT_NAMES).toContain(words.join(' '))
        expect(documented).toContain(`| \`${name}\` | \`${name}\` |`)
      }
    }
  })

  test('would notice a text that cannot be read', async () => {
    const input = '# TYPE a counter\na{key="b} 1\n'
    expect((await runProgram('promtool', ['check', 'metrics'], { input })).code).toBe(1)
  })
})
