import {
  type Acl,
  ClosedError,
  type Data,
  InvalidArgumentError,
  NodeExistsError,
  NoNodeError,
  nameOf,
  parentOf,
  type Session,
  SessionLostError,
  ZkError,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  Cancellation,
  cancellable,
  createProtected,
  Janitor,
  liveSession,
  mayBeApplied,
  onAbort,
  persist,
  uuid,
  type WaitOptions,
} from './base/index.ts'

export interface PersistentNodeOptions extends WaitOptions {
  /** The znode's name gets an id of its own in front. Needed for the sequential mode. */
  readonly isProtected?: boolean
  readonly mode?: 'ephemeral' | 'ephemeral-sequential'
  readonly acl?: readonly Acl[]
  /** How a missing parent is created; default `container`. */
  readonly parentMode?: 'container' | 'persistent'
}

/** A znode of ours that was there when we last looked. */
interface Presence {
  readonly path: string
  readonly session: Session
}

/**
 * An ephemeral znode that comes back: after its session was lost, and when somebody deletes it.
 *
 * - **Znodes**: `P`, ephemeral; protected `D/_c_UUID-NAME` or, in the sequential mode, `D/_c_UUID-NAMEN`, where `P` is
 *   `D/NAME`. `D` is created when it is missing, as a container.
 * - **Guarantees**: while a session lives and no other client has a znode at `P`, the znode is there or being created.
 *   One that belongs to somebody else, also to an earlier session of this client, is left alone: its end is waited
 *   for (B2). A session has never two of them, also when the answer to a create was lost (B1); a protected one of a lost
 *   session stays beside the new one until the server ends that session. It has the data that was set last, unless
 *   others write to it.
 * - **Failures**: lost connections and sessions are waited out, `isPresent` tells. `close` takes the znode away,
 *   in the background if the session was lost and comes back (B8).
 * - **Upstream**: Curator's PersistentNode in its ephemeral modes, with and without protection.
 */
export class PersistentNode implements AsyncDisposable {
  readonly #zk: ZooKeeper
  readonly #base: string
  readonly #options: PersistentNodeOptions
  readonly #life: Cancellation
  readonly #upkeep: Promise<void>
  readonly #waiters = new Set<() => void>()
  /** What it is to have. */
  #data: Data
  /** What it has had, or was opened with. */
  #good: Data
  /** What cannot be sent, e.g. since it is too long: the znode does not die of it. */
  #refused: { readonly data: Data; readonly error: Error } | null = null
  #presence: Presence | null = null
  /** The last znode that may be there: its session may have been lost and may come back. */
  #last: { readonly path: string; readonly sessionId: bigint } | null = null
  #failure: Error | null = null
  #closed: Promise<void> | null = null

  /**
   * Resolves once the znode is there for the first time.
   * @throws ZkError when it cannot be created, or not in time; nothing is left behind then
   */
  static async open(
    zk: ZooKeeper,
    path: string,
    data: Data = '',
    options: PersistentNodeOptions = {},
  ): Promise<PersistentNode> {
    return await cancellable(zk, 'persistentNode', path, options, async (cancellation) => {
      const node = new PersistentNode(zk, path, data, options)
      try {
        await node.#untilPresent(cancellation)
      } catch (error) {
        void node.close()
        throw error
      }
      return node
    })
  }

  private constructor(zk: ZooKeeper, path: string, data: Data, options: PersistentNodeOptions) {
    this.#zk = zk
    this.#base = path
    this.#data = data
    this.#good = data
    const isProtected = options.isProtected === true || options.mode === 'ephemeral-sequential'
    this.#options = { ...options, isProtected }
    this.#life = new Cancellation(zk, 'persistentNode', path)
    this.#upkeep = this.#keep()
  }

  /** Of the znode while it is there, else null. Another one after each creation in the protected mode. */
  get path(): string | null {
    return this.isPresent ? this.#presence!.path : null
  }

