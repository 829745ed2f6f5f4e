import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Barrier, DoubleBarrier } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage

beforeEach(() => {
  stage = new RecipeStage()
})

afterEach(async () => {
  await stage.finish()
})

/** Becomes true when the promise resolves. */
function flag(promise: Promise<unknown>): { isSet: boolean } {
  const state = { isSet: false }
  promise.then(
    () => {
      state.isSet = true
    },
    () => {},
  )
  return state
}

describe('barrier', () => {
  test('holds up as long as it is set', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const [barrier, other] = [new Barrier(a.zk, '/b/barrier'), new Barrier(b.zk, '/b/barrier')]
    await stage.run(other.wait())
    expect(await stage.run(barrier.set())).toBe(true)
    expect(await stage.run(other.set())).toBe(false)
    const waiting = other.wait()
    const passed = flag(waiting)
    await stage.runFor(3000)
    expect(passed.isSet).toBe(false)
    expect(await stage.run(barrier.isSet())).toBe(true)
    expect(await stage.run(barrier.remove())).toBe(true)
    expect(await stage.run(barrier.remove())).toBe(false)
    await stage.run(waiting)
  })

  test('nothing but its removal lets anybody pass (B13)', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const barrier = new Barrier(a.zk, '/barrier')
    await stage.run(barrier.set())
    const waiting = new Barrier(b.zk, '/barrier').wait()
    const passed = flag(waiting)
    await stage.runFor(100)
    await stage.run(a.zk.setData('/barrier', 'changed'))
    stage.breakConnections(b.host)
    await stage.runFor(1000)
    await stage.expire(b)
    await stage.runFor(1000)
    expect(passed.isSet).toBe(false)
    // Removed and set again before the waiter could look.
    stage.isolate(true, b.host)
    await stage.run(barrier.remove())
    await stage.run(barrier.set())
    stage.isolate(false, b.host)
    await stage.run(waiting)
    await stage.run(barrier.remove())
  })

  test('who gives up waiting leaves no watch (B17)', async () => {
    const { zk } = await stage.member()
    const barrier = new Barrier(zk, '/barrier')
    await stage.run(barrier.set())
    const error = await stage.fails(barrier.wait({ timeoutMs: 200 }))
    expect(error).toMatchObject({ code: 'TIMEOUT' })
    await stage.run(barrier.remove())
  })

  test('is set and removed once, whichever request is lost', { timeout: 120_000 }, async () => {
    const plays = await everyLoss({
      members: 1,
      play: async (world, [member]) => {
        const barrier = new Barrier(member!.zk, '/b/barrier')
        expect(await world.run(barrier.set())).toBe(true)
        const waiting = barrier.wait()
        expect(await world.run(barrier.remove())).toBe(true)
        await world.run(waiting)
        expect(await world.run(barrier.isSet())).toBe(false)
      },
    })
    expect(plays).toBeGreaterThan(14)
  })
})

describe.each(['curator', 'kazoo'] as const)('double barrier, layout %s', (layout) => {
  const path = '/b/double'
  const make = ({ zk }: Member, members = 2): DoubleBarrier =>
    new DoubleBarrier(zk, path, { members, layout })

  test('lets everybody in and out together', async () => {
    const [a, b, c] = [await stage.member(), await stage.member(), await stage.member()]
    const entering = [make(a, 3).enter(), make(b, 3).enter()]
    const entered = entering.map(flag)
    await stage.runFor(2000)
    expect(entered.map(({ isSet }) => isSet)).toEqual([false, false])
    const all = [...entering, make(c, 3).enter()]
    const members = await stage.run(Promise.all(all))
    expect(members.every(({ isSure }) => isSure)).toBe(true)
    const name = layout === 'kazoo' ? /^\/b\/double\/[0-9a-f]{32}$/ : /^\/b\/double\/[0-9a-f-]{36}$/
    for (const member of members) expect(member.path).toMatch(name)
    const leaving = [members[0]!.leave(), members[1]!.leave()]
    const left = leaving.map(flag)
    await stage.runFor(2000)
    expect(left.map(({ isSet }) => isSet)).toEqual([false, false])
    await stage.run(Promise.all([...leaving, members[2]!.leave()]))
    expect(members[0]!.signal.reason).toMatchObject({ code: 'RELEASED' })
    expect(await stage.run(a.zk.exists(`${path}/ready`))).toBeNull()
  })

  test('goes on without a member that died', async () => {
    const [a, b, c] = [await stage.member(), await stage.member(), await stage.member()]
    const [first, second] = await stage.run(Promise.all([make(a).enter(), make(b).enter()]))
    // Who comes late enters at once.
    const late = await stage.run(make(c).enter())
    const leaving = Promise.all([second.leave(), late.leave()])
    await stage.expire(a)
    await stage.run(leaving)
    expect(first.signal.aborted).toBe(true)
    expect(await stage.fails(first.leave())).toMatchObject({ code: 'SESSION_LOST' })
    await stage.run(first.release())
    expect(await stage.run(b.zk.exists(`${path}/ready`))).toBeNull()
  })

  test('an old ready of members that died opens nothing', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    await stage.run(b.zk.ensurePath(`${path}/ready`))
    const first = make(a).enter()
    const entered = flag(first)
    await stage.runFor(2000)
    expect(entered.isSet).toBe(false)
    const members = await stage.run(Promise.all([first, make(b).enter()]))
    await stage.run(Promise.all(members.map((member) => member.leave())))
    expect(await stage.run(a.zk.exists(`${path}/ready`))).toBeNull()
  })

  test('no event but ready lets anybody in, nor does a lost session (B13)', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const entering = make(a).enter()
    const entered = flag(entering)
    await stage.runFor(500)
    stage.breakConnections(a.host)
    await stage.runFor(500)
    await stage.expire(a)
    await stage.runFor(1000)
    expect(entered.isSet).toBe(false)
    const members = await stage.run(Promise.all([entering, make(b).enter()]))
    expect(await stage.run(b.zk.getChildren(path))).toMatchObject({ stat: { numChildren: 3 } })
    await stage.run(Promise.all(members.map((member) => member.leave())))
  })

  test('who gives up entering or leaving leaves nothing (B9)', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const error = await stage.fails(make(a).enter({ timeoutMs: 300 }))
    expect(error).toMatchObject({ code: 'TIMEOUT' })
    await stage.within(5000, 'its znode is gone', () => stage.ephemerals().length === 0)
    const members = await stage.run(Promise.all([make(a).enter(), make(b).enter()]))
    const late = await stage.fails(members[0]!.leave({ timeoutMs: 300 }))
    expect(late).toMatchObject({ code: 'TIMEOUT' })
    await stage.run(Promise.all(members.map((member) => member.leave())))
  })

  test('two rounds, whichever request is lost', { timeout: 120_000 }, async () => {
    const plays = await everyLoss({
      members: 2,
      play: async (world, members) => {
        const rounds = members.map(async (each) => {
          for (let round = 0; round < 2; round++) {
            const member = await make(each).enter()
            await member.leave()
          }
        })
        await world.run(Promise.all(rounds))
      },
    })
    expect(plays).toBeGreaterThan(40)
  })
})

test('a barrier for nobody is refused', async () => {
  const { zk } = await stage.member()
  expect(() => new DoubleBarrier(zk, '/b', { members: 0 })).toThrow('members is 0')
})
