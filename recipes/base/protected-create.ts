import {
  type Acl,
  type Data,
  join,
  NodeExistsError,
  NoNodeError,
  ServerError,
  type Session,
  ZkError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import type { Cancellation } from './cancellation.ts'
import { Janitor } from './janitor.ts'
import { mayBeApplied, persist } from './perseverance.ts'

export interface ProtectedZnode {
  /** Created with everything above it when it is missing. */
  readonly parent: string
  /** How `parent` is created; Curator's parents are containers, which go when they are empty. */
  readonly parentMode: 'container' | 'persistent'
  /** Contains an id that no other create has; the server appends a number in the sequential mode. */
  readonly name: string
  readonly mode: 'ephemeral' | 'ephemeral-sequential'
  readonly data: Data
  readonly acl?: readonly Acl[] | undefined
}

/**
 * Creates an ephemeral znode once, whatever happens to the answer: when it is lost, the znode is looked for by its
 * name before another try. When this rejects, nothing is left behind: what may have been created is removed in the
 * background (B1). The znode belongs to `session` and to no other (B2).
 * @returns its path
 */
export async function createProtected(
  zk: ZooKeeper,
  znode: ProtectedZnode,
  session: Session,
  cancellation: Cancellation,
): Promise<string> {
  const { parent, name } = znode
  const attempt = new Attempt(zk, znode, session, cancellation)
  try {
    for (;;) {
      cancellation.check()
      const path = await attempt.create()
      if (path !== null) return path
    }
  } catch (error) {
    if (attempt.isDoubtful) void Janitor.of(zk).removeCreated(parent, name, session.id)
    throw error
  }
}

/** A parent may go again before its child is there: empty containers do. So often it does not. */
const PARENTS_MAX = 10

class Attempt {
  /** A create may have been applied without its path being known. */
  isDoubtful = false
  readonly #zk: ZooKeeper
  readonly #znode: ProtectedZnode
  readonly #options: { readonly session: Session; readonly signal: AbortSignal }
  readonly #cancellation: Cancellation
  #parents = 0

  constructor(zk: ZooKeeper, znode: ProtectedZnode, session: Session, cancellation: Cancellation) {
    this.#zk = zk
    this.#znode = znode
    this.#options = { session, signal: cancellation.signal }
    this.#cancellation = cancellation
  }

  /** Null: once more. */
  async create(): Promise<string | null> {
    const { parent, name, data, mode, acl } = this.#znode
    try {
      const options = { mode, ...(acl === undefined ? {} : { acl }), ...this.#options }
      const created = await this.#zk.create(join(parent, name), data, options)
      return created.path
    } catch (error) {
      if (mayBeApplied(error)) this.isDoubtful = true
      return await this.#afterFailure(error)
    }
  }

  async #afterFailure(error: unknown): Promise<string | null> {
    this.#cancellation.check()
    if (error instanceof NoNodeError) await this.#createParent(error)
    else if (error instanceof NodeExistsError && this.isDoubtful) return await this.#find()
    else if (mayBeApplied(error)) {
      const found = await this.#find()
      // What a server cannot do it will not do a moment later.
      if (found === null && error instanceof ServerError) throw error
      return found
    } else if (error instanceof ZkError && error.retryable) await this.#cancellation.pause()
    else throw error
    return null
  }

  async #find(): Promise<string | null> {
    const { parent, name } = this.#znode
    const found = await persist(this.#cancellation, async () => {
      // The create may have gone to a server that this one has to catch up with.
      await this.#zk.sync(parent, this.#options)
      try {
        const { children } = await this.#zk.getChildren(parent, this.#options)
        return children.find((child) => child.startsWith(name))
      } catch (error) {
        if (error instanceof NoNodeError) return undefined
        throw error
      }
    })
    return found === undefined ? null : join(parent, found)
  }

  /** @throws the error when that does not help, again and again */
  async #createParent(error: NoNodeError): Promise<void> {
    this.#parents += 1
    if (this.#parents > PARENTS_MAX) throw error
    if (this.#parents > 1) await this.#cancellation.pause()
    const { parent, parentMode, acl } = this.#znode
    const options = { mode: parentMode, ...(acl === undefined ? {} : { acl }), ...this.#options }
    await persist(
      this.#cancellation,
      async () => {
        try {
          await this.#zk.ensurePath(parent, options)
        } catch (error) {
          // A container above went while this was under way; the next create finds out.
          if (!(error instanceof NoNodeError)) throw error
        }
      },
      'idempotent',
    )
  }
}
