import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  LockOwner,
  MultiLock,
  Mutex,
  ReentrantMutex,
  RevocableMutex,
  Semaphore,
  whileHeld,
} from '../../recipes/index.ts'
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

describe('a reentrant mutex', () => {
  test('two first acquisitions of one owner take one znode', async () => {
    const mutex = new ReentrantMutex(a.zk, PATH)
    const owner = new LockOwner()
    const both = await stage.run(Promise.all([mutex.acquire(owner), mutex.acquire(owner)]))
    expect([stage.ephemerals().length, mutex.depth(owner)]).toEqual([1, 2])
    for (const grant of both) await stage.run(grant.release())
    expect(stage.ephemerals()).toEqual([])
  })

  test('when the first acquisition is given up, the second goes on', async () => {
    const holder = await stage.run(new Mutex(b.zk, PATH).acquire())
    const mutex = new ReentrantMutex(a.zk, PATH)
    const owner = new LockOwner()
    const first = stage.fails(mutex.acquire(owner, { timeoutMs: 500 }))
    const second = mutex.acquire(owner)
    expect(await first).toMatchObject({ code: 'TIMEOUT' })
    await stage.run(holder.release())
    await stage.run((await stage.run(second)).release())
  })

  test('what is lost cannot be entered again before all of it is released', async () => {
    const mutex = new ReentrantMutex(a.zk, PATH)
    const owner = new LockOwner()
    const [outer, inner] = [
      await stage.run(mutex.acquire(owner)),
      await stage.run(mutex.acquire(owner)),
    ]
    await stage.expire(a)
    expect([outer.signal.aborted, inner.signal.aborted, inner.isSure]).toEqual([true, true, false])
    expect(await stage.fails(mutex.acquire(owner))).toMatchObject({ code: 'SESSION_LOST' })
    await stage.run(outer.release())
    expect(await stage.fails(mutex.acquire(owner))).toMatchObject({ code: 'SESSION_LOST' })
    await stage.run(inner.release())
    const again = await stage.run(mutex.acquire(owner))
    expect(again.fencingToken).toBeGreaterThan(outer.fencingToken)
    await stage.run(again.release())
  })
})

describe('a multi-lock', () => {
  test('of the same locks in another order does not wait for itself', async () => {
    const paths = ['/a', '/b', '/c']
    const of = ({ zk }: Member, order: readonly string[]): MultiLock =>
      new MultiLock(
        zk,
        order.map((path) => new Mutex(zk, path)),
      )
    let turns = 0
    const work = async (lock: MultiLock): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) {
        await whileHeld(lock, async ({ grants }) => {
          expect(grants.map(({ path }) => path.slice(0, 2))).toEqual(paths)
          await stage.sleep(10)
          turns += 1
        })
      }
    }
    await stage.run(Promise.all([work(of(a, paths)), work(of(b, [...paths].reverse()))]))
    expect(turns).toBe(10)
  })

  test('ends when one of them is lost', async () => {
    const lock = new MultiLock(a.zk, [new Mutex(a.zk, '/a'), new Semaphore(a.zk, '/s', 2)])
    const group = await stage.run(lock.acquire())
    expect([group.isSure, group.remainingMs > 4000]).toEqual([true, true])
    await stage.run(b.zk.delete(group.grants[0]!.path))
    await stage.until(() => group.signal.aborted)
    expect(group.signal.reason).toMatchObject({ code: 'GRANT_LOST' })
    expect([group.isSure, group.grants[1]!.isSure]).toEqual([false, true])
    await stage.run(group.release())
    expect(stage.ephemerals()).toEqual([])
  })

  test('starts over when one is lost while another is waited for', async () => {
    const other = await stage.run(new Mutex(b.zk, '/b').acquire())
    const lock = new MultiLock(a.zk, [new Mutex(a.zk, '/a'), new Mutex(a.zk, '/b')])
    const acquiring = lock.acquire()
    await stage.until(() => stage.ephemerals().length === 3)
    await stage.run(b.zk.delete(stage.ephemerals().find((path) => path.startsWith('/a/'))!))
    await stage.run(other.release())
    const group = await stage.run(acquiring)
    expect(group.isSure).toBe(true)
    await stage.run(group.release())
  })

  test('has locks, each once', () => {
    const mutex = new Mutex(a.zk, '/a')
    for (const locks of [[], [mutex, new Mutex(a.zk, '/a')]]) {
      expect(() => new MultiLock(a.zk, locks)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
    }
  })
})

describe('a revocable mutex', () => {
  test('tells its holder that somebody wants it', async () => {
    const mine = new RevocableMutex(a.zk, PATH)
    const theirs = new RevocableMutex(b.zk, PATH)
    expect(await stage.run(theirs.revoke())).toBe(false)
    const grant = await stage.run(mine.acquire())
    const waiting = theirs.acquire()
    await stage.runFor(500)
    expect(await stage.run(theirs.revoke())).toBe(true)
    await stage.until(() => grant.signal.aborted)
    expect(grant.signal.reason).toMatchObject({ code: 'REVOKED', path: grant.path })
    // It is still nobody else's.
    await stage.runFor(5000)
    expect(stage.ephemerals().length).toBe(2)
    await stage.run(grant.release())
    const next = await stage.run(waiting)
    expect(next.isSure).toBe(true)
    await stage.run(next.release())
  })

  test('is told of a request that came while it had no connection', async () => {
    const grant = await stage.run(new RevocableMutex(a.zk, PATH).acquire())
    stage.isolate(true, a.host)
    await stage.run(new RevocableMutex(b.zk, PATH).revoke())
    stage.isolate(false, a.host)
    await stage.until(() => grant.signal.aborted)
    expect(grant.signal.reason).toMatchObject({ code: 'REVOKED' })
    await stage.run(grant.release())
  })

  test('takes other data for nothing', async () => {
    const grant = await stage.run(new RevocableMutex(a.zk, PATH).acquire())
    await stage.run(b.zk.setData(grant.path, 'something'))
    await stage.runFor(1000)
    expect(grant.isSure).toBe(true)
    await stage.run(b.zk.setData(grant.path, '__REVOKE__'))
    await stage.until(() => grant.signal.aborted)
    await stage.run(grant.release())
  })

  test('knows of a request that came before it was granted', async () => {
    const holder = await stage.run(new Mutex(a.zk, PATH).acquire())
    const waiting = new RevocableMutex(b.zk, PATH).acquire()
    await stage.until(() => stage.ephemerals().length === 2)
    const mine = stage.ephemerals().find((path) => path !== holder.path)!
    await stage.run(a.zk.setData(mine, '__REVOKE__'))
    await stage.runFor(100)
    await stage.run(holder.release())
    const grant = await stage.run(waiting)
    expect(grant.signal.reason).toMatchObject({ code: 'REVOKED' })
    await stage.run(grant.release())
  })
})

test('whileHeld gives back what it took, and what was done', async () => {
  const mutex = new Mutex(a.zk, PATH)
  const result = await stage.run(
    whileHeld(mutex, async (grant) => {
      expect(grant.isSure).toBe(true)
      return 7
    }),
  )
  expect([result, stage.ephemerals().length]).toEqual([7, 0])
})
