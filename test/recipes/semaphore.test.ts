import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Grant, type Layout, Semaphore } from '../../recipes/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const PATH = '/sem'
const LAYOUTS: readonly Layout[] = ['curator', 'kazoo']

let stage: RecipeStage
let members: Member[]

beforeEach(async () => {
  stage = new RecipeStage()
  members = []
  while (members.length < 4) members.push(await stage.member())
})

afterEach(async () => {
  await stage.finish()
})

/** Not of those who queue up. */
function isLease(path: string): boolean {
  return !path.includes('lock')
}

describe.each(LAYOUTS)('%s', (layout) => {
  function semaphoreOf(index: number, permits: number = 2): Semaphore {
    return new Semaphore(members[index]!.zk, PATH, permits, { layout, data: `${index}` })
  }

  test('so many hold it, the others follow in their order', async () => {
    const held: number[] = []
    const grants: Grant[] = []
    const acquire = async (index: number): Promise<void> => {
      grants[index] = await semaphoreOf(index).acquire()
      held.push(index)
    }
    const all: Promise<void>[] = []
    for (const index of members.keys()) {
      all.push(acquire(index))
      await stage.runFor(500)
    }
    expect(held).toEqual([0, 1])
    expect(await stage.run(semaphoreOf(0).tryAcquire())).toBeNull()
    await stage.run(grants[1]!.release())
    await stage.runFor(500)
    expect(held).toEqual([0, 1, 2])
    await stage.run(grants[0]!.release())
    await stage.runFor(500)
    expect(held).toEqual([0, 1, 2, 3])
    await stage.run(Promise.all(all))
    await stage.run(Promise.all([grants[2]!.release(), grants[3]!.release()]))
    const tried = await stage.run(semaphoreOf(0).tryAcquire())
    await stage.run(tried!.release())
  })

  test('several at once are all or nothing', async () => {
    const [one, two] = [semaphoreOf(0, 3), semaphoreOf(1, 3)]
    const pair = await stage.run(one.acquireMany(2))
    expect(pair.grants.length).toBe(2)
    expect(pair.grants[1]!.fencingToken).toBeGreaterThan(pair.grants[0]!.fencingToken)
    expect(stage.ephemerals().filter((path) => isLease(path)).length).toBe(2)
    expect(await stage.run(two.tryAcquireMany(2))).toBeNull()
    await expect(stage.run(two.acquireMany(2, { timeoutMs: 1000 }))).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    await stage.until(() => stage.ephemerals().length === 2)
    const third = await stage.run(two.acquire())
    await stage.run(third.release())
    await stage.run(pair.grants[0]!.release())
    expect([pair.signal.aborted, pair.isSure]).toEqual([true, false])
    await stage.run(pair.release())
    const all = await stage.run(two.tryAcquireMany(3))
    expect(all!.grants.length).toBe(3)
    await stage.run(all!.release())
  })

  test('those who want several never wait for each other', async () => {
    const want = async (index: number): Promise<void> => {
      // Of one client and of several.
      const group = await new Semaphore(members[index % 2]!.zk, PATH, 3, { layout }).acquireMany(2)
      await group.release()
    }
    await stage.run(Promise.all([0, 1, 2, 3, 4, 5].map(want)))
  })

  test('one that is lost while others are waited for sends all back', async () => {
    const first = await stage.run(semaphoreOf(0, 3).acquire())
    const waiting = semaphoreOf(1, 3).acquireMany(3)
    await stage.runFor(500)
    const own = stage.ephemerals().filter((path) => isLease(path) && path !== first.path)
    await stage.run(members[2]!.zk.delete(own[0]!))
    await stage.runFor(2000)
    await stage.run(first.release())
    const group = await stage.run(waiting)
    expect([group.isSure, group.grants.length]).toEqual([true, 3])
    expect(stage.ephemerals().filter((path) => isLease(path)).length).toBe(3)
    await stage.run(group.release())
  })

  test.each([0, 3, 1.5, Number.NaN])('%d permits of two are refused', async (count) => {
    const refusal = { code: 'INVALID_ARGUMENT' }
    const semaphore = semaphoreOf(0)
    await expect(semaphore.acquireMany(count)).rejects.toMatchObject(refusal)
    await expect(semaphore.tryAcquireMany(count)).rejects.toMatchObject(refusal)
  })

  test('a holder that disappears makes room', async () => {
    const first = await stage.run(semaphoreOf(0, 1).acquire())
    const waiting = semaphoreOf(1, 1).acquire()
    await stage.runFor(500)
    stage.isolate(true, members[0]!.host)
    let toldAtMs = Number.POSITIVE_INFINITY
    first.signal.addEventListener('abort', () => {
      toldAtMs = stage.nowMs
    })
    const next = await stage.run(waiting)
    expect(toldAtMs).toBeLessThan(stage.nowMs)
    await stage.run(next.release())
    await stage.run(first.release())
  })

  test('a waiter at the gate that gives up or loses its session lets the next one in', async () => {
    const first = await stage.run(semaphoreOf(0, 1).acquire())
    const given = stage.fails(semaphoreOf(1, 1).acquire({ timeoutMs: 1000 }))
    await stage.runFor(200)
    const lost = semaphoreOf(2, 1).acquire()
    await stage.runFor(200)
    const last = semaphoreOf(3, 1).acquire()
    expect(await given).toMatchObject({ code: 'TIMEOUT' })
    await stage.runFor(500)
    stage.isolate(true, members[2]!.host)
    await stage.runFor(20_000)
    await stage.run(first.release())
    const next = await stage.run(last)
    stage.isolate(false, members[2]!.host)
    await stage.runFor(3000)
    await stage.run(next.release())
    await stage.run((await stage.run(lost)).release())
  })

  test('permits', async () => {
    for (const permits of [0, -1, 1.5, Number.NaN]) {
      expect(() => semaphoreOf(0, permits)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
    }
  })

  test('a release wakes one of those who wait', async () => {
    const holder = await stage.run(semaphoreOf(0, 1).acquire())
    const waiting = [1, 2, 3].map((index) => semaphoreOf(index, 1).acquire())
    await stage.runFor(1000)
    const before = members.map(({ network }) => network.events)
    await stage.run(holder.release())
    const next = await stage.run(Promise.race(waiting))
    // The children of the leases, then the gate for the next one; and everybody's own znode.
    const woken = members.filter(({ network }, index) => network.events > before[index]!)
    expect(woken.length).toBeLessThanOrEqual(3)
    await stage.run(next.release())
    for (const each of waiting) await stage.run((await stage.run(each)).release())
  })
})

test('znodes of the curator layout', async () => {
  const grant = await stage.run(new Semaphore(members[0]!.zk, PATH, 1).acquire())
  await stage.runFor(500)
  expect(grant.path).toMatch(/^\/sem\/leases\/_c_[0-9a-f-]{36}-lease-0000000000$/)
  expect(stage.ephemerals()).toEqual([grant.path])
  const waiting = new Semaphore(members[1]!.zk, PATH, 1).acquire()
  await stage.runFor(500)
  expect(stage.ephemerals()).toContainEqual(expect.stringMatching(/^\/sem\/locks\/_c_.*-lock-\d+$/))
  await stage.run(grant.release())
  await stage.run((await stage.run(waiting)).release())
})

test('znodes of the kazoo layout', async () => {
  const options = { layout: 'kazoo', data: 'me' } as const
  const grant = await stage.run(new Semaphore(members[0]!.zk, PATH, 3, options).acquire())
  await stage.runFor(500)
  expect(grant.path).toMatch(/^\/sem\/[0-9a-f]{32}$/)
  expect(stage.ephemerals()).toEqual([grant.path])
  const { data } = await stage.run(members[1]!.zk.getData(PATH))
  expect(new TextDecoder().decode(data)).toBe('3')
  const other = new Semaphore(members[1]!.zk, PATH, 2, options).acquire()
  const error = await stage.fails(other)
  expect(error).toMatchObject({ code: 'MISMATCH', path: PATH })
  expect(error.message).toContain('3 permits, not 2')
  expect(await stage.run(members[2]!.zk.getChildren('/'))).toMatchObject({
    children: expect.arrayContaining(['sem-__lock__']),
  })
  await stage.run(grant.release())
})
