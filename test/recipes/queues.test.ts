import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LockingQueue, PriorityQueue, Queue } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage

beforeEach(() => {
  stage = new RecipeStage()
})

afterEach(async () => {
  await stage.finish()
})

const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data)

describe('queue', () => {
  test('gives entries in the order they were put, each to one consumer', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const queue = new Queue(a.zk, '/queues/q')
    await stage.run(queue.putAll(['1', '2', '3']))
    await stage.run(queue.put('4'))
    expect((await stage.run(a.zk.getChildren('/queues/q'))).children.toSorted()).toEqual([
      'qn-0000000000',
      'qn-0000000001',
      'qn-0000000002',
      'qn-0000000003',
    ])
    expect(await stage.run(queue.size())).toBe(4)
    const other = new Queue(b.zk, '/queues/q')
    const consumers = [queue, other, queue, other].map((each) => each.take())
    const taken = await stage.run(Promise.all(consumers))
    expect(taken.map(({ data }) => text(data)).sort()).toEqual(['1', '2', '3', '4'])
    const byTime = taken.toSorted((x, y) => Number(x.fencingToken - y.fencingToken))
    expect(byTime.map(({ data }) => text(data))).toEqual(['1', '2', '3', '4'])
    expect(await stage.run(queue.tryTake())).toBeNull()
  })

  test('waits for an entry, also before the queue is there', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const waiting = new Queue(a.zk, '/queues/q').take()
    await stage.runFor(2000)
    // What else happens at the path wakes it up, and it waits on.
    await stage.run(b.zk.ensurePath('/queues/q'))
    await stage.run(b.zk.create('/queues/q/else'))
    stage.breakConnections(a.host)
    await stage.runFor(2000)
    await stage.run(new Queue(b.zk, '/queues/q').put('late'))
    expect(text((await stage.run(waiting)).data)).toBe('late')
  })

  test('who gives up waiting takes nothing', async () => {
    const { zk } = await stage.member()
    const queue = new Queue(zk, '/q')
    const late = stage.fails(queue.take({ timeoutMs: 500 }))
    expect(await late).toMatchObject({ code: 'TIMEOUT', outcome: 'not-applied' })
    await stage.run(queue.put('kept'))
    expect(await stage.fails(queue.take({ signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ABORTED',
    })
    expect(text((await stage.run(queue.take())).data)).toBe('kept')
  })

  test('keeps its order when the numbers pass 2^31', async () => {
    const { zk } = await stage.member()
    await stage.run(zk.create('/q'))
    for (const number of ['2147483646', '2147483647', '-2147483648', '-2147483647']) {
      await stage.run(zk.create(`/q/qn-${number}`, number))
    }
    const queue = new Queue(zk, '/q')
    const taken = [await stage.run(queue.take()), await stage.run(queue.take())]
    expect(taken.map(({ data }) => text(data))).toEqual(['2147483646', '2147483647'])
    expect(text((await stage.run(queue.take())).data)).toBe('-2147483648')
  })

  test('puts and takes once, whichever request is lost', { timeout: 120_000 }, async () => {
    const plays = await everyLoss({
      members: 2,
      play: async (world, members) => {
        const queues = members.map(({ zk }) => new Queue(zk, '/queues/q'))
        const puts = queues.map((queue, index) => queue.putAll([`${index}a`, `${index}b`]))
        await world.run(Promise.all(puts))
        const takes = queues.flatMap((queue) => [queue.take(), queue.take()])
        const taken = await world.run(Promise.all(takes))
        const items = taken.map(({ data }) => text(data)).sort()
        expect(items).toEqual(['0a', '0b', '1a', '1b'])
        expect(await world.run(queues[0]!.tryTake())).toBeNull()
      },
    })
    expect(plays).toBeGreaterThan(30)
  })
})

