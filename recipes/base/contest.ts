import {
  type Acl,
  type CallOptions,
  type Data,
  join,
  NoNodeError,
  nameOf,
  type Session,
  type Stat,
  type ZooKeeper,
} from '../../src/client/index.ts'
import type { Cancellation } from './cancellation.ts'
import { RecipeError } from './errors.ts'
import {
  type ContenderName,
  contenderName,
  type Family,
  type Kind,
  parseContenders,
} from './family.ts'
import { type GrantOptions, isLoss, ZnodeGrant } from './grant.ts'
import { blockersOf, byAge, type Contender, isOverflown, SEQUENCE_ALARM } from './order.ts'
import { OwnZnode, type OwnZnodeEvents } from './own-znode.ts'
import { liveSession, persist } from './perseverance.ts'
import { createProtected } from './protected-create.ts'

/** Of every recipe whose contenders queue up. */
export interface ContestOptions extends GrantOptions {
  /** Of the contenders' znodes: for those who look who holds something. Empty unless given. */
  readonly data?: Data
  readonly acl?: readonly Acl[]
  /**
   * No grant begins earlier than this after the znode of the holder before has gone, for writes of that holder which
   * are still on their way (B23).
   */
  readonly graceMs?: number
  /**
   * Only clients of this library contend here. Their order then survives that the numbers of the path come to 2^31, where
   * Curator, kazoo and Go's client do not know the older from the younger. Otherwise contenders are refused there (B14).
   */
  readonly isOursAlone?: boolean
}

/** Those who want the same thing: the contenders below one path. */
export class Contest {
  readonly zk: ZooKeeper
  readonly path: string
  readonly family: Family
  readonly options: ContestOptions
  #isChecked = false
  #isAlarmed = false

  constructor(zk: ZooKeeper, path: string, family: Family, options: ContestOptions) {
    this.zk = zk
    this.path = path
    this.family = family
    this.options = options
  }

  /**
   * Contends until it is granted. A session that is lost meanwhile costs the place in the queue, not the attempt. When
   * this rejects nothing is left behind.
   */
  async acquire(
    kind: Kind,
    cancellation: Cancellation,
    events: OwnZnodeEvents = {},
  ): Promise<ZnodeGrant> {
    for (;;) {
      const session = await liveSession(this.zk, cancellation)
      try {
        const entry = await this.enter(kind, session, cancellation, events)
        return await entry.grant(cancellation)
      } catch (error) {
        if (cancellation.error !== null || !isLoss(error)) throw error
      }
      await cancellation.pause()
    }
  }

  /** Null when somebody else is ahead. */
  async tryAcquire(
    kind: Kind,
    cancellation: Cancellation,
    events: OwnZnodeEvents = {},
  ): Promise<ZnodeGrant | null> {
    const session = await liveSession(this.zk, cancellation)
    const isFree = await this.#isFree(kind, session, cancellation)
    if (!isFree) return null
    const entry = await this.enter(kind, session, cancellation, events)
    return await entry.tryGrant(cancellation)
  }

  /** Makes a contender of its own. */
  async enter(
    kind: Kind,
    session: Session,
    cancellation: Cancellation,
    events: OwnZnodeEvents = {},
  ): Promise<Entry> {
    const { zk, path, family, options } = this
    // Before anything is created: contenders of others may not bear a znode that they cannot read.
    if (!this.#isChecked) await this.list({ session }, cancellation)
    this.#isChecked = true
    const name = contenderName(family, kind, zk.environment.random)
    const znode = {
      parent: path,
      parentMode: family.layout === 'curator' ? 'container' : 'persistent',
      name,
      mode: 'ephemeral-sequential',
      data: options.data ?? '',
      acl: options.acl,
    } as const
    const created = await createProtected(zk, znode, session, cancellation)
    return new Entry(this, created, session, events)
  }

  /** The contenders, the oldest first; with `session` as the server sees them while it lives. */
  async list(
    options: { readonly session?: Session },
    cancellation: Cancellation,
  ): Promise<Contender[]> {
    const calls = { ...options, signal: cancellation.signal }
    try {
      const { children } = await persist(cancellation, () => this.zk.getChildren(this.path, calls))
      const contenders = this.parse(children)
      // A promise for each of a thousand would be most of what their listing costs.
      if (!contenders.some(isOverflown)) return contenders.sort(byAge)
      const aged = contenders.map((found) => this.#aged(found, calls, cancellation))
      return (await Promise.all(aged)).filter((found) => found !== null).sort(byAge)
    } catch (error) {
      if (error instanceof NoNodeError) return []
      throw error
    }
  }

  /**
   * The contenders among the children of the path, in no particular order.
   * @throws RecipeError `FOREIGN_CONTENDERS`, `SEQUENCE_OVERFLOW`
   */
  parse(children: readonly string[]): ContenderName[] {
    const contenders = parseContenders(this.family, this.path, children)
    if (this.options.isOursAlone !== true) this.#checkNumbers(contenders)
    return contenders
  }

  /** Null when it has gone. */
  async #aged(
    contender: ContenderName,
    options: CallOptions,
    cancellation: Cancellation,
  ): Promise<Contender | null> {
    if (!isOverflown(contender)) return contender
    const path = join(this.path, contender.name)
    const stat = await persist(cancellation, () => this.zk.exists(path, options))
    return stat === null ? null : { ...contender, czxid: stat.czxid }
  }

  async #isFree(kind: Kind, session: Session, cancellation: Cancellation): Promise<boolean> {
    const contenders = await this.list({ session }, cancellation)
    return !contenders.some((other) => kind === 'exclusive' || other.kind === 'exclusive')
  }

