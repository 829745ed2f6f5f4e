import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  connect,
  type Logger,
  SILENT_LOGGER,
  type ZkError,
  type ZooKeeper,
} from '../../src/client-node/index.ts'
import { CuttableProxy } from './support/cuttable-proxy.ts'
import { HeldTime } from './support/held-time.ts'
import { PLACES, type Servers } from './support/places.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

async function failure(promise: Promise<unknown>): Promise<ZkError> {
  return await promise.then(
    () => {
      throw new Error('resolved')
    },
    (error) => error,
  )
}

for (const { name, isMissing, start } of PLACES) {
  describe.skipIf(isMissing)(`against ${name}`, () => {
    let servers: Servers
    let zk: ZooKeeper
    let other: ZooKeeper

    beforeAll(async () => {
      servers = await start()
    }, 120_000)

    afterAll(async () => {
      await servers.discard()
    })

    beforeEach(async () => {
      zk = await connect(servers.addresses, { sessionTimeoutMs: 30_000 })
      other = await connect(servers.addresses, { sessionTimeoutMs: 30_000 })
    })

    afterEach(async () => {
      await zk.close()
      await other.sync()
      for (const name of (await other.getChildren('/')).children) {
        if (name !== 'zookeeper') await removeAll(other, `/${name}`)
      }
      await other.close()
    })

    test('znodes', async () => {
      const { stat } = await zk.create('/a', 'one')
      expect(await zk.getData('/a')).toEqual({ data: Buffer.from('one'), stat })
      expect((await zk.setData('/a', 'two', 0)).version).toBe(1)
      expect(await failure(zk.setData('/a', '', 0))).toMatchObject({ code: 'BAD_VERSION' })
      expect(await zk.exists('/b')).toBeNull()
      expect(await failure(zk.getData('/b'))).toMatchObject({ code: 'NO_NODE', path: '/b' })
      const { path } = await zk.create('/a/n-', '', { mode: 'ephemeral-sequential' })
      expect(path).toBe('/a/n-0000000000')
      expect(await zk.getEphemerals('/a')).toEqual([path])
      expect(await zk.getAllChildrenNumber('/a')).toBe(1)
      await zk.create('/c', '', { mode: 'container' })
      await zk.create('/t', '', { ttlMs: 60_000 })
      await zk.sync('/a')
      expect(await failure(zk.delete('/a'))).toMatchObject({ code: 'NOT_EMPTY' })
      expect((await zk.getConfig()).stat.aversion).toBe(-1)
    })

    test('no data at all is told from no bytes', async () => {
      await zk.create('/null', null)
      await zk.create('/empty', '')
      expect(await zk.getData('/null')).toMatchObject({ data: Buffer.alloc(0), isNull: true })
      expect(await zk.getData('/empty')).not.toHaveProperty('isNull')
      const { watch, ...read } = await zk.getData('/null', { watch: true })
      expect(read.isNull).toBe(true)
      await other.setData('/null', '')
      expect(await watch.fired).toMatchObject({ type: 'changed', path: '/null' })
      expect(await zk.getData('/null')).not.toHaveProperty('isNull')
    })

    test('the configuration can be watched', async () => {
      const { watch, stat } = await zk.getConfig({ watch: true })
      expect(stat.aversion).toBe(-1)
      expect([zk.watchCount, watch.path]).toEqual([1, '/zookeeper/config'])
      await watch.close()
      expect(zk.watchCount).toBe(0)
    })

    test('transactions and several reads', async () => {
      const [created, changed] = await zk
        .transaction()
        .create('/a', '1')
        .setData('/a', '2', 0)
        .check('/a', 1)
        .commit()
      expect(created.path).toBe('/a')
      expect(changed.version).toBe(1)
      const error = await failure(zk.transaction().delete('/a').delete('/b').commit())
      expect(error).toMatchObject({ code: 'TRANSACTION_FAILED', index: 1, path: '/b' })
      const [data, missing] = await zk.multiRead().getData('/a').getChildren('/b').run()
      expect(data.ok && text(data.value.data)).toBe('2')
      expect(missing.ok).toBe(false)
    })

    test('ACLs and identities', async () => {
      await zk.addAuth('digest', 'u:p')
      expect(await zk.whoAmI()).toContainEqual({ scheme: 'digest', id: 'u' })
      await zk.create('/s', 'x', { acl: [{ perms: 31, scheme: 'auth', id: '' }] })
      await other.sync()
      expect(await failure(other.getData('/s'))).toMatchObject({ code: 'NO_AUTH' })
      expect((await zk.getAcl('/s')).acl).toMatchObject([{ scheme: 'digest', perms: 31 }])
      await zk.setAcl('/s', [{ perms: 31, scheme: 'world', id: 'anyone' }])
      const refused = connect(servers.addresses, { auth: [{ scheme: 'none', credentials: '' }] })
      expect(await failure(refused)).toMatchObject({ code: 'AUTH_FAILED' })
      expect(await failure(zk.addAuth('none', ''))).toMatchObject({ code: 'AUTH_FAILED' })
      expect(text((await zk.getData('/s')).data)).toBe('x')
    })

    test('watches', async () => {
      const missing = await zk.exists('/a', { watch: true })
      const below = await zk.watch('/a', { recursive: true })
      const at = await zk.watch('/b')
      await other.create('/a', '1')
      await other.create('/a/x')
      await other.create('/b')
      await other.create('/b/x')
      expect(await missing.watch.fired).toMatchObject({ type: 'created', path: '/a' })
      expect((await below.next()).value).toMatchObject({ type: 'created', path: '/a' })
      expect((await below.next()).value).toMatchObject({ type: 'created', path: '/a/x' })
      expect((await at.next()).value).toMatchObject({ type: 'created', path: '/b' })
      expect((await at.next()).value).toMatchObject({ type: 'children', path: '/b' })
      await at.close()
      await below.close()
      expect(zk.watchCount).toBe(0)
    })

    test('a connection that breaks', async () => {
      const proxy = await CuttableProxy.open(servers.port)
      const roaming = await connect(`127.0.0.1:${proxy.port}`, { sessionTimeoutMs: 30_000 })
      await roaming.create('/e', '', { mode: 'ephemeral' })
      const { watch } = await roaming.getData('/e', { watch: true })
      const lasting = await roaming.watch('/e')
      const { session } = roaming
      proxy.cut()
      await other.setData('/e', 'x')
      expect((await watch.fired).type).toBe('changed')
      expect((await lasting.next()).value?.type).toBe('gap')
      expect(roaming.session).toBe(session)
      await roaming.close()
      await other.sync()
      expect(await other.exists('/e')).toBeNull()
      proxy.close()
    })

    test('servers that are restarted', { timeout: 180_000 }, async () => {
      const roaming = await connect(servers.addresses, { sessionTimeoutMs: 120_000 })
      const { stat } = await roaming.create('/e', 'x', { mode: 'ephemeral' })
      const lasting = await roaming.watch('/e')
      const states: string[] = []
      roaming.onState(({ state }) => states.push(state))
      await servers.restartEach()
      expect(await roaming.exists('/e')).toEqual(stat)
      expect(states).toContain('suspended')
      expect(states).not.toContain('lost')
      expect((await lasting.next()).value?.type).toBe('gap')
      await roaming.setData('/e', 'y')
      await other.sync()
      expect(text((await other.getData('/e')).data)).toBe('y')
      await roaming.close()
    })
  })
}

