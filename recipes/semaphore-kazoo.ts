import {
  join,
  NodeExistsError,
  NoNodeError,
  parentOf,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  type Cancellation,
  Contest,
  type ContestOptions,
  createProtected,
  type Grant,
  hexId,
  KAZOO_LOCK,
  OwnZnode,
  persist,
  RecipeError,
  ZnodeGrant,
} from './base/index.ts'
import { type Leases, untilChildren } from './semaphore-leases.ts'

const NUMBER = /^\s*[+-]?\d+\s*$/

/**
 * Leases as kazoo's Semaphore has them: whoever holds the gate waits until there are fewer leases than permits, then
 * creates his. The znode of the semaphore holds the number of permits.
 */
export class KazooLeases implements Leases {
  readonly gate: Contest
  readonly #zk: ZooKeeper
  readonly #path: string
  readonly #permits: number
  readonly #options: ContestOptions
  #isReady = false

  constructor(zk: ZooKeeper, path: string, permits: number, options: ContestOptions) {
    const { graceMs: _, ...ungraced } = options
    this.gate = new Contest(zk, `${path}-__lock__`, KAZOO_LOCK, ungraced)
    this.#zk = zk
    this.#path = path
    this.#permits = permits
    this.#options = options
  }

  async areFree(count: number, gate: ZnodeGrant, cancellation: Cancellation): Promise<boolean> {
    const { signal } = cancellation
    const { session } = gate
    const { children } = await this.#whenReady(gate, cancellation, () =>
      persist(cancellation, () => this.#zk.getChildren(this.#path, { session, signal })),
    )
    return children.length + count <= this.#permits
  }

  async take(gate: ZnodeGrant, cancellation: Cancellation): Promise<Grant> {
    const { graceMs = 0 } = this.#options
    const isEnough = (children: readonly string[]): boolean => children.length < this.#permits
    await this.#whenReady(gate, cancellation, () =>
      untilChildren(this.#zk, this.#path, gate, cancellation, isEnough),
    )
    if (graceMs > 0) await cancellation.sleep(graceMs)
    gate.signal.throwIfAborted()
    return await this.#create(gate, cancellation)
  }

  async #create({ session }: ZnodeGrant, cancellation: Cancellation): Promise<Grant> {
    const zk = this.#zk
    const name = hexId(zk.environment.random)
    const { data = '', acl } = this.#options
    const znode = {
      parent: this.#path,
      parentMode: 'persistent',
      name,
      mode: 'ephemeral',
      data,
      acl,
    } as const
    await createProtected(zk, znode, session, cancellation)
    const own = new OwnZnode(zk, join(this.#path, name), session)
    try {
      const { czxid } = await own.verified(cancellation)
      await this.#checkCount(own, cancellation)
      return new ZnodeGrant(zk, own, czxid, this.#options)
    } catch (error) {
      own.remove(error as Error).catch(() => {})
      throw error
    }
  }

  /** Only when somebody took the gate's znode away can there be too many: then this one was the last to come. */
  async #checkCount({ path, session }: OwnZnode, cancellation: Cancellation): Promise<void> {
    const { signal } = cancellation
    const { children } = await persist(cancellation, () =>
      this.#zk.getChildren(this.#path, { session, signal }),
    )
    if (children.length <= this.#permits) return
    throw new RecipeError('GRANT_LOST', path, 'there are more leases than permits')
  }

  /** Runs `body` once the znode of the semaphore is there; again when somebody deletes it meanwhile. */
  async #whenReady<T>(
    gate: ZnodeGrant,
    cancellation: Cancellation,
    body: () => Promise<T>,
  ): Promise<T> {
    for (;;) {
      await this.#prepare(gate, cancellation)
      try {
        return await body()
      } catch (error) {
        if (!(error instanceof NoNodeError)) throw error
        this.#isReady = false
      }
    }
  }

  /** The znode of the semaphore exists and says how many permits there are. */
  async #prepare({ session }: ZnodeGrant, cancellation: Cancellation): Promise<void> {
    if (this.#isReady) return
    const { signal } = cancellation
    const options = { session, signal }
    await persist(cancellation, () => this.#createOrCheck(options), 'idempotent')
    this.#isReady = true
  }

  async #createOrCheck(options: Parameters<ZooKeeper['sync']>[1] & object): Promise<void> {
    const zk = this.#zk
    const path = this.#path
    const { acl } = this.#options
    const creation = { ...(acl === undefined ? {} : { acl }), ...options }
    for (;;) {
      try {
        this.#check((await zk.getData(path, options)).data)
        return
      } catch (error) {
        if (!(error instanceof NoNodeError)) throw error
      }
      await zk.ensurePath(parentOf(path), creation)
      try {
        await zk.create(path, String(this.#permits), creation)
        return
      } catch (error) {
        if (!(error instanceof NodeExistsError)) throw error
      }
    }
  }

  #check(data: Uint8Array): void {
    const text = new TextDecoder().decode(data)
    // As kazoo: what is no number is something else's.
    if (!NUMBER.test(text) || Number(text) === this.#permits) return
    const message = `others use this semaphore with ${text} permits, not ${this.#permits}`
    throw new RecipeError('MISMATCH', this.#path, message)
  }
}
