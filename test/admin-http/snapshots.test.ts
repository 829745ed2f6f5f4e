import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { digestAcl, READ_ACL, type ZooKeeper } from '../../src/client-node/index.ts'
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../../src/testing/index.ts'
import { exchange, type OpenAdmin, openAdmin, TOKEN } from './support.ts'

const BEARER = { Authorization: `Bearer ${TOKEN}` }
const ends: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Stage {
  readonly server: TestServer
  readonly zk: ZooKeeper
  readonly admin: OpenAdmin
}

async function stage(
  options: TestServerOptions = {},
  changes: Parameters<typeof openAdmin>[1] = { rateLimitIntervalMs: 0 },
  ...rest: readonly [(string | null)?, string?]
): Promise<Stage> {
  const server = await startTestServer({ transport: 'memory', ...options })
  ends.push(() => server.close())
  const zk = await server.connect()
  const admin = await openAdmin(server.leader!.server!, changes, ...rest)
  ends.push(() => admin.close())
  return { server, zk, admin }
}

async function takeSnapshot(admin: OpenAdmin): Promise<Buffer> {
  const response = await fetch(`${admin.url}/commands/snapshot`, { headers: BEARER })
  expect(response.status).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

function restore(admin: OpenAdmin, body: Uint8Array, query = ''): Promise<Response> {
  return fetch(`${admin.url}/commands/restore${query}`, { method: 'POST', headers: BEARER, body })
}

const text = async (zk: ZooKeeper, znode: string): Promise<string> =>
  Buffer.from((await zk.getData(znode)).data).toString()

describe('who may take a snapshot', () => {
  test('a caller without a word, of another scheme, or with a wrong one is not let in', async () => {
    const { admin } = await stage()
    const ask = async (authorization?: string): Promise<[number, unknown]> => {
      const headers = authorization === undefined ? {} : { Authorization: authorization }
      const response = await fetch(`${admin.url}/commands/snapshot`, { headers })
      return [response.status, ((await response.json()) as { error: unknown }).error]
    }
    expect(await ask()).toEqual([401, 'Auth info is missing for the command'])
    for (const wrong of [
      'nosuch x',
      'digest a b c',
      'Basic Ym9iOnNlY3JldA==',
      'Bearer',
      `Bearer ${TOKEN}x`,
    ]) {
      expect(await ask(wrong)).toEqual([401, 'Not authenticated'])
    }
    // Upstream would take these: the ACL of its root lets anybody in.
    expect(await ask('digest bob:secret')).toEqual([403, 'Not authorized'])
    expect(await ask('ip')).toEqual([403, 'Not authorized'])
  })

  test('an identity that the ACL of the root names is let in, with all permissions only', async () => {
    const { admin, zk } = await stage()
    const status = async (authorization: string): Promise<number> => {
      const headers = { Authorization: authorization }
      return (await fetch(`${admin.url}/commands/snapshot`, { headers })).status
    }
    await zk.setAcl('/', [
      ...READ_ACL,
      digestAcl('bob', 'secret'),
      digestAcl('eve', 'secret', 0x0f),
    ])
    expect(await status('digest bob:secret')).toBe(200)
    expect(await status('digest bob:other')).toBe(403)
    expect(await status('digest eve:secret')).toBe(403)
  })

  test('without a token in the configuration no token is right', async () => {
    const { admin } = await stage({}, {}, null)
    const headers = { Authorization: 'Bearer null' }
    expect((await fetch(`${admin.url}/commands/snapshot`, { headers })).status).toBe(401)
  })
})

describe('a snapshot', () => {
  test('has the head that upstream sends, and all of the state at one moment', async () => {
    const { admin, zk, server } = await stage()
    await zk.create('/a', 'before')
    await zk.create('/a/e', 'x', { mode: 'ephemeral' })
    const response = await fetch(`${admin.url}/commands/snap?streaming=true`, { headers: BEARER })
    const bytes = Buffer.from(await response.arrayBuffer())
    const { lastApplied } = server.leader!.server!
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('last_zxid')).toBe(`0x${lastApplied.toString(16)}`)
    expect(response.headers.get('snapshot_size')).toBe(String(bytes.length))
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('ZKSN\0\0\0\x02')
    expect(bytes.includes('/a/e')).toBe(true)
  })

  test('is not disturbed by writes that go on while it is read', async () => {
    const { admin, zk } = await stage()
    const value = 'v'.repeat(50_000)
    for (let i = 0; i < 40; i++) await zk.create(`/n${i}`, value)
    const response = await fetch(`${admin.url}/commands/snapshot`, { headers: BEARER })
    for (let i = 0; i < 20; i++) await zk.delete(`/n${i}`)
    await zk.create('/late', value)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.length).toBe(Number(response.headers.get('snapshot_size')))
    expect(bytes.includes('/late')).toBe(false)
    expect((await restore(admin, bytes)).status).toBe(200)
    expect((await zk.getChildren('/')).children.length).toBe(41)
  })

  test('with streaming=false is kept in the data folder, the newest three', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-admin-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const { admin, zk } = await stage({}, { rateLimitIntervalMs: 0 }, TOKEN, folder)
    const zxids: string[] = []
    for (let i = 0; i < 4; i++) {
      await zk.create(`/n${i}`, '')
      const url = `${admin.url}/commands/snapshot?streaming=false`
      const response = await fetch(url, { headers: BEARER })
      expect(await response.text()).toBe('{\n  "command" : "snapshot",\n  "error" : null\n}')
      zxids.push(response.headers.get('last_zxid')!.slice(2))
      const file = path.join(folder, 'snapshots', `snapshot.${zxids.at(-1)}`)
      expect(readFileSync(file).length).toBe(Number(response.headers.get('snapshot_size')))
    }
    const kept = zxids.slice(1).map((zxid) => `snapshot.${zxid}`)
    expect(readdirSync(path.join(folder, 'snapshots')).sort()).toEqual(kept.sort())
  })

  test('comes once in an interval', async () => {
    const { admin } = await stage({}, { rateLimitIntervalMs: 600_000 })
    await takeSnapshot(admin)
    const second = await fetch(`${admin.url}/commands/snapshot`, { headers: BEARER })
    expect(second.status).toBe(429)
    expect(admin.metrics.counters.get('snapshot_rate_limited_count')).toBe(1)
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(500)
    expect(await second.text()).toMatch(
      /"error" : "only one snapshot in 600000 ms \(admin\.rateLimiterIntervalInMS\); try again in \d+ s"/,
    )
  })

  test('is refused where the configuration forbids it', async () => {
    const { admin } = await stage({}, { isSnapshotEnabled: false, isRestoreEnabled: false })
    const response = await fetch(`${admin.url}/commands/snapshot`, { headers: BEARER })
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('admin.snapshot.enabled=false')
    expect((await restore(admin, Buffer.from('x'))).status).toBe(503)
  })

  test('of a follower is given too', async () => {
    const server = await startTestServer({ servers: 3, transport: 'memory' })
    ends.push(() => server.close())
    const zk = await server.connect()
    await zk.create('/a', 'x')
    const follower = server.members.find((member) => member !== server.leader)!
    const admin = await openAdmin(follower.server!)
    ends.push(() => admin.close())
    expect((await takeSnapshot(admin)).subarray(0, 4).toString()).toBe('ZKSN')
    const refused = await restore(admin, Buffer.from('x'))
    expect(refused.status).toBe(409)
    expect(await refused.text()).toContain('a member of an ensemble')
  })
})

