import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import { discardServer, npmZookeeper, skipWithout, startServer } from './support/index.ts'

const peer = npmZookeeper()

/** The package is loaded from where it was built, so its types are not at hand. */
// biome-ignore lint/suspicious/noExplicitAny: an untyped package
type Untyped = any

describe.skipIf(skipWithout(peer))('npm zookeeper', { timeout: 120_000 }, () => {
  const ZooKeeper: Untyped = peer.found?.('zookeeper').Promise
  const flags: Untyped = peer.found?.('zookeeper').constants
  let server: ServerProcess
  const clients: Untyped[] = []

  beforeAll(async () => {
    server = await startServer({ tickTime: 500 })
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) await closed(client)
  })

  afterAll(async () => {
    await discardServer(server)
  })

  async function connected(): Promise<Untyped> {
    const client = new ZooKeeper({ connect: server.address, timeout: 10_000, debug_level: 0 })
    clients.push(client)
    client.init({})
    await client.on_connected()
    return client
  }

  async function closed(client: Untyped): Promise<void> {
    const done = new Promise((resolve) => client.once('close', resolve))
    client.close()
    await done
  }

  async function code(work: Promise<unknown>): Promise<number> {
    return await work.then(
      () => 0,
      // The code is the first word of the message.
      (error) => Number.parseInt(error.message, 10),
    )
  }

  test('creates, reads, writes and deletes', async () => {
    const client = await connected()
    expect(await client.create('/data', 'one', 0)).toBe('/data')
    const [stat, data] = await client.get('/data', false)
    expect([data.toString(), stat.version, stat.dataLength]).toEqual(['one', 0, 3])
    expect((await client.set('/data', 'three', 0)).version).toBe(1)
    expect(await code(client.set('/data', 'x', 0))).toBe(flags.ZBADVERSION)
    expect(await code(client.create('/data', 'x', 0))).toBe(flags.ZNODEEXISTS)
    expect(await code(client.get('/none', false))).toBe(flags.ZNONODE)
    await client.create('/data/a', '', 0)
    await client.create('/data/b', '', 0)
    const [names, parent] = await client.get_children2('/data', false)
    expect([names.sort(), parent.cversion]).toEqual([['a', 'b'], 2])
    expect(await code(client.delete_('/data', -1))).toBe(flags.ZNOTEMPTY)
    await client.delete_('/data/a', 0)
    expect(await client.get_children('/data', false)).toEqual(['b'])
    await client.sync('/data')
  })

  test('makes sequential znodes, and ephemerals that go with the session', async () => {
    const owner = await connected()
    const client = await connected()
    const { ZOO_EPHEMERAL, ZOO_SEQUENCE } = flags
    await client.create('/modes', '', 0)
    expect(await owner.create('/modes/s-', '', ZOO_SEQUENCE)).toBe('/modes/s-0000000000')
    expect(await owner.create('/modes/e', '', ZOO_EPHEMERAL)).toBe('/modes/e')
    expect(await owner.create('/modes/es-', '', ZOO_EPHEMERAL | ZOO_SEQUENCE)).toBe(
      '/modes/es-0000000002',
    )
    expect(await code(owner.create('/modes/e/x', '', 0))).toBe(flags.ZNOCHILDRENFOREPHEMERALS)
    clients.splice(clients.indexOf(owner), 1)
    const gone = new Promise<number>((resolve) => {
      client.w_get_children('/modes', resolve)
    })
    await closed(owner)
    // The close request may still be on its way when the client says it is closed.
    expect(await gone).toBe(flags.ZOO_CHILD_EVENT)
    await client.sync('/modes')
    expect(await client.get_children('/modes', false)).toEqual(['s-0000000000'])
  })

  test('is told what happens to watched znodes', async () => {
    const client = await connected()
    const seen: [number, number, string][] = []
    const watch = (type: number, state: number, path: string): void => {
      seen.push([type, state, path])
    }
    await client.create('/watched', '', 0)
    await client.w_get('/watched', watch)
    await client.set('/watched', 'x', -1)
    await client.w_get_children('/watched', watch)
    await client.create('/watched/child', '', 0)
    await client.w_exists('/watched/child', watch)
    await client.delete_('/watched/child', -1)
    await client.sync('/watched')
    expect(seen).toEqual([
      [flags.ZOO_CHANGED_EVENT, flags.ZOO_CONNECTED_STATE, '/watched'],
      [flags.ZOO_CHILD_EVENT, flags.ZOO_CONNECTED_STATE, '/watched'],
      [flags.ZOO_DELETED_EVENT, flags.ZOO_CONNECTED_STATE, '/watched/child'],
    ])
  })

  test('authenticates by digest and changes ACLs', async () => {
    const member = await connected()
    const stranger = await connected()
    await new Promise((resolve) => member.add_auth('digest', 'user:pass', resolve))
    const id = 'user:smGaoVKd/cQkjm7b88GyorAUz20='
    await member.create('/secret', 's', 0)
    await member.set_acl('/secret', 0, [{ perms: 31, scheme: 'digest', auth: id }])
    expect(await code(stranger.get('/secret', false))).toBe(flags.ZNOAUTH)
    const entries = await member.get_acl('/secret')
    expect(entries.flat().find((one: Untyped) => one.scheme === 'digest')).toMatchObject({
      perms: 31,
      auth: id,
    })
    expect((await member.set('/secret', 'mine', -1)).aversion).toBe(1)
  })
})
