import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ChildrenCache, NodeCache, TreeCache, type TreeChange } from '../../recipes/index.ts'
import { ServerError, type ZooKeeper } from '../../src/client/index.ts'
import { Follower } from './support/follower.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'
import { cachedTree, serverTree } from './support/server-tree.ts'

let stage: RecipeStage
let reader: Member
let writer: ZooKeeper

beforeEach(async () => {
  stage = new RecipeStage()
  reader = await stage.member()
  writer = (await stage.member()).zk
})

afterEach(async () => {
  await stage.finish()
})

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes)

async function take(changes: AsyncIterator<TreeChange>, count: number): Promise<string[]> {
  const told: string[] = []
  for (let i = 0; i < count; i++) {
    const { value } = await stage.run(changes.next())
    told.push('path' in value ? `${value.type} ${value.path}` : value.type)
  }
  return told
}

/** The cache and the server have the same. */
async function caughtUp(cache: TreeCache, depthMax?: number): Promise<void> {
  await stage.runFor(50)
  await stage.within(20_000, 'the cache equals the tree of the server', () => {
    const held = cachedTree(cache.znodes())
    const there = serverTree(stage, cache.path, depthMax)
    return cache.isCurrent && JSON.stringify([...held]) === JSON.stringify([...there])
  })
}

