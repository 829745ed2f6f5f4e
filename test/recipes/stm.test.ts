import { afterEach, beforeEach, expect, test } from 'vitest'
import { Stm, type StmTransaction } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage
let member: Member
let stm: Stm

beforeEach(async () => {
  stage = new RecipeStage()
  member = await stage.member()
  stm = new Stm(member.zk, '/app/stm')
})

afterEach(async () => {
  await stage.finish()
})

const text = (data: Uint8Array | null): string | null =>
  data === null ? null : new TextDecoder().decode(data)

async function read(path: string): Promise<string | null> {
  const { value } = await stage.run(stm.run((transaction) => transaction.get(path)))
  return text(value)
}

async function transfer(transaction: StmTransaction, amount: number): Promise<number> {
  const from = Number(text(await transaction.get('/a')))
  const to = Number(text(await transaction.get('/b')))
  transaction.set('/a', `${from - amount}`)
  transaction.set('/b', `${to + amount}`)
  return to + amount
}

test('writes all or nothing, and what the body has set it reads', async () => {
  const first = await stage.run(
    stm.run(async (transaction) => {
      transaction.set('/a/b', 'below')
      transaction.set('/a', '100')
      return text(await transaction.get('/a'))
    }),
  )
  expect(first.value).toBe('100')
  expect(first.zxid).toBeGreaterThan(0n)
  expect(await read('/a/b')).toBe('below')
  const failed = stm.run((transaction) => {
    transaction.set('/a', 'changed')
    transaction.set('/missing/child', '')
  })
  expect(await stage.fails(failed)).toMatchObject({ code: 'NO_NODE', path: '/missing/child' })
  expect(await read('/a')).toBe('100')
  await stage.run(
    stm.run((transaction) => {
      transaction.delete('/a')
      transaction.delete('/a/b')
      transaction.delete('/never/there')
    }),
  )
  expect(await read('/a')).toBeNull()
})

test('runs again when what it read has changed, or is not missing any more', async () => {
  const { zk } = await stage.member()
  await stage.run(zk.create('/a', '1'))
  let runs = 0
  const { value } = await stage.run(
    stm.run(async (transaction) => {
      runs += 1
      const a = text(await transaction.get('/a'))
      const b = text(await transaction.get('/b/c'))
      if (runs === 1) await zk.setData('/a', '2')
      if (runs === 2) await zk.create('/b')
      if (runs === 3) await zk.create('/b/c', 'new')
      transaction.set('/sum', `${a} ${b}`)
      return `${a} ${b}`
    }),
  )
  expect([runs, value, await read('/sum')]).toEqual([4, '2 new', '2 new'])
  expect(await stage.run(zk.getChildren('/b'))).toMatchObject({ children: ['c'] })
})

test('what it only reads must be of one state', async () => {
  const { zk } = await stage.member()
  await stage.run(zk.transaction().create('/a', '1').create('/b', '1').commit())
  let runs = 0
  const body = async (transaction: StmTransaction): Promise<string> => {
    runs += 1
    const a = text(await transaction.get('/a'))
    if (runs < 3)
      await zk.transaction().setData('/a', `${runs}x`).setData('/b', `${runs}x`).commit()
    const b = text(await transaction.get('/b'))
    // The error of a body that saw a mixture is not the caller's.
    if (runs === 2 && a !== b) throw new Error(`${a} is not ${b}`)
    return `${a} ${b}`
  }
  const { value, zxid } = await stage.run(stm.run(body))
  expect([runs, value, zxid]).toEqual([3, '2x 2x', null])
  const wrong = stm.run(async (transaction) => {
    await transaction.get('/a')
    throw new TypeError('of the body')
  })
  expect(await stage.fails(wrong)).toMatchObject({ message: 'of the body' })
})

test('gives up when others are always faster', async () => {
  const { zk } = await stage.member()
  await stage.run(zk.create('/a'))
  let runs = 0
  const body = async (transaction: StmTransaction): Promise<void> => {
    runs += 1
    await transaction.get('/a')
    await zk.setData('/a', '')
    transaction.set('/a', 'mine')
  }
  const error = await stage.fails(stm.run(body, { attemptsMax: 4 }))
  expect([runs, error.code]).toEqual([4, 'CONTENTION'])
})

test('a body that does not end is left alone, and cannot write afterwards', async () => {
  let late: Promise<unknown> | null = null
  const controller = new AbortController()
  const hanging = stm.run(
    (transaction) => {
      late = stage.runFor(5).then(() => transaction.set('/a', 'late'))
      late.catch(() => {})
      return new Promise<never>(() => {})
    },
    { signal: controller.signal },
  )
  setImmediate(() => controller.abort())
  expect(await stage.fails(hanging)).toMatchObject({ code: 'ABORTED', outcome: 'not-applied' })
  await expect(late).rejects.toMatchObject({ code: 'ABORTED' })
  const { value: kept } = await stage.run(stm.run((transaction) => transaction))
  expect(() => kept.set('/a', 'late')).toThrow('the transaction is over')
  expect(await read('/a')).toBeNull()
})

test('moves each amount once, whichever request is lost', { timeout: 120_000 }, async () => {
  const plays = await everyLoss({
    members: 2,
    play: async (world, [one, two]) => {
      const stms = [one!, two!].map(({ zk }) => new Stm(zk, '/stm'))
      const setUp = stms[0]!.run(async (transaction) => {
        if ((await transaction.get('/a')) !== null) return
        transaction.set('/a', '100')
        transaction.set('/b', '0')
      })
      await world.run(setUp)
      const moves = stms.map((each) => each.run((transaction) => transfer(transaction, 10)))
      const results = await world.run(Promise.all(moves))
      expect(results.map(({ value }) => value).sort()).toEqual([10, 20])
      const { value } = await world.run(
        stms[0]!.run(async (transaction) => [
          text(await transaction.get('/a')),
          text(await transaction.get('/b')),
        ]),
      )
      expect(value).toEqual(['80', '20'])
    },
  })
  expect(plays).toBeGreaterThan(30)
})
