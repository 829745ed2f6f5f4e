import { afterEach, beforeEach, expect, test } from 'vitest'
import { BYTES, type Codec, SharedValue, TEXT } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage
let member: Member
let value: SharedValue<string>

beforeEach(async () => {
  stage = new RecipeStage()
  member = await stage.member()
  value = new SharedValue(member.zk, '/values/v', TEXT, { initial: 'initial' })
})

afterEach(async () => {
  await stage.finish()
})

test('is the initial one until somebody writes, and only as it was read', async () => {
  const missing = await stage.run(value.get())
  expect(missing).toEqual({ value: 'initial', version: -1, zxid: 0n })
  const one = await stage.run(value.compareAndSet(missing, 'one'))
  expect(one).toMatchObject({ value: 'one', version: 0 })
  expect(await stage.run(value.compareAndSet(missing, 'again'))).toBeNull()
  const two = await stage.run(value.set('two'))
  expect(two.zxid).toBeGreaterThan(one!.zxid)
  expect(await stage.run(value.compareAndSet(one!, 'late'))).toBeNull()
  expect(await stage.run(value.get())).toEqual(two)
  await stage.run(member.zk.delete('/values/v'))
  expect(await stage.run(value.compareAndSet(two, 'gone'))).toBeNull()
})

test('a change is computed again when somebody was faster, and fails with what it throws', async () => {
  const { zk } = await stage.member()
  let computed = 0
  const { before, after } = await stage.run(
    value.update(async (text) => {
      computed += 1
      if (computed < 3)
        await new SharedValue(zk, '/values/v', TEXT, { initial: '' }).set(`${computed}`)
      return `${text}+`
    }),
  )
  expect([computed, before.value, after.value]).toEqual([3, '2', '2+'])
  const wrong = value.update(() => {
    throw new TypeError('of the caller')
  })
  expect(await stage.fails(wrong)).toMatchObject({ message: 'of the caller' })
})

test('sees with isFresh what others have just written', async () => {
  const { zk } = await stage.member()
  await stage.run(new SharedValue(zk, '/values/v', TEXT, { initial: '' }).set('new'))
  expect((await stage.run(value.get({ isFresh: true }))).value).toBe('new')
})

test('data that are something else, and values that do not fit, are told', async () => {
  const { zk } = member
  await stage.run(zk.ensurePath('/values'))
  await stage.run(zk.create('/values/v', new Uint8Array([0xff])))
  expect(await stage.fails(value.get())).toMatchObject({ code: 'CORRUPT_DATA', path: '/values/v' })
  const bytes = new SharedValue(zk, '/values/v', BYTES, { initial: new Uint8Array() })
  expect([...(await stage.run(bytes.get())).value]).toEqual([0xff])
  const digit: Codec<number> = {
    title: 'a digit',
    encode: (digits) => {
      if (digits > 9) throw new RangeError(`${digits} is no digit`)
      return `${digits}`
    },
    decode: (data) => data[0]! - 0x30,
  }
  const digits = new SharedValue(zk, '/values/digit', digit, { initial: 0 })
  expect(await stage.fails(digits.set(10))).toMatchObject({ code: 'OUT_OF_RANGE' })
  expect((await stage.run(digits.set(7))).value).toBe(7)
  const bad = { version: 1.5 }
  expect(await stage.fails(value.compareAndSet(bad, ''))).toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
  const never = value.set('x', { timeoutMs: 0 })
  expect(await stage.fails(never)).toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('a server that does not answer: an error in bounded time', async () => {
  stage.isolate(true, member.host)
  const beganMs = stage.nowMs
  expect(await stage.fails(value.get())).toMatchObject({ outcome: 'not-applied' })
  expect(stage.nowMs - beganMs).toBeLessThan(31_000)
  stage.isolate(false, member.host)
})

test('of two who compare and set one wins, whichever request is lost', {
  timeout: 120_000,
}, async () => {
  const plays = await everyLoss({
    members: 2,
    play: async (world, members) => {
      const values = members.map(({ zk }) => new SharedValue(zk, '/v', TEXT, { initial: '' }))
      for (let round = 0; round < 2; round++) {
        const read = await world.run(values[0]!.get({ isFresh: true }))
        // The same text: the value alone does not tell whose it is.
        const sets = values.map((each) => each.compareAndSet(read, `round ${round}`))
        const results = await world.run(Promise.all(sets))
        expect(results.filter((result) => result !== null).length).toBe(1)
      }
    },
  })
  expect(plays).toBeGreaterThan(20)
})
