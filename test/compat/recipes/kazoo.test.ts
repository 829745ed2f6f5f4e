import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  Barrier,
  Counter,
  DoubleBarrier,
  Group,
  KazooLease,
  LockingQueue,
  PriorityQueue,
  Queue,
} from '../../../recipes/index.ts'
import type { ZooKeeper } from '../../../src/client-node/index.ts'
import { startTestServer, type TestServer } from '../../../src/testing/index.ts'
import { kazoo, Program, skipWithout } from '../clients/support/index.ts'
import { type Answer, LineProgram } from './support/line-program.ts'

const ENTRIES = Number(process.env['ZABKEEPER_INTEROP_GRANTS'] ?? 50)
const KAZOO = { layout: 'kazoo' } as const

const python = await kazoo()

/** Recipes that are no locks: both sides of one znode, ours with the layout `kazoo`. */
describe.skipIf(skipWithout(python))('ours and kazoo', { timeout: 300_000 }, () => {
  let server: TestServer
  let zk: ZooKeeper
  let program: LineProgram

  beforeAll(async () => {
    server = await startTestServer()
    zk = await server.connect()
    const file = path.join(import.meta.dirname, 'programs/calls.py')
    const args = ['-B', file, server.connectionString]
    program = new LineProgram(new Program(python.found!, args, { timeoutMs: 20 * 60_000 }))
  }, 60_000)

  afterAll(async () => {
    await program.close()
    await server.close()
  })

  /** The value of an expression of Python. */
  async function evaluate<T>(expression: string): Promise<T> {
    const answer: Answer = await program.ask(expression)
    if (answer.word !== 'value') throw new Error(answer.rest)
    return JSON.parse(answer.rest)
  }

  const names = (who: string): string[] =>
    Array.from({ length: ENTRIES }, (_, index) => `${who}-${index}`)
  const putAll = (queue: string, who: string): string =>
    `[${queue}.put(('${who}-%d' % n).encode()) for n in range(${ENTRIES})] and None`
  const text = (data: Uint8Array): string => Buffer.from(data).toString()

  async function takeMany(
    queue: { take(): Promise<{ readonly data: Uint8Array }> },
    count: number,
  ): Promise<string[]> {
    const found: string[] = []
    while (found.length < count) found.push(text((await queue.take()).data))
    return found
  }

  test('Queue: what both put, both take, each once and in order', async () => {
    const queue = new Queue(zk, '/queue', KAZOO)
    const theirs = "zk.Queue('/queue')"
    await Promise.all([
      evaluate(putAll(theirs, 'kazoo')),
      ...names('ours').map((name) => queue.put(name)),
    ])
    expect(await queue.size()).toBe(2 * ENTRIES)
    const [byOurs, byTheirs] = await Promise.all([
      takeMany(queue, ENTRIES),
      evaluate<string[]>(`taken(zk.Queue('/queue').get, ${ENTRIES})`),
    ])
    expect([...byOurs, ...byTheirs].sort()).toEqual([...names('ours'), ...names('kazoo')].sort())
    for (const found of [byOurs, byTheirs]) {
      const numbers = found.filter((name) => name.startsWith('kazoo')).map((name) => name.slice(6))
      expect(numbers.map(Number)).toEqual(numbers.map(Number).sort((a, b) => a - b))
    }
    expect(await queue.tryTake()).toBeNull()
  })

  test('Queue: a lower number comes first, whoever put it', async () => {
    const queue = new PriorityQueue(zk, '/priorities')
    await evaluate(`zk.Queue('/priorities').put(b'last', priority=900)`)
    await queue.put('second', { priority: 20 })
    await evaluate(`zk.Queue('/priorities').put(b'first', priority=3)`)
    await queue.put('third')
    expect(await evaluate(`taken(zk.Queue('/priorities').get, 2)`)).toEqual(['first', 'second'])
    expect(await takeMany(queue, 2)).toEqual(['third', 'last'])
  })

  test('LockingQueue: nobody takes what another works on', async () => {
    const queue = new LockingQueue(zk, '/locking')
    await Promise.all([
      evaluate(putAll("zk.LockingQueue('/locking')", 'kazoo')),
      queue.putAll(names('ours')),
    ])
    const ours = async (): Promise<string[]> => {
      const found: string[] = []
      while (found.length < ENTRIES) {
        const entry = await queue.take()
        found.push(text(entry.data))
        await entry.complete()
      }
      return found
    }
    const [byOurs, byTheirs] = await Promise.all([
      ours(),
      evaluate<string[]>(`consumed(zk.LockingQueue('/locking'), ${ENTRIES})`),
    ])
    expect([...byOurs, ...byTheirs].sort()).toEqual([...names('ours'), ...names('kazoo')].sort())
    expect(await queue.size()).toBe(0)
  })

  test('Barrier: either side sets, waits and removes', async () => {
    const barrier = new Barrier(zk, '/barrier', KAZOO)
    await evaluate(`zk.Barrier('/barrier').create()`)
    expect(await barrier.isSet()).toBe(true)
    const waiting = barrier.wait()
    await evaluate(`zk.Barrier('/barrier').remove()`)
    await waiting

    await barrier.set()
    expect(await evaluate(`zk.Barrier('/barrier').wait(0.01)`)).toBe(false)
    const theirs = evaluate(`zk.Barrier('/barrier').wait(60)`)
    expect(await barrier.remove()).toBe(true)
    expect(await theirs).toBe(true)
  })

  test('DoubleBarrier: all enter together', async () => {
    const options = { members: 4, ...KAZOO }
    const barrier = new DoubleBarrier(zk, '/double', options)
    const together = `zk.DoubleBarrier('/double', 4).enter()`
    let hasEntered = false
    const early = [barrier.enter(), evaluate(together), evaluate(together)] as const
    void Promise.race(early).then(() => {
      hasEntered = true
    })
    // Three are in, and nobody has passed.
    const isIn = async (): Promise<boolean> =>
      (await zk.exists('/double')) !== null &&
      (await zk.getChildren('/double')).children.length === 3
    while (!(await isIn())) expect(hasEntered).toBe(false)
    expect(hasEntered).toBe(false)
    await Promise.all([...early, barrier.enter()])
  })

  test.each([
    ['kazoo', 'Party'],
    ['kazoo-shallow', 'ShallowParty'],
  ] as const)('Group with the layout %s and %s: the same members', async (layout, theirs) => {
    const path = `/${theirs}`
    // It stays as long as `keep` has its party.
    await evaluate(`keep.append(zk.${theirs}('${path}', 'theirs')) or keep[-1].join()`)
    const group = await Group.open(zk, path, { layout })
    const ids = (): string[] => group.members.map(({ id }) => id).sort()
    expect(ids()).toEqual(['theirs'])
    const changes = group[Symbol.asyncIterator]()
    await group.join('ours')
    await evaluate(`keep.append(zk.${theirs}('${path}', 'more')) or keep[-1].join()`)
    while (ids().length < 3) await changes.next()
    expect(ids()).toEqual(['more', 'ours', 'theirs'])
    expect(await evaluate(`sorted(zk.${theirs}('${path}'))`)).toEqual(['more', 'ours', 'theirs'])
    await evaluate(`keep[-1].leave()`)
    while (ids().length > 2) await changes.next()
    expect(ids()).toEqual(['ours', 'theirs'])
    await group.close()
    expect(await evaluate(`sorted(zk.${theirs}('${path}'))`)).toEqual(['theirs'])
  })

  test('Counter: counts of both add up', async () => {
    const counter = new Counter(zk, '/counter', { encoding: 'decimal' })
    await counter.set(0n)
    // Versions collide: kazoo tries again, and so do ours.
    const theirs = `[zk.retry(zk.Counter('/counter').__add__, 3) for n in range(${ENTRIES})] and None`
    const ours = Array.from({ length: ENTRIES }, () => counter.add(2n))
    await Promise.all([evaluate(theirs), ...ours])
    expect((await counter.get({ isFresh: true })).value).toBe(BigInt(5 * ENTRIES))
    expect(await evaluate(`zk.Counter('/counter').value`)).toBe(5 * ENTRIES)
  })

  const lease = (at: string, holder: string, seconds: number): string =>
    `bool(zk.NonBlockingLease('${at}', __import__('datetime').timedelta(seconds=${seconds}), '${holder}'))`

  test('NonBlockingLease: nobody gets what the other has', async () => {
    const ours = new KazooLease(zk, '/lease', { durationMs: 60_000, holder: 'ours' })
    const held = await ours.acquire()
    expect(await evaluate(lease('/lease', 'theirs', 2))).toBe(false)
    await held.release()
    const beganMs = Date.now()
    expect(await evaluate(lease('/lease', 'theirs', 600))).toBe(true)
    expect(await ours.tryAcquire()).toBeNull()
    expect((await ours.get())!.endMs).toBeGreaterThan(beganMs)
    // The same holder may say another end.
    expect(await evaluate(lease('/lease', 'theirs', 2))).toBe(true)
    const { holder, endMs } = (await ours.get())!
    expect([holder, endMs < beganMs + 300_000]).toEqual(['theirs', true])
    const again = await ours.acquire()
    expect(Date.now()).toBeGreaterThan(endMs)
    expect(again.fencingToken).toBeGreaterThan(held.fencingToken)
    await again.release()
  })

  test('NonBlockingLease: one name is one holder', async () => {
    const ours = new KazooLease(zk, '/named', { durationMs: 60_000, holder: 'worker' })
    expect(await evaluate(lease('/named', 'worker', 60))).toBe(true)
    const held = await ours.tryAcquire()
    expect(held?.isSure).toBe(true)
    const lost = new Promise((resolve) => held!.signal.addEventListener('abort', resolve))
    expect(await evaluate(lease('/named', 'worker', 60))).toBe(true)
    await lost
    expect(held!.signal.reason).toMatchObject({ code: 'GRANT_LOST' })
    // What it gives back is no longer its own.
    await held!.release()
    expect(await evaluate(lease('/named', 'other', 60))).toBe(false)
  })

  test('MultiNonBlockingLease: one of ours at each number', async () => {
    const several = lease('/several', 'theirs', 60).replace("Lease('", "Lease(2, '")
    const theirs = several.replace('NonBlocking', 'MultiNonBlocking')
    const [first, second] = ['/several/0', '/several/1'].map((at) =>
      new KazooLease(zk, at, { durationMs: 60_000 }).acquire(),
    )
    const held = await Promise.all([first!, second!])
    expect(await evaluate(theirs)).toBe(false)
    await held[1]!.release()
    expect(await evaluate(theirs)).toBe(true)
    expect(await new KazooLease(zk, '/several/1', { durationMs: 60_000 }).tryAcquire()).toBeNull()
    await held[0]!.release()
  })

  test('NonBlockingLease: one at a time, of many that want it', async () => {
    const now: string[] = []
    const turn = async (who: string): Promise<void> => {
      const held = await new KazooLease(zk, '/many', { durationMs: 60_000 }).acquire()
      now.push(who)
      expect(now).toEqual([who])
      expect(await evaluate(lease('/many', 'theirs', 1))).toBe(false)
      expect(held.isSure).toBe(true)
      now.pop()
      await held.release()
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(turn))
  })
})
