import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AdminServer, MetricsServer } from '../../src/admin-http/index.ts'
import { defaultConfig } from '../../src/config/index.ts'
import { MemoryMetrics } from '../../src/env/index.ts'
import { readProcess } from '../../src/platform/process/index.ts'
import { systemClock } from '../../src/platform/sockets/index.ts'
import { exampleQuorum, exampleStatus } from '../admin/example-status.ts'
import { exchange, KeptLog, type OpenAdmin, openAdmin, targetOf } from './support.ts'

let admin: OpenAdmin

beforeAll(async () => {
  admin = await openAdmin(targetOf())
})

afterAll(() => {
  admin.close()
})

const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${admin.url}${path}`, init)

describe('the pages', () => {
  test('/commands lists every command as a link, with and without a slash', async () => {
    const response = await get('/commands')
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBeNull()
    expect(text).toMatch(
      /^<a href="\/commands\/configuration">configuration<\/a>\n<br\/>\n<a href="\/commands\/connection_stat_reset">/,
    )
    expect(text.match(/<br\/>/g)).toHaveLength(30)
    expect(text).toMatch(/<a href="\/commands\/zabstate">zabstate<\/a>\n<br\/>\n$/)
    expect(await (await get('/commands/')).text()).toBe(text)
  })

  test('a command answers JSON, by any of its names', async () => {
    const response = await get('/commands/ruok')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.text()).toBe('{\n  "command" : "ruok",\n  "error" : null\n}')
    expect(await (await get('/commands/srvr')).text()).toContain('"command" : "server_stats"')
  })

  test('HEAD has the head of the answer', async () => {
    const response = await get('/commands/ruok', { method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe('42')
    expect(await response.text()).toBe('')
  })

  test('an unknown command is told by its name', async () => {
    const response = await get('/commands/nosuch')
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(
      '{\n  "command" : "nosuch",\n  "error" : "Unknown command: nosuch"\n}',
    )
  })

  test.each(['/', '/command', '/commandsx', '/index.html', '/../etc/passwd', '//livez', '/livez/'])(
    '%s is not there',
    async (path) => {
      expect(await exchange(admin.port, `GET ${path} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 404 /)
    },
  )

  test.each([
    ['POST', '/commands/ruok', 405, 'GET, HEAD, OPTIONS'],
    ['PUT', '/commands/ruok', 405, 'GET, HEAD, OPTIONS'],
    ['DELETE', '/commands', 405, 'GET, HEAD, OPTIONS'],
    ['OPTIONS', '/commands/ruok', 200, 'GET, HEAD, OPTIONS'],
    ['POST', '/metrics', 405, 'GET, HEAD, OPTIONS'],
    ['GET', '/commands/restore', 405, 'POST, OPTIONS'],
    ['GET', '/commands/shed', 405, 'POST, OPTIONS'],
    ['POST', '/commands/snapshot', 405, 'GET, OPTIONS'],
    ['OPTIONS', '/commands/restore', 200, 'POST, OPTIONS'],
  ])('%s %s is answered with %i and what is allowed', async (method, path, status, allow) => {
    const response = await get(path, { method })
    expect(response.status).toBe(status)
    expect(response.headers.get('allow')).toBe(allow)
  })

  test('TRACE is forbidden', async () => {
    const answer = await exchange(admin.port, 'TRACE /commands/ruok HTTP/1.0\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('the path of the commands is configured', async () => {
    const other = await openAdmin(targetOf(), { commandPath: '/zk/admin' })
    expect((await fetch(`${other.url}/zk/admin/ruok`)).status).toBe(200)
    expect(await (await fetch(`${other.url}/zk/admin`)).text()).toContain('href="/zk/admin/stats"')
    expect((await fetch(`${other.url}/commands/ruok`)).status).toBe(404)
    other.close()
  })
})

