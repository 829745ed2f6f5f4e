import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HeldKazooLease, KazooLease } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const durationMs = 30_000
const skewMs = 1000
const PATH = '/leases/l'
const HOLDER = `${PATH}/lease_holder`

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

const lease = ({ zk }: Member, holder?: string): KazooLease =>
  new KazooLease(zk, PATH, { durationMs, ...(holder === undefined ? {} : { holder }) })

async function claim(member: Member, holder?: string): Promise<HeldKazooLease> {
  return await stage.run(lease(member, holder).acquire())
}

/** As kazoo would have written it. */
async function written(text: string): Promise<void> {
  await stage.run(a.zk.ensurePath(PATH))
  await stage.run(a.zk.create(HOLDER, text))
}

const textOf = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 19)

test('is renewed as long as it is held, and gone when it was given back', async () => {
  const held = await claim(a, 'a')
  const { data } = await stage.run(b.zk.getData(HOLDER))
  expect(JSON.parse(new TextDecoder().decode(data))).toEqual({
    version: 1,
    holder: 'a',
    end: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
  })
  const waiting = lease(b).acquire()
  await stage.runFor(5 * durationMs)
  expect([held.isSure, held.signal.aborted]).toEqual([true, false])
  const seen = await stage.run(lease(b).get())
  expect(seen!.holder).toBe('a')
  expect(seen!.endMs).toBeGreaterThan(a.env.clock.wallMs())
  await stage.run(held.release())
  const next = await stage.run(waiting)
  expect(next.fencingToken).toBeGreaterThan(held.fencingToken)
  expect(held.signal.reason).toMatchObject({ code: 'RELEASED' })
  await stage.run(next.release())
  expect(await stage.run(a.zk.exists(HOLDER))).toBeNull()
})

test('survives a lost session', async () => {
  const held = await claim(a)
  await stage.expire(a)
  await stage.runFor(2 * durationMs)
  expect([held.isSure, held.signal.aborted]).toEqual([true, false])
  await stage.run(held.release())
})

test.each([900, -900])('runs out for its holder before a clock %d ms off', async (offsetMs) => {
  b.env.clock.wallOffsetMs = offsetMs
  const held = await claim(a)
  const waiting = lease(b).acquire()
  void waiting.then(() => expect(held.isSure).toBe(false))
  await stage.runFor(1000)
  stage.isolate(true, a.host)
  await stage.until(() => held.signal.aborted)
  expect(held.signal.reason).toMatchObject({ code: 'GRANT_LOST' })
  // kazoo goes by the end alone.
  const end = (await stage.run(lease(b).get()))!.endMs
  expect(b.env.clock.wallMs()).toBeLessThan(end)
  const taken = await stage.run(waiting)
  stage.isolate(false, a.host)
  await stage.until(() => a.zk.state === 'connected')
  await stage.run(held.release())
  await stage.runFor(durationMs)
  expect(taken.isSure).toBe(true)
  await stage.run(taken.release())
})

test('a wall clock that jumps ends it in time', async () => {
  const held = await claim(a)
  a.env.clock.wallOffsetMs = durationMs
  expect([held.isSure, held.remainingMs]).toEqual([false, 0])
  await stage.run(held.release())
})

test('is kept under its name over a restart, and who had it is told', async () => {
  const held = await claim(a, 'worker')
  const again = await stage.run(lease(b, 'worker').tryAcquire())
  expect(again!.fencingToken).toBeGreaterThan(held.fencingToken)
  await stage.until(() => held.signal.aborted)
  expect(held.signal.reason).toMatchObject({ code: 'GRANT_LOST' })
  await stage.run(held.release())
  expect(again!.isSure).toBe(true)
  await stage.run(again!.release())
})

test('a name is for restarts: two of one object wait for each other', async () => {
  const named = lease(a, 'worker')
  const held = await stage.run(named.acquire())
  const waiting = named.acquire()
  await stage.runFor(2 * durationMs)
  expect(held.isSure).toBe(true)
  expect(await stage.run(named.tryAcquire())).toBeNull()
  await stage.run(held.release())
  await stage.run((await stage.run(waiting)).release())
})

test('one that kazoo has written is waited for, and taken when it has run out', async () => {
  const endMs = a.env.clock.wallMs() + 20_000
  await written(JSON.stringify({ version: 1, holder: 'theirs', end: textOf(endMs) }))
  expect(await stage.run(lease(b).tryAcquire())).toBeNull()
  const held = await stage.run(lease(b).acquire())
  expect(b.env.clock.wallMs()).toBeGreaterThanOrEqual(Math.floor(endMs / 1000) * 1000 + skewMs)
  await stage.run(held.release())
})

test('kazoo takes no look at ours while its lock is held', async () => {
  await stage.run(a.zk.ensurePath(PATH))
  const theirs = `${PATH}/${'0'.repeat(32)}__lock__`
  const lock = await stage.run(a.zk.create(theirs, '', { mode: 'ephemeral-sequential' }))
  const waiting = lease(b).tryAcquire()
  await stage.runFor(2000)
  expect(await stage.run(a.zk.exists(HOLDER))).toBeNull()
  await stage.run(a.zk.delete(lock.path))
  await stage.run((await stage.run(waiting))!.release())
})

describe('what kazoo has not written', () => {
  test('another version is left alone', async () => {
    await written('{"version":2,"what":"ever"}')
    expect(await stage.run(lease(b).tryAcquire())).toBeNull()
    expect(await stage.run(lease(b).get())).toBeNull()
  })

  test.each(['', '[]', 'null', '{"version":1}', '{"version":1,"holder":"x","end":"soon"}'])(
    '%j is refused',
    async (text) => {
      await written(text)
      const acquiring = stage.run(lease(b).acquire())
      await expect(acquiring).rejects.toMatchObject({ code: 'CORRUPT_DATA', path: HOLDER })
    },
  )
})

test('an acquisition that is given up leaves nothing', async () => {
  const held = await claim(a)
  const waiting = lease(b).acquire({ timeoutMs: 500 })
  await expect(stage.run(waiting)).rejects.toMatchObject({ code: 'TIMEOUT' })
  await stage.run(held.release())
  const abort = new AbortController()
  const given = lease(b).acquire({ signal: abort.signal })
  // Whatever is under way then.
  b.network.plan = () => {
    if (stage.ephemerals().length > 0) setImmediate(() => abort.abort())
    return null
  }
  await expect(stage.run(given)).rejects.toMatchObject({ code: 'ABORTED' })
  b.network.plan = () => null
  await stage.runFor(5000)
  expect(await stage.run(a.zk.exists(HOLDER))).toBeNull()
})

test.each([{ durationMs: 3999 }, { durationMs: Number.NaN }, { durationMs: 1e4, skewMs: -1 }])(
  '%j is refused',
  (options) => {
    expect(() => new KazooLease(a.zk, PATH, options)).toThrow('a lease lasts for twice')
  },
)

test('bears the loss of every request', { timeout: 120_000 }, async () => {
  const plays = await everyLoss({
    members: 2,
    play: async (other, members) => {
      const [one, two] = members
      const first = await other.run(lease(one!).acquire())
      const waiting = lease(two!).acquire()
      await other.runFor(200)
      await other.run(first.release())
      const second = await other.run(waiting)
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken)
      await other.run(second.release())
      expect(await other.run(two!.zk.exists(HOLDER))).toBeNull()
    },
  })
  expect(plays).toBeGreaterThan(40)
})
