import type { ZooKeeper } from '../src/client/index.ts'
import {
  Contest,
  type ContestOptions,
  CURATOR_MUTEX,
  cancellable,
  type Grant,
  isKazoo,
  KAZOO_LOCK,
  type Layout,
  type WaitOptions,
} from './base/index.ts'

export interface MutexOptions extends ContestOptions {
  readonly layout?: Layout
}

/**
 * A lock that one holder has at a time; not reentrant.
 *
 * - **Znodes**: `P/_c_UUID-lock-N` (curator) or `P/HEX__lock__N` (kazoo), ephemeral-sequential. `P` is created when it
 *   is missing, as a container (curator) or persistent (kazoo).
 * - **Guarantees**: granted in the order of N. At most one holder, as long as it stops when `signal` aborts; fencing
 *   tokens rise from holder to holder. A release wakes one contender.
 * - **Failures**: a lost connection is waited out. A lost session ends the grant, and moves who waits to the end of the
 *   queue. What a create, a release or a cancelled acquire may have left behind is removed in the background.
 * - **Upstream**: Curator's InterProcessMutex and LeaderSelector and Go's Lock; kazoo's Lock, WriteLock and Election. It
 *   waits for kazoo's ReadLock too, as kazoo's WriteLock does and its Lock does not.
 */
export class Mutex {
  readonly path: string
  readonly #contest: Contest

  /** Does nothing yet. @param path of the znode whose children contend */
  constructor(zk: ZooKeeper, path: string, options: MutexOptions = {}) {
    const family = isKazoo(options.layout, path) ? KAZOO_LOCK : CURATOR_MUTEX
    this.path = path
    this.#contest = new Contest(zk, path, family, options)
  }

  /** Resolves when the lock is held. */
  async acquire(options: WaitOptions = {}): Promise<Grant> {
    return await cancellable(this.#contest.zk, 'acquire', this.path, options, (cancellation) =>
      this.#contest.acquire('exclusive', cancellation),
    )
  }

  /** Null when somebody else has it or waits for it. */
  async tryAcquire(options: WaitOptions = {}): Promise<Grant | null> {
    return await cancellable(this.#contest.zk, 'tryAcquire', this.path, options, (cancellation) =>
      this.#contest.tryAcquire('exclusive', cancellation),
    )
  }
}
