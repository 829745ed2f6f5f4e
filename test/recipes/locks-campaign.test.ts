import {
  type Grant,
  type GrantGroup,
  type Layout,
  LeaderLatch,
  LeaderSelector,
  LockOwner,
  MultiLock,
  Mutex,
  ReadWriteLock,
  ReentrantMutex,
  RevocableMutex,
  Semaphore,
  type WaitOptions,
} from '../../recipes/index.ts'
import type { ZooKeeper } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type Campaign, type CampaignScene, recipeCampaign } from './support/campaign.ts'
import { Ledger } from './support/ledger.ts'
import { type LockWay, lockCampaign } from './support/lock-scene.ts'
import type { Member, RecipeStage } from './support/recipe-stage.ts'

const PATH = '/locks/x'
const LAYOUTS: readonly Layout[] = ['curator', 'kazoo']

for (const layout of LAYOUTS) {
  const mutexes = lockCampaign({
    members: 3,
    ways: ({ zk }) => {
      const mutex = new Mutex(zk, PATH, { layout })
      const strict = new Mutex(zk, PATH, { layout, isStrict: true, graceMs: 20 })
      return [exclusive(mutex), exclusive(strict), revocable(zk, layout), reentrant(zk, layout)]
    },
  })
  recipeCampaign(`${layout}: mutexes have one holder`, mutexes)

  const readersAndWriters = lockCampaign({
    members: 3,
    ways: ({ zk }) => {
      const lock = new ReadWriteLock(zk, PATH, { layout })
      return [
        exclusive(lock.write),
        { ...exclusive(lock.read), kind: 'shared' },
        { kind: 'shared', acquire: (options) => downgraded(lock, options) },
      ]
    },
  })
  recipeCampaign(`${layout}: a writer is alone`, readersAndWriters)

  const semaphores = lockCampaign({
    members: 4,
    limit: 2,
    ways: ({ zk }) => [{ ...exclusive(new Semaphore(zk, PATH, 2, { layout })), kind: 'shared' }],
  })
  recipeCampaign(`${layout}: no more holders than permits`, semaphores)

  const severalPermits = lockCampaign({
    members: 3,
    limit: 3,
    ways: ({ zk }) => {
      const semaphore = new Semaphore(zk, PATH, 3, { layout })
      return [
        { ...exclusive(semaphore), kind: 'shared' },
        { kind: 'shared', count: 2, ...manyOf(semaphore, 2) },
        { kind: 'exclusive', ...manyOf(semaphore, 3) },
      ]
    },
  })
  recipeCampaign(`${layout}: several permits at once`, severalPermits)
}

const several = lockCampaign({
  members: 3,
  ways: ({ zk }) => {
    const [a, b, c] = [new Mutex(zk, '/a'), new Mutex(zk, '/b'), new Mutex(zk, '/c')]
    const first = (lock: MultiLock): LockWay => ({
      kind: 'exclusive',
      acquire: async (options) => lastOf(await lock.acquire(options)),
    })
    return [first(new MultiLock(zk, [c, b])), first(new MultiLock(zk, [b, a, c]))]
  },
})
recipeCampaign('locks taken together are held together', several)

const turns = lockCampaign({
  members: 3,
  ways: ({ zk, host }) => {
    const selector = new LeaderSelector(zk, PATH, { id: host })
    return [exclusive(new Mutex(zk, PATH)), { kind: 'exclusive', acquire: taking(selector) }]
  },
})
recipeCampaign('leaders in turns exclude each other, and a mutex', turns)

for (const layout of LAYOUTS) {
  const latches: Campaign = {
    members: 3,
    makeScene: (stage, members) => new LatchScene(stage, members, layout),
  }
  // 88000425: a client closed over a connection that had died without a word.
  recipeCampaign(`${layout}: latches have one leader`, latches, [88000425])
}

/** Latches that are started, closed, and give turns up, each beside the others of its member. */
class LatchScene implements CampaignScene {
  readonly #stage: RecipeStage
  readonly #ledger = new Ledger()
  readonly #layout: Layout
  readonly #latches = new Map<Member, LeaderLatch>()
  readonly #closing: Promise<void>[] = []

