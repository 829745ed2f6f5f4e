import type { Acl, ZooKeeper } from '../src/client/index.ts'
import { boundedWrite, type Cancellation, type WaitOptions } from './base/index.ts'
import type { ReadOptions } from './shared-value.ts'
import { type Codec, DECIMAL, INT32, INT64, ValueZnode, type Versioned } from './values/index.ts'

/**
 * - `int64`: 8 bytes, big endian, as Curator's DistributedAtomicLong.
 * - `int32`: 4 bytes, big endian, as Curator's SharedCount and DistributedAtomicInteger.
 * - `decimal`: text, as kazoo's Counter.
 */
export type CounterEncoding = 'decimal' | 'int32' | 'int64'

export interface CounterOptions {
  /** `int64` unless given. Everybody who uses the path must use the same. */
  readonly encoding?: CounterEncoding
  /** The value while the znode is missing or empty; 0 unless given. */
  readonly initial?: bigint
  /** Of the znode, if this client creates it. */
  readonly acl?: readonly Acl[]
}

/** What a change made of the counter. */
export interface Counted {
  readonly before: bigint
  readonly after: bigint
  /** Of the transaction: of two changes of a counter the later one has the greater. */
  readonly zxid: bigint
}

const CODECS: ReadonlyMap<CounterEncoding, Codec<bigint>> = new Map([
  ['int64', INT64],
  ['int32', INT32],
  ['decimal', DECIMAL],
])

/**
 * A whole number that several clients count with.
 *
 * - **Znodes**: as `SharedValue`; the value in the encoding that was chosen.
 * - **Guarantees**: as `SharedValue`: every change is counted once, also when its answer is lost. A change that does not
 *   fit is refused, where Curator goes on with the smallest number. Changes of one object are made one after the other,
 *   in the order of the calls.
 * - **Failures**: as `SharedValue`. An error with the outcome `unknown` is the only one after which the change may have
 *   been counted.
 * - **Upstream**: Curator's DistributedAtomicLong, DistributedAtomicInteger and SharedCount; kazoo's Counter with whole
 *   numbers. When an answer is lost, theirs count again; with others on the path the guarantee holds for ours.
 */
export class Counter {
  readonly path: string
  readonly #znode: ValueZnode<bigint>
  /** Settles, always in order, when the last change of this object is over. */
  #last: Promise<unknown> = Promise.resolve()

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, options: CounterOptions = {}) {
    const { encoding = 'int64', initial = 0n, acl } = options
    const codec = CODECS.get(encoding)
    if (codec === undefined) throw new RangeError(`encoding ${String(encoding)} is unknown`)
    this.path = path
    this.#znode = new ValueZnode(zk, path, codec, {
      initial,
      ...(acl === undefined ? {} : { acl }),
    })
  }

  /** @throws RecipeError `CORRUPT_DATA` */
  async get(options: ReadOptions = {}): Promise<Versioned<bigint>> {
    const { zk } = this.#znode
    return await boundedWrite(zk, 'get', this.path, options, (cancellation) =>
      this.#znode.read(options.isFresh === true, cancellation),
    )
  }

  async increment(options: WaitOptions = {}): Promise<Counted> {
    return await this.add(1n, options)
  }

  async decrement(options: WaitOptions = {}): Promise<Counted> {
    return await this.add(-1n, options)
  }

  /** @throws RecipeError `OUT_OF_RANGE`, `CORRUPT_DATA` */
  async add(amount: bigint, options: WaitOptions = {}): Promise<Counted> {
    return await this.#inTurn('add', options, (cancellation) =>
      this.#change((value) => value + amount, cancellation),
    )
  }

  /** Whatever it is. @throws RecipeError `OUT_OF_RANGE` */
  async set(value: bigint, options: WaitOptions = {}): Promise<Counted> {
    return await this.#inTurn('set', options, (cancellation) =>
      this.#change(() => value, cancellation),
    )
  }

  /**
   * Sets it to `value` if it is `expected`, else changes nothing and resolves with null.
   * @throws RecipeError `OUT_OF_RANGE`
   */
  async compareAndSet(
    expected: bigint,
    value: bigint,
    options: WaitOptions = {},
  ): Promise<Counted | null> {
    return await this.#inTurn('compareAndSet', options, async (cancellation) => {
      for (;;) {
        const before = await this.#znode.read(true, cancellation)
        if (before.value !== expected) return null
        const after = await this.#znode.swap(before.version, value, cancellation)
        if (after !== null) return { before: expected, after: value, zxid: after.zxid }
      }
    })
  }

  async #change(compute: (value: bigint) => bigint, cancellation: Cancellation): Promise<Counted> {
    const { before, after } = await this.#znode.change(compute, cancellation)
    return { before: before.value, after: after.value, zxid: after.zxid }
  }

  /** Changes of one object would only be in each other's way. */
  async #inTurn<T>(
    op: string,
    options: WaitOptions,
    change: (cancellation: Cancellation) => Promise<T>,
  ): Promise<T> {
    return await boundedWrite(this.#znode.zk, op, this.path, options, async (cancellation) => {
      const before = this.#last
      const own = cancellation.wait(before).then(() => change(cancellation))
      // Who comes next waits for those before, also when this one gives up.
      this.#last = Promise.allSettled([before, own]).then(() => {})
      return await own
    })
  }
}
