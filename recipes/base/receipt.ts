import {
  BadVersionError,
  type CallOptions,
  NodeExistsError,
  NoNodeError,
  parentOf,
  type Session,
  SessionLostError,
  type Stat,
  type Transaction,
  TransactionError,
  ZkError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import type { Cancellation } from './cancellation.ts'
import { mayBeApplied, persist, sessionOfId } from './perseverance.ts'

/** Adds the operations of a write. Called again for every try. */
export type AddOperations<R extends readonly unknown[]> = (
  transaction: Transaction<readonly [], CallOptions>,
) => Transaction<R, CallOptions>

/** A write that was applied. */
export interface Written<R> {
  /** Of its transaction. */
  readonly zxid: bigint
  /** That it was sent in: owner of the ephemeral znodes that it has created. */
  readonly sessionId: bigint
  /** One per operation; null when the answer was lost, and the receipt told that it was applied. */
  readonly results: R | null
}

/** The version of a receipt that was not created yet. */
const NOTHING = -1

/**
 * One ephemeral znode for one write at a time. The write's transaction puts the number of the write into it, under its
 * version. When the answer is lost, `void` is put into it under the same version: if that succeeds, the transaction can
 * never be applied any more; if it is refused, one of the two was applied before, and the data tell which.
 */
export class Receipt {
  readonly path: string
  readonly sessionId: bigint
  /** It is not known whether the last write was applied. */
  isDoubtful = false
  readonly #zk: ZooKeeper
  #version = NOTHING
  #writes = 0

  constructor(zk: ZooKeeper, path: string, sessionId: bigint) {
    this.#zk = zk
    this.path = path
    this.sessionId = sessionId
  }

  /** There is no znode, and none is on its way. */
  get isNothing(): boolean {
    return this.#version === NOTHING && !this.isDoubtful
  }

  /**
   * Null: it was not applied and never will be, but may be tried again. Rejects with `isDoubtful` when its outcome is
   * unknown.
   */
  async write<R extends readonly unknown[]>(
    add: AddOperations<R>,
    session: Session,
    cancellation: Cancellation,
  ): Promise<Written<R> | null> {
    this.#writes += 1
    const transaction = add(this.#zk.transaction())
    const operations = transaction.length
    try {
      const options = { session, signal: cancellation.signal }
      const results = await this.#addTo(transaction).commit(options)
      const { mzxid, version } = results.at(-1) as Stat
      this.#version = version
      return {
        zxid: mzxid,
        sessionId: this.sessionId,
        results: results.slice(0, operations) as unknown as R,
      }
    } catch (error) {
      if (mayBeApplied(error)) return await this.#settle(error, cancellation)
      if (error instanceof TransactionError && error.index >= operations) {
        return await this.#repair(error, session, cancellation)
      }
      if (error instanceof ZkError && error.retryable && !(error instanceof SessionLostError)) {
        return null
      }
      throw error
    }
  }

  /** Its operations come last: a write that is refused is so for its own reason. */
  #addTo(
    transaction: Transaction<readonly unknown[], CallOptions>,
  ): Transaction<readonly unknown[], CallOptions> {
    if (this.#version === NOTHING) {
      // Servers before 3.7.2 and 3.8.2 tell no Stat of a create; that of the setData has the zxid.
      transaction.create(this.path, '', { mode: 'ephemeral' })
      return transaction.setData(this.path, this.#number, 0)
    }
    return transaction.setData(this.path, this.#number, this.#version)
  }

  get #number(): string {
    return `${this.#writes}`
  }

  get #void(): string {
    return `void ${this.#writes}`
  }

  /** The receipt itself was refused, so nothing was applied. */
  async #repair(
    error: TransactionError,
    session: Session,
    cancellation: Cancellation,
  ): Promise<null> {
    if (!(error.cause instanceof NoNodeError)) throw error
    if (this.#version === NOTHING) {
      const options = { session, signal: cancellation.signal }
      await persist(
        cancellation,
        () => this.#zk.ensurePath(parentOf(this.path), options),
        'idempotent',
      )
    }
    // Else somebody took it away.
    this.#version = NOTHING
    return null
  }

  /** Finds out whether the write was applied. */
  async #settle<R>(cause: ZkError, cancellation: Cancellation): Promise<Written<R> | null> {
    this.isDoubtful = true
    for (;;) {
      cancellation.check()
      const session = await sessionOfId(this.#zk, this.sessionId, cancellation)
      if (session === null) {
        const message = `${cause.message}, and the session has ended`
        throw new SessionLostError('SESSION_LOST', message, { outcome: 'unknown', cause })
      }
      try {
        return await this.#voidOrFind({ session, signal: cancellation.signal })
      } catch (error) {
        if (!isPassing(error)) throw cause
      }
      await cancellation.pause()
    }
  }

  async #voidOrFind<R>(options: CallOptions): Promise<Written<R> | null> {
    const zk = this.#zk
    try {
      if (this.#version === NOTHING) {
        await zk.create(this.path, this.#void, { mode: 'ephemeral', ...options })
        this.#version = 0
      } else {
        this.#version = (await zk.setData(this.path, this.#void, this.#version, options)).version
      }
      this.isDoubtful = false
      return null
    } catch (error) {
      if (error instanceof NoNodeError && this.#version === NOTHING) {
        // Nothing is here as yet. The void has to be, in case the transaction comes late.
        await zk.ensurePath(parentOf(this.path), options)
        return await this.#voidOrFind(options)
      }
      if (!(error instanceof NodeExistsError || error instanceof BadVersionError)) throw error
    }
    const { data, stat } = await zk.getData(this.path, options)
    const text = new TextDecoder().decode(data)
    if (text !== this.#void && text !== this.#number) {
      throw new ZkError('PROTOCOL', `${this.path}: somebody else has written into a receipt`)
    }
    this.#version = stat.version
    this.isDoubtful = false
    const { sessionId } = this
    return text === this.#number ? { zxid: stat.mzxid, sessionId, results: null } : null
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof ZkError)) return false
  return error.retryable || error.outcome === 'unknown' || error instanceof SessionLostError
}