describe('a restore', () => {
  test('brings the state back, with the sessions in it; clients go on', async () => {
    const { admin, zk, server } = await stage()
    await zk.create('/a', 'kept')
    await zk.create('/e', 'mine', { mode: 'ephemeral' })
    const snapshot = await takeSnapshot(admin)
    const sessionId = zk.session!.id
    await zk.setData('/a', 'lost')
    await zk.create('/later', 'lost')
    const before = server.leader!.server!.lastApplied
    const response = await restore(admin, snapshot)
    expect(response.status).toBe(200)
    const answer = await response.text()
    // The zxid goes on: clients have seen the last one.
    expect(answer).toBe(
      `{\n  "last_zxid" : ${before + 1n},\n  "command" : "restore",\n  "error" : null\n}`,
    )
    expect(await text(zk, '/a')).toBe('kept')
    expect(await zk.exists('/later')).toBeNull()
    expect((await zk.exists('/e'))!.ephemeralOwner).toBe(sessionId)
    await zk.create('/new', 'x')
    expect(zk.session!.id).toBe(sessionId)
  })

  test('survives the end of the server', async () => {
    const { admin, zk, server } = await stage()
    await zk.create('/a', 'kept')
    const snapshot = await takeSnapshot(admin)
    await zk.setData('/a', 'lost')
    expect((await restore(admin, snapshot)).status).toBe(200)
    await zk.create('/after', 'x')
    const [member] = server.members
    member!.kill()
    await member!.start()
    expect(await text(zk, '/a')).toBe('kept')
    expect(await text(zk, '/after')).toBe('x')
  })

  test('ends sessions that are not in it, and never gives out their ids again', async () => {
    const { admin, zk, server } = await stage()
    const snapshot = await takeSnapshot(admin)
    const late = await server.connect()
    const lateId = late.session!.id
    expect((await restore(admin, snapshot)).status).toBe(200)
    await zk.create('/a', '')
    await server.untilServing()
    const other = await server.connect()
    expect(other.session!.id).toBeGreaterThan(lateId)
    expect(server.sessions.map(({ id }) => id)).not.toContain(lateId)
  })

  test('takes a snapshot of an Apache ZooKeeper', async () => {
    const { admin, server } = await stage()
    const file = new URL('testdata/snapshot-3.9.3.141', import.meta.url)
    const response = await restore(admin, readFileSync(file))
    expect(await response.text()).toContain('"last_zxid" : 321,')
    const zk = await server.connect()
    expect((await zk.getChildren('/app')).children).toContain('eph-a')
    const owner = server.sessions.find(({ ephemerals }) => ephemerals.includes('/app/eph-a'))
    expect((await zk.exists('/app/eph-a'))!.ephemeralOwner).toBe(owner!.id)
  })

  test.each([
    ['garbage', () => Buffer.from('garbage')],
    ['nothing', () => Buffer.alloc(0)],
    ['much garbage', () => Buffer.alloc(900_000, 'garbage')],
    ['a part', (whole: Buffer) => whole.subarray(0, whole.length - 20)],
    [
      'one that was changed on its way',
      (whole: Buffer) => {
        const changed = Buffer.from(whole)
        const at = changed.indexOf('kept')
        changed[at] = changed[at]! ^ 1
        return changed
      },
    ],
  ])('of %s changes nothing', async (_, damage) => {
    const { admin, zk } = await stage()
    await zk.create('/a', 'kept')
    const snapshot = await takeSnapshot(admin)
    const response = await restore(admin, damage(snapshot))
    expect(response.status).toBe(500)
    expect(await response.text()).toContain('this is no whole snapshot, nothing was changed: ')
    expect(await text(zk, '/a')).toBe('kept')
    expect((await restore(admin, snapshot)).status).toBe(200)
    expect(admin.metrics.counters.get('restore_error_count')).toBe(1)
    expect(admin.metrics.summaries.get('restore_time')!.count).toBe(1)
  })

  test('that breaks off changes nothing, and the next one may begin', async () => {
    const { admin, zk } = await stage()
    await zk.create('/a', 'kept')
    const snapshot = await takeSnapshot(admin)
    const controller = new AbortController()
    const body = new ReadableStream<Uint8Array>({
      pull(stream): void {
        stream.enqueue(snapshot.subarray(0, 100))
        controller.abort()
      },
    })
    const init = {
      method: 'POST',
      headers: BEARER,
      body,
      duplex: 'half',
      signal: controller.signal,
    }
    await expect(fetch(`${admin.url}/commands/restore`, init as RequestInit)).rejects.toThrow()
    await expect.poll(async () => (await restore(admin, snapshot)).status).toBe(200)
    expect(await text(zk, '/a')).toBe('kept')
  })

  test('waits with its body until it is told to go on', async () => {
    const { admin } = await stage()
    const snapshot = await takeSnapshot(admin)
    const head =
      `POST /commands/restore HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n` +
      `Content-Length: ${snapshot.length}\r\n`
    const refused = await exchange(admin.port, `${head}\r\n`)
    expect(refused).toMatch(/^HTTP\/1\.1 401 /)
    const done = await exchange(
      admin.port,
      `${head}Authorization: Bearer ${TOKEN}\r\n\r\n`,
      snapshot,
    )
    expect(done).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  })
})

