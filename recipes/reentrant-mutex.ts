import type { ZooKeeper } from '../src/client/index.ts'
import { cancellable, type Grant, PartGrant, type WaitOptions } from './base/index.ts'
import { Mutex, type MutexOptions } from './mutex.ts'

/**
 * Who holds a reentrant lock. Node has no threads of control whose identity a lock could go by, and an asynchronous
 * context may fork: whoever is to enter again is handed this (B22).
 */
export class LockOwner {
  /** For messages and logs. */
  readonly name: string

  constructor(name: string = '') {
    this.name = name
  }
}

/**
 * A mutex that its owner may enter again while it holds it.
 *
 * - **Znodes**: those of {@link Mutex}, one for an owner however often it has entered.
 * - **Guarantees**: those of the mutex, between owners. An owner has given it up when it has released as often as it was
 *   granted; the parts have one fencing token, and each its own signal.
 * - **Failures**: those of the mutex. When it is lost, an owner that has not released all of its parts yet cannot
 *   enter again: what it did under the lock would not hang together.
 * - **Upstream**: Curator's InterProcessMutex, which goes by the thread. kazoo's Lock is not reentrant.
 */
export class ReentrantMutex {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #mutex: Mutex
  readonly #holds = new Map<LockOwner, Entered>()
  /** First acquisitions under way. */
  readonly #pending = new Map<LockOwner, Promise<unknown>>()

  constructor(zk: ZooKeeper, path: string, options: MutexOptions = {}) {
    this.path = path
    this.#zk = zk
    this.#mutex = new Mutex(zk, path, options)
  }

  /**
   * Resolves when `owner` holds the lock, at once when it does already.
   * Rejects with the reason of the loss when the owner has lost it and not released all of it.
   */
  async acquire(owner: LockOwner, options: WaitOptions = {}): Promise<Grant> {
    return await cancellable(this.#zk, 'acquire', this.path, options, async (cancellation) => {
      for (;;) {
        const entered = this.#holds.get(owner)
        if (entered !== undefined) return entered.enter()
        const pending = this.#pending.get(owner)
        if (pending === undefined) break
        await cancellation.wait(pending.catch(() => {}))
      }
      return await this.#first(owner, cancellation.signal)
    })
  }

  /** How often the owner has entered. */
  depth(owner: LockOwner): number {
    return this.#holds.get(owner)?.parts ?? 0
  }

  async #first(owner: LockOwner, signal: AbortSignal): Promise<Grant> {
    const acquiring = this.#mutex.acquire({ signal })
    this.#pending.set(owner, acquiring)
    try {
      const grant = await acquiring
      try {
        const entered = new Entered(grant, () => this.#holds.delete(owner))
        const part = entered.enter()
        // Only now: what nobody has entered nobody would ever release, and the owner could never enter again.
        this.#holds.set(owner, entered)
        return part
      } catch (error) {
        grant.release().catch(() => {})
        throw error
      }
    } finally {
      this.#pending.delete(owner)
    }
  }
}

/** What an owner holds. */
class Entered {
  parts = 0
  readonly #grant: Grant
  readonly #onOver: () => void

  constructor(grant: Grant, onOver: () => void) {
    this.#grant = grant
    this.#onOver = onOver
  }

  enter(): Grant {
    this.#grant.signal.throwIfAborted()
    this.parts += 1
    return new PartGrant(this.#grant, async () => {
      this.parts -= 1
      if (this.parts > 0) return
      this.#onOver()
      await this.#grant.release()
    })
  }
}
