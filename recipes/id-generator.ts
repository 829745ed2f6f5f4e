import {
  type Acl,
  InvalidArgumentError,
  NodeExistsError,
  NoNodeError,
  parentOf,
  type Stat,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  boundedWrite,
  type Cancellation,
  cancellable,
  persist,
  RecipeError,
  type WaitOptions,
} from './base/index.ts'

export interface IdGeneratorOptions {
  /** How many ids one request fetches; 1000 unless given. Everybody who uses the path must say the same. */
  readonly blockSize?: number
  /** Of the znode, if this client creates it. */
  readonly acl?: readonly Acl[]
}

const BLOCK_SIZE = 1000

/** A block on its way. */
interface BlockClaim {
  readonly over: Promise<void>
  readonly controller: AbortController
  waiting: number
}

/**
 * Numbers that nobody else gets.
 *
 * - **Znodes**: `P`, persistent, created when it is missing; its data are the block size, as digits. Writing it once more
 *   claims a block: the version that the write gives it is the number of the block, from 1.
 * - **Guarantees**: no id is given twice, by whichever client, as long as `P` is not deleted. Ids of one object rise. An
 *   id from a block that was claimed later is greater than all of a block that was claimed before; between two clients
 *   that says nothing about the order of two calls. There are gaps: what is left of a block when its client ends, and
 *   whole blocks when an answer is lost. The first id is 0. There are 2^31 - 1 blocks, then `SEQUENCE_OVERFLOW`.
 * - **Failures**: lost connections are waited out, for 30 seconds unless the caller says otherwise. A client that finds
 *   its `P` deleted and created anew, or with another block size, refuses: `MISMATCH`.
 * - **Upstream**: none. Where others create sequential znodes, this leaves none behind.
 */
export class IdGenerator {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #blockSize: number
  readonly #acl: readonly Acl[] | undefined
  #next = 0n
  #end = 0n
  /** Of the znode that the ids come from. */
  #czxid: bigint | null = null
  #claim: BlockClaim | null = null

  /** Does nothing yet. @throws InvalidArgumentError */
  constructor(zk: ZooKeeper, path: string, options: IdGeneratorOptions = {}) {
    const { blockSize = BLOCK_SIZE, acl } = options
    if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
      const message = `blockSize is ${blockSize}, not a whole number from 1`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path })
    }
    this.path = path
    this.#zk = zk
    this.#blockSize = blockSize
    this.#acl = acl
  }

  /** @throws RecipeError `MISMATCH`, `SEQUENCE_OVERFLOW` */
  async next(options: WaitOptions = {}): Promise<bigint> {
    return await boundedWrite(this.#zk, 'next', this.path, options, async (cancellation) => {
      while (this.#next >= this.#end) await this.#wait(cancellation)
      const id = this.#next
      this.#next += 1n
      return id
    })
  }

  /** One claim for everybody who waits; it ends with the last who gives up. */
  async #wait(cancellation: Cancellation): Promise<void> {
    this.#claim ??= this.#begin()
    const claim = this.#claim
    claim.waiting += 1
    try {
      await cancellation.wait(claim.over)
    } finally {
      claim.waiting -= 1
      if (claim.waiting === 0) {
        claim.controller.abort()
        if (this.#claim === claim) this.#claim = null
      }
    }
  }

  #begin(): BlockClaim {
    const controller = new AbortController()
    const { signal } = controller
    const over = cancellable(this.#zk, 'claim', this.path, { signal }, (cancellation) =>
      this.#claimBlock(cancellation),
    )
    // Nobody may be waiting any more.
    over.catch(() => {})
    return { over, controller, waiting: 0 }
  }

  async #claimBlock(cancellation: Cancellation): Promise<void> {
    if (this.#czxid === null) this.#czxid = await this.#open(cancellation)
    const { signal } = cancellation
    const stat = await persist(
      cancellation,
      () => this.#zk.setData(this.path, `${this.#blockSize}`, -1, { signal }),
      // A block that was claimed without our knowing is a gap.
      'idempotent',
    ).catch((error: unknown) => {
      throw error instanceof NoNodeError ? this.#replaced(error) : error
    })
    this.#check(stat)
    const size = BigInt(this.#blockSize)
    this.#next = BigInt(stat.version - 1) * size
    this.#end = this.#next + size
  }

  #check({ czxid, version }: Stat): void {
    if (czxid !== this.#czxid) throw this.#replaced()
    if (version > 0) return
    const message = 'its versions have passed 2^31: no block is left'
    throw new RecipeError('SEQUENCE_OVERFLOW', this.path, message)
  }

  #replaced(cause?: unknown): RecipeError {
    const message = 'the znode was deleted, so ids might be given twice'
    return new RecipeError('MISMATCH', this.path, message, cause)
  }

  /** Resolves with the czxid. */
  async #open(cancellation: Cancellation): Promise<bigint> {
    const { signal } = cancellation
    for (;;) {
      try {
        const { data, stat } = await persist(cancellation, () =>
          this.#zk.getData(this.path, { signal }),
        )
        const found = new TextDecoder().decode(data)
        if (found === `${this.#blockSize}`) return stat.czxid
        const message = `its block size is ${JSON.stringify(found)}, not ${this.#blockSize}`
        throw new RecipeError('MISMATCH', this.path, message)
      } catch (error) {
        if (!(error instanceof NoNodeError)) throw error
      }
      await this.#create(cancellation)
    }
  }

  async #create(cancellation: Cancellation): Promise<void> {
    const options = {
      signal: cancellation.signal,
      ...(this.#acl === undefined ? {} : { acl: this.#acl }),
    }
    const parent = parentOf(this.path)
    await persist(cancellation, () => this.#zk.ensurePath(parent, options), 'idempotent')
    await persist(
      cancellation,
      async () => {
        try {
          await this.#zk.create(this.path, `${this.#blockSize}`, options)
        } catch (error) {
          if (!(error instanceof NodeExistsError || error instanceof NoNodeError)) throw error
        }
      },
      'idempotent',
    )
  }
}
