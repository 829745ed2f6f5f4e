import {
  type Acl,
  BadVersionError,
  NodeExistsError,
  NoNodeError,
  parentOf,
  TransactionError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { type Cancellation, type Evidence, persist, Receipts, RecipeError } from '../base/index.ts'
import type { Codec } from './codecs.ts'

/** The version of a znode that is missing. */
const MISSING = -1
/** How often somebody else may be faster before pauses begin. */
const EAGER_TRIES = 2

/** A value as it was read or written. */
export interface Versioned<T> {
  readonly value: T
  /** Of the znode; -1 when it is missing, and `value` is the initial one. */
  readonly version: number
  /** Of the transaction that wrote the value; 0n when the znode is missing. */
  readonly zxid: bigint
}

/** What a change made of a value. */
export interface Change<T> {
  readonly before: Versioned<T>
  readonly after: Versioned<T>
}

export interface ValueOptions<T> {
  /** What the value is as long as the znode is missing or empty. */
  readonly initial: T
  /** Of the znode, if this client creates it. */
  readonly acl?: readonly Acl[]
}

/** A znode with a value that is changed by version, each change once. */
export class ValueZnode<T> {
  readonly zk: ZooKeeper
  readonly path: string
  readonly #codec: Codec<T>
  readonly #options: ValueOptions<T>
  readonly #receipts: Receipts

  constructor(zk: ZooKeeper, path: string, codec: Codec<T>, options: ValueOptions<T>) {
    this.zk = zk
    this.path = path
    this.#codec = codec
    this.#options = options
    this.#receipts = new Receipts(zk, path)
  }

  /** @throws RecipeError `CORRUPT_DATA` */
  async read(isFresh: boolean, cancellation: Cancellation): Promise<Versioned<T>> {
    const { zk, path } = this
    const { signal } = cancellation
    if (isFresh) await persist(cancellation, () => zk.sync(path, { signal }))
    try {
      const { data, stat } = await persist(cancellation, () => zk.getData(path, { signal }))
      return { value: this.#decode(data), version: stat.version, zxid: stat.mzxid }
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
      return { value: this.#options.initial, version: MISSING, zxid: 0n }
    }
  }

  /** Reads, computes and writes until nobody was faster. @throws RecipeError `OUT_OF_RANGE` */
  async change(
    compute: (value: T) => T | Promise<T>,
    cancellation: Cancellation,
  ): Promise<Change<T>> {
    for (let tries = 0; ; tries++) {
      const before = await this.read(false, cancellation)
      const value = await cancellation.wait(Promise.resolve(compute(before.value)))
      const after = await this.swap(before.version, value, cancellation)
      if (after !== null) return { before, after }
      if (tries >= EAGER_TRIES) await cancellation.pause()
    }
  }

  /** Null: the znode has another version. @throws RecipeError `OUT_OF_RANGE` */
  async swap(version: number, value: T, cancellation: Cancellation): Promise<Versioned<T> | null> {
    const data = this.#encode(value)
    const { acl } = this.#options
    for (;;) {
      try {
        const { zxid } = await this.#receipts.write<readonly unknown[]>(
          (transaction) =>
            version === MISSING
              ? transaction.create(this.path, data, acl === undefined ? {} : { acl })
              : transaction.setData(this.path, data, version),
          cancellation,
          { evidence: this.#evidence(version, data) },
        )
        return { value, version: version + 1, zxid }
      } catch (error) {
        if (!(error instanceof TransactionError)) throw error
        const { cause } = error
        if (cause instanceof BadVersionError || cause instanceof NodeExistsError) return null
        if (!(cause instanceof NoNodeError)) throw cause
        if (version !== MISSING) return null
      }
      await this.#createParent(cancellation)
    }
  }

  /** Each version is written once: while it is the old one, or when it is another's, ours was not applied. */
  #evidence(version: number, data: Uint8Array): Evidence {
    return async (cancellation) => {
      const { zk, path } = this
      const { signal } = cancellation
      await persist(cancellation, () => zk.sync(path, { signal }))
      // When it is missing, it may have been created and deleted since.
      const found = await persist(cancellation, () => zk.getData(path, { signal }))
      if (found.stat.version === version) return false
      const isNext = found.stat.version === version + 1
      return isNext && !equalBytes(found.data, data) ? false : null
    }
  }

  async #createParent(cancellation: Cancellation): Promise<void> {
    const { acl } = this.#options
    const options = { signal: cancellation.signal, ...(acl === undefined ? {} : { acl }) }
    const parent = parentOf(this.path)
    await persist(cancellation, () => this.zk.ensurePath(parent, options), 'idempotent')
  }

  #decode(data: Uint8Array): T {
    if (data.length === 0) return this.#options.initial
    try {
      return this.#codec.decode(data)
    } catch (error) {
      const message = `the data are not ${this.#codec.title}: ${(error as Error).message}`
      throw new RecipeError('CORRUPT_DATA', this.path, message, error)
    }
  }

  #encode(value: T): Uint8Array {
    try {
      const data = this.#codec.encode(value)
      return typeof data === 'string' ? new TextEncoder().encode(data) : data
    } catch (error) {
      throw new RecipeError('OUT_OF_RANGE', this.path, (error as Error).message, error)
    }
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
