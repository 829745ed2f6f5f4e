import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Cancellation, createProtected } from '../../recipes/base/index.ts'
import {
  Barrier,
  DoubleBarrier,
  type Hold,
  type Layout,
  LeaderLatch,
  LeaderObserver,
  LeaderSelector,
  Lease,
  LockingQueue,
  LockOwner,
  MultiLock,
  Mutex,
  Partitioner,
  PersistentNode,
  Queue,
  ReadWriteLock,
  ReentrantMutex,
  RevocableMutex,
  Semaphore,
  whileHeld,
} from '../../recipes/index.ts'
import { ProtocolError, ServerError, type ZooKeeper } from '../../src/client/index.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

const PATH = '/x'

let stage: RecipeStage
let a: Member

beforeEach(async () => {
  stage = new RecipeStage()
  a = await stage.member()
})

afterEach(async () => {
  vi.restoreAllMocks()
  await stage.finish()
})

describe('a listener of the signal that releases, too', () => {
  const takers: Readonly<Record<string, (zk: ZooKeeper) => Promise<Hold>>> = {
    'of a mutex': (zk) => new Mutex(zk, PATH).acquire(),
    'of a reentrant mutex': (zk) => new ReentrantMutex(zk, PATH).acquire(new LockOwner()),
    'of a multi-lock': (zk) => new MultiLock(zk, [new Mutex(zk, PATH)]).acquire(),
    'of a lease': (zk) => new Lease(zk, PATH, { durationMs: 1000 }).acquire(),
    'of a claimed entry': async (zk) => {
      const queue = new LockingQueue(zk, PATH)
      await queue.put('work')
      return await queue.take()
    },
  }
  test.each(Object.entries(takers))('%s is the same release', async (_, take) => {
    const held = await stage.run(take(a.zk))
    let inner: Promise<void> | null = null
    held.signal.addEventListener('abort', () => {
      inner = held.release()
    })
    const outer = held.release()
    expect(inner).toBe(outer)
    await stage.run(outer)
  })

  test('gives back one part of a reentrant mutex and not two', async () => {
    const mutex = new ReentrantMutex(a.zk, PATH)
    const owner = new LockOwner('worker')
    const outer = await stage.run(mutex.acquire(owner))
    const inner = await stage.run(mutex.acquire(owner))
    inner.signal.addEventListener('abort', () => void inner.release())
    await stage.run(inner.release())
    expect([mutex.depth(owner), outer.isSure]).toEqual([1, true])
    await stage.run(outer.release())
  })
})

test('an owner whose grant was lost before it had it may enter again', async () => {
  const mutex = new ReentrantMutex(a.zk, PATH)
  const owner = new LockOwner('worker')
  const release = vi.fn(async () => {})
  const lost = { path: PATH, signal: AbortSignal.abort(new Error('lost at once')), release }
  vi.spyOn(Mutex.prototype, 'acquire').mockResolvedValueOnce(lost as never)
  await expect(stage.run(mutex.acquire(owner))).rejects.toThrow('lost at once')
  expect(release).toHaveBeenCalledOnce()
  const part = await stage.run(mutex.acquire(owner))
  expect(mutex.depth(owner)).toBe(1)
  await stage.run(part.release())
})

describe('a candidate that leads again and again', () => {
  type End = (signal: AbortSignal) => unknown
  const ends: readonly (readonly [string, End])[] = [
    ['the reason', (signal) => signal.reason],
    ['an AbortError', () => new DOMException('stopped', 'AbortError')],
    ['an error that the reason caused', ({ reason }) => new Error('stopped', { cause: reason })],
  ]

  test.each(ends)('stands again after turns that ended with %s', async (_, end) => {
    const selector = new LeaderSelector(a.zk, PATH)
    const over = new AbortController()
    let turns = 0
    const running = selector.leadAgain(async ({ signal }) => {
      turns += 1
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw end(signal)
    }, over)
    await stage.until(() => turns === 1)
    selector.interrupt()
    await stage.until(() => turns === 2)
    await stage.expire(a)
    await stage.until(() => turns === 3)
    over.abort()
    await stage.run(running)
  })

  test('does not when a turn fails by itself', async () => {
    const turn = new LeaderSelector(a.zk, PATH).leadAgain(async () => {
      throw new Error('cannot work')
    })
    await expect(stage.run(turn)).rejects.toThrow('cannot work')
  })

  test('nor when the failure of an interrupted turn has nothing to do with that', async () => {
    const selector = new LeaderSelector(a.zk, PATH)
    const turn = selector.leadAgain(async () => {
      selector.interrupt()
      throw new Error('cannot work')
    })
    await expect(stage.run(turn)).rejects.toThrow('cannot work')
  })
})

