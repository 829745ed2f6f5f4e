import { InvalidArgumentError, join, nameOf, type ZooKeeper } from '../src/client/index.ts'
import {
  type Cancellation,
  Contest,
  type ContestOptions,
  CURATOR_READ_WRITE,
  cancellable,
  contenderName,
  createProtected,
  type Grant,
  isKazoo,
  isOverflown,
  KAZOO_LOCK,
  type Kind,
  type Layout,
  OwnZnode,
  parseName,
  RecipeError,
  type WaitOptions,
  ZnodeGrant,
} from './base/index.ts'

export interface ReadWriteLockOptions extends ContestOptions {
  readonly layout?: Layout
}

/** One side of a read-write lock. */
export interface LockSide {
  readonly path: string
  acquire(options?: WaitOptions): Promise<Grant>
  /** Null when it would have to wait. */
  tryAcquire(options?: WaitOptions): Promise<Grant | null>
}

/**
 * A lock for many readers or one writer.
 *
 * - **Znodes**: `P/_c_UUID-__READ__N` and `P/_c_UUID-__WRIT__N` (curator), `P/HEX__rlock__N` and `P/HEX__lock__N`
 *   (kazoo), ephemeral-sequential. The reader that a writer turns into has the writer's N.
 * - **Guarantees**: a writer waits for all who came before it, a reader for the writers who did: nobody starves. Fencing
 *   tokens rise from writer to writer, and a reader's is greater than that of every writer before it; a reader who was
 *   a writer keeps his.
 * - **Failures**: those of the mutex.
 * - **Upstream**: Curator's InterProcessReadWriteLock; kazoo's ReadLock, WriteLock and Lock. Here a reader waits for the
 *   nearest writer ahead of it, Curator's for the first of all. A reader does not become a writer: two that tried would
 *   wait for each other.
 */
export class ReadWriteLock {
  readonly path: string
  readonly read: LockSide
  readonly write: LockSide
  readonly #contest: Contest
  readonly #writers = new WeakMap<Grant, ZnodeGrant>()

  constructor(zk: ZooKeeper, path: string, options: ReadWriteLockOptions = {}) {
    const family = isKazoo(options.layout, path) ? KAZOO_LOCK : CURATOR_READ_WRITE
    this.path = path
    this.#contest = new Contest(zk, path, family, options)
    this.read = this.#side('shared')
    this.write = this.#side('exclusive')
  }

  /**
   * Turns a writer into a reader: no other writer comes between. Resolves when the write lock is given back; when this
   * rejects, it is held as before.
   * @param writer granted by `write` of this lock, and still sure
   */
  async downgrade(writer: Grant, options: WaitOptions = {}): Promise<Grant> {
    const { zk } = this.#contest
    return await cancellable(zk, 'downgrade', this.path, options, async (cancellation) => {
      const grant = this.#writers.get(writer)
      if (grant === undefined) {
        const message = `downgrade ${this.path}: that is no writer of this lock`
        throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path: this.path })
      }
      grant.signal.throwIfAborted()
      const reader = await this.#readerBeside(grant, cancellation)
      try {
        await grant.release()
        return reader
      } catch (error) {
        reader.release().catch(() => {})
        throw error
      }
    })
  }

  #side(kind: Kind): LockSide {
    const contest = this.#contest
    const { zk, path } = contest
    const note = <G extends ZnodeGrant | null>(grant: G): G => {
      if (grant !== null && kind === 'exclusive') this.#writers.set(grant, grant)
      return grant
    }
    return {
      path,
      acquire: async (options = {}) =>
        note(await cancellable(zk, 'acquire', path, options, (c) => contest.acquire(kind, c))),
      tryAcquire: async (options = {}) =>
        note(
          await cancellable(zk, 'tryAcquire', path, options, (c) => contest.tryAcquire(kind, c)),
        ),
    }
  }

  /** Its number is the writer's, so it is ahead of everybody who waits for the writer. */
  async #readerBeside(writer: ZnodeGrant, cancellation: Cancellation): Promise<ZnodeGrant> {
    const { zk, path, family, options } = this.#contest
    const { session } = writer
    const writerName = nameOf(writer.path)
    if (isOverflown(parseName(family, writerName)!)) {
      const message = 'the number of the writer has come to 2^31: a reader cannot take its place'
      throw new RecipeError('SEQUENCE_OVERFLOW', writer.path, message)
    }
    const digits = writerName.slice(-10)
    const name = contenderName(family, 'shared', zk.environment.random) + digits
    const znode = {
      parent: path,
      parentMode: 'persistent',
      name,
      mode: 'ephemeral',
      data: options.data ?? '',
      acl: options.acl,
    } as const
    await createProtected(zk, znode, session, cancellation)
    const own = new OwnZnode(zk, join(path, name), session)
    try {
      await own.verified(cancellation)
      // It was held all the time until the reader was there.
      writer.signal.throwIfAborted()
      // Its own znode is younger than those of writers who wait: they are to have greater tokens.
      return new ZnodeGrant(zk, own, writer.fencingToken, options)
    } catch (error) {
      own.remove(new RecipeError('RELEASED', own.path, 'the downgrade failed')).catch(() => {})
      throw error
    }
  }
}
