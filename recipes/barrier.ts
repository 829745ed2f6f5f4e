import {
  type Acl,
  NodeExistsError,
  NoNodeError,
  parentOf,
  TransactionError,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  boundedWrite,
  type Cancellation,
  cancellable,
  isKazoo,
  type Layout,
  persist,
  Receipts,
  type WaitOptions,
} from './base/index.ts'

export interface BarrierOptions {
  readonly layout?: Layout
  /** Of what it creates. */
  readonly acl?: readonly Acl[]
}

/**
 * Holds everybody up as long as it is set.
 *
 * - **Znodes**: `P` itself, persistent, empty: it is set as long as it is there, also when whoever set it has died. What
 *   is missing above it is created, as containers (curator) or persistent (kazoo). While it is set or removed: receipts,
 *   `P-receipt-HEX`, ephemeral.
 * - **Guarantees**: `wait` resolves when the barrier was not there at some moment after the call, also when it was set
 *   again since; never for another reason. It does not miss a barrier that was set before the call. `set` and `remove`
 *   have their effect once, also when their answer is lost: a removed one is not set again by a late try.
 * - **Failures**: lost connections and sessions are waited out. When the session ends with the answer of `set` or
 *   `remove` outstanding, the outcome is `unknown`.
 * - **Upstream**: Curator's DistributedBarrier, kazoo's Barrier; both see ours in either layout.
 */
export class Barrier {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #options: BarrierOptions
  readonly #receipts: Receipts

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, options: BarrierOptions = {}) {
    isKazoo(options.layout, path)
    this.path = path
    this.#zk = zk
    this.#options = options
    this.#receipts = new Receipts(zk, path)
  }

  /** False when it was set already. */
  async set(options: WaitOptions = {}): Promise<boolean> {
    return await boundedWrite(this.#zk, 'set', this.path, options, async (cancellation) => {
      for (;;) {
        const refusal = await this.#create(cancellation)
        if (refusal === null) return true
        if (refusal instanceof NodeExistsError) return false
        if (!(refusal instanceof NoNodeError)) throw refusal
        await this.#createParent(cancellation)
      }
    })
  }

  /** False when it was not set. */
  async remove(options: WaitOptions = {}): Promise<boolean> {
    return await boundedWrite(this.#zk, 'remove', this.path, options, async (cancellation) => {
      try {
        await this.#receipts.write<readonly unknown[]>(
          (transaction) => transaction.delete(this.path),
          cancellation,
        )
        return true
      } catch (error) {
        if (!(error instanceof TransactionError)) throw error
        if (error.cause instanceof NoNodeError) return false
        throw error.cause
      }
    })
  }

  async isSet(options: WaitOptions = {}): Promise<boolean> {
    return await boundedWrite(this.#zk, 'isSet', this.path, options, async (cancellation) => {
      const { signal } = cancellation
      await persist(cancellation, () => this.#zk.sync(this.path, { signal }))
      return (await persist(cancellation, () => this.#zk.exists(this.path, { signal }))) !== null
    })
  }

  /** Resolves when it is not set. */
  async wait(options: WaitOptions = {}): Promise<void> {
    await cancellable(this.#zk, 'wait', this.path, options, async (cancellation) => {
      const { signal } = cancellation
      await persist(cancellation, () => this.#zk.sync(this.path, { signal }))
      let first: bigint | null = null
      for (;;) {
        const { stat, watch } = await persist(cancellation, () =>
          this.#zk.exists(this.path, { watch: true, signal }),
        )
        try {
          // Another one than before: the first was removed. What wakes this up says nothing by itself (B13).
          if (stat === null || (first !== null && stat.czxid !== first)) return
          first = stat.czxid
          await cancellation.wait(watch.fired)
        } finally {
          void watch.close()
        }
      }
    })
  }

  /** Why the server refused to create it. */
  async #create(cancellation: Cancellation): Promise<Error | null> {
    const { acl } = this.#options
    try {
      await this.#receipts.write<readonly unknown[]>(
        (transaction) => transaction.create(this.path, '', acl === undefined ? {} : { acl }),
        cancellation,
      )
      return null
    } catch (error) {
      if (error instanceof TransactionError) return error.cause
      throw error
    }
  }

  async #createParent(cancellation: Cancellation): Promise<void> {
    const { acl, layout } = this.#options
    const options = {
      mode: isKazoo(layout, this.path) ? 'persistent' : 'container',
      signal: cancellation.signal,
      ...(acl === undefined ? {} : { acl }),
    } as const
    const parent = parentOf(this.path)
    await persist(cancellation, () => this.#zk.ensurePath(parent, options), 'idempotent')
  }
}