describe.each(['auto', 'one-shot'] as const)('a tree cache with watches %s', (watches) => {
  const open = (path: string, options = {}): Promise<TreeCache> =>
    stage.run(TreeCache.open(reader.zk, path, { watches, ...options }))

  test('holds what is there and follows what changes', async () => {
    await stage.run(writer.create('/r', 'root'))
    await stage.run(writer.create('/r/a', '1'))
    await stage.run(writer.create('/r/a/x', '2'))
    const cache = await open('/r')
    expect(cache.isCurrent).toBe(true)
    expect(cache.znodes().map(({ path }) => path)).toEqual(['/r', '/r/a', '/r/a/x'])
    expect([cache.children('/r'), cache.children('/r/a/x'), cache.children('/no')]).toEqual([
      ['a'],
      [],
      null,
    ])
    expect(text(cache.get('/r/a/x')?.data)).toBe('2')
    const changes = cache.changes()
    await stage.run(writer.setData('/r/a/x', 'new'))
    expect(await take(changes, 1)).toEqual(['changed /r/a/x'])
    await stage.run(writer.create('/r/b'))
    await stage.run(writer.create('/r/b/y'))
    expect(await take(changes, 2)).toEqual(['created /r/b', 'created /r/b/y'])
    await stage.run(writer.delete('/r/a/x'))
    await stage.run(writer.delete('/r/a'))
    expect(await take(changes, 2)).toEqual(['deleted /r/a/x', 'deleted /r/a'])
    await caughtUp(cache)
    await stage.run(cache.close())
    expect(await stage.run(changes.next())).toEqual({ done: true, value: undefined })
    expect([cache.size, cache.isCurrent, cache.get('/r')]).toEqual([0, false, null])
  })

  test('a root that is missing, comes, goes and comes again (B16)', async () => {
    const cache = await open('/r')
    expect([cache.size, cache.isCurrent]).toEqual([0, true])
    const changes = cache.changes()
    for (let round = 0; round < 3; round++) {
      await stage.run(writer.create('/r'))
      await stage.run(writer.create('/r/a'))
      await caughtUp(cache)
      await stage.run(writer.delete('/r/a'))
      await stage.run(writer.delete('/r'))
      await caughtUp(cache)
      expect(await take(changes, 4)).toEqual([
        'created /r',
        'created /r/a',
        'deleted /r/a',
        'deleted /r',
      ])
    }
    await stage.within(1000, 'one watch is left', () => stage.serverWatches() === 1)
    await stage.run(cache.close())
  })

  test('a znode that is replaced in one transaction loses the children it had', async () => {
    await stage.run(writer.transaction().create('/r').create('/r/a').create('/r/a/x').commit())
    const cache = await open('/r')
    await stage.run(
      writer.transaction().delete('/r/a/x').delete('/r/a').create('/r/a').create('/r/a/y').commit(),
    )
    await caughtUp(cache)
    expect(cache.children('/r/a')).toEqual(['y'])
    await stage.run(cache.close())
  })

  test('holds no more levels than it is asked for', async () => {
    await stage.run(writer.transaction().create('/r').create('/r/a').create('/r/a/x').commit())
    const cache = await open('/r', { depthMax: 1 })
    await stage.run(writer.create('/r/a/y'))
    await stage.run(writer.create('/r/b'))
    await caughtUp(cache, 1)
    expect(cache.znodes().map(({ path }) => path)).toEqual(['/r', '/r/a', '/r/b'])
    await stage.run(cache.close())
  })

  test('a broken connection: it says so, and catches up with what it missed', async () => {
    await stage.run(writer.transaction().create('/r').create('/r/a').create('/r/b').commit())
    const cache = await open('/r')
    const changes = cache.changes()
    stage.isolate(true, reader.host)
    stage.breakConnections(reader.host)
    expect(await take(changes, 1)).toEqual(['stale'])
    expect([cache.isCurrent, cache.size]).toEqual([false, 3])
    await stage.run(writer.setData('/r/b', 'x'))
    await stage.run(writer.delete('/r/a'))
    await stage.run(writer.create('/r/c'))
    stage.isolate(false, reader.host)
    const told = await take(changes, 4)
    expect(told.at(-1)).toBe('current')
    expect(told.slice(0, 3).sort()).toEqual(['changed /r/b', 'created /r/c', 'deleted /r/a'])
    await caughtUp(cache)
    await stage.run(cache.close())
  })

  test('a lost session', async () => {
    await stage.run(writer.transaction().create('/r').create('/r/a').create('/r/b').commit())
    const cache = await open('/r')
    stage.isolate(true, reader.host)
    await stage.until(() => reader.zk.state === 'lost')
    await stage.run(writer.delete('/r/a'))
    await stage.run(writer.create('/r/c'))
    await stage.runFor(6000)
    stage.isolate(false, reader.host)
    await caughtUp(cache)
    await stage.run(writer.create('/r/c/d'))
    await caughtUp(cache)
    await stage.run(cache.close())
  })

  test('what may not be read is left out with all below it; the root may not be', async () => {
    const secret = [{ perms: 4 | 8, scheme: 'world', id: 'anyone' }]
    await stage.run(writer.create('/r'))
    await stage.run(writer.create('/r/secret', '', { acl: secret }))
    await stage.run(writer.create('/r/secret/a'))
    await stage.run(writer.create('/r/b'))
    const cache = await open('/r')
    expect(cache.znodes().map(({ path }) => path)).toEqual(['/r', '/r/b'])
    await stage.run(cache.close())
    const refused = await stage.fails(TreeCache.open(reader.zk, '/r/secret', { watches }))
    expect(refused.code).toBe('NO_AUTH')
    await stage.runFor(1000)
  })

  test('opening is bounded, and leaves nothing', async () => {
    stage.deafen(true, reader.host)
    const options = { watches, timeoutMs: 500 }
    const late = await stage.fails(TreeCache.open(reader.zk, '/r', options))
    expect(late).toMatchObject({ code: 'TIMEOUT', op: 'treeCache', path: '/r' })
    const { signal } = new AbortController()
    const abort = new AbortController()
    const opening = stage.fails(TreeCache.open(reader.zk, '/r', { watches, signal: abort.signal }))
    await stage.runFor(10)
    abort.abort()
    expect(await opening).toMatchObject({ code: 'ABORTED' })
    stage.deafen(false, reader.host)
    await stage.run(reader.zk.sync())
    const gone = AbortSignal.abort()
    expect(await stage.fails(TreeCache.open(reader.zk, '/r', { signal: gone }))).toMatchObject({
      code: 'ABORTED',
    })
    const bad = stage.fails(TreeCache.open(reader.zk, '/r', { readsMax: 0 }))
    expect(await bad).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(signal.aborted).toBe(false)
  })

  test('ends with its client', async () => {
    const cache = await open('/r')
    const changes = cache.changes()
    const next = changes.next()
    await stage.run(reader.zk.close())
    expect((await stage.run(next)).done).toBe(true)
    expect(cache.isCurrent).toBe(false)
    await stage.run(cache.close())
    expect((await stage.run(cache.changes().next())).done).toBe(true)
  })

  test('survives that somebody takes its watches away', async () => {
    await stage.run(writer.create('/r'))
    const cache = await open('/r')
    await stage.run(reader.zk.removeWatches('/r'))
    await stage.run(writer.create('/r/a'))
    await caughtUp(cache)
    await stage.run(cache.close())
  })
})