test('a partitioner whose assign fails tells the log, and keeps what it has', async () => {
  const error = vi.spyOn(a.zk.environment.logger, 'error')
  let isBroken = false
  const work = async (owned: { signal: AbortSignal }): Promise<void> => {
    await new Promise((resolve) => owned.signal.addEventListener('abort', resolve))
  }
  const assign = (
    _: string,
    __: readonly string[],
    items: readonly string[],
  ): readonly string[] => {
    if (isBroken) throw new Error('no idea')
    return items
  }
  const options = { id: 'a', settleMs: 100, assign }
  const partitioner = await stage.run(Partitioner.join(a.zk, PATH, ['one'], work, options))
  await stage.until(() => partitioner.owned.length === 1)
  isBroken = true
  await stage.run(a.zk.create(`${PATH}/party/somebody-b`, 'b'))
  await stage.until(() => error.mock.calls.length > 0)
  expect(error.mock.calls[0]).toEqual([
    'a partitioner cannot assign its items',
    { path: PATH, error: 'Error: no idea' },
  ])
  expect(partitioner.owned).toEqual(['one'])
  await stage.run(partitioner.close())
})

test('a semaphore of the kazoo layout outlives its znode', async () => {
  const semaphore = new Semaphore(a.zk, PATH, 1, { layout: 'kazoo' })
  await stage.run((await stage.run(semaphore.acquire())).release())
  await stage.run(a.zk.delete(PATH))
  const grant = await stage.run(semaphore.acquire())
  const { data } = await stage.run(a.zk.getData(PATH))
  expect(new TextDecoder().decode(data)).toBe('1')
  await stage.run(grant.release())
  await stage.run(a.zk.delete(PATH))
  const again = await stage.run(semaphore.tryAcquire())
  await stage.run(again!.release())
})

test('an unknown layout is refused, not taken for the default', () => {
  const layout = 'Kazoo' as Layout
  const { zk } = a
  const makers: readonly (() => unknown)[] = [
    () => new Mutex(zk, PATH, { layout }),
    () => new ReentrantMutex(zk, PATH, { layout }),
    () => new RevocableMutex(zk, PATH, { layout }),
    () => new ReadWriteLock(zk, PATH, { layout }),
    () => new Semaphore(zk, PATH, 1, { layout }),
    () => new LeaderLatch(zk, PATH, { layout }),
    () => new LeaderSelector(zk, PATH, { layout }),
    () => new LeaderObserver(zk, PATH, { layout }),
    () => new Barrier(zk, PATH, { layout }),
    () => new DoubleBarrier(zk, PATH, { layout, members: 1 }),
    () => new Queue(zk, PATH, { layout }),
  ]
  for (const make of makers) {
    expect(make).toThrow(`${PATH}: layout "Kazoo" is neither "curator" nor "kazoo"`)
  }
})

test('a revocable mutex at the root of a chroot can be revoked', async () => {
  await stage.run(a.zk.create('/app'))
  const b = await stage.member({}, '/app')
  const mutex = new RevocableMutex(b.zk, '/')
  const grant = await stage.run(mutex.acquire())
  expect(await stage.run(mutex.revoke())).toBe(true)
  await stage.until(() => grant.signal.aborted)
  expect(grant.signal.reason).toMatchObject({ code: 'REVOKED' })
  await stage.run(grant.release())
})

