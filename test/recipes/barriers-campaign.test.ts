import { Barrier, DoubleBarrier, RecipeError } from '../../recipes/index.ts'
import { ZkError } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, recipeCampaign } from './support/campaign.ts'
import type { Member } from './support/recipe-stage.ts'

/** Whatever happened before, three members go in and out together afterwards, and a barrier opens. */
class Scene implements CampaignScene {
  readonly #barriers: ReadonlyMap<
    Member,
    { readonly double: DoubleBarrier; readonly simple: Barrier }
  >
  readonly #acts: Promise<unknown>[] = []

  constructor(members: readonly Member[], layout: 'curator' | 'kazoo') {
    const make = ({ zk }: Member) => ({
      double: new DoubleBarrier(zk, '/b/double', { members: members.length, layout }),
      simple: new Barrier(zk, '/b/simple', { layout }),
    })
    this.#barriers = new Map(members.map((member) => [member, make(member)]))
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const act = random.oneIn(3) ? this.#hold(member, random) : this.#pass(member, random)
    const ending = act.catch((error: unknown) => {
      if (!(error instanceof ZkError || error instanceof RecipeError)) throw error
    })
    this.#acts.push(ending)
    await ending
  }

  async progress(): Promise<void> {
    await Promise.all(this.#acts)
    const all = [...this.#barriers.values()]
    for (let round = 0; round < 2; round++) {
      const members = await Promise.all(all.map(({ double }) => double.enter()))
      await Promise.all(members.map((member) => member.leave()))
    }
    await all[0]!.simple.set()
    const waiting = all.map(({ simple }) => simple.wait())
    await all[0]!.simple.remove()
    await Promise.all(waiting)
  }

  async end(): Promise<void> {
    // Nothing is held.
  }

  async #pass(member: Member, random: SimRandom): Promise<void> {
    const entered = await this.#barriers
      .get(member)!
      .double.enter({ timeoutMs: 1 + random.below(9000) })
    try {
      await entered.leave({ timeoutMs: 1 + random.below(9000) })
    } finally {
      await entered.release()
    }
  }

  async #hold(member: Member, random: SimRandom): Promise<void> {
    const { simple } = this.#barriers.get(member)!
    const options = { timeoutMs: 1 + random.below(3000) }
    if (random.oneIn(3)) await simple.set(options)
    else if (random.oneIn(2)) await simple.remove(options)
    else await simple.wait(options)
  }
}

for (const layout of ['curator', 'kazoo'] as const) {
  recipeCampaign(`barriers go on after any fault (${layout})`, {
    members: 3,
    makeScene: (_, members) => new Scene(members, layout),
  })
}
