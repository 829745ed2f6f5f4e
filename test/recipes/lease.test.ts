import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HeldLease, Lease } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const durationMs = 30_000

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

const lease = ({ zk }: Member, holder?: string): Lease =>
  new Lease(zk, '/leases/l', { durationMs, ...(holder === undefined ? {} : { holder }) })

async function claim(member: Member, holder?: string): Promise<HeldLease> {
  return await stage.run(lease(member, holder).acquire())
}

test('is renewed as long as it is held (B21), and nothing but its version is left', async () => {
  const held = await claim(a, 'a')
  const waiting = lease(b).acquire()
  await stage.runFor(5 * durationMs)
  expect([held.isSure, held.signal.aborted]).toEqual([true, false])
  expect(await stage.run(lease(b).get())).toEqual({ holder: 'a', durationMs, isRevoked: false })
  await stage.run(held.release())
  const next = await stage.run(waiting)
  expect(next.fencingToken).toBeGreaterThan(held.fencingToken)
  expect([held.isSure, next.isSure]).toEqual([false, true])
  expect(held.signal.reason).toMatchObject({ code: 'RELEASED' })
  await stage.run(next.release())
  expect(await stage.run(lease(a).get())).toBeNull()
  expect((await stage.run(a.zk.getData('/leases/l'))).data.length).toBe(0)
})

test('survives a lost session', async () => {
  const held = await claim(a)
  await stage.expire(a)
  expect([held.isSure, held.signal.aborted]).toEqual([true, false])
  await stage.runFor(2 * durationMs)
  expect(held.isSure).toBe(true)
  await stage.run(held.release())
})

test('runs out for its holder before somebody else gets it', async () => {
  const held = await claim(a)
  const waiting = lease(b).acquire()
  let next: HeldLease | null = null
  void waiting.then((found) => {
    expect(held.isSure).toBe(false)
    next = found
  })
  await stage.runFor(1000)
  stage.isolate(true, a.host)
  await stage.until(() => held.signal.aborted)
  expect(held.signal.reason).toMatchObject({ code: 'GRANT_LOST' })
  expect(next).toBeNull()
  const taken = await stage.run(waiting)
  expect(taken.fencingToken).toBeGreaterThan(held.fencingToken)
  stage.isolate(false, a.host)
  await stage.until(() => a.zk.state === 'connected')
  await stage.run(held.release())
  // What the old one still does is not done to the new one.
  await stage.runFor(durationMs)
  expect(taken.isSure).toBe(true)
  await stage.run(taken.release())
})

test('a process that stood still knows that it has run out', async () => {
  const held = await claim(a)
  a.env.timers.freeze()
  await stage.runFor(2 * durationMs)
  expect([held.signal.aborted, held.isSure]).toEqual([false, false])
  const taken = await claim(b)
  a.env.timers.thaw()
  await stage.until(() => held.signal.aborted)
  await stage.runFor(1000)
  expect(taken.isSure).toBe(true)
  await stage.run(taken.release())
})

test('without waiting: only once it is known to have run out', async () => {
  const held = await claim(a)
  const other = lease(b)
  expect(await stage.run(other.tryAcquire())).toBeNull()
  stage.isolate(true, a.host)
  await stage.runFor(durationMs / 2)
  expect(await stage.run(other.tryAcquire())).toBeNull()
  await stage.runFor(durationMs)
  const taken = await stage.run(other.tryAcquire())
  expect(taken?.isSure).toBe(true)
  expect(held.isSure).toBe(false)
  await stage.run(taken!.release())
})

test('is kept under its name over a restart', async () => {
  const held = await claim(a, 'worker 1')
  const again = await stage.run(lease(b, 'worker 1').tryAcquire())
  expect(again!.fencingToken).toBeGreaterThan(held.fencingToken)
  await stage.until(() => held.signal.aborted)
  await stage.run(held.release())
  expect(again!.isSure).toBe(true)
  await stage.run(again!.release())
})

test('a name is for restarts: two of one object still wait for each other', async () => {
  const named = lease(a, 'worker 1')
  const held = await stage.run(named.acquire())
  const waiting = named.acquire()
  await stage.runFor(2 * durationMs)
  expect(held.isSure).toBe(true)
  expect(await stage.run(named.tryAcquire())).toBeNull()
  await stage.run(held.release())
  await stage.run((await stage.run(waiting)).release())
})

test('is asked back, and not taken before it was given or has run out', async () => {
  expect(await stage.run(lease(b).revoke())).toBe(false)
  const held = await claim(a)
  expect(await stage.run(lease(b).revoke())).toBe(true)
  expect(await stage.run(lease(b).revoke())).toBe(true)
  await stage.until(() => held.signal.aborted)
  expect(held.signal.reason).toMatchObject({ code: 'REVOKED' })
  expect(await stage.run(lease(b).get())).toMatchObject({ isRevoked: true })
  const waiting = lease(b).acquire()
  let isTaken = false
  void waiting.then(() => {
    isTaken = true
  })
  await stage.runFor(durationMs / 2)
  expect(isTaken).toBe(false)
  await stage.run(held.release())
  await stage.run((await stage.run(waiting)).release())
})

test('who gives up leaves no claim', async () => {
  const controller = new AbortController()
  const error = stage.fails(lease(a).acquire({ signal: controller.signal }))
  await stage.until(() => stage.stage.server.state.tree.find('/leases/l') !== undefined)
  controller.abort()
  expect(await error).toMatchObject({ code: 'ABORTED' })
  const taken = lease(b).acquire({ timeoutMs: durationMs / 2 })
  await stage.run((await stage.run(taken)).release())
  const held = await claim(a)
  expect(await stage.fails(lease(b).acquire({ timeoutMs: 1000 }))).toMatchObject({
    code: 'TIMEOUT',
  })
  await stage.run(held.release())
})

test('what is no lease is left alone', async () => {
  await stage.run(a.zk.ensurePath('/leases'))
  await stage.run(a.zk.create('/leases/l', '{"holder":1}'))
  expect(await stage.fails(lease(a).acquire())).toMatchObject({ code: 'CORRUPT_DATA' })
  expect(() => new Lease(a.zk, '/l', { durationMs: 0 })).toThrow('durationMs is 0')
})

test('one holder at a time, whichever request is lost', { timeout: 120_000 }, async () => {
  const plays = await everyLoss({
    members: 2,
    play: async (world, members) => {
      const turns = members.map(async (member) => {
        const held = await lease(member).acquire()
        await held.release()
        return held.fencingToken
      })
      const tokens = await world.run(Promise.all(turns))
      expect(new Set(tokens).size).toBe(2)
      const watcher = await world.run(lease(members[0]!).acquire())
      await world.runFor(durationMs)
      expect(watcher.isSure).toBe(true)
      expect(await world.run(lease(members[1]!).revoke())).toBe(true)
      await world.until(() => watcher.signal.aborted)
      await world.run(watcher.release())
      expect(await world.run(lease(members[1]!).get())).toBeNull()
    },
  })
  expect(plays).toBeGreaterThan(40)
})
