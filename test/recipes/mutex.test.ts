import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Layout, Mutex } from '../../recipes/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const PATH = '/locks/x'

let stage: RecipeStage
let a: Member
let b: Member

beforeEach(async () => {
  stage = new RecipeStage()
  a = await stage.member()
  b = await stage.member()
})

afterEach(async () => {
  await stage.finish()
})

test('one holder at a time, in the order they came', async () => {
  const c = await stage.member()
  const first = await stage.run(new Mutex(a.zk, PATH).acquire())
  const second = new Mutex(b.zk, PATH).acquire()
  await stage.until(() => stage.ephemerals().length === 2)
  const third = new Mutex(c.zk, PATH).acquire()
  await stage.until(() => stage.ephemerals().length === 3)
  const held: string[] = []
  void second.then(() => held.push('b'))
  void third.then(() => held.push('c'))
  await stage.runFor(1000)
  expect(held).toEqual([])
  await stage.run(first.release())
  const b1 = await stage.run(second)
  await stage.runFor(1000)
  expect(held).toEqual(['b'])
  expect(b1.fencingToken).toBeGreaterThan(first.fencingToken)
  expect([first.signal.aborted, b1.signal.aborted, b1.isSure]).toEqual([true, false, true])
  await stage.run(b1.release())
  const c1 = await stage.run(third)
  expect(c1.fencingToken).toBeGreaterThan(b1.fencingToken)
  await stage.run(c1.release())
})

test.each<[Layout, RegExp, number]>([
  ['curator', /^\/locks\/x\/_c_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-lock-0000000000$/, 1],
  ['kazoo', /^\/locks\/x\/[0-9a-f]{32}__lock__0000000000$/, 0],
])('znodes of the %s layout', async (layout, name, isContainer) => {
  const grant = await stage.run(new Mutex(a.zk, PATH, { layout, data: 'host-1' }).acquire())
  expect(grant.path).toMatch(name)
  const { data, stat } = await stage.run(b.zk.getData(grant.path))
  expect(new TextDecoder().decode(data)).toBe('host-1')
  expect([stat.ephemeralOwner, stat.czxid]).toEqual([a.zk.session!.id, grant.fencingToken])
  // Containers that have had children are deleted once they are empty.
  await stage.run(grant.release())
  await stage.runFor(400_000)
  expect((await stage.run(b.zk.exists(PATH))) === null ? 1 : 0).toBe(isContainer)
})

test('a chroot is no part of the paths', async () => {
  await stage.run(a.zk.create('/app'))
  const inside = await stage.member({}, '/app')
  const outer = await stage.run(new Mutex(a.zk, '/app/locks/x').acquire())
  const inner = new Mutex(inside.zk, PATH).acquire()
  await stage.until(() => stage.ephemerals().length === 2)
  await stage.run(outer.release())
  const grant = await stage.run(inner)
  expect(grant.path.startsWith('/locks/x/_c_')).toBe(true)
  await stage.run(grant.release())
})

test('a chroot that is missing is created', async () => {
  const inside = await stage.member({}, '/new/app')
  await stage.run((await stage.run(new Mutex(inside.zk, PATH).acquire())).release())
  expect(await stage.run(a.zk.exists('/new/app/locks'))).not.toBeNull()
})

describe('tryAcquire', () => {
  test('takes what is free, and nothing else', async () => {
    const holder = await stage.run(new Mutex(a.zk, PATH).tryAcquire())
    expect(holder?.isSure).toBe(true)
    expect(await stage.run(new Mutex(b.zk, PATH).tryAcquire())).toBeNull()
    expect(stage.ephemerals()).toEqual([holder!.path])
    await stage.run(holder!.release())
    const next = await stage.run(new Mutex(b.zk, PATH).tryAcquire())
    await stage.run(next!.release())
  })

  test('of many at once gives it to one', async () => {
    const tries = [a, b].map(({ zk }) => new Mutex(zk, PATH).tryAcquire())
    const grants = await stage.run(Promise.all(tries))
    expect(grants.filter((grant) => grant !== null).length).toBeLessThanOrEqual(1)
    for (const grant of grants) await stage.run(grant?.release() ?? Promise.resolve())
  })
})

