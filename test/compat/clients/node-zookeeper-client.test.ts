import { createRequire } from 'node:module'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import { discardServer, startServer } from './support/index.ts'

/** The package has no types of its own. */
// biome-ignore lint/suspicious/noExplicitAny: an untyped package
type Untyped = any

const zookeeper: Untyped = createRequire(import.meta.url)('node-zookeeper-client')
let server: ServerProcess
const clients: Untyped[] = []

beforeAll(async () => {
  server = await startServer({ tickTime: 500, config: ['maxSessionTimeout=60000'] })
}, 60_000)

afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})

afterAll(async () => {
  await discardServer(server)
})

async function connected(options: object = {}): Promise<Untyped> {
  const client: Untyped = zookeeper.createClient(server.address, {
    sessionTimeout: 60_000,
    spinDelay: 100,
    ...options,
  })
  clients.push(client)
  client.connect()
  await new Promise((resolve) => client.once('connected', resolve))
  return client
}

/** Calls a method that ends in a callback; several results come as an array. */
async function call(client: Untyped, method: string, ...args: unknown[]): Promise<Untyped> {
  return await new Promise((resolve, reject) => {
    client[method](...args, (error: Untyped, ...results: unknown[]) => {
      if (error) reject(error)
      else resolve(results.length > 1 ? results : results[0])
    })
  })
}

async function failure(client: Untyped, method: string, ...args: unknown[]): Promise<string> {
  return await call(client, method, ...args).then(
    (result) => `no failure but ${JSON.stringify(result)}`,
    (error) => error.getName(),
  )
}

const { EPHEMERAL, EPHEMERAL_SEQUENTIAL, PERSISTENT_SEQUENTIAL } = zookeeper.CreateMode

