import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  everyNth,
  type ItemWork,
  Mutex,
  type OwnedItem,
  Partitioner,
  type PartitionerOptions,
} from '../../recipes/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const ITEMS = ['0', '1', '2', '3', '4', '5', '6']

let stage: RecipeStage

beforeEach(() => {
  stage = new RecipeStage()
})

afterEach(async () => {
  await stage.finish()
})

const untilOver = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })

const idle: ItemWork = ({ signal }) => untilOver(signal)

async function join(
  member: Member,
  id: string,
  work: ItemWork = idle,
  options: PartitionerOptions = {},
): Promise<Partitioner> {
  return await stage.run(Partitioner.join(member.zk, '/p', ITEMS, work, { id, ...options }))
}

const owned = (partitioner: Partitioner): string[] => [...partitioner.owned].sort()

test('items are shared out evenly, and again when somebody comes or goes', async () => {
  const [a, b, c] = [await stage.member(), await stage.member(), await stage.member()]
  const first = await join(a, 'a')
  await stage.within(5000, 'one has all', () => first.owned.length === ITEMS.length)
  const second = await join(b, 'b')
  const third = await join(c, 'c')
  await stage.within(5000, 'three share', () => third.owned.length + second.owned.length === 4)
  expect([owned(first), owned(second), owned(third)]).toEqual([
    ['0', '3', '6'],
    ['1', '4'],
    ['2', '5'],
  ])
  await stage.run(first.close())
  await stage.within(5000, 'two share', () => third.owned.length + second.owned.length === 7)
  expect([owned(second), owned(third)]).toEqual([
    ['0', '2', '4', '6'],
    ['1', '3', '5'],
  ])
  await stage.run(second.close())
  await stage.run(third.close())
})

test('an item changes hands when the work on it has ended, with a greater fencing token', async () => {
  const [a, b] = [await stage.member(), await stage.member()]
  const log: string[] = []
  const tokens: bigint[] = []
  const slow = async ({ item, signal, grant }: OwnedItem): Promise<void> => {
    if (item !== '1') return
    tokens.push(grant.fencingToken)
    await untilOver(signal)
    expect(grant.isSure).toBe(true)
    await stage.sleep(3000)
    log.push('a has ended')
  }
  const first = await join(a, 'a', slow)
  await stage.within(5000, 'one has all', () => first.owned.length === ITEMS.length)
  const second = await join(b, 'b', async ({ item, signal, grant }) => {
    if (item === '1') {
      log.push('b has begun')
      tokens.push(grant.fencingToken)
    }
    await untilOver(signal)
  })
  await stage.within(10_000, 'both share', () => second.owned.length === 3)
  expect(log).toEqual(['a has ended', 'b has begun'])
  expect(tokens[1]).toBeGreaterThan(tokens[0]!)
  await stage.run(first.close())
  await stage.run(second.close())
})

test('what stays with its owner is not interrupted', async () => {
  const [a, b] = [await stage.member(), await stage.member()]
  const begun: string[] = []
  const first = await join(a, 'a', async ({ item, signal }) => {
    begun.push(item)
    await untilOver(signal)
  })
  await stage.within(5000, 'one has all', () => first.owned.length === ITEMS.length)
  const second = await join(b, 'b')
  await stage.within(5000, 'both share', () => second.owned.length === 3)
  expect(begun.sort()).toEqual(ITEMS)
  await stage.run(second.close())
  await stage.run(first.close())
})

test('a lost session ends the work; others take over, and later it gets its share again', async () => {
  const [a, b] = [await stage.member(), await stage.member()]
  let lost = 0
  const first = await join(a, 'a', async ({ grant, signal }) => {
    await untilOver(signal)
    if (!grant.isSure) lost += 1
  })
  const second = await join(b, 'b')
  await stage.within(5000, 'both share', () => first.owned.length + second.owned.length === 7)
  stage.isolate(true, a.host)
  await stage.within(20_000, 'the other has all', () => second.owned.length === 7)
  expect([first.owned, lost]).toEqual([[], 4])
  stage.isolate(false, a.host)
  await stage.within(20_000, 'both share again', () => owned(first).join('') === '0246')
  await stage.within(5000, 'the other has the rest', () => owned(second).join('') === '135')
  await stage.run(first.close())
  await stage.run(second.close())
})

test('work that fails is begun again; work that ends early keeps its item', async () => {
  const a = await stage.member()
  let attempts = 0
  const partitioner = await join(a, 'a', async ({ item }) => {
    if (item !== '3') return
    attempts += 1
    if (attempts < 3) throw new Error('not yet')
  })
  await stage.within(20_000, 'it goes', () => attempts === 3 && partitioner.owned.length === 7)
  await stage.runFor(5000)
  expect([attempts, partitioner.owned.length]).toEqual([3, 7])
  await stage.run(partitioner.close())
})

test('an item that a lock of somebody else keeps is waited for', async () => {
  const [a, b] = [await stage.member(), await stage.member()]
  const lock = await stage.run(new Mutex(b.zk, '/p/locks/2', { layout: 'kazoo' }).acquire())
  const partitioner = await join(a, 'a')
  await stage.within(5000, 'all but one', () => partitioner.owned.length === 6)
  await stage.runFor(5000)
  expect(partitioner.owned).not.toContain('2')
  await stage.run(lock.release())
  await stage.within(5000, 'all', () => partitioner.owned.length === 7)
  await stage.run(partitioner.close())
})

test('joining is bounded and leaves nothing; bad items are refused', async () => {
  const a = await stage.member()
  stage.deafen(true, a.host)
  const late = stage.fails(Partitioner.join(a.zk, '/p', ITEMS, idle, { timeoutMs: 500 }))
  expect(await late).toMatchObject({ code: 'TIMEOUT' })
  stage.deafen(false, a.host)
  const bad = stage.fails(Partitioner.join(a.zk, '/p', ['a/b'], idle))
  expect(await bad).toMatchObject({ code: 'INVALID_ARGUMENT' })
  const partitioner = await join(a, 'a', idle, { settleMs: 10_000 })
  await stage.run(partitioner.close())
})

test('ends with its client', async () => {
  const a = await stage.member()
  const partitioner = await join(a, 'a')
  await stage.within(5000, 'it has all', () => partitioner.owned.length === ITEMS.length)
  await stage.run(a.zk.close())
  await stage.within(5000, 'it has none', () => partitioner.owned.length === 0)
  await stage.run(partitioner.close())
})

describe('every n-th', () => {
  test('as Python sorts', () => {
    const ids = ['\u{1F600}', '～', 'b']
    expect(everyNth('b', ids, ITEMS)).toEqual(['0', '3', '6'])
    expect(everyNth('～', ids, ITEMS)).toEqual(['1', '4'])
    expect(everyNth('\u{1F600}', ids, ITEMS)).toEqual(['2', '5'])
  })

  test('nothing for who is no member', () => {
    expect(everyNth('c', ['a', 'b'], ITEMS)).toEqual([])
  })
})
