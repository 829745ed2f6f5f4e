import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Janitor } from '../../recipes/base/index.ts'
import {
  type Grant,
  type Hold,
  LeaderLatch,
  LockOwner,
  MultiLock,
  Mutex,
  ReadWriteLock,
  ReentrantMutex,
  RevocableMutex,
  Semaphore,
  type WaitOptions,
  whileHeld,
} from '../../recipes/index.ts'
import { nameOf, parentOf } from '../../src/client/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

/**
 * The ways in which lock libraries are known to fail, one by one. The campaigns look for what nobody has thought of.
 */
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

function owners(): bigint[] {
  return [...stage.stage.server.state.tree.ephemerals().keys()]
}

interface Lock {
  acquire(options?: WaitOptions): Promise<Hold>
}

/** With which error it failed; what was held in time is given back. */
async function codeOf(acquiring: Promise<Hold>): Promise<string> {
  try {
    await (await acquiring).release()
    return 'held'
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

/** The number of the next request of a member. */
function next({ network }: Member): number {
  return network.requests
}

describe('creates', () => {
  test('B1: a create whose reply was lost leaves no orphan', async () => {
    const mutex = new Mutex(a.zk, PATH)
    await stage.run((await stage.run(mutex.acquire())).release())
    // Now every request of an acquisition from the create on, lost after it was applied.
    const create = next(a)
    a.network.plan = (request) => (request === create ? 'after' : null)
    const grant = await stage.run(mutex.acquire())
    expect(stage.ephemerals()).toEqual([grant.path])
    const waiting = new Mutex(b.zk, PATH).acquire()
    await stage.run(grant.release())
    await stage.run((await stage.run(waiting)).release())
  })

  test('B2: a znode of the session that has ended is not taken for one of the new session', async () => {
    const mutex = new Mutex(a.zk, PATH)
    await stage.run((await stage.run(mutex.acquire())).release())
    const before = a.zk.session!.id
    const create = next(a)
    a.network.plan = (request) => {
      if (request !== create) return null
      stage.isolate(true, a.host)
      stage.stage.world.network.mend(a.host, '10.0.0.1')
      return null
    }
    const acquiring = mutex.acquire()
    await stage.until(() => stage.ephemerals().length === 1)
    expect(owners()).toEqual([before])
    // The client holds its session for lost; the server does not yet.
    await stage.until(() => a.zk.state === 'lost')
    stage.isolate(false, a.host)
    const grant = await stage.run(acquiring)
    expect(owners()).toEqual([a.zk.session!.id])
    expect(stage.ephemerals()).toEqual([grant.path])
    await stage.run(grant.release())
  })

  const LOCKS: readonly [string, (member: Member) => Lock][] = [
    ['mutex', ({ zk }) => new Mutex(zk, PATH)],
    ['kazoo mutex', ({ zk }) => new Mutex(zk, PATH, { layout: 'kazoo' })],
    ['reader', ({ zk }) => new ReadWriteLock(zk, PATH).read],
    ['writer', ({ zk }) => new ReadWriteLock(zk, PATH).write],
    ['semaphore', ({ zk }) => new Semaphore(zk, PATH, 1)],
    ['kazoo semaphore', ({ zk }) => new Semaphore(zk, PATH, 1, { layout: 'kazoo' })],
    ['multi-lock', ({ zk }) => new MultiLock(zk, [new Mutex(zk, PATH), new Mutex(zk, '/a')])],
    ['revocable mutex', ({ zk }) => new RevocableMutex(zk, PATH)],
  ]

  test.each(LOCKS)(
    'B9: acquiring a %s and giving up at any moment leaves nothing',
    async (name, lockOf) => {
      const holderOf = name === 'reader' ? LOCKS[3]![1] : lockOf
      for (const isHeld of [true, false]) {
        const holder = isHeld ? await stage.run(holderOf(b).acquire()) : null
        await stage.runFor(1000)
        const rest = stage.ephemerals().length
        for (const delayMs of [0, 0.3, 5]) {
          let isOver = false
          for (let at = 0; !isOver; at++) {
            const first = next(a)
            const abort = new AbortController()
            a.network.plan = (request) => {
              if (request === first + at) void stage.sleep(delayMs).then(() => abort.abort())
              return null
            }
            const { signal } = abort
            const acquiring = lockOf(a).acquire({ signal, timeoutMs: 500 })
            const code = await stage.run(codeOf(acquiring))
            expect(['ABORTED', 'TIMEOUT', 'held']).toContain(code)
            await stage.within(5000, 'it is gone', () => stage.ephemerals().length === rest)
            isOver = code !== 'ABORTED' && next(a) <= first + at
            expect(at).toBeLessThan(50)
          }
        }
        await stage.run(holder?.release() ?? Promise.resolve())
      }
    },
  )
})

describe('grants', () => {
  test('B3: a leader does not trust its old znode after a new session', async () => {
    const latches = [new LeaderLatch(a.zk, PATH, { id: 'a' }), new LeaderLatch(b.zk, PATH)]
    const [first, second] = latches as [LeaderLatch, LeaderLatch]
    const grant = await stage.run(first.leadership())
    second.start()
    await stage.runFor(100)
    await stage.expire(a)
    expect([first.isLeader, grant.signal.aborted]).toEqual([false, true])
    await stage.run(second.leadership())
    await stage.runFor(10_000)
    expect([first.isLeader, second.isLeader]).toEqual([false, true])
    expect(new Set(owners())).toEqual(new Set([a.zk.session!.id, b.zk.session!.id]))
    await stage.run(second.close())
    const again = await stage.run(first.leadership())
    expect(again.fencingToken).toBeGreaterThan(grant.fencingToken)
    await stage.run(first.close())
  })

  test('B4: latches that reconnect do not delete or create the znodes of each other', async () => {
    const latches = [a, b].map(({ zk, host }) => new LeaderLatch(zk, PATH, { id: host }))
    for (const latch of latches) latch.start()
    for (let round = 0; round < 10; round++) {
      for (const { host } of [a, b]) stage.isolate(true, host)
      await stage.runFor(round * 1500)
      for (const { host } of [a, b]) {
        stage.isolate(false, host)
        stage.breakConnections(host)
      }
      await stage.runFor(round * 37)
    }
    await stage.within(30_000, 'one leads', () => latches.some(({ isLeader }) => isLeader))
    await stage.within(10_000, 'each has one znode', () => stage.ephemerals().length === 2)
    await stage.runFor(10_000)
    expect(latches.filter(({ isLeader }) => isLeader).length).toBe(1)
    expect(stage.ephemerals().length).toBe(2)
    for (const latch of latches) await stage.run(latch.close())
  })

  test('B5: nothing is granted on a znode that is being deleted', async () => {
    const admin = await stage.member()
    const holder = await stage.run(new Mutex(a.zk, PATH).acquire())
    const waiting = new Mutex(b.zk, PATH).acquire()
    await stage.until(() => stage.ephemerals().length === 2)
    const mine = stage.ephemerals().find((path) => path !== holder.path)!
    const deleted = admin.zk.delete(mine)
    const released = holder.release()
    const grant = await stage.run(waiting)
    await stage.run(Promise.all([deleted, released]))
    await stage.runFor(1000)
    expect(grant.path).not.toBe(mine)
    expect([grant.isSure, ...stage.ephemerals()]).toEqual([true, grant.path])
    await stage.run(admin.zk.delete(grant.path))
    await stage.until(() => grant.signal.aborted)
    expect(grant.signal.reason).toMatchObject({ code: 'GRANT_LOST' })
    await stage.run(grant.release())
  })

  test('B6: a holder is told that its session is lost', async () => {
    const grant = await stage.run(new Mutex(a.zk, PATH).acquire())
    const reasons: unknown[] = []
    grant.signal.addEventListener('abort', () => reasons.push(grant.signal.reason))
    await stage.expire(a)
    expect(reasons).toEqual([expect.objectContaining({ code: 'SESSION_LOST' })])
    expect([grant.isSure, grant.remainingMs]).toEqual([false, 0])
    await stage.run(grant.release())
  })

  test('B7: the holder knows before the next one is granted', async () => {
    const grant = await stage.run(new Mutex(a.zk, PATH).acquire())
    let toldAtMs = Number.POSITIVE_INFINITY
    grant.signal.addEventListener('abort', () => {
      toldAtMs = stage.nowMs
    })
    const waiting = new Mutex(b.zk, PATH).acquire()
    await stage.runFor(500)
    const { remainingMs } = grant
    const cutAtMs = stage.nowMs
    stage.isolate(true, a.host)
    const next = await stage.run(waiting)
    expect(toldAtMs).toBeLessThan(stage.nowMs)
    expect(toldAtMs - cutAtMs).toBeGreaterThanOrEqual(remainingMs)
    await stage.run(next.release())
    await stage.run(grant.release())
  })

  test('B7: who wants to know at once is told when the connection breaks', async () => {
    const mutex = new Mutex(a.zk, PATH, { isStrict: true })
    const grant = await stage.run(mutex.acquire())
    stage.breakConnections(a.host)
    await stage.until(() => a.zk.state === 'suspended')
    await stage.runFor(0)
    expect(grant.signal.reason).toMatchObject({ code: 'SUSPENDED' })
    expect(stage.ephemerals()).toEqual([grant.path])
    await stage.run(grant.release())
    expect(stage.ephemerals()).toEqual([])
  })

  test('B21: what is held is held, however long', async () => {
    const grant = await stage.run(new Mutex(a.zk, PATH).acquire())
    await stage.runFor(600_000)
    expect(grant.isSure).toBe(true)
    await stage.run(grant.release())
  })
})

describe('releases', () => {
  test('B8: a release outlives a lost connection', async () => {
    const grant = await stage.run(new Mutex(a.zk, PATH).acquire())
    const waiting = new Mutex(b.zk, PATH).acquire()
    stage.isolate(true, a.host)
    const released = grant.release()
    await stage.runFor(2000)
    stage.isolate(false, a.host)
    stage.breakConnections(a.host)
    await stage.run(released)
    const next = await stage.run(waiting)
    expect(stage.ephemerals()).toEqual([next.path])
    await stage.run(next.release())
  })

  test('B8: a release outlives a session that was thought lost and comes back', async () => {
    const grant = await stage.run(new Mutex(a.zk, PATH).acquire())
    const { id } = a.zk.session!
    stage.stage.kill()
    const released = grant.release()
    await stage.until(() => a.zk.state === 'lost')
    await stage.run(released)
    expect(Janitor.of(a.zk).pending).toBe(1)
    stage.stage.launch()
    await stage.until(() => a.zk.state === 'connected')
    expect(a.zk.session!.id).toBe(id)
    const next = await stage.run(new Mutex(b.zk, PATH).acquire({ timeoutMs: 3000 }))
    await stage.run(next.release())
  })

  test('B8: what was lost with such a session is in nobody’s way, also when nobody releases it', async () => {
    const grant = await stage.run(new Mutex(a.zk, PATH).acquire())
    stage.stage.kill()
    await stage.until(() => grant.signal.aborted && b.zk.state === 'lost')
    stage.stage.launch()
    const next = await stage.run(new Mutex(b.zk, PATH).acquire({ timeoutMs: 5000 }))
    await stage.run(next.release())
  })

  test('B20: a lock is not left behind when a later step takes too long', async () => {
    const other = await stage.run(new Mutex(b.zk, '/locks/z').acquire())
    const both = new MultiLock(a.zk, [new Mutex(a.zk, '/locks/z'), new Mutex(a.zk, PATH)])
    expect(await stage.fails(both.acquire({ timeoutMs: 1000 }))).toMatchObject({ code: 'TIMEOUT' })
    await stage.within(1000, 'it is given back', () => stage.ephemerals().length === 1)
    const step = new Error('a later step')
    const scoped = whileHeld(new Mutex(a.zk, PATH), async () => {
      throw step
    })
    expect(await stage.fails(scoped)).toBe(step)
    expect(stage.ephemerals()).toEqual([other.path])
    await stage.run(other.release())
  })
})

describe('waiting', () => {
  test('B10: a waiter whose connection breaks is granted all the same', async () => {
    const holder = await stage.run(new Mutex(a.zk, PATH).acquire())
    const waiting = new Mutex(b.zk, PATH).acquire()
    await stage.until(() => stage.ephemerals().length === 2)
    stage.isolate(true, b.host)
    await stage.run(holder.release())
    await stage.runFor(2000)
    stage.isolate(false, b.host)
    stage.breakConnections(b.host)
    await stage.run((await stage.run(waiting)).release())
  })

  test('B11: a release wakes one of five hundred', { timeout: 120_000 }, async () => {
    const members = [a, b]
    while (members.length < 10) members.push(await stage.member())
    const grants: Grant[] = []
    const { signal, abort } = abortable()
    const all = Array.from({ length: 500 }, async (_, index) => {
      const { zk } = members[index % members.length]!
      grants.push(await new Mutex(zk, PATH).acquire({ signal }))
    })
    await stage.until(() => stage.ephemerals().length === 500 && grants.length === 1)
    await stage.runFor(1000)
    for (let turn = 1; turn <= 20; turn++) {
      const before = events(members)
      await stage.run(grants[turn - 1]!.release())
      await stage.until(() => grants.length > turn)
      await stage.runFor(10)
      // The one who waits for the znode, and its owner.
      expect(events(members) - before).toBeLessThanOrEqual(2)
    }
    abort()
    const results = await stage.run(Promise.allSettled(all))
    expect(results.filter(({ status }) => status === 'rejected').length).toBe(479)
    await stage.run(grants.at(-1)!.release())
  })

  test('B12: a predecessor that goes at any moment leaves no watch', async () => {
    for (let at = 0; ; at++) {
      const holder = await stage.run(new Mutex(a.zk, PATH).acquire())
      const first = next(b)
      let released: Promise<void> | null = null
      b.network.plan = (request) => {
        if (request === first + at) released = holder.release()
        return null
      }
      const waiting = new Mutex(b.zk, PATH).acquire()
      await stage.runFor(200)
      const isLast = released === null
      await stage.run(released ?? holder.release())
      await stage.run((await stage.run(waiting)).release())
      await stage.nothingLeft()
      if (isLast) break
      expect(at).toBeLessThan(20)
    }
  })

  test('B23: the next one begins after the time of grace', async () => {
    const holder = await stage.run(new Mutex(a.zk, PATH).acquire())
    const waiting = new Mutex(b.zk, PATH, { graceMs: 3000 }).acquire()
    await stage.runFor(100)
    await stage.run(holder.release())
    const releasedAtMs = stage.nowMs
    const next = await stage.run(waiting)
    expect(stage.nowMs - releasedAtMs).toBeGreaterThanOrEqual(2999)
    await stage.run(next.release())
  })
})

describe('numbers', () => {
  /** The server has numbered so many children of the path. */
  function count(sequence: number): void {
    stage.stage.server.state.tree.find(PATH)!.storedCversion = sequence
  }

  beforeEach(async () => {
    await stage.run(a.zk.ensurePath(PATH))
  })

  test('B14: where numbers end, contenders whose order is not known are refused', async () => {
    count(2147483646)
    const mutex = new Mutex(a.zk, PATH)
    const grant = await stage.run(mutex.acquire())
    expect(nameOf(grant.path)).toMatch(/-lock-2147483646$/)
    expect(stage.stage.logLines.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('sequence numbers come near 2^31'),
    )
    expect(await stage.fails(new Mutex(b.zk, PATH).acquire())).toMatchObject({
      code: 'SEQUENCE_OVERFLOW',
      path: PATH,
    })
    expect(grant.isSure).toBe(true)
    await stage.run(grant.release())
  })

  test('B14: ours alone stay in order where numbers end', async () => {
    count(2147483645)
    const members = [a, b, await stage.member(), await stage.member(), await stage.member()]
    const order: string[] = []
    const turns: Promise<void>[] = []
    for (const { zk, host } of members) {
      const mutex = new Mutex(zk, PATH, { isOursAlone: true })
      turns.push(
        mutex.acquire().then(async (grant) => {
          order.push(host)
          await stage.sleep(500)
          await grant.release()
        }),
      )
      await stage.until(() => stage.ephemerals().length === turns.length)
    }
    const names = stage.ephemerals().map(nameOf)
    expect(names.filter((name) => name.endsWith('-lock-2147483647')).length).toBe(3)
    await stage.run(Promise.all(turns))
    expect(order).toEqual(members.map(({ host }) => host))
  })
})

describe('beyond the lock', () => {
  test('B19: a store that looks at tokens refuses the holder who slept', async () => {
    const store = { token: 0n, value: '' }
    const write = (grant: Grant, value: string): boolean => {
      if (grant.fencingToken < store.token) return false
      Object.assign(store, { token: grant.fencingToken, value })
      return true
    }
    const stale = await stage.run(new Mutex(a.zk, PATH).acquire())
    expect(write(stale, 'first')).toBe(true)
    a.env.timers.freeze()
    const fresh = await stage.run(new Mutex(b.zk, PATH).acquire())
    expect(write(fresh, 'second')).toBe(true)
    a.env.timers.thaw()
    // It has not been told yet, but can know, and the store knows.
    expect([stale.signal.aborted, stale.isSure, write(stale, 'third')]).toEqual([
      false,
      false,
      false,
    ])
    await stage.until(() => stale.signal.aborted)
    expect(store.value).toBe('second')
    await stage.run(stale.release())
    await stage.run(fresh.release())
  })

  test('B22: who enters again says so; nobody else does', async () => {
    const mutex = new ReentrantMutex(a.zk, PATH)
    const me = new LockOwner('me')
    const outer = await stage.run(mutex.acquire(me))
    const inner = await stage.run(mutex.acquire(me))
    expect([inner.path, inner.fencingToken]).toEqual([outer.path, outer.fencingToken])
    const other = stage.fails(mutex.acquire(new LockOwner(), { timeoutMs: 500 }))
    expect(await other).toMatchObject({ code: 'TIMEOUT' })
    await stage.run(outer.release())
    expect([outer.isSure, inner.isSure, mutex.depth(me)]).toEqual([false, true, 1])
    await stage.run(inner.release())
    expect(mutex.depth(me)).toBe(0)
    expect(parentOf(outer.path)).toBe(PATH)
  })
})

function abortable(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

function events(members: readonly Member[]): number {
  return members.reduce((sum, { network }) => sum + network.events, 0)
}
