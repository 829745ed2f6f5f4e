import { expect } from 'vitest'
import { LockingQueue, Queue, RecipeError } from '../../recipes/index.ts'
import { ZkError } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, recipeCampaign } from './support/campaign.ts'
import type { Member, RecipeStage } from './support/recipe-stage.ts'

/** What became of items, as those who put and took them were told. */
class Book {
  readonly #put = new Set<string>()
  readonly #maybePut = new Set<string>()
  readonly #taken = new Set<string>()
  #maybeTaken = 0
  #items = 0

  item(): string {
    this.#items += 1
    return `item ${this.#items}`
  }

  async put(item: string, putting: Promise<void>): Promise<void> {
    await putting.then(
      () => this.#put.add(item),
      (error: unknown) => {
        if (!(error instanceof ZkError)) throw error
        if (error.outcome === 'unknown') this.#maybePut.add(item)
      },
    )
  }

  async take(taking: Promise<string | null>): Promise<boolean> {
    try {
      const item = await taking
      if (item === null) return false
      expect([item, this.#taken.has(item)]).toEqual([item, false])
      this.#taken.add(item)
      return true
    } catch (error) {
      if (error instanceof ZkError && error.outcome === 'unknown') this.#maybeTaken += 1
      else if (!(error instanceof ZkError || error instanceof RecipeError)) throw error
      return false
    }
  }

  /** With the queue empty: everything that was put was taken, and nothing else. */
  close(): void {
    const missing = [...this.#put].filter((item) => !this.#taken.has(item))
    expect(missing.length).toBeLessThanOrEqual(this.#maybeTaken)
    const strange = [...this.#taken].filter(
      (item) => !this.#put.has(item) && !this.#maybePut.has(item),
    )
    expect(strange).toEqual([])
  }
}

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

interface Ways {
  put(member: Member, item: string, options: object): Promise<void>
  /** Takes one and does it. */
  take(member: Member, random: SimRandom, options: object): Promise<string | null>
  tryTake(member: Member): Promise<string | null>
}

class Scene implements CampaignScene {
  readonly #members: readonly Member[]
  readonly #ways: Ways
  readonly #book = new Book()
  readonly #acts: Promise<unknown>[] = []

  constructor(members: readonly Member[], ways: Ways) {
    this.#members = members
    this.#ways = ways
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const controller = new AbortController()
    if (random.oneIn(6)) setImmediate(() => controller.abort())
    const options = { signal: controller.signal, timeoutMs: 1 + random.below(6000) }
    const act = random.oneIn(2)
      ? this.#put(member, options)
      : this.#book.take(this.#ways.take(member, random, options))
    this.#acts.push(act)
    await act
  }

  async progress(): Promise<void> {
    await Promise.all(this.#acts)
    for (const member of this.#members) await this.#put(member, {})
  }

  async end(): Promise<void> {
    const [first] = this.#members
    while (await this.#book.take(this.#ways.tryTake(first!))) {
      // Until it is empty.
    }
    this.#book.close()
  }

  async #put(member: Member, options: object): Promise<void> {
    const item = this.#book.item()
    await this.#book.put(item, this.#ways.put(member, item, options))
  }
}

recipeCampaign('what is put in a queue is taken once', {
  members: 3,
  makeScene: (_, members) => {
    const queues = new Map(members.map((member) => [member, new Queue(member.zk, '/q/fifo')]))
    return new Scene(members, {
      put: (member, item, options) => queues.get(member)!.put(item, options),
      take: async (member, _random, options) =>
        text((await queues.get(member)!.take(options)).data),
      tryTake: async (member) => {
        const taken = await queues.get(member)!.tryTake()
        return taken === null ? null : text(taken.data)
      },
    })
  },
})

/** Nobody has an entry while somebody else is sure to have it. */
class Holders {
  readonly #stage: RecipeStage
  readonly #tokens = new Map<string, bigint>()
  readonly #held = new Map<string, { readonly isSure: boolean }>()

  constructor(stage: RecipeStage) {
    this.#stage = stage
  }

  async work(queue: LockingQueue, random: SimRandom, options: object): Promise<string | null> {
    const entry = await queue.take(options)
    const item = text(entry.data)
    expect(this.#held.get(item)?.isSure ?? false).toBe(false)
    expect(entry.fencingToken).toBeGreaterThan(this.#tokens.get(item) ?? 0n)
    this.#held.set(item, entry)
    this.#tokens.set(item, entry.fencingToken)
    const endMs = this.#stage.nowMs + random.below(8000)
    while (this.#stage.nowMs < endMs && entry.isSure) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (random.oneIn(3)) {
      await entry.release()
      return null
    }
    try {
      await entry.complete()
    } finally {
      // Its outcome is unknown, or it went back.
      entry.release().catch(() => {})
    }
    return item
  }
}

recipeCampaign('every entry of a locking queue is done once', {
  members: 3,
  makeScene: (stage, members) => {
    const queues = new Map(members.map((member) => [member, new LockingQueue(member.zk, '/q/l')]))
    const holders = new Holders(stage)
    return new Scene(members, {
      put: (member, item, options) => queues.get(member)!.put(item, options),
      take: (member, random, options) => holders.work(queues.get(member)!, random, options),
      tryTake: async (member) => {
        const entry = await queues.get(member)!.tryTake()
        if (entry === null) return null
        await entry.complete()
        return text(entry.data)
      },
    })
  },
})