describe('priority queue', () => {
  test('gives the lowest number first, then the oldest', async () => {
    const { zk } = await stage.member()
    const queue = new PriorityQueue(zk, '/p')
    await stage.run(queue.put('second'))
    await stage.run(queue.put('third'))
    await stage.run(queue.put('first', { priority: 7 }))
    await stage.run(queue.put('last', { priority: 999 }))
    const { children } = await stage.run(zk.getChildren('/p'))
    expect(children.toSorted()[0]).toBe('entry-007-0000000002')
    const order: string[] = []
    for (let index = 0; index < 4; index++) order.push(text((await stage.run(queue.take())).data))
    expect(order).toEqual(['first', 'second', 'third', 'last'])
    const error = await stage.fails(queue.put('', { priority: 1000 }))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('locking queue', () => {
  test('an entry is one consumer’s until it is done or given back', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const [queue, other] = [new LockingQueue(a.zk, '/l'), new LockingQueue(b.zk, '/l')]
    await stage.run(queue.putAll(['x', 'y']))
    const x = await stage.run(queue.take())
    const y = await stage.run(other.take())
    expect([text(x.data), text(y.data)]).toEqual(['x', 'y'])
    expect(x.path).toBe('/l/taken/entry-100-0000000000')
    expect(await stage.run(other.tryTake())).toBeNull()
    const waiting = other.take()
    await stage.runFor(500)
    await stage.run(x.release())
    const again = await stage.run(waiting)
    expect(text(again.data)).toBe('x')
    expect(again.fencingToken).toBeGreaterThan(x.fencingToken)
    expect([x.signal.aborted, x.isSure, again.isSure]).toEqual([true, false, true])
    expect(await stage.fails(x.complete())).toMatchObject({ code: 'RELEASED' })
    await stage.run(again.complete())
    await stage.run(y.complete())
    expect(await stage.run(queue.size())).toBe(0)
    await stage.run(y.release())
  })

  test('goes to another consumer when the session of the first has ended', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    const queue = new LockingQueue(a.zk, '/l')
    await stage.run(queue.put('x'))
    const held = await stage.run(queue.take())
    const waiting = new LockingQueue(b.zk, '/l').take()
    await stage.expire(a)
    const next = await stage.run(waiting)
    expect(held.signal.aborted).toBe(true)
    expect(await stage.fails(held.complete())).toMatchObject({ code: 'SESSION_LOST' })
    expect(next.fencingToken).toBeGreaterThan(held.fencingToken)
    await stage.run(next.complete())
    await stage.run(held.release())
  })

  test('a session that comes back gives back what it was thought to have lost', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    await stage.run(new LockingQueue(a.zk, '/l').put('x'))
    const held = await stage.run(new LockingQueue(a.zk, '/l').take())
    const { session } = a.zk
    stage.isolate(true, a.host)
    await stage.until(() => a.zk.state === 'lost')
    stage.isolate(false, a.host)
    await stage.until(() => a.zk.state === 'connected')
    expect(a.zk.session!.id).toBe(session!.id)
    expect(held.signal.aborted).toBe(true)
    const next = await stage.run(new LockingQueue(b.zk, '/l').take())
    await stage.run(next.complete())
  })

  test('whoever gives up in the middle of a claim leaves none', async () => {
    const [a, b] = [await stage.member(), await stage.member()]
    await stage.run(new LockingQueue(a.zk, '/l').put('x'))
    await stage.within(5000, 'receipts are gone', () => stage.ephemerals().length === 0)
    const controller = new AbortController()
    const taking = stage.fails(new LockingQueue(a.zk, '/l').take({ signal: controller.signal }))
    await stage.until(() => stage.ephemerals().some((path) => path.startsWith('/l/taken')))
    controller.abort()
    expect(await taking).toMatchObject({ code: 'ABORTED' })
    const next = await stage.run(new LockingQueue(b.zk, '/l').take())
    await stage.run(next.complete())
  })

  test('what an operator took away is not completed', async () => {
    const { zk } = await stage.member()
    const queue = new LockingQueue(zk, '/l')
    await stage.run(queue.put('x'))
    const held = await stage.run(queue.take())
    await stage.run(zk.delete('/l/entries/entry-100-0000000000'))
    expect(await stage.fails(held.complete())).toMatchObject({ code: 'GRANT_LOST' })
    await stage.run(held.release())
  })

  test('every entry is done once, whichever request is lost', { timeout: 120_000 }, async () => {
    const plays = await everyLoss({
      members: 2,
      play: async (world, members) => {
        const done: string[] = []
        const work = members.map(async ({ zk }, index) => {
          const queue = new LockingQueue(zk, '/queues/l')
          await queue.put(`${index}`)
          const first = await queue.take()
          if (index === 0) await first.release()
          const entry = index === 0 ? await queue.take() : first
          await entry.complete()
          done.push(text(entry.data))
        })
        await world.run(Promise.all(work))
        expect(done.sort()).toEqual(['0', '1'])
        const left = await world.run(new LockingQueue(members[0]!.zk, '/queues/l').size())
        expect(left).toBe(0)
      },
    })
    expect(plays).toBeGreaterThan(40)
  })
})
