import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findApache, type ServerKind, type ServerProcess } from '../../../bench/servers/index.ts'
import {
  Barrier,
  Counter,
  DoubleBarrier,
  IdGenerator,
  Lease,
  LockingQueue,
  PriorityQueue,
  Queue,
  SharedValue,
  Stm,
  TEXT,
} from '../../../recipes/index.ts'
import { connect, type ZooKeeper } from '../../../src/client-node/index.ts'
import {
  curator,
  discardServer,
  Program,
  skipWithout,
  startServer,
} from '../clients/support/index.ts'
import { LineProgram } from './support/line-program.ts'

const LIMIT_MS = 120_000
const KINDS: readonly ServerKind[] = ['zabkeeper', 'apache-3.8', 'apache-3.9']
const text = (data: Uint8Array | null): string => Buffer.from(data ?? []).toString()
const byName = (names: readonly string[]): string[] => names.toSorted()

for (const kind of KINDS) {
  const isMissing = kind !== 'zabkeeper' && findApache(kind.slice(-3) as '3.8' | '3.9') === null
  describe.skipIf(isMissing)(`against ${kind}`, { timeout: LIMIT_MS }, () => {
    let server: ServerProcess
    let zk: ZooKeeper
    let other: ZooKeeper

    beforeAll(async () => {
      server = await startServer({ kind })
      zk = await connect(server.address, { sessionTimeoutMs: 40_000 })
      other = await connect(server.address, { sessionTimeoutMs: 40_000 })
    }, LIMIT_MS)

    afterAll(async () => {
      expect(zk.watchCount).toBe(0)
      await zk.close()
      await other.close()
      await discardServer(server)
    })

    const both = (): readonly ZooKeeper[] => [zk, other]

    test('counter, over a restart of the server', async () => {
      const counters = both().map((each) => new Counter(each, '/data/counter'))
      const changes = counters.flatMap((counter) =>
        Array.from({ length: 20 }, () => counter.increment({ timeoutMs: LIMIT_MS })),
      )
      await Promise.race(changes)
      await server.kill()
      await server.start()
      const all = await Promise.all(changes)
      expect(new Set(all.map(({ after }) => after)).size).toBe(40)
      expect((await counters[0]!.get({ isFresh: true })).value).toBe(40n)
    })

    test('shared value', async () => {
      const values = both().map(
        (each) => new SharedValue(each, '/data/value', TEXT, { initial: '' }),
      )
      const first = await values[0]!.set('one')
      expect(await values[1]!.compareAndSet(first, 'two')).toMatchObject({ value: 'two' })
      expect(await values[0]!.compareAndSet(first, 'three')).toBeNull()
      const appended = values.map((value) => value.update((now) => `${now}+`))
      await Promise.all(appended)
      expect((await values[0]!.get({ isFresh: true })).value).toBe('two++')
    })

    test('transactions over several znodes', async () => {
      const stms = both().map((each) => new Stm(each, '/data/stm'))
      await stms[0]!.run((transaction) => {
        transaction.set('/data/a', '100')
        transaction.set('/data/b', '0')
      })
      const moves = Array.from({ length: 10 }, (_, index) =>
        stms[index % 2]!.run(
          async (transaction) => {
            const a = Number(text(await transaction.get('/data/a')))
            const b = Number(text(await transaction.get('/data/b')))
            // A znode that is missing is read, too.
            expect(await transaction.get('/data/none/below')).toBeNull()
            transaction.set('/data/a', `${a - 1}`)
            transaction.set('/data/b', `${b + 1}`)
          },
          { attemptsMax: 1000 },
        ),
      )
      await Promise.all(moves)
      const { value } = await stms[0]!.run(async (transaction) => [
        text(await transaction.get('/data/a')),
        text(await transaction.get('/data/b')),
      ])
      expect(value).toEqual(['90', '10'])
    })

    test('queue', async () => {
      const queues = both().map((each) => new Queue(each, '/data/queue'))
      const waiting = queues[1]!.take()
      await queues[0]!.put('first')
      expect(text((await waiting).data)).toBe('first')
      await queues[0]!.putAll(['a', 'b', 'c'])
      await queues[1]!.put('d')
      const takes = [0, 1, 0, 1].map((index) => queues[index]!.take())
      const taken = (await Promise.all(takes)).map(({ data }) => text(data))
      expect(byName(taken)).toEqual(['a', 'b', 'c', 'd'])
      expect(await queues[0]!.tryTake()).toBeNull()
    })

    test('priority queue', async () => {
      const queue = new PriorityQueue(zk, '/data/priority')
      await queue.put('later')
      await queue.put('sooner', { priority: 1 })
      expect(text((await queue.take()).data)).toBe('sooner')
      expect(text((await new PriorityQueue(other, '/data/priority').take()).data)).toBe('later')
    })

    test('locking queue', async () => {
      const queue = new LockingQueue(zk, '/data/locking')
      await queue.put('x')
      const leaving = await connect(server.address)
      const lost = await new LockingQueue(leaving, '/data/locking').take()
      expect(await queue.tryTake()).toBeNull()
      const waiting = queue.take()
      await leaving.close()
      const entry = await waiting
      expect(entry.fencingToken).toBeGreaterThan(lost.fencingToken)
      await entry.complete()
      expect([lost.signal.aborted, await queue.size()]).toEqual([true, 0])
    })

    test('barrier', async () => {
      const barrier = new Barrier(zk, '/data/barrier')
      expect([await barrier.set(), await barrier.set()]).toEqual([true, false])
      const waiting = new Barrier(other, '/data/barrier').wait()
      expect([await barrier.remove(), await barrier.remove()]).toEqual([true, false])
      await waiting
    })

    test.each(['curator', 'kazoo'] as const)('double barrier, layout %s', async (layout) => {
      const options = { members: 2, layout }
      const barriers = both().map((each) => new DoubleBarrier(each, `/data/${layout}`, options))
      for (let round = 0; round < 3; round++) {
        const members = await Promise.all(barriers.map((barrier) => barrier.enter()))
        await Promise.all(members.map((member) => member.leave()))
      }
      expect(await zk.exists(`/data/${layout}/ready`)).toBeNull()
    })

    test('ids', async () => {
      const ids = both().map((each) => new IdGenerator(each, '/data/ids', { blockSize: 3 }))
      const asked = Array.from({ length: 20 }, (_, index) => ids[index % 2]!.next())
      expect(new Set(await Promise.all(asked)).size).toBe(20)
    })

    test('lease', async () => {
      const lease = new Lease(zk, '/data/lease', { durationMs: LIMIT_MS, holder: 'one' })
      const held = await lease.acquire()
      const waiting = new Lease(other, '/data/lease', { durationMs: LIMIT_MS }).acquire()
      expect(await new Lease(other, '/data/lease', { durationMs: 1 }).revoke()).toBe(true)
      await new Promise<void>((resolve) => {
        if (held.signal.aborted) resolve()
        held.signal.addEventListener('abort', () => resolve())
      })
      expect(held.signal.reason).toMatchObject({ code: 'REVOKED' })
      await held.release()
      const next = await waiting
      expect(next.fencingToken).toBeGreaterThan(held.fencingToken)
      await next.release()
    })
  })
}