/** More than any pause between two attempts. */
const PAUSE_MS = 5000
const CONNECT_MS = 60_000

/** How `connect` fails when its time is over, after an attempt at each of so many servers has failed by itself. */
async function failureAfter(attempts: number, addresses: string): Promise<ZkError> {
  const time = new HeldTime()
  const ended = new Set<unknown>()
  const debug: Logger['debug'] = (_, fields) => {
    ended.add(fields?.['server'])
    setImmediate(() => time.advance(ended.size < attempts ? PAUSE_MS : CONNECT_MS))
  }
  const limits = { connectTimeoutMs: CONNECT_MS, attemptTimeoutMs: 2 * CONNECT_MS }
  const { clock, timers } = time
  const logger = { ...SILENT_LOGGER, debug }
  return await failure(connect(addresses, { ...limits, clock, timers, logger }))
}

// A name that does not exist may be looked for at several servers, one after the other.
const PATIENCE = { timeout: 120_000 }

test('servers that are not there are named when the time is over', PATIENCE, async () => {
  const error = await failureAfter(2, '127.0.0.1:1,no-such-host.invalid')
  expect(error).toMatchObject({ code: 'CONNECT_FAILED', retryable: true })
  expect(error.message).toContain('127.0.0.1:1')
  expect(error.message).toContain('no-such-host.invalid')
})

test('what is no ZooKeeper server is left alone', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const error = await failureAfter(1, `127.0.0.1:${port}`)
  expect(error).toMatchObject({ code: 'CONNECT_FAILED' })
  expect(error.message).toContain('frame')
  server.close()
})

async function removeAll(zk: ZooKeeper, path: string): Promise<void> {
  const { children } = await zk.getChildren(path)
  for (const name of children) await removeAll(zk, `${path}/${name}`)
  await zk.delete(path)
}
