import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findApache, type ServerKind, type ServerProcess } from '../../../bench/servers/index.ts'
import {
  ChildrenCache,
  Group,
  NodeCache,
  Partitioner,
  PersistentNode,
  ServiceRegistry,
  TreeCache,
} from '../../../recipes/index.ts'
import { connect, type ZooKeeper } from '../../../src/client-node/index.ts'
import { CuttableProxy } from '../../client/support/cuttable-proxy.ts'
import {
  curator,
  discardServer,
  kazoo,
  Program,
  skipWithout,
  startServer,
} from '../clients/support/index.ts'
import { LineProgram } from './support/line-program.ts'

const LIMIT_MS = 60_000
const text = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString()

async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + LIMIT_MS
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`still not: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const work = async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
}

const KINDS: readonly ServerKind[] = ['zabkeeper', 'apache-3.8', 'apache-3.9']

for (const kind of KINDS) {
  const isMissing = kind !== 'zabkeeper' && findApache(kind.slice(-3) as '3.8' | '3.9') === null
  describe.skipIf(isMissing)(`against ${kind}`, { timeout: 2 * LIMIT_MS }, () => {
    let server: ServerProcess
    let proxy: CuttableProxy
    /** Through the proxy, so that its connections break when that is cut. */
    let zk: ZooKeeper
    let other: ZooKeeper

    beforeAll(async () => {
      server = await startServer({ kind })
      proxy = await CuttableProxy.open(server.options.port)
      zk = await connect(`127.0.0.1:${proxy.port}`, { sessionTimeoutMs: 40_000 })
      other = await connect(server.address, { sessionTimeoutMs: 40_000 })
    }, LIMIT_MS)

    afterAll(async () => {
      expect(zk.watchCount).toBe(0)
      await zk.close()
      await other.close()
      proxy.close()
      await discardServer(server)
    })

    /** Writes while the caches read, and while their connection is broken. */
    async function churn(root: string, watches: 'auto' | 'one-shot'): Promise<void> {
      const cache = await TreeCache.open(zk, root, { watches })
      const children = await ChildrenCache.open(zk, root, { watches })
      // Of another client: before 3.9 a server has one watch of a client at a path, whatever its kind.
      const node = await NodeCache.open(other, root, { watches })
      const writes: Promise<unknown>[] = [other.create(root, 'root')]
      for (let i = 0; i < 100; i++) {
        writes.push(other.create(`${root}/${i}`, 'old'), other.create(`${root}/${i}/below`))
        writes.push(other.setData(`${root}/${i}`, 'new'))
        if (i % 2 === 0) writes.push(other.delete(`${root}/${i}/below`))
        if (i % 4 === 0) writes.push(other.delete(`${root}/${i}`))
      }
      await Promise.all(writes)
      await until('it has all', () => cache.size === 126 && children.names.length === 75)
      proxy.cut()
      await other.delete(`${root}/1/below`)
      await other.delete(`${root}/1`)
      await other.create(`${root}/after`, 'the cut')
      await other.setData(root, 'changed')
      await until('it has the rest', () => cache.isCurrent && cache.size === 125)
      await until('of those in between, too', () => cache.get(`${root}/after`) !== null)
      await until('its root, too', () => text(cache.get(root)?.data) === 'changed')
      await until('the others, too', () => text(node.value?.data) === 'changed')
      await until('all of them', () => text(children.get('after')?.data) === 'the cut')
      for (const { path: znode, data, stat } of cache.znodes()) {
        const found = await other.getData(znode)
        expect([znode, text(data), stat.mzxid]).toEqual([znode, text(found.data), found.stat.mzxid])
      }
      expect(cache.get(`${root}/1`)).toBeNull()
      await Promise.all([cache.close(), children.close(), node.close()])
      expect([zk.watchCount, other.watchCount, cache.size]).toEqual([0, 0, 0])
    }

    test('caches on watches that stay', async () => {
      await churn('/lasting', 'auto')
    })

    test('caches on one-shot watches', async () => {
      await churn('/one-shot', 'one-shot')
    })

    test('a persistent node survives its deletion and a broken connection', async () => {
      const node = await PersistentNode.open(zk, '/nodes/n', 'one', { isProtected: true })
      const first = (await other.exists(node.path!))!.czxid
      await other.delete(node.path!)
      // It may be there again before anybody sees that it was gone.
      let znode = ''
      for (let czxid = first; czxid === first; ) {
        znode = await node.present()
        czxid = (await other.exists(znode))?.czxid ?? first
      }
      proxy.cut()
      await node.setData('two')
      expect(text((await other.getData(znode)).data)).toBe('two')
      await node.close()
      expect((await other.getChildren('/nodes')).children).toEqual([])
    })

    test('groups, partitioners and services', async () => {
      const group = await Group.open(zk, '/group')
      await group.join('one', { data: 'x' })
      await until('it is in', () => group.members.length === 1)
      const items = ['a', 'b', 'c']
      const first = await Partitioner.join(zk, '/parts', items, work, { id: '1', settleMs: 50 })
      const second = await Partitioner.join(other, '/parts', items, work, { id: '2', settleMs: 50 })
      await until('items are shared', () => first.owned.length * second.owned.length === 2)
      await second.close()
      await until('one has all', () => first.owned.length === 3)
      await first.close()
      const registry = new ServiceRegistry(zk, '/services')
      const registrationTimeUTC = Date.now()
      const service = { name: 'web', id: '1', address: 'a', port: 80, registrationTimeUTC }
      const registration = await registry.register(service)
      const view = await new ServiceRegistry(other, '/services').watch('web')
      expect(view.instances).toEqual([registration.instance])
      await registration.unregister()
      await until('it is gone', () => view.instances.length === 0)
      await view.close()
      await group.close()
      expect(await zk.getEphemerals()).toEqual([])
    })
  })
}

const python = await kazoo()

describe.skipIf(skipWithout(python))('with kazoo', { timeout: 2 * LIMIT_MS }, () => {
  let server: ServerProcess
  let zk: ZooKeeper
  let program: LineProgram

  beforeAll(async () => {
    server = await startServer()
    zk = await connect(server.address, { sessionTimeoutMs: 40_000 })
    const file = path.join(import.meta.dirname, 'programs/calls.py')
    const limit = { timeoutMs: 5 * LIMIT_MS }
    program = new LineProgram(new Program(python.found!, ['-B', file, server.address], limit))
  }, LIMIT_MS)

  afterAll(async () => {
    await program.close()
    await zk.close()
    await discardServer(server)
  })

  async function evaluate<T>(expression: string): Promise<T> {
    const answer = await program.ask(expression)
    if (answer.word !== 'value') throw new Error(answer.rest)
    return JSON.parse(answer.rest)
  }

  test.each([
    ['kazoo', 'Party'],
    ['kazoo-shallow', 'ShallowParty'],
  ] as const)('a party in the layout %s', async (layout, kind) => {
    const group = await Group.open(zk, `/${kind}`, { layout })
    const membership = await group.join('ours')
    const both = `(lambda party: (party.join(), sorted(party), party.leave())[1])(zk.${kind}('/${kind}', 'theirs'))`
    expect(await evaluate(both)).toEqual(['ours', 'theirs'])
    // The session of the second one stays: it is kept.
    const stay = `(lambda party: (keep.append(party), party.join(), None)[2])(zk.${kind}('/${kind}', 'staying'))`
    await evaluate(stay)
    const ids = (): string =>
      [...group.members]
        .map(({ id }) => id)
        .sort()
        .join()
    await until('both are seen', () => ids() === 'ours,staying')
    await membership.leave()
    await until('one is seen', () => ids() === 'staying')
    await group.close()
  })

  test('a SetPartitioner shares a set with ours', async () => {
    const items = ['0', '1', '2', '3', '4']
    const join = (id: string): Promise<Partitioner> =>
      Partitioner.join(zk, '/parts', items, work, { id, settleMs: 50 })
    const ours = await join('a')
    await until('ours has all', () => ours.owned.length === 5)
    const theirs = evaluate<string[]>(
      `(lambda part: (keep.append(part), part.wait_for_acquire(60), sorted(part))[2])(` +
        `zk.SetPartitioner('/parts', set=['0', '1', '2', '3', '4'], identifier='b', time_boundary=1))`,
    )
    await until('ours has its share', () => [...ours.owned].sort().join('') === '024')
    expect(await theirs).toEqual(['1', '3'])
    await evaluate(`keep[-1].finish()`)
    await until('ours has all again', () => ours.owned.length === 5)
    await ours.close()
  })
})

const classPath = await curator()

describe.skipIf(skipWithout(classPath))('with Curator', { timeout: 2 * LIMIT_MS }, () => {
  test('a GroupMember and a PersistentNode', async () => {
    const server = await startServer()
    const zk = await connect(server.address, { sessionTimeoutMs: 40_000 })
    const file = path.join(import.meta.dirname, 'programs/Members.java')
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
    const args = [quiet, '-cp', classPath.found!, file, server.address, '/group', '/nodes/n']
    const program = new Program('java', args, { timeoutMs: 2 * LIMIT_MS })
    const group = await Group.open(zk, '/group')
    const membership = await group.join('ours', { data: 'mine' })
    await program.waitFor('sees both')
    // They may be told before this process has read what it was told of.
    const seen = (): string =>
      [...group.members]
        .map(({ id, data }) => `${id}=${text(data)}`)
        .sort()
        .join()
    await until('both are seen', () => seen() === 'curator=theirs,ours=mine')
    await membership.leave()
    await program.waitFor('has its node')
    const node = PersistentNode.open(zk, '/nodes/n', 'ours')
    expect(text((await zk.getData('/nodes/n')).data)).toBe('theirs')
    program.writeLine('go')
    await node
    expect(text((await zk.getData('/nodes/n')).data)).toBe('ours')
    expect((await program.finished()).code).toBe(0)
    await (await node).close()
    await group.close()
    await zk.close()
    await discardServer(server)
  })
})
