import path from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import * as client from '../../src/client-node/index.ts'
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../../src/testing/index.ts'
import { Scratch } from '../cli/support/zabkeeper.ts'
import { ROOT } from '../tidy/source-files.ts'

const DIST = path.join(ROOT, 'dist/src')

const scratch = new Scratch()
const open: TestServer[] = []

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options)
  open.push(server)
  return server
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

afterAll(async () => {
  await scratch.discard()
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe.each([1, 3] as const)('%i servers', (servers) => {
  test('serve clients over TCP and in memory', async () => {
    const server = await start({ servers })
    expect(server.members.length).toBe(servers)
    expect(server.isServing).toBe(true)
    const inMemory = await server.connect()
    const overTcp = await client.connect(server.connectionString)
    await inMemory.create('/greeting', 'hello')
    await overTcp.sync('/greeting')
    expect(text((await overTcp.getData('/greeting')).data)).toBe('hello')
    expect(server.sessions.map(({ id }) => id).sort()).toEqual(
      [inMemory.session!.id, overTcp.session!.id].sort(),
    )
    expect(server.connections.length).toBe(2)
    await overTcp.close()
  })

  test('need no time with a manual clock', async () => {
    const server = await start({ servers, clock: 'manual' })
    const began = server.nowMs
    const zk = await server.connect()
    await zk.create('/a', 'x')
    const watch = await zk.watch('/a')
    await zk.setData('/a', 'y')
    expect((await watch.next()).value).toMatchObject({ type: 'changed', path: '/a' })
    expect(server.nowMs).toBe(began)
  })

  test('do with a million bytes', async () => {
    const server = await start({ servers })
    const zk = await client.connect(server.connectionString)
    const value = new Uint8Array(1_000_000).fill(7)
    await zk.create('/big', value)
    await zk.sync('/big')
    expect(Buffer.compare((await zk.getData('/big')).data, value)).toBe(0)
    await zk.close()
  })

  test('keep their data when they are killed and started again', async () => {
    const server = await start({ servers })
    const zk = await server.connect()
    await zk.create('/kept', 'x')
    for (const member of server.members) member.kill()
    expect(server.members.map(({ state }) => state)).toEqual(Array(servers).fill('stopped'))
    expect(server.leader).toBeNull()
    await Promise.all(server.members.map((member) => member.start()))
    expect(await zk.exists('/kept')).not.toBeNull()
  })
})

describe('time', () => {
  test('shows machines and servers the same wall time', async () => {
    const wallMs = 1_000_000_000_000
    const server = await start({ clock: 'manual', wallMs })
    await server.advance(60_000)
    const { clock } = server.machine().environment
    const zk = await server.connect()
    const { stat } = await zk.create('/a')
    expect(clock.wallMs!()).toBeGreaterThanOrEqual(wallMs + 60_000)
    expect(Number(stat.ctime) - clock.wallMs!()).toBe(0)
  })

  test('stands still until it is advanced', async () => {
    const server = await start({ clock: 'manual', wallMs: 1_000_000_000_000 })
    const zk = await server.connect({ sessionTimeoutMs: 6000 })
    const { stat } = await zk.create('/a')
    expect(stat.ctime).toBe(1_000_000_000_000n)
    await server.advance(60_000)
    expect((await zk.setData('/a', 'x')).mtime).toBe(1_000_000_060_000n)
    // Its pings were answered meanwhile.
    expect(zk.state).toBe('connected')
    expect(server.sessions.length).toBe(1)
  })

  test('ends the session of a client that is cut off', async () => {
    const server = await start({ clock: 'manual' })
    const machine = server.machine()
    const zk = await machine.connect({ sessionTimeoutMs: 6000 })
    const other = await server.connect()
    await zk.create('/e', '', { mode: 'ephemeral' })
    machine.cut()
    await server.advance(5000)
    expect(await other.exists('/e')).not.toBeNull()
    expect(zk.state).toBe('suspended')
    await server.advance(3000)
    expect(await other.exists('/e')).toBeNull()
    expect(zk.state).toBe('lost')
    machine.mend()
    await server.advanceUntil(() => zk.state === 'connected')
    expect(await zk.exists('/e')).toBeNull()
  })

  test('is a condition or a promise to wait for', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    server.members[0]!.kill()
    await server.advanceUntil(() => zk.state === 'suspended')
    const call = zk.create('/a')
    await expect(server.advanceUntil(call, 1000)).rejects.toThrow('within 1000 ms')
    await server.members[0]!.start()
    expect(await server.advanceUntil(call)).toMatchObject({ path: '/a' })
    await expect(
      server.advanceUntil(zk.create('/a/b/c').then(() => 'created')),
    ).rejects.toMatchObject({ code: 'NO_NODE' })
  })

  test('is advanced by one at a time, and only if it is manual', async () => {
    const manual = await start({ clock: 'manual' })
    const advanced = manual.advance(1)
    await expect(manual.advance(1)).rejects.toThrow('already')
    await advanced
    await expect(manual.advance(-1)).rejects.toThrow(RangeError)
    const real = await start()
    await expect(real.advance(1)).rejects.toThrow("clock: 'manual'")
  })

  test('follows the system unless it is manual', async () => {
    const server = await start()
    const machine = server.machine()
    const zk = await machine.connect({ sessionTimeoutMs: 2000 })
    await zk.create('/e', '', { mode: 'ephemeral' })
    const other = await server.connect()
    const { watch } = await other.exists('/e', { watch: true })
    machine.cut()
    expect((await watch.fired).type).toBe('deleted')
    machine.mend()
  })

  test('of a run with a manual clock follows from the seed', async () => {
    const run = async (): Promise<unknown> => {
      const server = await start({ clock: 'manual', seed: 7, servers: 3, wallMs: 0 })
      const zk = await server.connect()
      const { id } = zk.session!
      await server.expireSession(zk)
      await server.advanceUntil(() => zk.session !== null && zk.session.id !== id)
      return [server.nowMs, server.leader?.id, server.sessions]
    }
    expect(await run()).toEqual(await run())
  })
})

describe('options', () => {
  test.each([
    [{ servers: 2 }, 'servers is 2, not 1 or 3'],
    [{ clock: 'fast' }, 'clock is fast, not manual or system'],
    [{ transport: 'udp' }, 'transport is udp'],
    [{ clock: 'manual', transport: 'tcp' }, "clock 'manual' needs transport 'memory'"],
    [{ seed: -1 }, 'seed is -1'],
    [{ port: 2181 }, 'port is no option'],
  ])('%j is refused', async (options, message) => {
    await expect(startTestServer(options as TestServerOptions)).rejects.toThrow(message)
  })

  test('of the server reach it', async () => {
    const server = await start({ config: { tickTimeMs: 100, extendedTypes: true } })
    const zk = await server.connect({ sessionTimeoutMs: 1 })
    expect(zk.session!.timeoutMs).toBe(200)
    await zk.create('/ttl', '', { ttlMs: 60_000 })
  })
})

describe('the end', () => {
  test('leaves nothing behind: the process ends by itself', async () => {
    const program = `
      import { connect } from '${DIST}/client-node/index.js'
      import { startTestServer } from '${DIST}/testing/index.js'
      for (const servers of [1, 3]) {
        for (const clock of ['system', 'manual']) {
          const server = await startTestServer({ servers, clock })
          const { environment } = server.machine()
          const isTcp = clock === 'system'
          const own = await connect(server.connectionString, isTcp ? {} : environment)
          await own.create('/a')
          await own.close()
          const left = await server.connect()
          await left.create('/b')
          const forgotten = await connect('zk1:2181', environment)
          await server.close()
          console.log(servers, clock, left.state)
        }
      }`
    const run = scratch.runProgram(process.execPath, ['--input-type=module', '-e', program])
    expect(await run.ended).toEqual({
      code: 0,
      signal: null,
      stdout: '1 system closed\n1 manual closed\n3 system closed\n3 manual closed\n',
      stderr: '',
    })
  })

  test('comes also to a server that nobody can talk to', async () => {
    const server = await startTestServer({ clock: 'manual', servers: 3 })
    const machine = server.machine()
    await machine.connect()
    machine.cut()
    server.members[1]!.pause()
    server.members[2]!.kill()
    await server.close()
    await server.close()
    expect(server.members.map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped'])
  })

  test('is the end of a block', async () => {
    const server = await startTestServer()
    await server[Symbol.asyncDispose]()
    await expect(
      client.connect(server.connectionString, { connectTimeoutMs: 100 }),
    ).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })
})
