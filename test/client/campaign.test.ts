import { expect, test } from 'vitest'
import { type PersistentWatch, ZkError, type ZooKeeper } from '../../src/client/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { CLIENT_HOST, ClientStage } from './support/client-stage.ts'

const SEEDS = Number(process.env['ZABKEEPER_CLIENT_SEEDS'] ?? 25)
const FIRST_SEED = Number(process.env['ZABKEEPER_SEED'] ?? 1)
const STEPS = 120

type Fate = 'applied' | 'not-applied' | 'unknown'

/** What a client was told about its creates, and what a watch told of the tree. */
class Scene {
  readonly stage: ClientStage
  readonly #random: SimRandom
  readonly #fates = new Map<string, Fate>()
  readonly #calls: Promise<void>[] = []
  readonly #known = new Set<string>()
  #isStale = false
  #lastRead = 0n

  constructor(seed: number) {
    this.stage = new ClientStage({ seed })
    this.#random = new SimRandom(seed)
  }

  async play(): Promise<void> {
    const zk = await this.stage.connect({ requestTimeoutMs: 4000, closeTimeoutMs: 500 })
    await this.stage.run(zk.create('/c'))
    const watch = await this.stage.run(zk.watch('/c', { recursive: true }))
    const following = this.#follow(zk, watch)
    for (let step = 0; step < STEPS; step++) {
      await this.#step(zk, step)
    }
    this.stage.deafen(false)
    this.stage.isolate(false)
    await this.stage.run(Promise.all(this.#calls))
    await this.stage.until(() => zk.state === 'connected')
    await this.stage.run(zk.sync())
    await this.stage.runFor(1000)
    await this.#judge(zk)
    await this.stage.run(zk.close())
    await this.stage.run(following)
  }

  async #step(zk: ZooKeeper, step: number): Promise<void> {
    const { stage } = this
    switch (this.#random.below(12)) {
      case 0:
        stage.deafen(this.#random.oneIn(2))
        break
      case 1:
        stage.isolate(this.#random.oneIn(2))
        break
      case 2:
        stage.breakConnections(CLIENT_HOST)
        break
      case 3:
        await stage.runFor(this.#random.below(4000))
        break
      case 4:
        if (this.#random.oneIn(4)) {
          stage.stage.kill()
          await stage.runFor(this.#random.below(3000))
          stage.stage.launch()
        }
        break
      case 5:
        this.#calls.push(this.#read(zk))
        break
      default:
        this.#calls.push(this.#create(zk, `/c/${step}`))
    }
    if (this.#random.oneIn(2)) await stage.runFor(this.#random.below(20))
  }

  async #create(zk: ZooKeeper, path: string): Promise<void> {
    const abort = new AbortController()
    if (this.#random.oneIn(8)) setImmediate(() => abort.abort())
    try {
      await zk.create(path, '', { signal: abort.signal })
      this.#fates.set(path, 'applied')
    } catch (error) {
      if (!(error instanceof ZkError)) throw error
      this.#fates.set(path, error.outcome)
    }
  }

  async #read(zk: ZooKeeper): Promise<void> {
    const { session } = zk
    try {
      const { stat } = await zk.getChildren('/c')
      // Within a session a client never sees an older tree.
      if (session !== null && zk.session === session) {
        expect(stat.pzxid).toBeGreaterThanOrEqual(this.#lastRead)
      }
      this.#lastRead = stat.pzxid
    } catch (error) {
      expect(error).toMatchObject({ outcome: 'not-applied' })
    }
  }

  /** Keeps a copy of the tree by a watch alone. */
  async #follow(zk: ZooKeeper, watch: PersistentWatch): Promise<void> {
    for await (const event of watch) {
      if (event.type === 'created') this.#known.add(event.path)
      else if (event.type === 'gap') {
        const found = await zk.getChildren('/c').catch(() => null)
        this.#isStale = found === null
        for (const name of found?.children ?? []) this.#known.add(`/c/${name}`)
      }
    }
  }

  async #judge(zk: ZooKeeper): Promise<void> {
    const { children } = await this.stage.run(zk.getChildren('/c'))
    const there = new Set(children.map((name) => `/c/${name}`))
    for (const [path, fate] of this.#fates) {
      if (fate !== 'unknown') expect([path, there.has(path)]).toEqual([path, fate === 'applied'])
    }
    if (!this.#isStale) expect([...there].filter((path) => !this.#known.has(path))).toEqual([])
  }
}

test.each(Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index))(
  'what a client is told is true, whatever the network does (seed %i)',
  async (seed) => {
    await new Scene(seed).play()
  },
)