  constructor(stage: RecipeStage, members: readonly Member[], layout: Layout) {
    this.#stage = stage
    this.#layout = layout
    for (const member of members) this.#replace(member, false)
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const latch = this.#latches.get(member)!
    switch (random.below(4)) {
      case 0:
        this.#replace(member, random.oneIn(3))
        break
      case 1:
        await latch.grant?.release()
        break
      case 2:
        await latch.leadership({ timeoutMs: 1 + random.below(5000) }).catch(ignore)
        break
      default:
        latch.start()
    }
  }

  async progress(): Promise<void> {
    for (const latch of this.#latches.values()) latch.start()
    for (let turn = 0; turn < 2 * this.#latches.size; turn++) {
      const leading = [...this.#latches.values()].map((latch) => latch.leadership())
      const grant = await Promise.race(leading)
      for (const each of leading) each.catch(ignore)
      await this.#stage.sleep(20)
      await grant.release()
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.#latches.values()].map((latch) => latch.close()))
    await Promise.all(this.#closing)
  }

  #replace(member: Member, isStrict: boolean): void {
    const before = this.#latches.get(member)
    if (before !== undefined) this.#closing.push(before.close())
    const { zk, host } = member
    const latch = new LeaderLatch(zk, PATH, { layout: this.#layout, id: host, isStrict })
    latch.onChange((grant) => {
      if (grant !== null) this.#ledger.granted(host, 'exclusive', grant)
    })
    this.#latches.set(member, latch)
  }
}

function ignore(): void {}

function exclusive(lock: {
  acquire(options: WaitOptions): Promise<Grant>
  tryAcquire?(options: WaitOptions): Promise<Grant | null>
}): LockWay {
  return {
    kind: 'exclusive',
    acquire: (options) => lock.acquire(options),
    ...(lock.tryAcquire === undefined
      ? {}
      : { tryAcquire: (options: WaitOptions) => lock.tryAcquire!(options) }),
  }
}

function revocable(zk: ZooKeeper, layout: Layout): LockWay {
  const mutex = new RevocableMutex(zk, PATH, { layout })
  return {
    kind: 'exclusive',
    acquire: async (options) => {
      await mutex.revoke(options)
      return await mutex.acquire(options)
    },
  }
}

function reentrant(zk: ZooKeeper, layout: Layout): LockWay {
  const mutex = new ReentrantMutex(zk, PATH, { layout })
  return {
    kind: 'exclusive',
    acquire: async (options) => {
      const owner = new LockOwner()
      const outer = await mutex.acquire(owner, options)
      try {
        return await mutex.acquire(owner, options)
      } finally {
        await outer.release()
      }
    },
  }
}

async function downgraded(lock: ReadWriteLock, options: WaitOptions): Promise<Grant> {
  const writer = await lock.write.acquire(options)
  try {
    return await lock.downgrade(writer, options)
  } catch (error) {
    await writer.release()
    throw error
  }
}

function manyOf(
  semaphore: Semaphore,
  count: number,
): Pick<LockWay, 'acquire'> & Required<Pick<LockWay, 'tryAcquire'>> {
  return {
    acquire: async (options) => lastOf(await semaphore.acquireMany(count, options)),
    tryAcquire: async (options) => {
      const group = await semaphore.tryAcquireMany(count, options)
      return group === null ? null : lastOf(group)
    },
  }
}

/** The grant of the path that all have in common, which releases the others with it. */
function lastOf(group: GrantGroup): Grant {
  const grant = group.grants.at(-1)!
  return {
    path: grant.path,
    fencingToken: grant.fencingToken,
    signal: group.signal,
    get isSure() {
      return group.isSure
    },
    get remainingMs() {
      return group.remainingMs
    },
    release: () => group.release(),
    [Symbol.asyncDispose]: () => group.release(),
  }
}

/** Leadership as a grant: the turn ends with its release. */
function taking(selector: LeaderSelector): (options: WaitOptions) => Promise<Grant> {
  return (options) =>
    new Promise((resolve, reject) => {
      const turn = selector.lead(async (grant) => {
        const isOver = new Promise<void>((over) => {
          const release = async (): Promise<void> => {
            over()
            await turn
          }
          const taken: Grant = {
            path: grant.path,
            fencingToken: grant.fencingToken,
            signal: grant.signal,
            get isSure() {
              return grant.isSure
            },
            get remainingMs() {
              return grant.remainingMs
            },
            release,
            [Symbol.asyncDispose]: release,
          }
          grant.signal.addEventListener('abort', () => over())
          resolve(taken)
        })
        await isOver
      }, options)
      turn.catch(reject)
    })
}
