import { expect } from 'vitest'
import { Counter } from '../../recipes/index.ts'
import { ZkError } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, recipeCampaign } from './support/campaign.ts'
import type { Member } from './support/recipe-stage.ts'

/** What was counted for sure, and what may have been. */
class Scene implements CampaignScene {
  readonly #counters: ReadonlyMap<Member, Counter>
  readonly #values = new Set<bigint>()
  readonly #acts: Promise<unknown>[] = []
  #unknown = 0

  constructor(members: readonly Member[]) {
    this.#counters = new Map(members.map((member) => [member, new Counter(member.zk, '/c/hits')]))
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const controller = new AbortController()
    if (random.oneIn(6)) setImmediate(() => controller.abort())
    const options = random.oneIn(3) ? { timeoutMs: 1 + random.below(3000) } : {}
    const act = this.#count(member, { signal: controller.signal, ...options })
    this.#acts.push(act)
    await act
  }

  async progress(): Promise<void> {
    for (const member of this.#counters.keys()) expect(await this.#count(member, {})).toBeNull()
  }

  async end(): Promise<void> {
    await Promise.all(this.#acts)
    const [counter] = this.#counters.values()
    const { value } = await counter!.get({ isFresh: true })
    expect(Number(value)).toBeGreaterThanOrEqual(this.#values.size)
    expect(Number(value)).toBeLessThanOrEqual(this.#values.size + this.#unknown)
  }

  /** Why it is not sure that it was counted; else null. */
  async #count(member: Member, options: object): Promise<ZkError | null> {
    try {
      const { after } = await this.#counters.get(member)!.increment(options)
      expect([after, this.#values.has(after)]).toEqual([after, false])
      this.#values.add(after)
      return null
    } catch (error) {
      if (!(error instanceof ZkError)) throw error
      if (error.outcome === 'unknown') this.#unknown += 1
      return error
    }
  }
}

recipeCampaign('everything is counted once, whatever happens', {
  members: 3,
  makeScene: (_, members) => new Scene(members),
})
