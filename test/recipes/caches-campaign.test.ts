import { expect } from 'vitest'
import {
  type CachedZnode,
  ChildrenCache,
  NodeCache,
  TreeCache,
  type TreeChange,
} from '../../recipes/index.ts'
import { ZkError, type ZooKeeper } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, ensembleCampaign, recipeCampaign } from './support/campaign.ts'
import type { CampaignStage } from './support/campaign-stage.ts'
import { Follower } from './support/follower.ts'
import type { Member } from './support/member.ts'
import { cachedTree, persistently, readTree, type TreeImage } from './support/server-tree.ts'

const ROOT = '/r'
const NAMES = ['a', 'b', 'c']
const SETTLE_MS_MAX = 60_000

/** A cache with what a reader of its changes knows. */
interface Followed {
  readonly title: string
  readonly depthMax: number
  readonly isCurrent: () => boolean
  readonly znodes: () => readonly CachedZnode[]
  readonly close: () => Promise<void>
  readonly follower: Follower
  readonly following: Promise<void>
}

/** Everybody writes below one root, some follow it. */
class CacheScene implements CampaignScene {
  readonly #stage: CampaignStage
  readonly #members: readonly Member[]
  readonly #caches: Followed[] = []
  readonly #opening: Promise<void>[] = []

  constructor(stage: CampaignStage, members: readonly Member[]) {
    this.#stage = stage
    this.#members = members
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const { length } = this.#opening
    if ((length < 2 || random.oneIn(8)) && length < 5) {
      this.#opening.push(this.#open(member, random))
      return
    }
    const writers = Array.from({ length: 1 + random.below(3) }, async () => {
      try {
        for (let writes = random.below(6); writes >= 0; writes--) await write(member.zk, random)
      } catch (error) {
        if (!(error instanceof ZkError)) throw error
      }
    })
    await Promise.all(writers)
  }

  async progress(): Promise<void> {
    if (this.#caches.length === 0) await this.#add(await TreeCache.open(this.#members[0]!.zk, ROOT))
    const endMs = this.#stage.nowMs + SETTLE_MS_MAX
    for (const cache of this.#caches) {
      while (!(await this.#isLikeServer(cache))) {
        if (this.#stage.nowMs > endMs) await this.#complain(cache)
        await this.#stage.sleep(50)
      }
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#opening)
    for (const { znodes, close, follower, following } of this.#caches) {
      const held = cachedTree(znodes())
      await close()
      await following
      if (follower.gaps === 0) expect(cachedTree(follower.znodes.values())).toEqual(held)
    }
  }

  async #open({ zk }: Member, random: SimRandom): Promise<void> {
    const options = {
      watches: random.oneIn(2) ? 'auto' : 'one-shot',
      readsMax: random.oneIn(2) ? 2 : 16,
      ...(random.oneIn(3) ? { timeoutMs: 1 + random.below(5000) } : {}),
    } as const
    try {
      if (random.oneIn(4)) await this.#add(await NodeCache.open(zk, ROOT, options))
      else if (random.oneIn(3)) await this.#add(await ChildrenCache.open(zk, ROOT, options))
      else await this.#add(await TreeCache.open(zk, ROOT, options))
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'TIMEOUT') throw error
    }
  }

  #add(cache: ChildrenCache | NodeCache | TreeCache): void {
    const shape = shapeOf(cache)
    const follower = new Follower(ROOT, shape.znodes())
    const following = follower.follow(cache as AsyncIterable<TreeChange>)
    const close = (): Promise<void> => cache.close()
    const isCurrent = (): boolean => cache.isCurrent
    this.#caches.push({ ...shape, isCurrent, close, follower, following })
  }

  async #isLikeServer({ depthMax, isCurrent, znodes }: Followed): Promise<boolean> {
    const there = [...(await this.#readTree(depthMax))]
    return isCurrent() && JSON.stringify([...cachedTree(znodes())]) === JSON.stringify(there)
  }

  #readTree(depthMax: number): Promise<TreeImage> {
    return persistently(() => readTree(this.#members[0]!.zk, ROOT, depthMax))
  }

  async #complain({ title, depthMax, isCurrent, znodes }: Followed): Promise<never> {
    const there = await this.#readTree(depthMax)
    expect(cachedTree(znodes()), title).toEqual(there)
    throw new Error(`${title} is ${isCurrent() ? '' : 'not '}current`)
  }
}

function shapeOf(
  cache: ChildrenCache | NodeCache | TreeCache,
): Pick<Followed, 'depthMax' | 'title' | 'znodes'> {
  if (cache instanceof TreeCache) {
    const depthMax = Number.POSITIVE_INFINITY
    return { title: 'the tree cache', depthMax, znodes: () => cache.znodes() }
  }
  if (cache instanceof NodeCache) {
    const znodes = (): CachedZnode[] =>
      cache.value === null ? [] : [{ path: ROOT, ...cache.value }]
    return { title: 'the node cache', depthMax: 0, znodes }
  }
  return { title: 'the children cache', depthMax: 1, znodes: () => cache.znodes() }
}

async function write(zk: ZooKeeper, random: SimRandom): Promise<void> {
  const path = drawPath(random)
  const value = String(random.below(1_000_000))
  try {
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
        await zk.setData(path, value)
        return
      case 3:
      case 4:
        await zk.delete(path)
        return
      case 5:
        await zk.transaction().delete(path).create(path, value).commit()
        return
      case 6:
        await removeAll(zk, path)
        return
      default:
        await zk.create(path, value)
    }
  } catch (error) {
    const isUsual = error instanceof ZkError && error.outcome === 'not-applied' && !error.retryable
    if (!isUsual) throw error
  }
}

function drawPath(random: SimRandom): string {
  let path = ROOT
  for (let depth = random.below(4); depth > 0; depth--) {
    path += `/${NAMES[random.below(NAMES.length)]!}`
  }
  return path
}

async function removeAll(zk: ZooKeeper, path: string): Promise<void> {
  const { children } = await zk.getChildren(path)
  for (const name of children) await removeAll(zk, `${path}/${name}`)
  await zk.delete(path)
}

const campaign = {
  members: 3,
  makeScene: (stage: CampaignStage, members: readonly Member[]) => new CacheScene(stage, members),
}

recipeCampaign('caches end up with what the server has', campaign)
ensembleCampaign('an ensemble: caches end up with what the servers have', campaign)
