import { join, NoNodeError, type ZooKeeper } from '../src/client/index.ts'
import {
  type Cancellation,
  Contest,
  CURATOR_MUTEX,
  cancellable,
  type Grant,
  isKazoo,
  KAZOO_LOCK,
  persist,
  RecipeError,
  type WaitOptions,
  type ZnodeGrant,
} from './base/index.ts'
import type { MutexOptions } from './mutex.ts'

/** What somebody who wants the lock writes into the holder's znode; Curator's word. */
const REVOKE: Uint8Array = new TextEncoder().encode('__REVOKE__')

/**
 * A mutex whose holder can be asked to give it up.
 *
 * - **Znodes**: those of {@link Mutex}. A request to give up is `__REVOKE__` as the data of the holder's znode.
 * - **Guarantees**: those of the mutex. The holder's `signal` aborts with a `RecipeError` of code `REVOKED`; it keeps
 *   the lock until it releases it, so it can bring its work to an end in peace. Nobody can be forced.
 * - **Failures**: those of the mutex. A request is not lost with a connection.
 * - **Upstream**: Curator's `makeRevocable` and `Revoker`, in both directions; a Curator holder that is not revocable
 *   ignores it. kazoo has no such thing.
 */
export class RevocableMutex {
  readonly path: string
  readonly #contest: Contest

  constructor(zk: ZooKeeper, path: string, options: MutexOptions = {}) {
    const family = isKazoo(options.layout, path) ? KAZOO_LOCK : CURATOR_MUTEX
    this.path = path
    this.#contest = new Contest(zk, path, family, options)
  }

  /** Resolves when the lock is held. It may have been revoked by then: look at `signal`. */
  async acquire(options: WaitOptions = {}): Promise<Grant> {
    return await cancellable(this.#contest.zk, 'acquire', this.path, options, (cancellation) =>
      this.#acquire(cancellation),
    )
  }

  /** Asks whoever holds the lock to give it up. Resolves with false when nobody does. */
  async revoke(options: WaitOptions = {}): Promise<boolean> {
    const { zk } = this.#contest
    return await cancellable(zk, 'revoke', this.path, options, async (cancellation) => {
      const [holder] = await this.#contest.list({}, cancellation)
      if (holder === undefined) return false
      const { signal } = cancellation
      try {
        const path = join(this.path, holder.name)
        await persist(cancellation, () => zk.setData(path, REVOKE, -1, { signal }), 'idempotent')
        return true
      } catch (error) {
        if (error instanceof NoNodeError) return false
        throw error
      }
    })
  }

  async #acquire(cancellation: Cancellation): Promise<Grant> {
    const requests = new Set<string>()
    let held: ZnodeGrant | null = null
    const grant = await this.#contest.acquire('exclusive', cancellation, {
      onData: (data, path) => {
        if (!isRevoke(data)) return
        requests.add(path)
        if (held?.path === path) held.revoke(revoked(path))
      },
    })
    held = grant
    // Asked before it was granted.
    if (requests.has(grant.path)) grant.revoke(revoked(grant.path))
    return grant
  }
}

function revoked(path: string): RecipeError {
  return new RecipeError('REVOKED', path, 'somebody asks for it')
}

function isRevoke(data: Uint8Array): boolean {
  return data.length === REVOKE.length && data.every((byte, index) => byte === REVOKE[index])
}
