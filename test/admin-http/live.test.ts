import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ZooKeeper } from '../../src/client-node/index.ts'
import { startTestServer, type TestMember, type TestServer } from '../../src/testing/index.ts'
import { captured, parseJson, shapeDifference } from '../admin/support-json.ts'
import { type OpenAdmin, openAdmin } from './support.ts'

const ADDRESSES = new Map([
  ['_unknown', 'nosuch'],
  ['_set_trace_mask_306', 'set_trace_mask?traceMask=306'],
  ['_set_trace_mask_bad', 'set_trace_mask?traceMask=x'],
])

const ends: (() => Promise<void> | void)[] = []

afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

async function adminOf(member: TestMember): Promise<OpenAdmin> {
  const admin = await openAdmin(member.server!)
  ends.push(() => admin.close())
  return admin
}

/** Has what the captured servers had: ephemerals, watches, and more than 128 transactions. */
async function populate(server: TestServer): Promise<ZooKeeper> {
  const zk = await server.connect()
  await zk.create('/app', '')
  await zk.create('/app/e', '', { mode: 'ephemeral' })
  await zk.watch('/app')
  for (let i = 0; i < 128; i++) await zk.setData('/app', `${i}`)
  return zk
}

/** Where the answers differ from those of a real server in its place, by command. */
async function differences(admin: OpenAdmin, capture: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [command, expected] of captured(capture)) {
    const path = ADDRESSES.get(command) ?? command
    const options = command === 'restore' ? { method: 'POST' } : {}
    const text = await (await fetch(`${admin.url}/commands/${path}`, options)).text()
    const difference = shapeDifference(parseJson(text), parseJson(expected))
    if (difference !== null) found[command] = difference
  }
  return found
}

test('a server that stands alone answers as 3.9.3', async () => {
  const server = await startTestServer({ transport: 'memory' })
  ends.push(() => server.close())
  await populate(server)
  expect(await differences(await adminOf(server.leader!), 'standalone-3.9.3')).toEqual({})
})

describe('three servers', () => {
  let server: TestServer
  let leader: TestMember
  let follower: TestMember

  beforeAll(async () => {
    server = await startTestServer({ servers: 3, transport: 'memory' })
    ends.push(() => server.close())
    leader = server.leader!
    follower = server.members.find((member) => member !== leader)!
    await populate(server)
  })

  test('the leader answers as 3.9.3', async () => {
    expect(await differences(await adminOf(leader), 'leader-3.9.3')).toEqual({})
  })

  test('a follower answers as 3.9.3', async () => {
    expect(await differences(await adminOf(follower), 'follower-3.9.3')).toEqual({})
  })

  test('one without the others answers as 3.8.0', async () => {
    const admin = await adminOf(follower)
    for (const member of server.members) if (member !== follower) member.kill()
    const ready = async (): Promise<number> => (await fetch(`${admin.url}/readyz`)).status
    await expect.poll(ready, { timeout: 20_000 }).toBe(503)
    expect(await (await fetch(`${admin.url}/readyz`)).json()).toMatchObject({
      reasons: [{ code: 'no-leader' }],
    })
    expect(await differences(admin, 'no-quorum-3.8.0')).toEqual({})
  })
})
