import { InvalidArgumentError, type ZooKeeper } from '../src/client/index.ts'
import { boundedWrite, type WaitOptions } from './base/index.ts'
import {
  type Change,
  type Codec,
  type ValueOptions,
  ValueZnode,
  type Versioned,
} from './values/index.ts'

export interface ReadOptions extends WaitOptions {
  /** The server first catches up with everything that was written before the call, by whomever. */
  readonly isFresh?: boolean
}

/**
 * A value in one znode that several clients read and change.
 *
 * - **Znodes**: `P`, persistent, with the encoded value and nothing else. It is created with the first write. While
 *   somebody writes: receipts, `P-receipt-HEX`, ephemeral, gone 2 seconds later.
 * - **Guarantees**: a change has its effect once, whatever happens to its answer, and on the value it was computed from:
 *   none is lost. `get` may be a little older than what others have just written, unless it is `isFresh`. A znode that
 *   is deleted and created anew counts its versions from 0 again, and ZooKeeper compares nothing else: do not delete it
 *   while it is in use.
 * - **Failures**: lost connections are waited out, for 30 seconds unless the caller says otherwise. When a write's
 *   answer is lost and the session ends as well, it is looked whether the value shows what happened; when it does not,
 *   the error has the outcome `unknown`.
 * - **Upstream**: Curator's SharedValue and DistributedAtomicValue.
 */
export class SharedValue<T> {
  readonly path: string
  readonly #znode: ValueZnode<T>

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, codec: Codec<T>, options: ValueOptions<T>) {
    this.path = path
    this.#znode = new ValueZnode(zk, path, codec, options)
  }

  /** @throws RecipeError `CORRUPT_DATA` */
  async get(options: ReadOptions = {}): Promise<Versioned<T>> {
    return await boundedWrite(this.#znode.zk, 'get', this.path, options, (cancellation) =>
      this.#znode.read(options.isFresh === true, cancellation),
    )
  }

  /**
   * Writes `value` unless somebody has written since `expected` was read; then it resolves with null.
   * @throws RecipeError `OUT_OF_RANGE`
   */
  async compareAndSet(
    expected: Pick<Versioned<T>, 'version'>,
    value: T,
    options: WaitOptions = {},
  ): Promise<Versioned<T> | null> {
    const { zk } = this.#znode
    const { version } = expected
    if (!Number.isInteger(version) || version !== (version | 0)) {
      const message = `compareAndSet ${this.path}: version ${String(version)} is no 32-bit integer`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message)
    }
    return await boundedWrite(zk, 'compareAndSet', this.path, options, (cancellation) =>
      this.#znode.swap(version, value, cancellation),
    )
  }

  /** Whatever the value is. @throws RecipeError `OUT_OF_RANGE` */
  async set(value: T, options: WaitOptions = {}): Promise<Versioned<T>> {
    return await boundedWrite(
      this.#znode.zk,
      'set',
      this.path,
      options,
      async (cancellation) => (await this.#znode.change(() => value, cancellation)).after,
    )
  }

  /**
   * Changes the value to what `compute` makes of it. `compute` may be called several times, and should have no effects.
   * @throws RecipeError `OUT_OF_RANGE`
   */
  async update(
    compute: (value: T) => T | Promise<T>,
    options: WaitOptions = {},
  ): Promise<Change<T>> {
    return await boundedWrite(this.#znode.zk, 'update', this.path, options, (cancellation) =>
      this.#znode.change(compute, cancellation),
    )
  }
}