test.each(['auto', 'one-shot'] as const)(
  'a znode that is deleted at whatever moment while it is read is gone (watches %s)',
  async (watches) => {
    await stage.run(writer.create('/r'))
    const cache = await stage.run(TreeCache.open(reader.zk, '/r', { watches }))
    for (let delayMs = 0; delayMs < 5; delayMs += 0.05) {
      await stage.run(writer.create('/r/a'))
      await stage.runFor(delayMs)
      void writer.setData('/r/a', 'x')
      await stage.runFor(delayMs)
      await stage.run(writer.delete('/r/a'))
      await caughtUp(cache)
    }
    await stage.run(cache.close())
  },
)

test('a gap costs one small read a znode and the data of what has changed (B15)', async () => {
  const ZNODES = 200
  await stage.run(writer.create('/r'))
  for (let i = 0; i < ZNODES; i++) await stage.run(writer.create(`/r/${i}`, 'x'.repeat(100)))
  const cache = await stage.run(TreeCache.open(reader.zk, '/r', { readsMax: 4 }))
  const stat = reader.network.requests
  // Watch, sync, one data and one listing of the root, one data of each child.
  expect(stat).toBeLessThanOrEqual(ZNODES + 6)
  stage.breakConnections(reader.host)
  await stage.until(() => reader.zk.state === 'suspended')
  await stage.run(writer.setData('/r/7', 'new'))
  const before = reader.network.requests
  await caughtUp(cache)
  expect(text(cache.get('/r/7')?.data)).toBe('new')
  const asked = reader.network.requests - before
  // Restored watch, sync, a Stat of each, one data.
  expect(asked).toBeLessThanOrEqual(ZNODES + 6)
  await stage.run(cache.close())
})

test('after a gap caches of many clients do not all read at once (B15)', async () => {
  const ZNODES = 400
  await stage.run(writer.create('/r'))
  for (let i = 0; i < ZNODES; i++) await stage.run(writer.create(`/r/${i}`))
  const members = [reader, await stage.member(), await stage.member(), await stage.member()]
  const caches: TreeCache[] = []
  for (const { zk } of members) caches.push(await stage.run(TreeCache.open(zk, '/r')))
  const begunMs: number[] = []
  for (const { host } of members) stage.breakConnections(host)
  await stage.until(() => members.every(({ zk }) => zk.state !== 'connected'))
  const base = members.map(({ network }) => network.requests)
  await stage.until(() => {
    for (const [index, { network }] of members.entries()) {
      if (network.requests > base[index]! + 5) begunMs[index] ??= stage.nowMs
    }
    return caches.every(({ isCurrent }) => isCurrent)
  })
  expect(Math.max(...begunMs) - Math.min(...begunMs)).toBeGreaterThan(20)
  for (const cache of caches) await stage.run(cache.close())
})

test('reads under way are bounded, and a slow reader of changes gets a gap', async () => {
  await stage.run(writer.create('/r'))
  const cache = await stage.run(TreeCache.open(reader.zk, '/r', { readsMax: 2, changesMax: 3 }))
  const changes = cache.changes()
  const other = new Follower('/r', cache.znodes())
  const following = other.follow(cache)
  for (let i = 0; i < 5; i++) await stage.run(writer.create(`/r/${i}`))
  await caughtUp(cache)
  expect(await take(changes, 2)).toEqual(['gap', 'created /r/4'])
  await stage.run(cache.close())
  await stage.run(following)
  expect(other.told).toEqual([0, 1, 2, 3, 4].map((i) => `created /r/${i}`))
})

