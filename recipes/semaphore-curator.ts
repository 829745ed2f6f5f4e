import { join, type ZooKeeper } from '../src/client/index.ts'
import {
  type Cancellation,
  Contest,
  type ContestOptions,
  CURATOR_LEASES,
  CURATOR_MUTEX,
  type Entry,
  type Grant,
  parseContenders,
  RecipeError,
  type ZnodeGrant,
} from './base/index.ts'
import { type Leases, untilChildren } from './semaphore-leases.ts'

/**
 * Leases as Curator's InterProcessSemaphoreV2 has them: whoever holds the gate creates his lease and waits until there
 * are not more than there are permits, his own included.
 */
export class CuratorLeases implements Leases {
  readonly gate: Contest
  readonly #leases: Contest
  readonly #permits: number

  constructor(zk: ZooKeeper, path: string, permits: number, options: ContestOptions) {
    const { graceMs: _, ...ungraced } = options
    this.gate = new Contest(zk, join(path, 'locks'), CURATOR_MUTEX, ungraced)
    // Leases are counted, not ordered: their numbers do not matter.
    const counted = { ...options, isOursAlone: true }
    this.#leases = new Contest(zk, join(path, 'leases'), CURATOR_LEASES, counted)
    this.#permits = permits
  }

  async areFree(count: number, gate: ZnodeGrant, cancellation: Cancellation): Promise<boolean> {
    const held = await this.#leases.list({ session: gate.session }, cancellation)
    return held.length + count <= this.#permits
  }

  async take(gate: ZnodeGrant, cancellation: Cancellation): Promise<Grant> {
    const lease = await this.#leases.enter('shared', gate.session, cancellation)
    return await lease.grantWhen(cancellation, () => this.#untilFree(lease, gate, cancellation))
  }

  async #untilFree(lease: Entry, gate: ZnodeGrant, cancellation: Cancellation): Promise<void> {
    const { zk, path, family } = this.#leases
    const isEnough = (children: readonly string[]): boolean => {
      lease.znode.check()
      parseContenders(family, path, children)
      if (!children.includes(lease.name)) {
        throw new RecipeError('GRANT_LOST', lease.znode.path, 'the znode is gone')
      }
      // Curator counts whatever is there.
      return children.length <= this.#permits
    }
    await untilChildren(zk, path, gate, cancellation, isEnough, lease.znode.lost)
  }
}
