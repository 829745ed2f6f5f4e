import { InvalidArgumentError, type ZooKeeper } from '../src/client/index.ts'
import {
  type Cancellation,
  cancellable,
  type Grant,
  GrantGroup,
  isLoss,
  type WaitOptions,
} from './base/index.ts'

/** A lock that a {@link MultiLock} may be made of: a mutex, one side of a read-write lock, a semaphore. */
export interface Acquirable {
  readonly path: string
  acquire(options?: WaitOptions): Promise<Grant>
}

/**
 * Several locks held as one.
 *
 * - **Znodes**: those of its locks; none of its own.
 * - **Guarantees**: all or nothing. The locks are taken in the order of their paths, whatever the order they are given
 *   in, so that two of these never wait for each other.
 * - **Failures**: when one cannot be had, those that were taken are released (B20). One that is lost while another is
 *   waited for sends it back to the start; one that is lost later ends the whole grant. Each lock has a fencing token of
 *   its own, `grants[i].fencingToken`.
 * - **Upstream**: Curator's InterProcessMultiLock, which takes them in the given order.
 */
export class MultiLock {
  readonly #zk: ZooKeeper
  readonly #locks: readonly Acquirable[]

  /** @throws InvalidArgumentError for no lock, or two with the same path: it would wait for itself */
  constructor(zk: ZooKeeper, locks: readonly Acquirable[]) {
    const paths = locks.map(({ path }) => path)
    if (locks.length === 0 || new Set(paths).size < paths.length) {
      const message = `a multi-lock of ${paths.length === 0 ? 'nothing' : paths.join(', ')}`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message)
    }
    this.#zk = zk
    this.#locks = [...locks].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** Resolves when all are held; `grants` are in the order of their paths. */
  async acquire(options: WaitOptions = {}): Promise<GrantGroup> {
    const paths = this.#locks.map(({ path }) => path).join(', ')
    return await cancellable(this.#zk, 'acquire', paths, options, async (cancellation) => {
      for (;;) {
        try {
          return await this.#takeAll(cancellation)
        } catch (error) {
          if (cancellation.error !== null || !isLoss(error)) throw error
        }
        await cancellation.pause()
      }
    })
  }

  async #takeAll(cancellation: Cancellation): Promise<GrantGroup> {
    const grants: Grant[] = []
    try {
      for (const lock of this.#locks) {
        grants.push(await lock.acquire({ signal: cancellation.signal }))
        for (const { signal } of grants) signal.throwIfAborted()
      }
      return new GrantGroup(grants)
    } catch (error) {
      // In the background: who gives up does not want to wait.
      for (const grant of grants.reverse()) grant.release().catch(() => {})
      throw error
    }
  }
}
