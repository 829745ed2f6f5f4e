import {
  ClosedError,
  NoNodeError,
  type Session,
  SessionLostError,
  type Stat,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { onAbort } from './abort-listeners.ts'
import { Cancellation } from './cancellation.ts'
import { RecipeError } from './errors.ts'
import { Janitor } from './janitor.ts'
import { persist } from './perseverance.ts'

export interface OwnZnodeEvents {
  /** Its data were read: once at the beginning and after every change of somebody. */
  onData?(data: Uint8Array, path: string): void
}

/**
 * An ephemeral znode of this client that stands for something: it is watched from now on until it is gone, and what
 * it stands for holds only while it is there and belongs to the session under which it was created (B3, B5).
 */
export class OwnZnode {
  readonly path: string
  readonly session: Session
  /** Resolves with why it is nothing worth any more. Never rejects. */
  readonly lost: Promise<Error>
  readonly #zk: ZooKeeper
  readonly #events: OwnZnodeEvents
  readonly #watching: Cancellation
  readonly #stat: Promise<Stat>
  #resolveLost: (error: Error) => void = () => {}
  #loss: Error | null = null
  #removed: Promise<void> | null = null
  #ignoreSession: () => void = () => {}

  constructor(zk: ZooKeeper, path: string, session: Session, events: OwnZnodeEvents = {}) {
    this.#zk = zk
    this.path = path
    this.session = session
    this.#events = events
    this.#watching = new Cancellation(zk, 'watch', path)
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve
    })
    this.#stat = this.#watch()
    // Who waits for it is told by `verified`; nobody may.
    this.#stat.catch(() => {})
    this.#ignoreSession = onAbort(session.signal, () => this.#lose(session.signal.reason as Error))
  }

  /** Why it is nothing worth any more; null while it is. */
  get loss(): Error | null {
    return this.#loss
  }

  /** Resolves once the server has shown that it is there and ours. Rejects with `loss`. */
  async verified(cancellation: Cancellation): Promise<Stat> {
    const stat = await cancellation.wait(this.#stat)
    this.check()
    return stat
  }

  /** @throws `loss`, also when the session has run out and its timer has not */
  check(): void {
    if (this.#loss === null && this.session.remainingMs > 0) return
    throw (
      this.#loss ?? new SessionLostError('SESSION_LOST', `${this.path}: the session has run out`)
    )
  }

  /**
   * Takes it away; its loss is `reason` then. Resolves once the server says that it is gone, or the session is over:
   * then its removal goes on in the background, in case the session comes back (B8). Rejects when the server does not
   * allow it.
   */
  async remove(reason: Error): Promise<void> {
    this.#lose(reason)
    const removed = this.#remove()
    let ignore = (): void => {}
    const over = new Promise<void>((resolve) => {
      ignore = onAbort(this.session.signal, resolve)
    })
    try {
      await Promise.race([removed, over])
    } finally {
      ignore()
    }
  }

  #remove(): Promise<void> {
    this.#removed ??= Janitor.of(this.#zk).remove(this.path, this.session.id)
    return this.#removed
  }

  #lose(error: Error): void {
    if (this.#loss !== null) return
    this.#loss = error
    this.#ignoreSession()
    this.#watching.cancel(error)
    this.#resolveLost(error)
    if (!this.session.isOver || error instanceof ClosedError) return
    // Nobody may come and release it.
    void this.#remove()
  }

  /** Resolves with the first Stat. */
  async #watch(): Promise<Stat> {
    const { stat, changed } = await this.#read()
    void this.#follow(changed)
    return stat
  }

  async #follow(first: Promise<void>): Promise<void> {
    try {
      for (let changed = first; ; changed = (await this.#read()).changed) {
        await this.#watching.wait(changed)
      }
    } catch (error) {
      this.#lose(error as Error)
    } finally {
      this.#watching.end()
    }
  }

  async #read(): Promise<{ readonly stat: Stat; readonly changed: Promise<void> }> {
    const { session, path } = this
    try {
      const { signal } = this.#watching
      const found = await persist(this.#watching, () =>
        this.#zk.getData(path, { watch: true, session, signal }),
      )
      const { stat, data, watch } = found
      if (stat.ephemeralOwner !== session.id) {
        void watch.close()
        throw new RecipeError('GRANT_LOST', path, 'the znode belongs to another session')
      }
      this.#events.onData?.(data, path)
      return { stat, changed: watch.fired.then(() => {}) }
    } catch (error) {
      const loss =
        error instanceof NoNodeError
          ? new RecipeError('GRANT_LOST', path, 'the znode is gone', error)
          : (error as Error)
      this.#lose(loss)
      throw this.#loss
    }
  }
}