test('leaving a loop over the changes ends that stream alone', async () => {
  const cache = await stage.run(TreeCache.open(reader.zk, '/r'))
  const loop = (async () => {
    for await (const change of cache) return change.type
    return null
  })()
  const rest = cache.changes()
  await stage.run(writer.create('/r'))
  expect(await stage.run(loop)).toBe('created')
  await stage.run(writer.setData('/r', 'x'))
  expect(await take(rest, 2)).toEqual(['created /r', 'changed /r'])
  await stage.run(cache.close())
})

test('caches that were closed leave no watch, however often and whenever (B17)', async () => {
  await stage.run(writer.transaction().create('/r').create('/r/a').create('/r/a/x').commit())
  for (let round = 0; round < 40; round++) {
    const watches = round % 2 === 0 ? 'auto' : 'one-shot'
    const abort = new AbortController()
    const options = { watches, signal: abort.signal } as const
    const opening = TreeCache.open(reader.zk, '/r', options).then(
      (cache) => cache.close(),
      (error) => expect(error).toMatchObject({ code: 'ABORTED' }),
    )
    await stage.runFor(round / 8)
    abort.abort()
    await stage.run(opening)
    await stage.runFor(20)
    expect([reader.zk.watchCount, stage.serverWatches()]).toEqual([0, 0])
  }
})

test('a server without watches that stay: one-shot watches take their place', async () => {
  const refusal = new ServerError('UNIMPLEMENTED', 'addWatch: unknown', -6, { op: 'watch' })
  const old = new Proxy(reader.zk, {
    get: (zk, name) => {
      if (name === 'watch') return () => Promise.reject(refusal)
      const value = Reflect.get(zk, name, zk)
      return typeof value === 'function' ? value.bind(zk) : value
    },
  })
  const cache = await stage.run(TreeCache.open(old, '/r'))
  await stage.run(writer.create('/r'))
  await stage.run(writer.create('/r/a'))
  await caughtUp(cache)
  await stage.within(1000, 'two watches a znode', () => stage.serverWatches() === 4)
  await stage.run(cache.close())
})

test('a cache of one znode has one watch, and knows nothing of its children', async () => {
  const cache = await stage.run(NodeCache.open(reader.zk, '/n'))
  expect(cache.value).toBeNull()
  const changes = cache.changes()
  await stage.run(writer.create('/n', 'one'))
  await stage.run(writer.create('/n/child'))
  await stage.run(writer.setData('/n', 'two'))
  await stage.runFor(100)
  expect(text(cache.value?.data)).toBe('two')
  expect(reader.zk.watchCount).toBe(1)
  await stage.run(writer.delete('/n/child'))
  await stage.run(writer.delete('/n'))
  expect(await take(changes, 3)).toEqual(['created /n', 'changed /n', 'deleted /n'])
  expect(cache.value).toBeNull()
  await stage.run(cache.close())
})

test('a cache of children', async () => {
  const cache = await stage.run(ChildrenCache.open(reader.zk, '/p'))
  expect([cache.exists, cache.names]).toEqual([false, []])
  await stage.run(writer.create('/p'))
  await stage.run(writer.create('/p/a', '1'))
  await stage.run(writer.create('/p/a/deeper'))
  await stage.run(writer.create('/p/b', '2'))
  await stage.runFor(100)
  expect([cache.exists, [...cache.names].sort()]).toEqual([true, ['a', 'b']])
  expect([...cache.children].map(([name, { data }]) => [name, text(data)])).toEqual([
    ['a', '1'],
    ['b', '2'],
  ])
  expect([text(cache.get('b')?.data), cache.get('c')]).toEqual(['2', null])
  await stage.run(cache.close())
})
