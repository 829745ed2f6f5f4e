import { afterEach, beforeEach, expect, test } from 'vitest'
import { Counter } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage

beforeEach(() => {
  stage = new RecipeStage()
})

afterEach(async () => {
  await stage.finish()
})

test('counts what several clients count', async () => {
  const members = [await stage.member(), await stage.member(), await stage.member()]
  const counted = members.flatMap(({ zk }) => {
    const counter = new Counter(zk, '/counters/hits')
    return Array.from({ length: 20 }, () => counter.increment())
  })
  const all = await stage.run(Promise.all(counted))
  expect(new Set(all.map(({ after }) => after)).size).toBe(60)
  expect(all.every(({ before, after }) => after === before + 1n)).toBe(true)
  const last = await stage.run(new Counter(members[0]!.zk, '/counters/hits').get({ isFresh: true }))
  expect(last.value).toBe(60n)
  const inOrder = all.toSorted((a, b) => Number(a.zxid - b.zxid)).map(({ after }) => after)
  expect(inOrder).toEqual(all.map(({ after }) => after).toSorted((a, b) => Number(a - b)))
})

test('counts once, whichever request is lost', { timeout: 120_000 }, async () => {
  const plays = await everyLoss({
    members: 2,
    play: async (world, members) => {
      // Same amounts: by the value alone nobody could tell whose change it was.
      const changes = members.flatMap(({ zk }) => {
        const counter = new Counter(zk, '/counters/c')
        return [counter.increment(), counter.increment()]
      })
      const results = await world.run(Promise.all(changes))
      expect(new Set(results.map(({ after }) => after)).size).toBe(4)
      const counter = new Counter(members[0]!.zk, '/counters/c')
      expect((await world.run(counter.get({ isFresh: true }))).value).toBe(4n)
    },
  })
  expect(plays).toBeGreaterThan(30)
})

test('an answer lost together with the session: counted once or honestly unknown', async () => {
  const [other, owner] = [await stage.member(), await stage.member()]
  const rival = new Counter(other.zk, '/c')
  const counter = new Counter(owner.zk, '/c')
  await stage.run(counter.increment())
  // Nobody else writes: the value shows that it was not applied.
  stage.isolate(true, owner.host)
  const cut = counter.increment()
  await stage.expire(owner)
  expect((await stage.run(cut)).after).toBe(2n)
  // Applied, the answer is lost, and somebody else goes on: nobody can tell any more.
  await stage.within(5000, 'the receipt is gone', () => stage.ephemerals().length === 0)
  const doubtful = stage.fails(counter.increment())
  await stage.until(() => stage.ephemerals().length > 0)
  stage.isolate(true, owner.host)
  await stage.run(rival.increment())
  await stage.expire(owner)
  const error = await doubtful
  expect(error).toMatchObject({ code: 'SESSION_LOST', outcome: 'unknown' })
  expect((await stage.run(rival.get({ isFresh: true }))).value).toBe(4n)
})

test('whoever gives up is told whether it may have been counted', async () => {
  const owner = await stage.member()
  const counter = new Counter(owner.zk, '/c')
  await stage.run(counter.increment())
  const controller = new AbortController()
  stage.deafen(true, owner.host)
  const aborted = counter.increment({ signal: controller.signal })
  const late = counter.increment({ timeoutMs: 200 })
  const [abortedError, lateError] = [stage.fails(aborted), stage.fails(late)]
  await stage.runFor(1000)
  expect(await lateError).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' })
  controller.abort()
  expect(await abortedError).toMatchObject({ code: 'ABORTED', outcome: 'not-applied' })
  stage.deafen(false, owner.host)
  await stage.runFor(8000)
  // A write under way is another matter.
  const value = (await stage.run(counter.get({ isFresh: true }))).value
  const again = new AbortController()
  const writing = counter.increment({ signal: again.signal })
  await stage.until(() => stage.ephemerals().length > 0)
  again.abort()
  expect(await stage.fails(writing)).toMatchObject({ code: 'ABORTED', outcome: 'unknown' })
  const { value: then } = await stage.run(counter.get({ isFresh: true }))
  expect(then).toBe(value + 1n)
  await stage.run(counter.increment())
})

test('encodings are those of Curator and kazoo', async () => {
  const { zk } = await stage.member()
  const bytes = async (path: string): Promise<number[]> => [
    ...(await stage.run(zk.getData(path))).data,
  ]
  await stage.run(new Counter(zk, '/long').add(258n))
  await stage.run(new Counter(zk, '/int', { encoding: 'int32' }).add(-2n))
  await stage.run(new Counter(zk, '/text', { encoding: 'decimal' }).add(-5n))
  expect(await bytes('/long')).toEqual([0, 0, 0, 0, 0, 0, 1, 2])
  expect(await bytes('/int')).toEqual([255, 255, 255, 254])
  expect(Buffer.from(await bytes('/text')).toString()).toBe('-5')
  expect((await stage.run(new Counter(zk, '/text', { encoding: 'decimal' }).get())).value).toBe(-5n)
})

test('what does not fit is refused, and nothing is written', async () => {
  const { zk } = await stage.member()
  const counter = new Counter(zk, '/int', { encoding: 'int32', initial: 2n ** 31n - 1n })
  expect(await stage.fails(counter.increment())).toMatchObject({ code: 'OUT_OF_RANGE' })
  expect(await stage.run(zk.exists('/int'))).toBeNull()
  await stage.run(zk.create('/int', 'hello'))
  expect(await stage.fails(counter.increment())).toMatchObject({ code: 'CORRUPT_DATA' })
  expect(() => new Counter(zk, '/x', { encoding: 'float' as never })).toThrow(RangeError)
})

test('sets and compares', async () => {
  const { zk } = await stage.member()
  const counter = new Counter(zk, '/c', { initial: 7n })
  expect(await stage.run(counter.get())).toEqual({ value: 7n, version: -1, zxid: 0n })
  expect(await stage.run(counter.compareAndSet(6n, 9n))).toBeNull()
  expect(await stage.run(counter.compareAndSet(7n, 9n))).toMatchObject({ before: 7n, after: 9n })
  expect(await stage.run(counter.set(1n))).toMatchObject({ before: 9n, after: 1n })
  expect(await stage.run(counter.decrement())).toMatchObject({ before: 1n, after: 0n })
})
