import { InvalidArgumentError, type ZooKeeper } from '../src/client/index.ts'
import {
  type Cancellation,
  type ContestOptions,
  cancellable,
  type Grant,
  GrantGroup,
  isKazoo,
  isLoss,
  type Layout,
  type WaitOptions,
  type ZnodeGrant,
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
 *   layout a different one is refused. Several at once are all or nothing, and never wait for others that have a part
 *   of theirs: not for ours. Curator's `acquire(n)` gives way to others between one lease and the next, and may wait for
 *   ours while ours wait for it: give one of the two a timeout.
 * - **Failures**: those of the mutex, for the place in the queue and for the lease.
 * - **Upstream**: Curator's InterProcessSemaphoreV2, and with one permit InterProcessSemaphoreMutex; kazoo's Semaphore,
 *   which has no several at once.
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
    return await cancellable(this.#zk, 'acquire', this.path, options, async (cancellation) => {
      const [grant] = await this.#acquire(1, cancellation)
      return grant!
    })
  }

  /** Null when none is free, or somebody waits. */
  async tryAcquire(options: WaitOptions = {}): Promise<Grant | null> {
    return await cancellable(this.#zk, 'tryAcquire', this.path, options, async (cancellation) => {
      const grants = await this.#tryAcquire(1, cancellation)
      return grants?.[0] ?? null
    })
  }

  /**
   * Resolves when so many are held as one: `grants` has one for each. They are taken in one turn, while nobody else takes
   * any.
   * @throws InvalidArgumentError for more than there are
   */
  async acquireMany(count: number, options: WaitOptions = {}): Promise<GrantGroup> {
    this.#check(count)
    return await cancellable(
      this.#zk,
      'acquireMany',
      this.path,
      options,
      async (cancellation) => new GrantGroup(await this.#acquire(count, cancellation)),
    )
  }

  /** Null when so many are not free, or somebody waits. */
  async tryAcquireMany(count: number, options: WaitOptions = {}): Promise<GrantGroup | null> {
    this.#check(count)
    const { path } = this
    return await cancellable(this.#zk, 'tryAcquireMany', path, options, async (cancellation) => {
      const grants = await this.#tryAcquire(count, cancellation)
      return grants === null ? null : new GrantGroup(grants)
    })
  }

  #check(count: number): void {
    const { path, permits } = this
    if (Number.isSafeInteger(count) && count >= 1 && count <= permits) return
    const message = `semaphore ${path}: ${count} of ${permits} permits cannot be had`
    throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path })
  }

  async #tryAcquire(count: number, cancellation: Cancellation): Promise<Grant[] | null> {
    const gate = await this.#leases.gate.tryAcquire('exclusive', cancellation)
    if (gate === null) return null
    try {
      const areFree = await this.#leases.areFree(count, gate, cancellation)
      return areFree ? await this.#take(count, gate, cancellation) : null
    } finally {
      // Others wait for it, not this caller. The janitor reports a failure.
      gate.release().catch(() => {})
    }
  }

  async #acquire(count: number, cancellation: Cancellation): Promise<Grant[]> {
    for (;;) {
      const gate = await this.#leases.gate.acquire('exclusive', cancellation)
      try {
        return await this.#take(count, gate, cancellation)
      } catch (error) {
        if (cancellation.error !== null || !isLoss(error)) throw error
      } finally {
        gate.release().catch(() => {})
      }
      await cancellation.pause()
    }
  }

  /** All in one turn at the gate: two that had a part each would wait for each other for ever. */
  async #take(count: number, gate: ZnodeGrant, cancellation: Cancellation): Promise<Grant[]> {
    const grants: Grant[] = []
    try {
      while (grants.length < count) {
        grants.push(await this.#leases.take(gate, cancellation))
        // One may have been lost while another was waited for.
        for (const { signal } of grants) signal.throwIfAborted()
      }
      return grants
    } catch (error) {
      // In the background: who gives up does not want to wait.
      for (const grant of grants) grant.release().catch(() => {})
      throw error
    }
  }
}