describe('a create', () => {
  const znode = {
    parent: '/',
    parentMode: 'persistent',
    name: 'one-of-a-kind-',
    mode: 'ephemeral-sequential',
    data: '',
  } as const

  /** A client whose creates are others. */
  function clientWith(create: ZooKeeper['create']): ZooKeeper {
    const get = (zk: ZooKeeper, key: keyof ZooKeeper): unknown => {
      if (key === 'create') return create
      const value = zk[key]
      return typeof value === 'function' ? value.bind(zk) : value
    }
    return new Proxy(a.zk, { get } as ProxyHandler<ZooKeeper>)
  }

  async function attempt(create: ZooKeeper['create']): Promise<string> {
    const zk = clientWith(create)
    const cancellation = new Cancellation(zk, 'create', PATH, { timeoutMs: 10_000 })
    const created = createProtected(zk, znode, a.zk.session!, cancellation)
    return await stage.run(created.finally(() => cancellation.end()))
  }

  test('whose answer cannot be read has made its znode, and it is found', async () => {
    const path = await attempt(async (at, data, options) => {
      await a.zk.create(at, data, options)
      throw new ProtocolError('PROTOCOL', 'garbled', { outcome: 'applied' })
    })
    expect(stage.ephemerals()).toEqual([path])
    await stage.run(a.zk.delete(path))
  })

  test('that a server cannot carry out is not asked for again and again', async () => {
    let asked = 0
    const failure = new ServerError('SERVER_FAILURE', 'no', -1, { outcome: 'unknown' })
    const made = attempt(async () => {
      asked += 1
      throw failure
    })
    await expect(made).rejects.toBe(failure)
    expect(asked).toBe(1)
  })
})

test('what a cancelled operation does not wait for may fail unheard', async () => {
  const cancellation = new Cancellation(a.zk, 'acquire', PATH)
  cancellation.cancel(new Error('given up'))
  const failing = Promise.reject(new Error('nobody waits for this'))
  await expect(cancellation.wait(failing)).rejects.toThrow('given up')
  // `finish` knows of every rejection that nobody has heard.
  await stage.runFor(100)
})

describe('a persistent node', () => {
  const tooMuch = new Uint8Array(2 ** 21)

  test('does not die of data that cannot be sent', async () => {
    const node = await stage.run(PersistentNode.open(a.zk, PATH, 'good'))
    await expect(stage.run(node.setData(tooMuch))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await stage.expire(a)
    await stage.until(() => node.isPresent)
    const { data } = await stage.run(a.zk.getData(PATH))
    expect(new TextDecoder().decode(data)).toBe('good')
    await stage.run(node.close())
  })

  test('nor while it is away', async () => {
    const node = await stage.run(PersistentNode.open(a.zk, PATH, 'good'))
    stage.isolate(true, a.host)
    await stage.until(() => a.zk.state === 'lost')
    const setting = node.setData(tooMuch)
    const refused = expect(setting).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await stage.runFor(a.zk.session?.timeoutMs ?? 6000)
    stage.isolate(false, a.host)
    await stage.until(() => node.isPresent)
    await stage.run(refused)
    const { data } = await stage.run(a.zk.getData(PATH))
    expect(new TextDecoder().decode(data)).toBe('good')
    await stage.run(node.setData('better'))
    await stage.run(node.close())
  })
})

describe('a release that fails', () => {
  const failure = new Error('not permitted')

  test('does not hide why what was done has failed', async () => {
    const held = { release: async () => Promise.reject(failure) } as unknown as Hold
    const lock = { acquire: async () => held }
    const work = async (): Promise<void> => {
      throw new Error('cannot work')
    }
    await expect(whileHeld(lock, work)).rejects.toThrow('cannot work')
    await expect(whileHeld(lock, async () => 'done')).rejects.toBe(failure)
  })

  test('nor in a turn of a leader', async () => {
    let grant: Hold | null = null
    const turn = new LeaderSelector(a.zk, PATH).lead(async (taken) => {
      grant = taken
      vi.spyOn(taken, 'release').mockRejectedValueOnce(failure)
      throw new Error('cannot work')
    })
    await expect(stage.run(turn)).rejects.toThrow('cannot work')
    await stage.run(grant!.release())
  })

  test('leaves no reader behind who was to take the place of a writer', async () => {
    const lock = new ReadWriteLock(a.zk, PATH)
    const writer = await stage.run(lock.write.acquire())
    vi.spyOn(writer, 'release').mockRejectedValueOnce(failure)
    await expect(stage.run(lock.downgrade(writer))).rejects.toBe(failure)
    await stage.until(() => stage.ephemerals().length === 1)
    expect(stage.ephemerals()).toEqual([writer.path])
    await stage.run(writer.release())
  })
})
