import { type OwnedItem, Partitioner } from '../../recipes/index.ts'
import { ZkError } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, ensembleCampaign, recipeCampaign } from './support/campaign.ts'
import type { CampaignStage } from './support/campaign-stage.ts'
import { Ledger } from './support/ledger.ts'
import type { Member } from './support/member.ts'

const ITEMS = ['a', 'b', 'c', 'd', 'e']
const STOP_MS_MAX = 400

/** Members come and go; whatever happens, no item has two owners that are sure of it. */
class PartitionScene implements CampaignScene {
  readonly #stage: CampaignStage
  readonly #members: readonly Member[]
  readonly #random: SimRandom
  readonly #ledgers = new Map(ITEMS.map((item) => [item, new Ledger()]))
  readonly #partitioners: Partitioner[] = []
  readonly #joining: Promise<void>[] = []
  #failure: unknown = null
  #ids = 0

  constructor(stage: CampaignStage, members: readonly Member[], random: SimRandom) {
    this.#stage = stage
    this.#members = members
    this.#random = random
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (this.#partitioners.length > 0 && random.oneIn(4)) {
      const [gone] = this.#partitioners.splice(random.below(this.#partitioners.length), 1)
      await gone!.close()
    } else if (this.#partitioners.length < 3) this.#joining.push(this.#join(member))
  }

  async progress(): Promise<void> {
    await Promise.all(this.#joining)
    await this.#join(this.#members[0]!)
    const endMs = this.#stage.nowMs + 60_000
    while (!this.#isSharedOut()) {
      if (this.#failure !== null) throw this.#failure
      if (this.#stage.nowMs > endMs) {
        const owned = this.#partitioners.map(({ id, owned }) => `${id}: ${owned}`)
        throw new Error(`not shared out: ${owned.join('; ')}`)
      }
      await this.#stage.sleep(50)
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#partitioners.map((partitioner) => partitioner.close()))
    if (this.#failure !== null) throw this.#failure
  }

  #isSharedOut(): boolean {
    const owned = this.#partitioners.flatMap((partitioner) => partitioner.owned)
    return [...owned].sort().join() === ITEMS.join()
  }

  async #join({ zk, host }: Member): Promise<void> {
    this.#ids += 1
    const id = `${host}-${this.#ids}`
    const work = async ({ item, grant, signal }: OwnedItem): Promise<void> => {
      try {
        this.#ledgers.get(item)!.granted(id, 'exclusive', grant)
      } catch (error) {
        this.#failure ??= error
      }
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await this.#stage.sleep(this.#random.below(STOP_MS_MAX))
    }
    try {
      const options = { id, settleMs: 200, timeoutMs: 20_000 }
      this.#partitioners.push(await Partitioner.join(zk, '/p', ITEMS, work, options))
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'TIMEOUT') throw error
    }
  }
}

const campaign = {
  members: 3,
  makeScene: (stage: CampaignStage, members: readonly Member[], random: SimRandom) =>
    new PartitionScene(stage, members, random),
}

recipeCampaign('items have one owner, and each has one in the end', campaign, [20293, 20899])
ensembleCampaign('an ensemble: items have one owner', campaign)
