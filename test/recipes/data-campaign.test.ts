import { expect } from 'vitest'
import {
  type Grant,
  IdGenerator,
  KazooLease,
  Lease,
  RecipeError,
  Stm,
  type WaitOptions,
} from '../../recipes/index.ts'
import { ZkError } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, recipeCampaign } from './support/campaign.ts'
import { Ledger } from './support/ledger.ts'
import type { Member } from './support/recipe-stage.ts'

/** Keeps the acts of a scene, to be waited for at its end; failures that may happen are theirs. */
class Acts {
  /** Writes of which nobody knows whether they were applied. */
  unknown = 0
  readonly #all: Promise<void>[] = []

  async run(act: Promise<unknown>): Promise<void> {
    const settled = act.then(
      () => {},
      (error: unknown) => {
        if (!(error instanceof ZkError || error instanceof RecipeError)) throw error
        if (error instanceof ZkError && error.outcome === 'unknown') this.unknown += 1
      },
    )
    this.#all.push(settled)
    await settled
  }

  async over(): Promise<void> {
    await Promise.all(this.#all)
  }
}

function someOptions(random: SimRandom): { signal: AbortSignal; timeoutMs?: number } {
  const controller = new AbortController()
  if (random.oneIn(6)) setImmediate(() => controller.abort())
  const { signal } = controller
  return random.oneIn(3) ? { signal, timeoutMs: 1 + random.below(5000) } : { signal }
}

/* ---------------------------------------------------------------- transactions */

const ACCOUNTS = ['/a', '/b', '/c'] as const
const START = 100
const number = (data: Uint8Array | null): number =>
  data === null ? START : Number(new TextDecoder().decode(data))

/** Money is neither made nor lost, and every transfer that was confirmed has happened once. */
class Bank implements CampaignScene {
  readonly #stms: ReadonlyMap<Member, Stm>
  readonly #acts = new Acts()
  #confirmed = 0

  constructor(members: readonly Member[]) {
    this.#stms = new Map(members.map((member) => [member, new Stm(member.zk, '/stm')]))
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const first = random.below(ACCOUNTS.length)
    const options = someOptions(random)
    await this.#acts.run(
      random.oneIn(4) ? this.#audit(member, options) : this.#transfer(member, first, options),
    )
  }

  async progress(): Promise<void> {
    for (const member of this.#stms.keys()) await this.#transfer(member, 0, { attemptsMax: 1000 })
  }

  async end(): Promise<void> {
    await this.#acts.over()
    const [first] = this.#stms.keys()
    const moved = await this.#audit(first!, {})
    expect(moved).toBeGreaterThanOrEqual(this.#confirmed)
    expect(moved).toBeLessThanOrEqual(this.#confirmed + this.#acts.unknown)
  }

  /** Resolves with the number of transfers. */
  async #audit(member: Member, options: object): Promise<number> {
    const { value } = await this.#stms.get(member)!.run(async (transaction) => {
      const balances: number[] = []
      for (const path of ACCOUNTS) balances.push(number(await transaction.get(path)))
      const count = number(await transaction.get('/transfers')) - START
      return { balances, count }
    }, options)
    const sum = value.balances.reduce((a, b) => a + b, 0)
    expect(sum).toBe(ACCOUNTS.length * START)
    return value.count
  }

  async #transfer(member: Member, first: number, options: object): Promise<void> {
    const [from, to] = [ACCOUNTS[first]!, ACCOUNTS[(first + 1) % ACCOUNTS.length]!]
    await this.#stms.get(member)!.run(async (transaction) => {
      const [a, b] = [number(await transaction.get(from)), number(await transaction.get(to))]
      transaction.set(from, `${a - 1}`)
      transaction.set(to, `${b + 1}`)
      const count = number(await transaction.get('/transfers'))
      transaction.set('/transfers', `${count + 1}`)
    }, options)
    this.#confirmed += 1
  }
}

recipeCampaign('transactions happen once and as a whole', {
  members: 3,
  makeScene: (_, members) => new Bank(members),
})

/* ---------------------------------------------------------------- ids */

class Ids implements CampaignScene {
  readonly #generators: ReadonlyMap<Member, IdGenerator>
  readonly #acts = new Acts()
  readonly #given = new Set<bigint>()

  constructor(members: readonly Member[]) {
    const make = ({ zk }: Member): IdGenerator => new IdGenerator(zk, '/ids/x', { blockSize: 2 })
    this.#generators = new Map(members.map((member) => [member, make(member)]))
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    await this.#acts.run(this.#take(member, someOptions(random)))
  }

  async progress(): Promise<void> {
    for (const member of this.#generators.keys()) await this.#take(member, {})
  }

  async end(): Promise<void> {
    await this.#acts.over()
    // Nobody ever does not know: a block that was lost is a gap.
    expect(this.#acts.unknown).toBe(0)
  }

  async #take(member: Member, options: object): Promise<void> {
    const id = await this.#generators.get(member)!.next(options)
    expect([id, this.#given.has(id)]).toEqual([id, false])
    this.#given.add(id)
  }
}

recipeCampaign('no id is given twice', {
  members: 3,
  makeScene: (_, members) => new Ids(members),
})

/* ---------------------------------------------------------------- leases */

const DURATION_MS = 6000

interface AnyLease {
  acquire(options: WaitOptions): Promise<Grant>
  revoke?(options: WaitOptions): Promise<unknown>
}

class Leases implements CampaignScene {
  readonly #leases: ReadonlyMap<Member, AnyLease>
  readonly #acts = new Acts()
  readonly #ledger = new Ledger()
  /** Wakes up those who hold it. */
  readonly #tick: (ms: number) => Promise<void>

  constructor(
    members: readonly Member[],
    make: (member: Member) => AnyLease,
    tick: (ms: number) => Promise<void>,
  ) {
    this.#tick = tick
    this.#leases = new Map(members.map((member) => [member, make(member)]))
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const lease = this.#leases.get(member)!
    const options = someOptions(random)
    await this.#acts.run(
      random.oneIn(8) && lease.revoke !== undefined
        ? lease.revoke(options)
        : this.#hold(member, random.below(20_000), options),
    )
  }

  async progress(): Promise<void> {
    await this.#acts.over()
    for (const member of this.#leases.keys()) await this.#hold(member, 100, {})
  }

  async end(): Promise<void> {
    // Everybody has given it back.
  }

  async #hold(member: Member, ms: number, options: object): Promise<void> {
    const timeoutMs = 30_000
    const held = await this.#leases.get(member)!.acquire({ timeoutMs, ...options })
    this.#ledger.granted(member.host, 'exclusive', held)
    await this.#tick(ms)
    await held.release()
  }
}

const PATH = '/leases/x'
const leases: Readonly<Record<string, (random: SimRandom) => (member: Member) => AnyLease>> = {
  'one holder of a lease at a time':
    () =>
    ({ zk }) =>
      new Lease(zk, PATH, { durationMs: DURATION_MS }),
  'one holder of a lease of kazoo at a time':
    (random) =>
    ({ zk, env }) => {
      // Any two differ by less than the skew.
      env.clock.wallOffsetMs = random.below(1000) - 500
      return new KazooLease(zk, PATH, { durationMs: DURATION_MS })
    },
}
for (const [name, maker] of Object.entries(leases)) {
  recipeCampaign(name, {
    members: 3,
    makeScene: (stage, members, random) =>
      new Leases(members, maker(random), (ms) => {
        const { events } = stage.stage.world
        return new Promise((resolve) => events.schedule(stage.nowMs + ms, resolve))
      }),
  })
}