  #checkNumbers(contenders: readonly ContenderName[]): void {
    if (contenders.some(isOverflown)) {
      const message = `its numbers have come to 2^31, where ${this.family.title} does not know the older from the younger; contend at another path, or delete this one while nobody contends`
      throw new RecipeError('SEQUENCE_OVERFLOW', this.path, message)
    }
    const near = contenders.find(({ sequence }) => sequence >= SEQUENCE_ALARM)
    if (near === undefined || this.#isAlarmed) return
    this.#isAlarmed = true
    const message =
      'sequence numbers come near 2^31, where contenders are refused: choose another path in time'
    const { sequence } = near
    this.zk.environment.logger.warn(message, { path: this.path, sequence })
  }
}

/** A contender of ours. */
export class Entry {
  readonly contest: Contest
  readonly znode: OwnZnode
  /** Its name below the contest's path. */
  readonly name: string

  constructor(contest: Contest, path: string, session: Session, events: OwnZnodeEvents) {
    this.contest = contest
    this.name = nameOf(path)
    this.znode = new OwnZnode(contest.zk, path, session, events)
  }

  /** Waits for its turn. When this rejects the contender is gone, or will be. */
  async grant(cancellation: Cancellation): Promise<ZnodeGrant> {
    return await this.grantWhen(cancellation, () => this.turn(cancellation))
  }

  /** The same by another rule of when its turn is. */
  async grantWhen(cancellation: Cancellation, turn: () => Promise<void>): Promise<ZnodeGrant> {
    return await this.#orLeave(async () => {
      await turn()
      return await this.#granted(cancellation)
    })
  }

  /** Null when somebody is ahead; then it leaves. */
  async tryGrant(cancellation: Cancellation): Promise<ZnodeGrant | null> {
    return await this.#orLeave(async () => {
      const blockers = await this.blockers(cancellation)
      if (blockers.length === 0) return await this.#granted(cancellation)
      const reason = new RecipeError('RELEASED', this.znode.path, 'it did not want to wait')
      await cancellation.wait(this.leave(reason))
      return null
    })
  }

  /** Contends no more. */
  async leave(reason: Error): Promise<void> {
    await this.znode.remove(reason)
  }

  /** Resolves when nobody is ahead any more who matters to it. */
  async turn(cancellation: Cancellation): Promise<void> {
    for (;;) {
      const blockers = await this.blockers(cancellation)
      const nearest = blockers.at(-1)
      if (nearest === undefined) return
      await this.#untilChanged(nearest, cancellation)
    }
  }

  /** Who is ahead of it and has to go before it, the oldest first. */
  async blockers(cancellation: Cancellation): Promise<Contender[]> {
    this.znode.check()
    const { contest, znode } = this
    const contenders = await contest.list({ session: znode.session }, cancellation)
    const own = contenders.find(({ name }) => name === this.name)
    if (own === undefined) throw new RecipeError('GRANT_LOST', znode.path, 'the znode is gone')
    return blockersOf(own, contenders)
  }

  /** Watches the one ahead and nobody else, so that a release wakes one contender (B11). */
  async #untilChanged({ name }: ContenderName, cancellation: Cancellation): Promise<void> {
    const { zk, path } = this.contest
    const { session, lost } = this.znode
    const { signal } = cancellation
    try {
      // Not `exists`: that would leave a watch behind when it has gone meanwhile (B12).
      const { watch } = await persist(cancellation, () =>
        zk.getData(join(path, name), { watch: true, session, signal }),
      )
      try {
        await cancellation.wait(Promise.race([watch.fired, lost]))
      } finally {
        void watch.close()
      }
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
    }
  }

  async #granted(cancellation: Cancellation): Promise<ZnodeGrant> {
    const { contest, znode } = this
    const stat: Stat = await znode.verified(cancellation)
    const { graceMs = 0 } = contest.options
    if (graceMs > 0)
      await cancellation.wait(Promise.race([cancellation.sleep(graceMs), znode.lost]))
    cancellation.check()
    return new ZnodeGrant(contest.zk, znode, stat.czxid, contest.options)
  }

  async #orLeave<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      // In the background: who gives up does not want to wait. The janitor reports a failure.
      this.leave(error as Error).catch(() => {})
      throw error
    }
  }
}