describe('a server that serves nobody', () => {
  test('says so where it matters, and answers the rest', async () => {
    const quorum = exampleQuorum({ peerState: 'looking', zabPhase: 'election', leader: null })
    const status = exampleStatus({ mode: 'looking', isServing: false, quorum })
    const other = await openAdmin(targetOf(status))
    const text = async (path: string): Promise<string> =>
      (await fetch(`${other.url}${path}`)).text()
    expect(await text('/commands/stats')).toBe(
      '{\n  "command" : "stats",\n' +
        '  "error" : "This ZooKeeper instance is not currently serving requests"\n}',
    )
    expect(await text('/commands/monitor')).toContain('not currently serving')
    expect(await text('/commands/envi')).toContain('"zookeeper.version"')
    expect((await fetch(`${other.url}/livez`)).status).toBe(200)
    const ready = await fetch(`${other.url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({
      status: 'not-ready',
      reasons: [{ code: 'no-leader' }],
      warnings: [],
    })
    other.close()
  })
})

describe('/livez and /readyz', () => {
  test('the process answers', async () => {
    const response = await get('/livez')
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ status: 'alive', uptime_ms: 34_410 })
  })

  test('a server that serves is ready, with details on request', async () => {
    expect(await (await get('/readyz')).json()).toEqual({
      status: 'ready',
      reasons: [],
      warnings: [],
    })
    expect(await (await get('/readyz?verbose')).json()).toMatchObject({
      status: 'ready',
      phase: 'running',
      mode: 'standalone',
      serving: true,
      disk_full: false,
      leader_id: null,
    })
  })
})

describe('/metrics', () => {
  test('has the content type of the provider', async () => {
    const response = await get('/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toContain('\nznode_count 22.0\n')
  })

  test('gives those that are named', async () => {
    const query = 'name[]=znode_count&name[]=readlatency_count'
    expect(await (await get(`/metrics?${query}`)).text()).toMatch(
      /^# HELP znode_count znode_count\n# TYPE znode_count gauge\nznode_count 22\.0\n# HELP readlatency readlatency\n# TYPE readlatency summary\nreadlatency_count 0\.0\n$/,
    )
  })

  test('has names in the manner of Prometheus where they are asked for', async () => {
    const query = 'names=prometheus&name[]=zookeeper_uptime_seconds'
    expect(await (await get(`/metrics?${query}`)).text()).toBe(
      '# HELP zookeeper_uptime_seconds Time since the process began to serve.\n# TYPE zookeeper_uptime_seconds gauge\nzookeeper_uptime_seconds 34.4109\n',
    )
    expect(await (await get('/metrics?names=apache')).text()).toContain('\nznode_count 22.0\n')
    const wrong = await get('/metrics?names=zk')
    expect([wrong.status, await wrong.text()]).toEqual([
      400,
      'there are no such names; use names=apache or names=prometheus\n',
    ])
  })

  test('has a port of its own where the configuration names the provider', async () => {
    const port = new MetricsServer(
      { kind: 'prometheus', host: '127.0.0.1', port: 0, exportsProcessFigures: false },
      { status: exampleStatus, readProcess, exportsProcessFigures: false },
      new KeptLog(),
    )
    const address = await port.open()
    const url = `http://127.0.0.1:${address!.port}`
    const response = await fetch(`${url}/metrics`, { method: 'POST' })
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).toContain('\nznode_count 22.0\n')
    expect(text).not.toMatch(/^(jvm_(?!pause_time_ms)|process_)/m)
    const other = await (await fetch(`${url}/metrics?names=prometheus`)).text()
    expect(other).toContain('\nzookeeper_znodes 22.0\n')
    expect(other).not.toMatch(/^(?!zookeeper_|#|$)/m)
    expect((await fetch(`${url}/commands`)).status).toBe(404)
    expect((await fetch(`${url}/metrics`, { method: 'DELETE' })).status).toBe(405)
    port.close()
  })
})

describe('a port that cannot be had', () => {
  test('is one line of warning, and the rest goes on', async () => {
    const log = new KeptLog()
    const config = { ...defaultConfig().admin, port: admin.port }
    const second = new AdminServer(targetOf(), {
      config,
      token: null,
      dataDir: '/',
      diskFreeBytesMin: 0,
      exportsProcessFigures: true,
      start: { configText: null, timeZone: 'UTC' },
      readProcess,
      logger: log,
      clock: systemClock,
      metrics: new MemoryMetrics(),
    })
    expect(await second.open()).toBeNull()
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message:
          `the admin server cannot listen on 127.0.0.1:${admin.port} (another process has it); the ` +
          'server goes on without it, admin.serverPort chooses another port',
        fields: {},
      },
    ])
    second.close()
  })
})

describe('hostile callers', () => {
  test.each([
    ['no HTTP at all', '\0\0\0\x2c\0\0\0\0\r\n\r\n', '400'],
    ['a header without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(40_000)}`, '431'],
    ['a host of two slashes', 'GET http://elsewhere/commands HTTP/1.0\r\n\r\n', '404'],
    ['a path that is no path', 'GET *%% HTTP/1.0\r\n\r\n', '404'],
    [
      'a length that is none',
      'POST /commands/ruok HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n',
      '400',
    ],
    [
      'two lengths',
      'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      '400',
    ],
    ['HTTP of another century', 'GET /livez HTTP/9.9\r\n\r\n', '400'],
  ])('%s is refused', async (_, bytes, status) => {
    expect(await exchange(admin.port, bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect((await get('/livez')).status).toBe(200)
  })

  test('a body that nobody wants is not read: the connection ends with the answer', async () => {
    const head = 'POST /commands/ruok HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n'
    const answer = await exchange(admin.port, head)
    expect(answer).toMatch(/^HTTP\/1\.1 405 /)
    expect(answer.toLowerCase()).toContain('connection: close')
  })

  test('a tunnel is not opened', async () => {
    expect(await exchange(admin.port, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('')
  })

  test('who keeps silent is cut after the idle timeout', async () => {
    const other = await openAdmin(targetOf(), { idleTimeoutMs: 50 })
    expect(await exchange(other.port, 'GET /livez HTTP/1.1\r\n')).toBe('')
    other.close()
  })

  test('more connections than there is room for are closed at once', async () => {
    const other = await openAdmin(targetOf())
    const open: Socket[] = []
    for (let i = 0; i < 100; i++) {
      const socket = connect(other.port, '127.0.0.1')
      open.push(socket)
      await new Promise((resolve) => socket.once('connect', resolve))
    }
    // The server has accepted all of them once it answers on the last one.
    const last = open.at(-1)!
    last.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => last.once('data', resolve))
    expect(await exchange(other.port, 'GET /livez HTTP/1.0\r\n\r\n')).toBe('')
    for (const socket of open) socket.destroy()
    other.close()
  })

  test('a fault of the program in an answer is logged, and nothing more', async () => {
    const other = await openAdmin({
      status: () => {
        throw new Error('broken for this test')
      },
    } as never)
    const response = await fetch(`${other.url}/commands/stats`)
    expect(response.status).toBe(500)
    expect(await response.text()).toBe('the server failed to answer; its log says why\n')
    expect(other.log.lines).toEqual([
      {
        level: 'error',
        message: 'a request to the admin server failed',
        fields: { path: '/commands/stats', reason: 'broken for this test' },
      },
    ])
    other.close()
  })
})
