import { InvalidArgumentError, type ZooKeeper } from '../src/client/index.ts'
import {
  type Cancellation,
  type ContestOptions,
  cancellable,
  type Grant,
  isKazoo,
  isLoss,
  type Layout,
  type WaitOptions,
} from './base/index.ts'
import { CuratorLeases } from './semaphore-curator.ts'
import { KazooLeases } from './semaphore-kazoo.ts'
import type { Leases } from './semaphore-leases.ts'

export interface SemaphoreOptions extends ContestOptions {
  readonly layout?: Layout
}

/**
 * Something of which so many may be held at a time.
 *
 * - **Znodes**: curator: a mutex at `P/locks` and leases `P/leases/_c_UUID-lease-N`. kazoo: the number of permits as
 *   text in `P`, leases `P/HEX`, and a lock at `P-__lock__`. Leases are ephemeral.
 * - **Guarantees**: at most `permits` holders, granted in the order in which they came. Only the first who waits watches
 *   the leases, so a release wakes one. In the curator layout all must use the same number of permits; in the kazoo
 *   layout a different one is refused.
 * - **Failures**: those of the mutex, for the place in the queue and for the lease.
 * - **Upstream**: Curator's InterProcessSemaphoreV2, and with one permit InterProcessSemaphoreMutex; kazoo's Semaphore.
 */
export class Semaphore {
  readonly path: string
  readonly permits: number
  readonly #zk: ZooKeeper
  readonly #leases: Leases

  /** @param permits from 1 on */
  constructor(zk: ZooKeeper, path: string, permits: number, options: SemaphoreOptions = {}) {
    if (!Number.isSafeInteger(permits) || permits < 1) {
      const message = `semaphore ${path}: ${permits} permits`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path })
    }
    this.path = path
    this.permits = permits
    this.#zk = zk
    const make = isKazoo(options.layout, path) ? KazooLeases : CuratorLeases
    this.#leases = new make(zk, path, permits, options)
  }

  /** Resolves when one is held. */
  async acquire(options: WaitOptions = {}): Promise<Grant> {
    return await cancellable(this.#zk, 'acquire', this.path, options, (cancellation) =>
      this.#acquire(cancellation),
    )
  }

  /** Null when none is free, or somebody waits. */
  async tryAcquire(options: WaitOptions = {}): Promise<Grant | null> {
    return await cancellable(this.#zk, 'tryAcquire', this.path, options, async (cancellation) => {
      const gate = await this.#leases.gate.tryAcquire('exclusive', cancellation)
      if (gate === null) return null
      try {
        const isFree = await this.#leases.isFree(gate, cancellation)
        return isFree ? await this.#leases.take(gate, cancellation) : null
      } finally {
        // Others wait for it, not this caller. The janitor reports a failure.
        gate.release().catch(() => {})
      }
    })
  }

  async #acquire(cancellation: Cancellation): Promise<Grant> {
    for (;;) {
      const gate = await this.#leases.gate.acquire('exclusive', cancellation)
      try {
        return await this.#leases.take(gate, cancellation)
      } catch (error) {
        if (cancellation.error !== null || !isLoss(error)) throw error
      } finally {
        gate.release().catch(() => {})
      }
      await cancellation.pause()
    }
  }
}
