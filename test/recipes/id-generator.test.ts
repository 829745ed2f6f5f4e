import { afterEach, beforeEach, expect, test } from 'vitest'
import { IdGenerator } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage

beforeEach(() => {
  stage = new RecipeStage()
})

afterEach(async () => {
  await stage.finish()
})

test('no id twice, rising for each client, without a gap while nothing is lost', async () => {
  const members = [await stage.member(), await stage.member()]
  const generators = members.map(({ zk }) => new IdGenerator(zk, '/ids/orders', { blockSize: 10 }))
  const asked = generators.map((generator) =>
    Promise.all(Array.from({ length: 25 }, () => generator.next())),
  )
  const ids = await stage.run(Promise.all(asked))
  for (const own of ids) expect(own).toEqual(own.toSorted((x, y) => Number(x - y)))
  const all = new Set(ids.flat())
  expect(all.size).toBe(50)
  expect(Math.max(...[...all].map(Number))).toBeLessThan(60)
  expect((await stage.run(members[0]!.zk.getData('/ids/orders'))).stat.version).toBe(6)
})

test('refuses another block size and a znode that is another one', async () => {
  const { zk } = await stage.member()
  const generator = new IdGenerator(zk, '/ids', { blockSize: 1 })
  expect(await stage.run(generator.next())).toBe(0n)
  const other = new IdGenerator(zk, '/ids', { blockSize: 2 })
  expect(await stage.fails(other.next())).toMatchObject({ code: 'MISMATCH' })
  await stage.run(zk.delete('/ids'))
  expect(await stage.fails(generator.next())).toMatchObject({ code: 'MISMATCH' })
  await stage.run(zk.create('/ids', '1'))
  expect(await stage.fails(generator.next())).toMatchObject({ code: 'MISMATCH' })
  expect(() => new IdGenerator(zk, '/ids', { blockSize: 0 })).toThrow('blockSize is 0')
})

test('who gives up takes nothing from the others', async () => {
  const { zk, host } = await stage.member()
  const generator = new IdGenerator(zk, '/ids', { blockSize: 2 })
  stage.deafen(true, host)
  const late = stage.fails(generator.next({ timeoutMs: 100 }))
  const patient = generator.next()
  expect(await late).toMatchObject({ code: 'TIMEOUT' })
  stage.deafen(false, host)
  expect(await stage.run(patient)).toBe(0n)
  expect(await stage.run(generator.next())).toBe(1n)
})

test('no id twice, whichever request is lost', { timeout: 120_000 }, async () => {
  const plays = await everyLoss({
    members: 2,
    play: async (world, members) => {
      const asked = members.flatMap(({ zk }) => {
        const generator = new IdGenerator(zk, '/ids/x', { blockSize: 2 })
        return Array.from({ length: 5 }, () => generator.next())
      })
      expect(new Set(await world.run(Promise.all(asked))).size).toBe(10)
    },
  })
  expect(plays).toBeGreaterThan(15)
})
