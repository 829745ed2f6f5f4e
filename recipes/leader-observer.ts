import { join, NoNodeError, type OneShotWatch, type ZooKeeper } from '../src/client/index.ts'
import {
  Cancellation,
  Contest,
  CURATOR_LATCH,
  CURATOR_MUTEX,
  isKazoo,
  KAZOO_LOCK,
  type Layout,
  persist,
  RecipeError,
} from './base/index.ts'

export interface LeaderObserverOptions {
  readonly layout?: Layout
  /** In the curator layout: whose leader. In the kazoo layout both are the same. */
  readonly of?: 'latch' | 'selector'
}

/** Who leads, as seen from outside. */
export interface ObservedLeader {
  /** Of its znode. */
  readonly path: string
  /** What it wrote into its znode. */
  readonly id: string
  /** That of its grant. */
  readonly fencingToken: bigint
}

/** What was seen, and what tells that it may be different now. */
interface Sight {
  readonly leader: ObservedLeader | null
  readonly watch: OneShotWatch
}

/**
 * Tells who leads: an async iterable for one reader, which begins with the present leader, or null when nobody
 * stands. Leaving the loop closes it.
 *
 * - **Znodes**: none. It watches the leader's znode; while nobody stands, the parent.
 * - **Guarantees**: every change of leaders is followed by a later item; of several changes at once the last one is
 *   told. What is told may be over already: it is no grant.
 * - **Failures**: lost connections and sessions are waited out.
 * - **Upstream**: Curator's `LeaderLatch.getLeader`, etcd's `Election.Observe`.
 */
export class LeaderObserver
  implements AsyncIterableIterator<ObservedLeader | null>, AsyncDisposable
{
  readonly #contest: Contest
  readonly #life: Cancellation
  #sight: Sight | null = null

  constructor(zk: ZooKeeper, path: string, options: LeaderObserverOptions = {}) {
    const curator = options.of === 'selector' ? CURATOR_MUTEX : CURATOR_LATCH
    const family = isKazoo(options.layout, path) ? KAZOO_LOCK : curator
    this.#contest = new Contest(zk, path, family, {})
    this.#life = new Cancellation(zk, 'observe', path)
  }

  /** The next leader; done when it was closed. */
  async next(): Promise<IteratorResult<ObservedLeader | null, undefined>> {
    try {
      for (;;) {
        const before = this.#sight
        if (before !== null) await this.#life.wait(before.watch.fired)
        const sight = await this.#look()
        if (this.#life.error !== null) void sight.watch.close()
        this.#life.check()
        this.#sight = sight
        if (before === null || before.leader?.path !== sight.leader?.path) {
          return { done: false, value: sight.leader }
        }
      }
    } catch (error) {
      const isClosed = this.#life.error !== null
      await this.close()
      if (!isClosed) throw error
      return { done: true, value: undefined }
    }
  }

  /** `break` in a `for await` comes here. */
  async return(): Promise<IteratorResult<ObservedLeader | null, undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  async close(): Promise<void> {
    const { path } = this.#contest
    this.#life.cancel(new RecipeError('RELEASED', path, 'the observer was closed'))
    this.#life.end()
    const { watch } = this.#sight ?? {}
    this.#sight = null
    await watch?.close()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #look(): Promise<Sight> {
    for (;;) {
      const sight = (await this.#lookAtLeader()) ?? (await this.#lookForSomebody())
      if (sight !== null) return sight
    }
  }

  /** Null when nobody stands, or the first one went meanwhile. */
  async #lookAtLeader(): Promise<Sight | null> {
    const { zk, path } = this.#contest
    const { signal } = this.#life
    const [first] = await this.#contest.list({}, this.#life)
    if (first === undefined) return null
    const at = join(path, first.name)
    try {
      const found = await persist(this.#life, () => zk.getData(at, { watch: true, signal }))
      const { data, stat, watch } = found
      const id = new TextDecoder().decode(data)
      return { leader: { path: at, id, fencingToken: stat.czxid }, watch }
    } catch (error) {
      if (error instanceof NoNodeError) return null
      throw error
    }
  }

  /** Null when somebody stands now. */
  async #lookForSomebody(): Promise<Sight | null> {
    const { zk, path } = this.#contest
    const { signal } = this.#life
    try {
      const { children, watch } = await persist(this.#life, () =>
        zk.getChildren(path, { watch: true, signal }),
      )
      if (this.#contest.parse(children).length === 0) return { leader: null, watch }
      void watch.close()
      return null
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
    }
    const { stat, watch } = await persist(this.#life, () =>
      zk.exists(path, { watch: true, signal }),
    )
    if (stat === null) return { leader: null, watch }
    void watch.close()
    return null
  }
}