describe('shed_connections', () => {
  test('ends so many of a hundred connections', async () => {
    const { admin, server } = await stage()
    for (let i = 0; i < 3; i++) await server.connect()
    const shed = async (body: string): Promise<[number, string]> => {
      const init = { method: 'POST', headers: BEARER, body }
      const response = await fetch(`${admin.url}/commands/shed_connections`, init)
      return [response.status, await response.text()]
    }
    expect(await shed('{"percentage":50}')).toEqual([
      200,
      '{\n  "connections_shed" : 2,\n  "percentage_requested" : 50,\n' +
        '  "command" : "shed_connections",\n  "error" : null\n}',
    ])
    for (const [body, error] of [
      ['', 'Missing required field: percentage'],
      ['{}', 'Missing required field: percentage'],
      ['{"percentage":101}', 'Percentage must be between 0 and 100'],
    ]) {
      const expected = `{\n  "error" : "${error}",\n  "command" : "shed_connections"\n}`
      expect(await shed(body!)).toEqual([400, expected])
    }
    expect((await shed('xx'))[1]).toContain(
      '"error" : "Invalid JSON or failed to read request body: ',
    )
    expect((await shed('{"percentage":"5"}'))[0]).toBe(400)
    expect((await shed('x'.repeat(500_000)))[0]).toBe(413)
    const init = { method: 'POST', body: '{"percentage":50}' }
    expect((await fetch(`${admin.url}/commands/shed`, init)).status).toBe(401)
  })
})
