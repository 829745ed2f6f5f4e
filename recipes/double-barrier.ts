import {
  type Acl,
  type CallOptions,
  type Data,
  InvalidArgumentError,
  join,
  NodeExistsError,
  NoNodeError,
  nameOf,
  type Stat,
  TransactionError,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  type Cancellation,
  cancellable,
  createProtected,
  type Hold,
  hexId,
  isKazoo,
  isLoss,
  type Layout,
  liveSession,
  OwnZnode,
  persist,
  RecipeError,
  uuid,
  type WaitOptions,
} from './base/index.ts'

export interface DoubleBarrierOptions {
  /** How many have to enter before anybody goes on. Everybody must say the same. */
  readonly members: number
  readonly layout?: Layout
  /** Of the member's znode: for those who look who takes part. */
  readonly data?: Data
  /** Of everything that it creates. */
  readonly acl?: readonly Acl[]
}

const READY = 'ready'

/**
 * A number of clients begin something together and end it together.
 *
 * - **Znodes**: `P/UUID` (curator) or `P/HEX` (kazoo), ephemeral, one per member; `P/ready`, persistent, from the moment
 *   at which enough have entered until the last one has left. `P` is created when it is missing, as a container (curator)
 *   or persistent (kazoo).
 * - **Guarantees**: `enter` resolves when at least `members` were there at one moment after the call; who comes while
 *   they are there enters at once. `leave` resolves when everybody has left or lost its session. A `ready` of an earlier
 *   round, whose members have all died, opens nothing. No event but the creation of `ready` lets anybody in (B13).
 * - **Failures**: lost connections are waited out. A session that is lost while entering costs the place, not the
 *   attempt; one that is lost later ends the membership, and the others go on without it.
 * - **Upstream**: Curator's DistributedDoubleBarrier, kazoo's DoubleBarrier. Theirs take an old `ready` for a new one.
 *   Members of kazoo delete `ready` as soon as one of them leaves: who has not seen it by then, since its connection was
 *   broken, waits in vain.
 */
export class DoubleBarrier {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #options: DoubleBarrierOptions

  /** Does nothing yet. @throws InvalidArgumentError */
  constructor(zk: ZooKeeper, path: string, options: DoubleBarrierOptions) {
    const { members } = options
    if (!Number.isSafeInteger(members) || members < 1) {
      const message = `members is ${members}, not a whole number from 1`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path })
    }
    isKazoo(options.layout, path)
    this.path = path
    this.#zk = zk
    this.#options = options
  }

  /** Resolves when enough have entered. When it rejects nothing is left behind. */
  async enter(options: WaitOptions = {}): Promise<BarrierMember> {
    return await cancellable(this.#zk, 'enter', this.path, options, async (cancellation) => {
      for (;;) {
        try {
          return await this.#enterOnce(cancellation)
        } catch (error) {
          if (cancellation.error !== null || !isLoss(error)) throw error
        }
        await cancellation.pause()
      }
    })
  }

  async #enterOnce(cancellation: Cancellation): Promise<BarrierMember> {
    const zk = this.#zk
    const session = await liveSession(zk, cancellation)
    const { layout, data = '', acl } = this.#options
    const isOfKazoo = isKazoo(layout, this.path)
    const { random } = zk.environment
    const member = {
      parent: this.path,
      parentMode: isOfKazoo ? 'persistent' : 'container',
      name: isOfKazoo ? hexId(random) : uuid(random),
      mode: 'ephemeral',
      data,
      acl,
    } as const
    const path = await createProtected(zk, member, session, cancellation)
    const znode = new OwnZnode(zk, path, session)
    try {
      const { czxid } = await znode.verified(cancellation)
      const gate = new Gate(zk, this.path, this.#options, znode, cancellation)
      return new BarrierMember(zk, this.path, znode, await gate.opened(czxid))
    } catch (error) {
      // In the background: who gives up does not want to wait. The janitor reports a failure.
      znode.remove(error as Error).catch(() => {})
      throw error
    }
  }
}