  /** It was there when we last heard of it, and its session is alive. */
  get isPresent(): boolean {
    return this.#presence !== null && !this.#presence.session.isOver
  }

  /** Resolves with the path as soon as the znode is there. */
  async present(options: WaitOptions = {}): Promise<string> {
    return await cancellable(this.#zk, 'present', this.#base, options, async (cancellation) => {
      return (await this.#untilPresent(cancellation)).path
    })
  }

  /**
   * Resolves once the znode is there with this data. Later creations have it, too, also after this has rejected, unless
   * with `INVALID_ARGUMENT`: then it keeps the data it had.
   */
  async setData(data: Data, options: WaitOptions = {}): Promise<void> {
    this.#data = data
    await cancellable(this.#zk, 'setData', this.#base, options, async (cancellation) => {
      for (;;) {
        const presence = await this.#untilPresent(cancellation)
        if (this.#refused?.data === data) throw this.#refused.error
        try {
          await this.#write(presence, cancellation)
          return
        } catch (error) {
          this.#refuse(error)
          if (!isPassing(error) && !(error instanceof NoNodeError)) throw error
        }
        await cancellation.pause()
      }
    })
  }

  /** Takes the znode away. Resolves when it is gone, or its session over. Never rejects. */
  async close(): Promise<void> {
    this.#closed ??= this.#end()
    await this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #end(): Promise<void> {
    const message = `persistentNode ${this.#base}: it is closed`
    this.#life.cancel(this.#failure ?? new ClosedError('CLOSED', message))
    await this.#upkeep
    this.#life.end()
    this.#tell()
    const last = this.#last
    if (last === null || this.#zk.state === 'closed') return
    const removed = Janitor.of(this.#zk).removeOwned(last.path, last.sessionId)
    const { session } = this.#zk
    const isLost = session === null || session.id !== last.sessionId
    const settled = removed.catch(() => {})
    if (isLost) return
    let ignore = (): void => {}
    const over = new Promise<void>((resolve) => {
      ignore = onAbort(session.signal, resolve)
    })
    await Promise.race([settled, over])
    ignore()
  }

  /* ---------------------------------------------------------------- keeping it there */

  async #keep(): Promise<void> {
    while (this.#life.error === null) {
      try {
        const session = await liveSession(this.#zk, this.#life)
        const path = await this.#appear(session)
        this.#presence = { path, session }
        this.#tell()
        await this.#untilGone({ path, session }, session.id)
        this.#presence = null
      } catch (error) {
        this.#presence = null
        if (this.#life.error !== null) return
        if (isPassing(error) || this.#refuse(error)) await this.#life.pause().catch(() => {})
        else this.#fail(error as Error)
      }
    }
  }

  /** True when it is the fault of the data that were set last: then it goes on with those before. */
  #refuse(error: unknown): boolean {
    if (!(error instanceof InvalidArgumentError) || this.#data === this.#good) return false
    this.#refused = { data: this.#data, error }
    this.#data = this.#good
    return true
  }

  /** What no time heals: nobody waits for the znode any more. */
  #fail(error: Error): void {
    this.#failure = error
    if (!(error instanceof ClosedError)) {
      const fields = { path: this.#base, error: String(error) }
      this.#zk.environment.logger.error('a persistent node is given up', fields)
    }
    this.#life.cancel(error)
    this.#tell()
  }

  #tell(): void {
    for (const waiter of [...this.#waiters]) waiter()
  }

  async #untilPresent(cancellation: Cancellation): Promise<Presence> {
    for (;;) {
      cancellation.check()
      this.#life.check()
      const presence = this.#presence
      if (presence !== null && !presence.session.isOver) return presence
      let waiter = (): void => {}
      const told = new Promise<void>((resolve) => {
        waiter = resolve
      })
      this.#waiters.add(waiter)
      try {
        await cancellation.wait(told)
      } finally {
        this.#waiters.delete(waiter)
      }
    }
  }

  /** Resolves with its path once it is there and belongs to `session`. */
  async #appear(session: Session): Promise<string> {
    const last = this.#last
    if (last !== null && last.sessionId === session.id) {
      if (await this.#isKept({ path: last.path, session })) return last.path
    }
    if (this.#options.isProtected === true) return await this.#createProtected(session)
    return await this.#createPlain(session)
  }

  async #createProtected(session: Session): Promise<string> {
    const { mode = 'ephemeral', acl, parentMode = 'container' } = this.#options
    const name = `_c_${uuid(this.#zk.environment.random)}-${nameOf(this.#base)}`
    const data = this.#data
    const znode = { parent: parentOf(this.#base), parentMode, name, mode, data, acl }
    const path = await createProtected(this.#zk, znode, session, this.#life)
    this.#good = data
    this.#last = { path, sessionId: session.id }
    return path
  }

  async #createPlain(session: Session): Promise<string> {
    const path = this.#base
    const { signal } = this.#life
    const { acl, parentMode = 'container' } = this.#options
    const create = { mode: 'ephemeral', session, signal, ...(acl && { acl }) } as const
    for (;;) {
      this.#life.check()
      this.#last = { path, sessionId: session.id }
      const data = this.#data
      try {
        await this.#zk.create(path, data, create)
        this.#good = data
        if (this.#data === data) return path
      } catch (error) {
        if (error instanceof NoNodeError) {
          const parent = { ...create, mode: parentMode }
          await this.#zk.ensurePath(parentOf(path), parent).catch(passOver(NoNodeError))
        } else if (!(error instanceof NodeExistsError) && !mayBeApplied(error)) throw error
      }
      // Ours, if the answer to a create was lost; else it has to go first.
      const presence = { path, session }
      if (await this.#isKept(presence)) return path
      const { logger } = this.#zk.environment
      logger.info('a persistent node waits until a znode of another session is gone', { path })
      await this.#untilGone(presence)
    }
  }

  /** Whether it is there, of our session; it has the data that is wanted then. */
  async #isKept(presence: Presence): Promise<boolean> {
    try {
      await persist(this.#life, () => this.#write(presence, this.#life), 'idempotent')
      return true
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
      return false
    }
  }

  /**
   * Writes the data that is wanted now, if the znode has other data.
   * @throws NoNodeError it is not there, or not ours
   */
  async #write({ path, session }: Presence, { signal }: Cancellation): Promise<void> {
    const options = { session, signal }
    const { data, stat } = await this.#zk.getData(path, options)
    if (stat.ephemeralOwner !== session.id) {
      throw new NoNodeError('NO_NODE', `setData ${path}: it belongs to another session`, { path })
    }
    const wanted = this.#data
    if (isEqual(data, typeof wanted === 'string' ? new TextEncoder().encode(wanted) : wanted)) {
      return
    }
    await this.#zk.setData(path, wanted, -1, options)
    this.#good = wanted
  }

  /**
   * Until the znode is gone: of that owner, if one is given. Between an event and the next look it may be deleted, and
   * somebody else who waited for the path may be quicker. Rejects when the session is over.
   */
  async #untilGone({ path, session }: Presence, owner?: bigint): Promise<void> {
    const { signal } = this.#life
    for (;;) {
      try {
        const { stat, watch } = await persist(this.#life, () =>
          this.#zk.getData(path, { watch: true, session, signal }),
        )
        try {
          if (owner !== undefined && stat.ephemeralOwner !== owner) return
          const { type } = await this.#life.wait(watch.fired)
          if (type === 'deleted') return
        } finally {
          void watch.close()
        }
      } catch (error) {
        if (error instanceof NoNodeError) return
        throw error
      }
    }
  }
}

function passOver(kind: new (...args: never[]) => Error): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof kind)) throw error
  }
}

/** Lost connections and sessions, overloaded servers. */
function isPassing(error: unknown): boolean {
  if (error instanceof SessionLostError) return true
  return error instanceof ZkError && (error.retryable || mayBeApplied(error))
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