const classPath = await curator()

/** The same znodes, ours with the layout `curator`. */
describe.skipIf(skipWithout(classPath))('ours and Curator', { timeout: LIMIT_MS }, () => {
  let server: ServerProcess
  let zk: ZooKeeper
  let program: LineProgram

  beforeAll(async () => {
    server = await startServer()
    zk = await connect(server.address, { sessionTimeoutMs: 40_000 })
    const file = path.join(import.meta.dirname, 'programs/Values.java')
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
    const args = [quiet, '-cp', classPath.found!, file, server.address]
    program = new LineProgram(new Program('java', args, { timeoutMs: 10 * LIMIT_MS }))
  }, LIMIT_MS)

  afterAll(async () => {
    await program.close()
    await zk.close()
    await discardServer(server)
  })

  async function theirs(command: string): Promise<string> {
    const { word, rest } = await program.ask(command)
    if (word !== 'value') throw new Error(rest)
    return rest
  }

  test('DistributedAtomicLong: counts of both add up', async () => {
    const counter = new Counter(zk, '/long')
    const ours = Array.from({ length: 20 }, () => counter.add(2n))
    await Promise.all([theirs('long /long 20'), ...ours])
    expect((await counter.get({ isFresh: true })).value).toBe(60n)
  })

  test('SharedCount: reads what the other has set', async () => {
    const counter = new Counter(zk, '/count', { encoding: 'int32' })
    await counter.set(-7n)
    expect(await theirs('count /count 5')).toBe('-7')
    expect((await counter.get({ isFresh: true })).value).toBe(5n)
  })

  test('DistributedBarrier: either side sets, waits and removes', async () => {
    const barrier = new Barrier(zk, '/barrier')
    await theirs('set /barrier')
    const waiting = barrier.wait()
    await theirs('remove /barrier')
    await waiting
    await barrier.set()
    const theirWait = theirs('wait /barrier')
    await barrier.remove()
    await theirWait
  })

  test('DistributedDoubleBarrier: both enter and leave together', async () => {
    const barrier = new DoubleBarrier(zk, '/double', { members: 3 })
    for (let round = 0; round < 2; round++) {
      const entering = theirs('enter /double 3')
      const members = await Promise.all([barrier.enter(), barrier.enter()])
      // Nobody leaves before Curator is through. Otherwise:
      // 1. Its thread creates its znode and stands still.
      // 2. The others come, see all three, create `ready`, and leave.
      // 3. The thread counts too few, and waits for ever: it was told of `ready` before it waited.
      await entering
      const leaving = theirs('leave /double')
      await Promise.all([...members.map((member) => member.leave()), leaving])
    }
  })

  test('SimpleDistributedQueue: what one puts the other takes', async () => {
    const queue = new Queue(zk, '/queue')
    await theirs('offer /queue a')
    await queue.put('b')
    expect(await theirs('take /queue')).toBe('a')
    await theirs('offer /queue c')
    const taken = [await queue.take(), await queue.take()]
    expect(taken.map(({ data }) => text(data))).toEqual(['b', 'c'])
  })
})