/** What a member waits for while it enters. */
class Gate {
  readonly #zk: ZooKeeper
  readonly #path: string
  readonly #ready: string
  readonly #options: DoubleBarrierOptions
  readonly #znode: OwnZnode
  readonly #cancellation: Cancellation
  readonly #call: CallOptions

  constructor(
    zk: ZooKeeper,
    path: string,
    options: DoubleBarrierOptions,
    znode: OwnZnode,
    cancellation: Cancellation,
  ) {
    this.#zk = zk
    this.#path = path
    this.#ready = join(path, READY)
    this.#options = options
    this.#znode = znode
    this.#cancellation = cancellation
    this.#call = { session: znode.session, signal: cancellation.signal }
  }

  /** Resolves with the czxid of `ready`; null when it went again meanwhile. */
  async opened(ownCzxid: bigint): Promise<bigint | null> {
    const { session } = this.#znode
    for (;;) {
      this.#znode.check()
      const { signal } = this.#cancellation
      const { stat, watch } = await persist(this.#cancellation, () =>
        this.#zk.exists(this.#ready, { watch: true, session, signal }),
      )
      try {
        const others = await this.#members()
        if (stat !== null && (await this.#isOurs(stat, ownCzxid, others))) return stat.czxid
        if (others.length + 1 >= this.#options.members) {
          await this.#open(stat)
          continue
        }
        const event = await this.#cancellation.wait(
          Promise.race([watch.fired, this.#znode.lost.then(() => null)]),
        )
        // It was there, even if it has gone again since.
        if (event?.type === 'created') return await this.#czxid()
      } finally {
        void watch.close()
      }
    }
  }

  async #czxid(): Promise<bigint | null> {
    const stat = await persist(this.#cancellation, () => this.#zk.exists(this.#ready, this.#call))
    return stat?.czxid ?? null
  }

  /** Names of the other members. */
  async #members(): Promise<string[]> {
    const { children } = await persist(this.#cancellation, () =>
      this.#zk.getChildren(this.#path, this.#call),
    )
    const own = nameOf(this.#znode.path)
    return children.filter((name) => name !== READY && name !== own)
  }

  /** Not if it was there before everybody who is here now: then their barrier is another one. */
  async #isOurs(ready: Stat, ownCzxid: bigint, others: readonly string[]): Promise<boolean> {
    if (ready.czxid > ownCzxid) return true
    for (const name of others) {
      const member = await persist(this.#cancellation, () =>
        this.#zk.exists(join(this.#path, name), this.#call),
      )
      if (member !== null && member.czxid < ready.czxid) return true
    }
    return false
  }

  /** Nobody deletes the new one before this member has left, so it may be created twice. */
  async #open(old: Stat | null): Promise<void> {
    const { acl } = this.#options
    const withAcl = acl === undefined ? {} : { acl }
    await persist(
      this.#cancellation,
      async () => {
        const transaction = this.#zk.transaction()
        try {
          if (old === null) await this.#zk.create(this.#ready, '', { ...withAcl, ...this.#call })
          else
            await transaction
              .delete(this.#ready)
              .create(this.#ready, '', withAcl)
              .commit(this.#call)
        } catch (error) {
          const cause = error instanceof TransactionError ? error.cause : error
          // Somebody else was faster.
          if (!(cause instanceof NodeExistsError || cause instanceof NoNodeError)) throw cause
        }
      },
      'idempotent',
    )
  }
}

/** Membership in a double barrier, until `leave` or `release`, or until it is lost. */
export class BarrierMember implements Hold {
  /** Of the member's znode. */
  readonly path: string
  readonly signal: AbortSignal
  readonly #zk: ZooKeeper
  readonly #barrier: string
  readonly #znode: OwnZnode
  readonly #controller = new AbortController()
  readonly #ready: bigint | null
  /** Who was there when it began to leave. Who comes later begins the next round, and is not waited for. */
  #round: ReadonlySet<string> | null = null
  #hasLeft = false

  constructor(zk: ZooKeeper, barrier: string, znode: OwnZnode, ready: bigint | null) {
    znode.check()
    this.#zk = zk
    this.#barrier = barrier
    this.#znode = znode
    this.#ready = ready
    this.path = znode.path
    this.signal = this.#controller.signal
    void znode.lost.then((error) => this.#controller.abort(error))
  }

  get isSure(): boolean {
    return this.remainingMs > 0
  }

  get remainingMs(): number {
    if (this.signal.aborted || this.#znode.loss !== null) return 0
    return this.#znode.session.remainingMs
  }

  /**
   * Resolves when everybody has left. After a failure it may be called again; without, `release` ends the membership.
   * @throws the reason of `signal` when the membership was lost before
   */
  async leave(options: WaitOptions = {}): Promise<void> {
    await cancellable(this.#zk, 'leave', this.#barrier, options, async (cancellation) => {
      for (;;) {
        const members = await this.#members(cancellation)
        const own = nameOf(this.path)
        if (!this.#hasLeft) this.#znode.check()
        const [lowest] = members
        if (lowest === undefined) break
        // It goes with its session, or is being removed.
        if (this.#hasLeft && members.includes(own)) await this.#untilGone(own, cancellation)
        else if (lowest !== own) await this.#leaveBefore(lowest, cancellation)
        else if (members.length > 1) await this.#untilGone(members.at(-1)!, cancellation)
        else await this.#leaveLast(cancellation)
      }
      await this.#removeReady(cancellation)
    })
  }

  /** Ends the membership without waiting for the others. */
  async release(): Promise<void> {
    await this.#remove()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  async #members(cancellation: Cancellation): Promise<string[]> {
    const { signal } = cancellation
    try {
      const { children } = await persist(cancellation, () =>
        this.#zk.getChildren(this.#barrier, { signal }),
      )
      this.#round ??= new Set(children.filter((name) => name !== READY))
      const round = this.#round
      return children.filter((name) => round.has(name)).sort()
    } catch (error) {
      // A container goes with its last child.
      if (error instanceof NoNodeError) return []
      throw error
    }
  }

  /** Whoever is not the lowest goes first and then waits for the lowest. */
  async #leaveBefore(lowest: string, cancellation: Cancellation): Promise<void> {
    if (!this.#hasLeft) await cancellation.wait(this.#remove())
    await this.#untilGone(lowest, cancellation)
  }

  /** With `ready`, so that nobody finds it without a member. */
  async #leaveLast(cancellation: Cancellation): Promise<void> {
    this.#hasLeft = true
    this.#controller.abort(this.#released())
    const options = { session: this.#znode.session, signal: cancellation.signal }
    try {
      await this.#zk
        .transaction()
        .delete(join(this.#barrier, READY))
        .delete(this.path)
        .commit(options)
    } catch {
      // It was applied all the same, or `ready` has gone: the next line knows.
    }
    await cancellation.wait(this.#remove())
  }

  /** Of the round that is over, if it is there still since a member died. */
  async #removeReady(cancellation: Cancellation): Promise<void> {
    const { signal } = cancellation
    const ready = join(this.#barrier, READY)
    const stat = await persist(cancellation, () => this.#zk.exists(ready, { signal }))
    if (stat === null || stat.czxid !== this.#ready) return
    await persist(
      cancellation,
      () => this.#zk.delete(ready, -1, { signal }).catch(ignoreMissing),
      'idempotent',
    )
  }

  async #untilGone(name: string, cancellation: Cancellation): Promise<void> {
    const { signal } = cancellation
    const path = join(this.#barrier, name)
    const { stat, watch } = await persist(cancellation, () =>
      this.#zk.exists(path, { watch: true, signal }),
    )
    try {
      if (stat !== null) {
        const lost = this.#hasLeft ? [] : [this.#znode.lost]
        await cancellation.wait(Promise.race([watch.fired, ...lost]))
      }
    } finally {
      void watch.close()
    }
  }

  async #remove(): Promise<void> {
    this.#hasLeft = true
    await this.#znode.remove(this.#released())
  }

  #released(): RecipeError {
    return new RecipeError('RELEASED', this.path, 'it has left')
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof NoNodeError)) throw error
}
