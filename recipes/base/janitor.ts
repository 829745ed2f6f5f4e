import {
  ClosedError,
  join,
  NoNodeError,
  SessionLostError,
  ZkError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { Cancellation } from './cancellation.ts'
import { sessionOfId } from './perseverance.ts'

const janitors = new WeakMap<ZooKeeper, Janitor>()

/**
 * Removes ephemeral znodes that nobody needs any more, however long it takes: until the server says that they are
 * gone, or that their session is. It goes by the id of the session: one that the client thought lost may be taken up
 * again, and then its znodes are still there, in everybody's way.
 */
export class Janitor {
  readonly #zk: ZooKeeper
  readonly #tasks = new Set<Promise<void>>()

  private constructor(zk: ZooKeeper) {
    this.#zk = zk
  }

  /** The one of a client. */
  static of(zk: ZooKeeper): Janitor {
    let janitor = janitors.get(zk)
    if (janitor === undefined) {
      janitor = new Janitor(zk)
      janitors.set(zk, janitor)
    }
    return janitor
  }

  /** What it has not got rid of yet. */
  get pending(): number {
    return this.#tasks.size
  }

  /** Resolves once the znode is gone. Rejects when the server does not allow it to be deleted. */
  remove(path: string, sessionId: bigint): Promise<void> {
    return this.#track(this.#persist(path, sessionId, (options) => this.#delete(path, options)))
  }

  /**
   * The same for a create whose outcome is unknown: whatever below `parent` begins with `name` goes. `name` must be
   * one that no other create has.
   */
  removeCreated(parent: string, name: string, sessionId: bigint): Promise<void> {
    const removal = this.#persist(join(parent, name), sessionId, async (options) => {
      // The create may have gone to a server that another one has to catch up with.
      await this.#zk.sync(parent, options)
      const { children } = await this.#zk.getChildren(parent, options)
      for (const child of children) {
        if (child.startsWith(name)) await this.#delete(join(parent, child), options)
      }
    })
    return this.#track(removal)
  }

  /** The same for a znode whose name others use, too: it goes if it belongs to that session. */
  removeOwned(path: string, sessionId: bigint): Promise<void> {
    const removal = this.#persist(path, sessionId, async (options) => {
      // It may have been created at a server that another one has to catch up with.
      await this.#zk.sync(path, options)
      const stat = await this.#zk.exists(path, options)
      if (stat?.ephemeralOwner === sessionId) await this.#delete(path, options)
    })
    return this.#track(removal)
  }

  async #delete(path: string, options: CallOptions): Promise<void> {
    try {
      await this.#zk.delete(path, -1, options)
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
    }
  }

  async #persist(
    path: string,
    sessionId: bigint,
    attempt: (options: CallOptions) => Promise<void>,
  ): Promise<void> {
    const cancellation = new Cancellation(this.#zk, 'remove', path)
    try {
      for (;;) {
        const session = await sessionOfId(this.#zk, sessionId, cancellation)
        if (session === null) return
        try {
          return await attempt({ session })
        } catch (error) {
          if (error instanceof NoNodeError || error instanceof ClosedError) return
          if (!isPassing(error)) throw error
        }
        await cancellation.pause()
      }
    } finally {
      cancellation.end()
    }
  }

  #track(task: Promise<void>): Promise<void> {
    this.#tasks.add(task)
    const done = (): void => {
      this.#tasks.delete(task)
    }
    task.then(done, (error: unknown) => {
      done()
      const { logger } = this.#zk.environment
      logger.error('a znode of a recipe cannot be removed', { error: String(error) })
    })
    return task
  }
}

type CallOptions = Parameters<ZooKeeper['sync']>[1] & object

function isPassing(error: unknown): boolean {
  if (error instanceof SessionLostError) return true
  return error instanceof ZkError && (error.retryable || error.outcome === 'unknown')
}
