import { afterEach, beforeEach, expect, test } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { startTestServer } from '../../src/testing/index.ts'
import { openAdmin } from '../admin-http/support.ts'
import { Scratch } from './support/zabkeeper.ts'

let scratch: Scratch

beforeEach(() => {
  scratch = new Scratch()
})

afterEach(async () => {
  await scratch.discard()
})

test('why session and why leader print an answer, or JSON', async () => {
  await using server = await startTestServer({ transport: 'memory' })
  const admin = await openAdmin(server.members[0]!.server!)
  const zk = await server.connect()
  const id = `0x${zk.session!.id.toString(16)}`
  await zk.close()
  const address = `127.0.0.1:${admin.port}`
  const [session, leader] = await Promise.all([
    scratch.run('why', 'session', id, '--servers', address).ended,
    scratch.run('why', 'leader', '--servers', address, '--json').ended,
  ])
  admin.close()
  expect(session).toMatchObject({ code: EXIT.ok.code, stderr: '' })
  expect(session.stdout).toMatch(
    new RegExp(
      `^Session ${id} was closed by its client .*\n\nWhat the servers remember \\(UTC\\):\n`,
    ),
  )
  expect(leader).toMatchObject({ code: EXIT.ok.code, stderr: '' })
  expect(JSON.parse(leader.stdout)).toMatchObject({
    verdict: 'none',
    sentences: ['Server 1 stands alone: it has no leader.'],
    servers: [{ address, serverId: 1, mode: 'standalone' }],
  })
})

test('nobody can be asked, and wrong arguments', async () => {
  const [nobody, noId, noServer, nothing] = await Promise.all([
    scratch.run('why', 'leader', '--servers', '127.0.0.1:1').ended,
    scratch.run('why', 'session', 'mine').ended,
    scratch.run('why', 'leader', '--servers', 'http://zoo1').ended,
    scratch.run('why').ended,
  ])
  expect(nobody).toMatchObject({ code: EXIT.failure.code, stderr: '' })
  expect(nobody.stdout).toBe(
    'No server could be asked.\n127.0.0.1:1 could not be asked (nothing listens there): what it knows is missing here.\n',
  )
  expect(noId.code).toBe(EXIT.usage.code)
  expect(noId.stderr).toContain('such as 0x100000123ab0000')
  expect(noServer.code).toBe(EXIT.usage.code)
  expect(noServer.stderr).toContain("'http://zoo1' must be host:port, such as zoo1:8080.")
  expect(nothing.code).toBe(EXIT.usage.code)
})