describe('node-zookeeper-client', { timeout: 120_000 }, () => {
  test('creates, reads, writes and deletes', async () => {
    const client = await connected()
    expect(await call(client, 'create', '/data', Buffer.from('one'))).toBe('/data')
    const [data, stat] = await call(client, 'getData', '/data')
    expect(data.toString()).toBe('one')
    expect([stat.version, stat.dataLength, stat.numChildren]).toEqual([0, 3, 0])
    const after = await call(client, 'setData', '/data', Buffer.from('three'), 0)
    expect([after.version, after.dataLength]).toEqual([1, 5])
    expect(await failure(client, 'setData', '/data', Buffer.from('x'), 0)).toBe('BAD_VERSION')
    expect(await failure(client, 'create', '/data')).toBe('NODE_EXISTS')
    expect(await failure(client, 'getData', '/none')).toBe('NO_NODE')
    expect(await call(client, 'exists', '/none')).toBe(null)
    await call(client, 'create', '/data/b')
    await call(client, 'create', '/data/a')
    const [names, parent] = await call(client, 'getChildren', '/data')
    expect([names.sort(), parent.cversion]).toEqual([['a', 'b'], 2])
    expect(await failure(client, 'remove', '/data')).toBe('NOT_EMPTY')
    await call(client, 'remove', '/data/a')
    await call(client, 'removeRecursive', '/data')
    expect(await call(client, 'exists', '/data')).toBe(null)
  })

  test('makes sequential znodes, and ephemerals that go with the session', async () => {
    const owner = await connected()
    const client = await connected()
    await call(client, 'mkdirp', '/modes/deep')
    expect(await call(owner, 'create', '/modes/s-', PERSISTENT_SEQUENTIAL)).toBe(
      '/modes/s-0000000001',
    )
    expect(await call(owner, 'create', '/modes/e', EPHEMERAL)).toBe('/modes/e')
    expect(await call(owner, 'create', '/modes/es-', EPHEMERAL_SEQUENTIAL)).toBe(
      '/modes/es-0000000003',
    )
    const stat = await call(client, 'exists', '/modes/e')
    expect(stat.ephemeralOwner).toEqual(owner.getSessionId())
    expect(await failure(owner, 'create', '/modes/e/x')).toBe('NO_CHILDREN_FOR_EPHEMERALS')
    let isWatched: Promise<Untyped> | undefined
    const gone = new Promise((resolve) => {
      isWatched = call(client, 'exists', '/modes/e', resolve)
    })
    // Before its owner goes.
    expect(await isWatched).not.toBe(null)
    owner.close()
    expect(String(await gone)).toBe('NODE_DELETED[2]@/modes/e')
    expect((await call(client, 'getChildren', '/modes'))[0].sort()).toEqual([
      'deep',
      's-0000000001',
    ])
  })

  test('is told what happens to watched znodes', async () => {
    const client = await connected()
    const other = await connected()
    const seen: string[] = []
    const watch = (event: Untyped): void => {
      seen.push(String(event))
    }
    await call(client, 'exists', '/watched', watch)
    await call(other, 'create', '/watched')
    await call(client, 'getData', '/watched', watch)
    await call(client, 'getChildren', '/watched', watch)
    await call(other, 'setData', '/watched', Buffer.from('x'))
    await call(other, 'create', '/watched/child')
    await call(client, 'exists', '/watched/child', watch)
    await call(other, 'remove', '/watched/child')
    await call(other, 'remove', '/watched')
    // An own request behind them is answered after the events.
    await call(client, 'exists', '/')
    expect(seen).toEqual([
      'NODE_CREATED[1]@/watched',
      'NODE_DATA_CHANGED[3]@/watched',
      'NODE_CHILDREN_CHANGED[4]@/watched',
      'NODE_DELETED[2]@/watched/child',
    ])
  })

  test('commits transactions whole or not at all', async () => {
    const client = await connected()
    const results = await call(
      client
        .transaction()
        .create('/multi', Buffer.from('0'))
        .create('/multi/n-', Buffer.from(''), PERSISTENT_SEQUENTIAL)
        .setData('/multi', Buffer.from('1'), 0)
        .check('/multi', 1)
        .remove('/multi/n-0000000000', 0),
      'commit',
    )
    expect(results.map((one: Untyped) => one.type)).toEqual([1, 1, 5, 13, 2])
    expect(results[1].path).toBe('/multi/n-0000000000')
    const refused = client.transaction().create('/multi/half').check('/multi', 9).remove('/multi')
    const codes = await new Promise((resolve) => {
      refused.commit((error: Untyped, all: Untyped[]) =>
        resolve([error?.getName(), ...(all ?? []).map((one) => one.err)]),
      )
    })
    expect(codes).toEqual(['BAD_VERSION', 0, -103, -2])
    expect(await call(client, 'exists', '/multi/half')).toBe(null)
  })

  test('authenticates by digest and changes ACLs', async () => {
    const member = await connected()
    const stranger = await connected()
    member.addAuthInfo('digest', Buffer.from('user:pass'))
    const acl = zookeeper
    await call(member, 'create', '/secret', Buffer.from('s'), acl.ACL.CREATOR_ALL_ACL)
    expect(await failure(stranger, 'getData', '/secret')).toBe('NO_AUTH')
    const [entries] = await call(member, 'getACL', '/secret')
    expect(entries.map(String)).toEqual([
      String(
        new acl.ACL(acl.Permission.ALL, new acl.Id('digest', 'user:smGaoVKd/cQkjm7b88GyorAUz20=')),
      ),
    ])
    expect((await call(member, 'setACL', '/secret', acl.ACL.READ_ACL_UNSAFE, 0)).aversion).toBe(1)
    expect((await call(stranger, 'getData', '/secret'))[0].toString()).toBe('s')
    expect(await failure(stranger, 'setData', '/secret', Buffer.from('x'))).toBe('NO_AUTH')
    expect(await failure(member, 'setData', '/secret', Buffer.from('x'))).toBe('NO_AUTH')
  })

  test('keeps its session over a kill of the server', async () => {
    const client = await connected()
    const session = client.getSessionId().toString('hex')
    await call(client, 'create', '/kept', Buffer.from('k'), EPHEMERAL)
    const again = new Promise((resolve) => client.once('connected', resolve))
    await server.kill()
    await server.start()
    await again
    expect(client.getSessionId().toString('hex')).toBe(session)
    const [data, stat] = await call(client, 'getData', '/kept')
    expect([data.toString(), stat.ephemeralOwner.toString('hex')]).toEqual(['k', session])
    // The server closes the connection when the session is over.
    const over = new Promise((resolve) => client.once('disconnected', resolve))
    client.close()
    await over
    const other = await connected()
    expect(await call(other, 'exists', '/kept')).toBe(null)
  })
})
