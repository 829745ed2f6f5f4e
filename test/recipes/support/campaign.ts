import { test } from 'vitest'
import { SimRandom } from '../../../src/sim/index.ts'
import type { CampaignStage } from './campaign-stage.ts'
import { EnsembleStage } from './ensemble-stage.ts'
import type { Member } from './member.ts'
import { RecipeStage } from './recipe-stage.ts'

/** Seeds of every campaign; the long runs set it. */
const SEEDS = Number(process.env['ZABKEEPER_RECIPE_SEEDS'] ?? 30)
/** A world with three servers takes so much longer. */
const ENSEMBLE_COST = 6
const FIRST_SEED = Number(process.env['ZABKEEPER_SEED'] ?? 1)
const STEPS = 40
const BATCH = 20
const LIMIT_MS = 120_000

/** What a campaign does with recipes, in one world. */
export interface CampaignScene {
  /** Something that a member does. Not waited for; fails the run when it rejects. */
  act(member: Member, random: SimRandom): Promise<void>
  /** No faults any more: shows that everything goes on. Has to end, in the world's time, within two minutes. */
  progress(): Promise<void>
  /** Gives back and closes everything. */
  end(): Promise<void>
}

export interface Campaign<S extends CampaignStage = RecipeStage> {
  readonly members: number
  makeScene(stage: S, members: readonly Member[], random: SimRandom): CampaignScene
}

/**
 * Tests a recipe in many simulated worlds: members do random things while requests are lost before or after they are
 * applied, connections break, machines are cut off for longer than a session, processes stand still, the server is
 * killed. `ZABKEEPER_RECIPE_SEEDS` is the number of worlds, `ZABKEEPER_SEED` the first.
 * @param kept seeds that failed once
 */
export function recipeCampaign(name: string, campaign: Campaign, kept: number[] = []): void {
  const openStage = (seed: number): RecipeStage => new RecipeStage({ seed })
  testSeeds(name, SEEDS, campaign, openStage)
  testKept(name, kept, campaign, openStage)
}

/** The same with three servers, which are killed, stand still and are cut off from each other; fewer seeds. */
export function ensembleCampaign(
  name: string,
  campaign: Campaign<CampaignStage>,
  kept: number[] = [],
): void {
  const seeds = Math.ceil(SEEDS / ENSEMBLE_COST)
  const openStage = (seed: number): EnsembleStage => new EnsembleStage(seed)
  testSeeds(name, seeds, campaign, openStage)
  testKept(name, kept, campaign, openStage)
}

function testKept<S extends CampaignStage>(
  name: string,
  seeds: readonly number[],
  campaign: Campaign<S>,
  openStage: (seed: number) => S,
): void {
  for (const seed of seeds) {
    test(`${name}: seed ${seed}, which failed once`, { timeout: LIMIT_MS }, async () => {
      await new Run(campaign, openStage(seed), seed).play()
    })
  }
}

function testSeeds<S extends CampaignStage>(
  name: string,
  seeds: number,
  campaign: Campaign<S>,
  openStage: (seed: number) => S,
): void {
  for (let first = FIRST_SEED; first < FIRST_SEED + seeds; first += BATCH) {
    const end = Math.min(first + BATCH, FIRST_SEED + seeds)
    test(`${name}: seeds ${first} to ${end - 1}`, { timeout: 600_000 }, async () => {
      for (let seed = first; seed < end; seed++) {
        await new Run(campaign, openStage(seed), seed).play().catch((cause: unknown) => {
          throw new Error(`seed ${seed}`, { cause })
        })
      }
    })
  }
}

class Run<S extends CampaignStage> {
  readonly #campaign: Campaign<S>
  readonly #stage: S
  readonly #random: SimRandom
  readonly #members: Member[] = []
  readonly #acts: Promise<void>[] = []
  #failure: unknown = null

  constructor(campaign: Campaign<S>, stage: S, seed: number) {
    this.#campaign = campaign
    this.#stage = stage
    this.#random = new SimRandom(seed)
  }

  async play(): Promise<void> {
    const stage = this.#stage
    try {
      await this.#open()
      const scene = this.#campaign.makeScene(stage, this.#members, this.#random)
      for (let step = 0; step < STEPS; step++) await this.#step(scene)
      await this.#heal()
      await this.#inTime('progress', scene.progress())
      await this.#inTime('end', scene.end())
      await this.#inTime('all acts', Promise.all(this.#acts))
      if (this.#failure !== null) throw this.#failure
      await stage.finish()
    } finally {
      stage.abandon()
    }
  }

  async #open(): Promise<void> {
    const requestTimeoutMs = this.#random.oneIn(2) ? 3000 : 30_000
    for (let index = 0; index < this.#campaign.members; index++) {
      this.#members.push(await this.#stage.member({ requestTimeoutMs }))
    }
    // One run in three has no losses of single requests, one has many.
    const lossOneIn = [0, 12, 50][this.#random.below(3)]!
    for (const { network } of this.#members) {
      network.plan = () => {
        if (lossOneIn === 0 || !this.#random.oneIn(lossOneIn)) return null
        return this.#random.oneIn(2) ? 'before' : 'after'
      }
    }
  }

  async #step(scene: CampaignScene): Promise<void> {
    const stage = this.#stage
    const random = this.#random
    const member = this.#members[random.below(this.#members.length)]!
    if (random.oneIn(4)) await this.#fault(member)
    else if (!member.env.timers.isFrozen) {
      const act = scene.act(member, random).catch((error: unknown) => {
        this.#failure ??= error
      })
      this.#acts.push(act)
    }
    await stage.runFor(random.oneIn(3) ? random.below(2000) : random.below(30))
    if (this.#failure !== null) throw this.#failure
  }

  async #fault({ host, env }: Member): Promise<void> {
    const stage = this.#stage
    const random = this.#random
    switch (random.below(7)) {
      case 0:
        stage.deafen(random.oneIn(2), host)
        break
      case 1:
        stage.isolate(random.oneIn(2), host)
        break
      case 2:
        stage.breakConnections(host)
        break
      case 3:
        await stage.runFor(random.below(9000))
        break
      case 4:
        await stage.serverFault(random)
        break
      case 5:
        if (env.timers.isFrozen) env.timers.thaw()
        else env.timers.freeze()
        break
      default:
        for (const other of this.#members) stage.isolate(false, other.host)
    }
  }

  async #heal(): Promise<void> {
    for (const { env } of this.#members) if (env.timers.isFrozen) env.timers.thaw()
    await this.#stage.heal()
  }

  /** In the world's time. */
  async #inTime(what: string, promise: Promise<unknown>): Promise<void> {
    let isDone = false
    const done = (): void => {
      isDone = true
    }
    promise.then(done, done)
    await this.#stage.within(LIMIT_MS, what, () => isDone)
    await promise
  }
}
