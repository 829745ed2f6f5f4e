import { afterEach, beforeEach, expect, test } from 'vitest'
import { Mutex } from '../../recipes/index.ts'
import { RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage

beforeEach(() => {
  stage = new RecipeStage()
})

afterEach(async () => {
  await stage.finish()
})

test('one holder at a time, in the order they came', async () => {
  const [a, b, c] = [await stage.member(), await stage.member(), await stage.member()]
  const first = await stage.run(new Mutex(a.zk, '/locks/x').acquire())
  const second = new Mutex(b.zk, '/locks/x').acquire()
  await stage.runFor(100)
  const third = new Mutex(c.zk, '/locks/x').acquire()
  await stage.runFor(100)
  expect(stage.ephemerals().length).toBe(3)
  expect(first.path).toMatch(/^\/locks\/x\/_c_[0-9a-f-]{36}-lock-0000000000$/)
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
