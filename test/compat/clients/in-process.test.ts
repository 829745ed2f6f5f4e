import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../../src/testing/index.ts'
import { kazoo, Program, passedSteps, skipWithout } from './support/index.ts'

/** The package has no types of its own. */
// biome-ignore lint/suspicious/noExplicitAny: an untyped package
type Untyped = any

let server: TestServer

afterEach(async () => {
  await server.close()
})

const python = await kazoo()

describe.skipIf(skipWithout(python))('kazoo', { timeout: 240_000 }, () => {
  test.each([1, 3] as const)('runs its recipes on %i servers in this process', async (servers) => {
    server = await startTestServer({ servers })
    const file = path.join(import.meta.dirname, 'kazoo/recipes.py')
    const program = new Program(python.found ?? '', ['-B', file, server.connectionString], {
      timeoutMs: 220_000,
    })
    const { code, output } = await program.finished()
    expect(passedSteps(output).length, output).toBe(12)
    expect(code).toBe(0)
  })
})

describe('node-zookeeper-client', { timeout: 60_000 }, () => {
  test('loses a reply, a connection and its session', async () => {
    server = await startTestServer()
    const zookeeper: Untyped = createRequire(import.meta.url)('node-zookeeper-client')
    const client: Untyped = zookeeper.createClient(server.connectionString, { spinDelay: 100 })
    const once = async (event: string): Promise<void> =>
      await new Promise((resolve) => client.once(event, resolve))
    const create = promisify(client.create.bind(client)) as (path: string) => Promise<string>
    const exists = promisify(client.exists.bind(client)) as (path: string) => Promise<unknown>
    client.connect()
    await once('connected')
    const { id } = server.sessions[0]!

    const again = once('connected')
    const fault = server.loseReply({ op: 'create', path: '/a' })
    const disconnected = once('disconnected')
    await expect(create('/a')).rejects.toThrow('CONNECTION_LOSS')
    expect((await fault.struck).sessionId).toBe(id)
    await disconnected
    await again
    expect(await exists('/a')).toBeTruthy()

    const [dropped, found] = [once('disconnected'), once('connected')]
    server.connectionOf(id)!.drop()
    await Promise.all([dropped, found])
    expect(server.sessions.map((session) => session.id)).toEqual([id])

    const expired = once('expired')
    await server.expireSession(id)
    await expired
    expect(server.sessions).toEqual([])
    client.close()
  })
})
