import { expect, test } from 'vitest'
import {
  type Grant,
  type Layout,
  LeaderLatch,
  LeaderObserver,
  LeaderSelector,
  LockOwner,
  MultiLock,
  Mutex,
  ReadWriteLock,
  ReentrantMutex,
  RevocableMutex,
  Semaphore,
  type WaitOptions,
} from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { Ledger } from './support/ledger.ts'
import type { Member, RecipeStage } from './support/recipe-stage.ts'

const LAYOUTS: readonly Layout[] = ['curator', 'kazoo']
const PATH = '/locks/x'
const LIMIT = { timeout: 300_000 }

interface Lock {
  acquire(options?: WaitOptions): Promise<Grant>
}

/** Everybody acquires and releases, while another acquisition of his waits and is given up. */
function contending(lockOf: (member: Member) => Lock, limit: number = 1) {
  return async (stage: RecipeStage, members: readonly Member[]): Promise<void> => {
    const ledger = new Ledger(limit)
    const kind = limit === 1 ? 'exclusive' : 'shared'
    const turn = async (member: Member): Promise<void> => {
      const lock = lockOf(member)
      const grant = await lock.acquire()
      ledger.granted(member.host, kind, grant)
      const other = lock.acquire({ timeoutMs: 50 }).catch(() => null)
      await stage.sleep(60)
      await grant.release()
      // With several permits it may have got one.
      await (await other)?.release()
    }
    await stage.run(Promise.all(members.map(turn)))
    expect(ledger.grants).toBe(members.length)
  }
}

test.each(LAYOUTS)('a mutex (%s) bears the loss of every request', LIMIT, async (layout) => {
  const play = contending(({ zk }) => new Mutex(zk, PATH, { layout }))
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(30)
})

test.each(LAYOUTS)('a semaphore (%s) bears the loss of every request', LIMIT, async (layout) => {
  const play = contending(({ zk }) => new Semaphore(zk, PATH, 1, { layout }))
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(60)
})

test('a semaphore with more permits bears the loss of every request', LIMIT, async () => {
  const play = contending(({ zk }) => new Semaphore(zk, PATH, 2), 2)
  expect(await everyLoss({ members: 3, play })).toBeGreaterThan(60)
})

test.each(LAYOUTS)(
  'a read-write lock (%s) bears the loss of every request',
  LIMIT,
  async (layout) => {
    const play = async (stage: RecipeStage, members: readonly Member[]): Promise<void> => {
      const ledger = new Ledger()
      const turn = async ({ zk, host }: Member): Promise<void> => {
        const lock = new ReadWriteLock(zk, PATH, { layout })
        const writer = await lock.write.acquire()
        ledger.granted(host, 'exclusive', writer)
        const reader = await lock.downgrade(writer)
        ledger.granted(host, 'shared', reader)
        await stage.sleep(20)
        await reader.release()
      }
      await stage.run(Promise.all(members.map(turn)))
      const [first, other] = members as [Member, Member]
      const writer = await stage.run(new ReadWriteLock(first.zk, PATH, { layout }).write.acquire())
      const reading = new ReadWriteLock(other.zk, PATH, { layout }).read.acquire()
      await stage.runFor(50)
      await stage.run(writer.release())
      const reader = await stage.run(reading)
      ledger.granted(other.host, 'shared', reader)
      await stage.run(reader.release())
    }
    expect(await everyLoss({ members: 2, play })).toBeGreaterThan(40)
  },
)

test('a reentrant mutex bears the loss of every request', LIMIT, async () => {
  const play = contending(({ zk }) => {
    const mutex = new ReentrantMutex(zk, PATH)
    return { acquire: (options) => mutex.acquire(new LockOwner(), options) }
  })
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(30)
})

test('a revocable mutex bears the loss of every request', LIMIT, async () => {
  const play = async (stage: RecipeStage, members: readonly Member[]): Promise<void> => {
    const [a, b] = members as [Member, Member]
    const grant = await stage.run(new RevocableMutex(a.zk, PATH).acquire())
    const theirs = new RevocableMutex(b.zk, PATH)
    await stage.run(theirs.revoke())
    await stage.until(() => grant.signal.aborted)
    expect(grant.signal.reason).toMatchObject({ code: 'REVOKED' })
    await stage.run(grant.release())
    await stage.run((await stage.run(theirs.acquire())).release())
  }
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(20)
})

test('a multi-lock bears the loss of every request', LIMIT, async () => {
  const play = async (stage: RecipeStage, members: readonly Member[]): Promise<void> => {
    const ledger = new Ledger()
    const turn = async ({ zk, host }: Member): Promise<void> => {
      const group = await new MultiLock(zk, [new Mutex(zk, '/a'), new Mutex(zk, '/b')]).acquire()
      ledger.granted(host, 'exclusive', group.grants[0]!)
      await stage.sleep(20)
      await group.release()
    }
    await stage.run(Promise.all(members.map(turn)))
  }
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(20)
})

test('a latch bears the loss of every request', LIMIT, async () => {
  const play = async (stage: RecipeStage, members: readonly Member[]): Promise<void> => {
    const ledger = new Ledger()
    const turn = async ({ zk, host }: Member): Promise<void> => {
      const latch = new LeaderLatch(zk, PATH)
      for (let turn = 0; turn < 2; turn++) {
        const grant = await latch.leadership()
        ledger.granted(host, 'exclusive', grant)
        await stage.sleep(20)
        await grant.release()
      }
      await latch.close()
    }
    await stage.run(Promise.all(members.map(turn)))
    expect(ledger.grants).toBe(4)
  }
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(30)
})

test('a selector and an observer bear the loss of every request', LIMIT, async () => {
  const play = async (stage: RecipeStage, members: readonly Member[]): Promise<void> => {
    const [a, b] = members as [Member, Member]
    const ledger = new Ledger()
    const observer = new LeaderObserver(b.zk, PATH, { of: 'selector' })
    const seen: (string | null)[] = []
    const watching = (async () => {
      for await (const leader of observer) seen.push(leader?.id ?? null)
    })()
    for (const id of ['first', 'second']) {
      const selector = new LeaderSelector(a.zk, PATH, { id })
      const turn = selector.lead(async (grant) => {
        ledger.granted(id, 'exclusive', grant)
        await stage.sleep(8000)
      })
      await stage.run(turn)
    }
    await stage.within(10_000, 'the end is seen', () => seen.length > 1 && seen.at(-1) === null)
    expect(seen).toContain('first')
    expect(seen).toContain('second')
    await stage.run(observer.close())
    await stage.run(watching)
  }
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(20)
})
