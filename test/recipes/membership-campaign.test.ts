import {
  Group,
  type GroupLayout,
  type Membership,
  type Registration,
  ServiceRegistry,
  type ServiceView,
} from '../../recipes/index.ts'
import { ZkError } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, ensembleCampaign, recipeCampaign } from './support/campaign.ts'
import type { CampaignStage } from './support/campaign-stage.ts'
import type { Member } from './support/member.ts'

const STAYS_MAX = 8
/** Until sessions that were lost have expired, and everybody has looked again. */
const AGREEMENT_MS = 60_000

/** What somebody who takes part can do: the same for groups and for services. */
interface Stay {
  readonly id: string
  change(value: string): Promise<void>
  end(): Promise<void>
}

interface View {
  /** Who is there, as `id value` or, where others do not see values, `id`; sorted. */
  seen(): readonly string[]
  close(): Promise<void>
}

/** One kind of membership at one client. */
interface Place extends View {
  enter(id: string, value: string, timeoutMs: number | undefined): Promise<Stay>
}

interface Entry {
  readonly stay: Stay
  /** Not known while it is under way, and after an error. */
  value: string | null
  /** One change after the other: of two at once nobody knows which is the last. */
  changing: Promise<void>
}

/** Members come, change what they say of themselves, and go; in the end everybody sees the same. */
class MembershipScene implements CampaignScene {
  readonly #stage: CampaignStage
  readonly #open: (member: Member) => Promise<Place>
  readonly #showsValues: boolean
  readonly #places = new Map<Member, Promise<Place>>()
  readonly #stays: Entry[] = []
  readonly #entering: Promise<void>[] = []
  #made = 0

  constructor(
    stage: CampaignStage,
    members: readonly Member[],
    showsValues: boolean,
    open: (member: Member) => Promise<Place>,
  ) {
    this.#stage = stage
    this.#showsValues = showsValues
    this.#open = open
    for (const member of members) this.#places.set(member, this.#open(member))
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const entry = this.#stays[random.below(this.#stays.length + 1)]
    if (entry === undefined) {
      if (this.#made < STAYS_MAX) this.#entering.push(this.#enter(member, random))
    } else if (random.oneIn(4)) {
      this.#stays.splice(this.#stays.indexOf(entry), 1)
      await entry.stay.end()
    } else await this.#change(entry, String(random.below(1000)))
  }

  async progress(): Promise<void> {
    await Promise.all(this.#entering)
    for (const entry of this.#stays) {
      await entry.changing
      if (entry.value === null) await this.#change(entry, 'in the end')
    }
    const endMs = this.#stage.nowMs + AGREEMENT_MS
    for (const place of await Promise.all(this.#places.values())) {
      while (place.seen().join() !== this.#expected().join()) {
        if (this.#stage.nowMs > endMs) {
          throw new Error(`${this.#expected().join()} are there; seen: ${place.seen().join()}`)
        }
        await this.#stage.sleep(50)
      }
    }
  }

  async end(): Promise<void> {
    for (const { stay } of this.#stays) await stay.end()
    for (const place of await Promise.all(this.#places.values())) await place.close()
  }

  #expected(): readonly string[] {
    const shown = this.#stays.map(({ stay, value }) => {
      return this.#showsValues ? `${stay.id} ${value}` : stay.id
    })
    return shown.sort()
  }

  async #enter(member: Member, random: SimRandom): Promise<void> {
    this.#made += 1
    const id = `m${this.#made}`
    const value = String(random.below(1000))
    const timeoutMs = random.oneIn(3) ? 1 + random.below(8000) : undefined
    try {
      const place = await this.#places.get(member)!
      const stay = await place.enter(id, value, timeoutMs)
      this.#stays.push({ stay, value, changing: Promise.resolve() })
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'TIMEOUT') throw error
    }
  }

  async #change(entry: Entry, value: string): Promise<void> {
    entry.changing = entry.changing.then(async () => {
      entry.value = null
      try {
        await entry.stay.change(value)
        entry.value = value
      } catch (error) {
        if (!(error instanceof ZkError)) throw error
      }
    })
    await entry.changing
  }
}

function groups(layout: GroupLayout) {
  const open = async ({ zk }: Member): Promise<Place> => {
    const group = await Group.open(zk, '/g', { layout })
    return {
      enter: async (id, value, timeoutMs) => {
        const limit = timeoutMs === undefined ? {} : { timeoutMs }
        return stayOf(await group.join(id, { data: value, ...limit }))
      },
      seen: () => {
        const shown = group.members.map(({ id, data }) => {
          return layout === 'curator' ? `${id} ${new TextDecoder().decode(data)}` : id
        })
        return shown.sort()
      },
      close: async () => await group.close(),
    }
  }
  const stayOf = (membership: Membership): Stay => ({
    id: membership.id,
    // The data of the others is their id.
    change: async (value) => {
      if (layout === 'curator') await membership.setData(value)
    },
    end: async () => await membership.leave(),
  })
  return {
    members: 3,
    makeScene: (stage: CampaignStage, members: readonly Member[]) => {
      return new MembershipScene(stage, members, layout === 'curator', open)
    },
  }
}

const services = {
  members: 3,
  makeScene: (stage: CampaignStage, members: readonly Member[]): CampaignScene => {
    const open = async ({ zk }: Member): Promise<Place> => {
      const registry = new ServiceRegistry(zk, '/services')
      const view: ServiceView = await registry.watch('web')
      return {
        enter: async (id, value, timeoutMs) => {
          const limit = timeoutMs === undefined ? {} : { timeoutMs }
          const service = { id, name: 'web', registrationTimeUTC: 1, address: value }
          return registrationOf(await registry.register(service, limit))
        },
        seen: () => view.instances.map(({ id, address }) => `${id} ${address}`).sort(),
        close: async () => await view.close(),
      }
    }
    const registrationOf = (registration: Registration): Stay => ({
      id: registration.instance.id,
      change: async (value) => await registration.update({ address: value }),
      end: async () => await registration.unregister(),
    })
    return new MembershipScene(stage, members, true, open)
  },
}

recipeCampaign('groups: everybody sees who is there', groups('curator'))
recipeCampaign('groups of kazoo: everybody sees who is there', groups('kazoo'))
recipeCampaign('services: everybody sees which there are', services)
ensembleCampaign('an ensemble: everybody sees who is there', groups('curator'))
