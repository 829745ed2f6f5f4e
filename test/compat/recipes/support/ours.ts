import {
  type Layout,
  LeaderLatch,
  LeaderSelector,
  Mutex,
  ReadWriteLock,
  Semaphore,
} from '../../../../recipes/index.ts'
import { connect, type ZooKeeper } from '../../../../src/client-node/index.ts'
import type { Contenders, Held } from './contenders.ts'
import type { Witness } from './witness.ts'

type Release = () => Promise<void>

/** Our recipes, over TCP like everybody's. */
export class OurContenders implements Contenders {
  readonly #address: string
  readonly #witness: Witness
  readonly #layout: Layout
  readonly #clients = new Set<ZooKeeper>()

  constructor(address: string, witness: Witness, layout: Layout) {
    this.#address = address
    this.#witness = witness
    this.#layout = layout
  }

  /** Of the clients at work. */
  get sessionIds(): readonly bigint[] {
    return [...this.#clients].flatMap(({ session }) => (session === null ? [] : [session.id]))
  }

  async hold(recipe: string, znode: string): Promise<Held> {
    const zk = await this.#connected()
    try {
      const release = await this.#take(zk, recipe, znode)
      return {
        sessionId: zk.session!.id,
        release: async () => {
          await release()
          await this.#gone(zk)
        },
      }
    } catch (error) {
      await this.#gone(zk)
      throw error
    }
  }

  async contend(recipe: string, znode: string, grants: number, workers: number): Promise<void> {
    const numbers = Array.from({ length: workers }, (_, index) => index)
    await Promise.all(
      numbers.map(async (number) => {
        const zk = await this.#connected()
        for (let turn = 0; turn < grants; turn += 1) {
          const isReader = (turn + number) % 2 === 0
          const side = isReader ? 'Read' : 'Write'
          const one = recipe === 'ReadWrite' ? side : recipe
          const release = await this.#take(zk, one, znode)
          await this.#inside(
            zk,
            `${znode} ${one === 'Read' ? 'shared' : 'exclusive'} ours-${number}`,
          )
          await release()
        }
        await this.#gone(zk)
      }),
    )
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((zk) => this.#gone(zk)))
  }

  async #inside(zk: ZooKeeper, what: string): Promise<void> {
    this.#witness.note(`enter ${what}`)
    await zk.exists('/')
    this.#witness.note(`leave ${what}`)
  }

  async #take(zk: ZooKeeper, recipe: string, znode: string): Promise<Release> {
    const options = { layout: this.#layout }
    switch (recipe) {
      case 'Mutex': {
        const grant = await new Mutex(zk, znode, options).acquire()
        return () => grant.release()
      }
      case 'Read':
      case 'Write': {
        const lock = new ReadWriteLock(zk, znode, options)
        const grant = await (recipe === 'Read' ? lock.read : lock.write).acquire()
        return () => grant.release()
      }
      case 'LeaderLatch': {
        const latch = new LeaderLatch(zk, znode, options)
        await latch.leadership()
        return () => latch.close()
      }
      case 'LeaderSelector':
        return await selected(new LeaderSelector(zk, znode, options))
      default: {
        const permits = Number(recipe.replace('Semaphore:', ''))
        const grant = await new Semaphore(zk, znode, permits, options).acquire()
        return () => grant.release()
      }
    }
  }

  async #connected(): Promise<ZooKeeper> {
    const zk = await connect(this.#address, {
      sessionTimeoutMs: 30_000,
      connectTimeoutMs: 60_000,
    })
    this.#clients.add(zk)
    return zk
  }

  async #gone(zk: ZooKeeper): Promise<void> {
    this.#clients.delete(zk)
    await zk.close()
  }
}

/** Leads until it is given back. */
async function selected(selector: LeaderSelector): Promise<Release> {
  let giveUp = (): void => {}
  const held = new Promise<void>((resolve) => {
    giveUp = resolve
  })
  let ended: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    ended = selector.lead(async () => {
      resolve()
      await held
    })
    ended.catch(reject)
  })
  return async () => {
    giveUp()
    await ended
  }
}