describe('contenders of others', () => {
  const others = [
    ['curator', '803e6be8fa93427a87230db1d0c23d3c__lock__'],
    ['curator', '_c_7c118639-09f1-464c-b17b-a258253d0cdc-latch-'],
    ['curator', 'x-72057594037927936-'],
    ['kazoo', '_c_7c118639-09f1-464c-b17b-a258253d0cdc-lock-'],
  ] as const

  test.each(others)('are not contended with: %s and %s', async (layout, name) => {
    await stage.run(a.zk.ensurePath(PATH))
    const mode = 'ephemeral-sequential'
    const other = await stage.run(a.zk.create(`${PATH}/${name}`, '', { mode }))
    const mutex = new Mutex(b.zk, PATH, { layout })
    for (const attempt of ['acquire', 'tryAcquire', 'acquire'] as const) {
      const error = await stage.fails(mutex[attempt]())
      expect(error).toMatchObject({ code: 'FOREIGN_CONTENDERS', path: PATH })
      expect(error.message).toContain(name)
    }
    expect(stage.ephemerals()).toEqual([other.path])
    await stage.run(a.zk.delete(other.path))
    await stage.run((await stage.run(mutex.acquire())).release())
  })

  test('who come while one waits end the wait', async () => {
    const holder = await stage.run(new Mutex(a.zk, PATH).acquire())
    const waiting = stage.fails(new Mutex(b.zk, PATH).acquire())
    await stage.until(() => stage.ephemerals().length === 2)
    const name = '803e6be8fa93427a87230db1d0c23d3c__lock__'
    const mode = 'ephemeral-sequential'
    const other = await stage.run(a.zk.create(`${PATH}/${name}`, '', { mode }))
    await stage.run(holder.release())
    expect(await waiting).toMatchObject({ code: 'FOREIGN_CONTENDERS' })
    await stage.run(a.zk.delete(other.path))
  })

  test('kazoo’s readers are waited for', async () => {
    await stage.run(a.zk.ensurePath(PATH))
    const reader = `${PATH}/803e6be8fa93427a87230db1d0c23d3c__rlock__`
    const { path } = await stage.run(a.zk.create(reader, '', { mode: 'ephemeral-sequential' }))
    const waiting = new Mutex(b.zk, PATH, { layout: 'kazoo' }).acquire()
    let isHeld = false
    void waiting.then(() => {
      isHeld = true
    })
    await stage.runFor(1000)
    expect(isHeld).toBe(false)
    await stage.run(a.zk.delete(path))
    await stage.run((await stage.run(waiting)).release())
  })
})

describe('bad input', () => {
  test.each(['', 'locks', '/locks/', '/a//b', '/a/../b'])('path %j', async (path) => {
    const acquiring = stage.fails(new Mutex(a.zk, path).acquire())
    expect(await acquiring).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('a closed client', async () => {
    const c = await stage.member()
    const mutex = new Mutex(c.zk, PATH)
    const grant = await stage.run(mutex.acquire())
    const waiting = stage.fails(mutex.acquire())
    await stage.runFor(100)
    await stage.run(c.zk.close())
    expect(await waiting).toMatchObject({ code: 'CLOSED' })
    expect(grant.signal.reason).toMatchObject({ code: 'CLOSED' })
    await stage.run(grant.release())
    expect(await stage.fails(mutex.acquire())).toMatchObject({ code: 'CLOSED' })
  })

  test('a client that does not renew its session', async () => {
    const c = await stage.member({ renewSession: false })
    const grant = await stage.run(new Mutex(c.zk, PATH).acquire())
    const waiting = stage.fails(new Mutex(c.zk, PATH).acquire())
    await stage.runFor(100)
    stage.isolate(true, c.host)
    expect(await waiting).toMatchObject({ code: 'CLOSED' })
    await stage.run(grant.release())
  })

  test('no permission to create, to read, to delete', async () => {
    const acl = (perms: number) => ({ acl: [{ perms, scheme: 'world', id: 'anyone' }] })
    await stage.run(a.zk.create('/no-create', '', acl(1)))
    const create = stage.fails(new Mutex(b.zk, '/no-create').acquire())
    expect(await create).toMatchObject({ code: 'NO_AUTH' })
    await stage.run(a.zk.create('/no-read', '', acl(4)))
    const read = stage.fails(new Mutex(b.zk, '/no-read').acquire())
    expect(await read).toMatchObject({ code: 'NO_AUTH' })
  })

  test('a server that stops answering', async () => {
    const mutex = new Mutex(a.zk, PATH)
    const grant = await stage.run(mutex.acquire())
    stage.isolate(true, a.host)
    const beganMs = stage.nowMs
    const limited = stage.fails(mutex.acquire({ timeoutMs: 3000 }))
    expect(await limited).toMatchObject({ code: 'TIMEOUT' })
    await stage.run(grant.release())
    expect(stage.nowMs - beganMs).toBeLessThan(6100)
  })
})
