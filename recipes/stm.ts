import {
  BadVersionError,
  type CallOptions,
  type Data,
  InvalidArgumentError,
  NodeExistsError,
  NoNodeError,
  parentOf,
  type Transaction,
  TransactionError,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  boundedWrite,
  type Cancellation,
  persist,
  Receipts,
  RecipeError,
  type WaitOptions,
} from './base/index.ts'

/** What the body of a transaction works with. */
export interface StmTransaction {
  /** Null when the znode is missing. What the body has set before is what it reads. */
  get(path: string): Promise<Uint8Array | null>
  /** Creates the znode when it is missing, but not those above it. */
  set(path: string, data: Data): void
  /** Does nothing when the znode is missing. */
  delete(path: string): void
}

export interface StmOptions extends WaitOptions {
  /** How often the body is run before `CONTENTION`; 30 unless given. */
  readonly attemptsMax?: number
}

export interface StmResult<T> {
  /** What the body returned. */
  readonly value: T
  /** Of the commit; null when nothing was written. */
  readonly zxid: bigint | null
}

const ATTEMPTS_MAX = 30

/**
 * Transactions that read and write several znodes as if they were alone: software transactional memory.
 *
 * - **Znodes**: those that the body names. While there are writes: receipts, `P-receipt-HEX`, ephemeral.
 * - **Guarantees**: everything that was read is unchanged when everything that was set is written, or nothing is
 *   written and the body runs again. A commit has its effect once, whatever happens to its answer. While it runs, the
 *   body may see a mixture of states; what it does with that is never committed, and an error it throws then is not the
 *   caller's. ZooKeeper compares versions only: a znode that was deleted and created anew between the read and the
 *   commit, and has the same version again, is taken for unchanged. That a znode is missing is shown by creating and
 *   deleting it, or the first one above it that is missing, in the commit: watches see that.
 * - **Failures**: as `SharedValue`, but when the session ends with an answer outstanding, the outcome is `unknown`.
 *   The body runs at most `attemptsMax` times, with random pauses.
 * - **Upstream**: etcd's STM. Neither Curator nor kazoo has one.
 */
export class Stm {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #receipts: Receipts

  /** Does nothing yet. @param path beside which the receipts are; no znode is there */
  constructor(zk: ZooKeeper, path: string) {
    this.path = path
    this.#zk = zk
    this.#receipts = new Receipts(zk, path)
  }

  /** `body` may run several times, and should have no other effects. @throws RecipeError `CONTENTION` */
  async run<T>(
    body: (transaction: StmTransaction) => T | Promise<T>,
    options: StmOptions = {},
  ): Promise<StmResult<T>> {
    const { attemptsMax = ATTEMPTS_MAX } = options
    return await boundedWrite(this.#zk, 'run', this.path, options, async (cancellation) => {
      for (let attempts = 1; ; attempts++) {
        const attempt = new Attempt(this.#zk, this.#receipts, cancellation)
        const result = await attempt.run(body)
        if (result !== null) return result
        if (attempts >= attemptsMax) {
          const message = `others changed what was read, ${attempts} times`
          throw new RecipeError('CONTENTION', this.path, message)
        }
        await cancellation.pause()
      }
    })
  }
}

/** What was found at a path. */
type Found =
  | { readonly data: Uint8Array; readonly version: number }
  /** The znode nearest to the root that is missing there. */
  | { readonly data: null; readonly missing: string }

/** An operation of a commit. When the server refuses it for one of these, somebody else has changed what was read. */
interface Operation {
  readonly conflicts: readonly (new (...args: never[]) => Error)[]
  add(transaction: AnyTransaction): AnyTransaction
}
type AnyTransaction = Transaction<readonly unknown[], CallOptions>

const GONE_OR_CHANGED = [NoNodeError, BadVersionError]
const APPEARED = [NodeExistsError]

/** One run of a body. */
class Attempt implements StmTransaction {
  readonly #zk: ZooKeeper
  readonly #receipts: Receipts
  readonly #cancellation: Cancellation
  readonly #reads = new Map<string, Promise<Found>>()
  /** Null: to be deleted. */
  readonly #writes = new Map<string, Uint8Array | null>()
  #isOver = false

  constructor(zk: ZooKeeper, receipts: Receipts, cancellation: Cancellation) {
    this.#zk = zk
    this.#receipts = receipts
    this.#cancellation = cancellation
  }

  /** Null: once more. */
  async run<T>(
    body: (transaction: StmTransaction) => T | Promise<T>,
  ): Promise<StmResult<T> | null> {
    try {
      const value = await this.#cancellation.wait((async () => await body(this))())
      this.#isOver = true
      const committed = await this.#commit()
      return committed === null ? null : { value, zxid: committed.zxid }
    } catch (error) {
      if (this.#isOver || this.#cancellation.error !== null) throw error
      this.#isOver = true
      // The body may have stumbled over a mixture of states.
      if (await this.#isUnchanged()) throw error
      return null
    }
  }

  async get(path: string): Promise<Uint8Array | null> {
    this.#check('get', path)
    const written = this.#writes.get(path)
    return written !== undefined ? written : (await this.#read(path)).data
  }

  set(path: string, data: Data): void {
    this.#check('set', path)
    this.#writes.set(path, typeof data === 'string' ? new TextEncoder().encode(data) : data.slice())
  }

  delete(path: string): void {
    this.#check('delete', path)
    this.#writes.set(path, null)
  }

  #check(op: string, path: string): void {
    this.#cancellation.check()
    if (!this.#isOver) return
    const message = `${op} ${path}: the transaction is over`
    throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op, path })
  }

  /** A path is read once, so that the body sees one value of it. */
  #read(path: string): Promise<Found> {
    let found = this.#reads.get(path)
    if (found === undefined) {
      found = this.#find(path)
      // Nobody may be waiting for it any more when it fails.
      found.catch(() => {})
      this.#reads.set(path, found)
    }
    return found
  }

  async #find(path: string): Promise<Found> {
    const { signal } = this.#cancellation
    try {
      const { data, stat } = await persist(this.#cancellation, () =>
        this.#zk.getData(path, { signal }),
      )
      return { data, version: stat.version }
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
    }
    for (let missing = path; ; missing = parentOf(missing)) {
      const above = parentOf(missing)
      const stat = await persist(this.#cancellation, () => this.#zk.exists(above, { signal }))
      if (stat !== null) return { data: null, missing }
    }
  }

  /** Null: something that was read has changed. */
  async #commit(): Promise<{ readonly zxid: bigint | null } | null> {
    for (const path of this.#writes.keys()) await this.#read(path)
    if (this.#writes.size === 0) {
      const isOneState = this.#reads.size === 1 || (await this.#isUnchanged())
      return isOneState ? { zxid: null } : null
    }
    const operations = [...(await this.#proofs()), ...(await this.#changes())]
    try {
      const add = (transaction: AnyTransaction): AnyTransaction => addAll(operations, transaction)
      return await this.#receipts.write<readonly unknown[]>(add, this.#cancellation)
    } catch (error) {
      return nullOnConflict(operations, error)
    }
  }

  /** That everything was read from one state. */
  async #isUnchanged(): Promise<boolean> {
    if (this.#reads.size === 0) return true
    this.#writes.clear()
    const operations = await this.#proofs()
    const { signal } = this.#cancellation
    const commit = async (): Promise<unknown> =>
      await addAll(operations, this.#zk.transaction()).commit({ signal })
    try {
      // It changes nothing, so it may be applied twice.
      await persist(this.#cancellation, commit, 'idempotent')
      return true
    } catch (error) {
      return nullOnConflict(operations, error) !== null
    }
  }

  /** That what was read, and is not written, is unchanged. */
  async #proofs(): Promise<Operation[]> {
    const proofs: Operation[] = []
    const missing = new Set<string>()
    for (const [path, reading] of this.#reads) {
      const found = await reading
      if (found.data === null) {
        if (!this.#writes.get(path)) missing.add(found.missing)
      } else if (!this.#writes.has(path)) {
        const { version } = found
        proofs.push({ conflicts: GONE_OR_CHANGED, add: (to) => to.check(path, version) })
      }
    }
    for (const path of missing) {
      proofs.push(
        { conflicts: [NodeExistsError, NoNodeError], add: (to) => to.create(path) },
        { conflicts: [], add: (to) => to.delete(path) },
      )
    }
    return proofs
  }

  async #changes(): Promise<Operation[]> {
    const creates: [path: string, operation: Operation][] = []
    const others: [path: string, operation: Operation][] = []
    for (const [path, data] of this.#writes) {
      const found = await this.#read(path)
      if (found.data === null) {
        if (data === null) continue
        creates.push([path, { conflicts: APPEARED, add: (to) => to.create(path, data) }])
        continue
      }
      const { version } = found
      const add = (to: AnyTransaction): AnyTransaction =>
        data === null ? to.delete(path, version) : to.setData(path, data, version)
      others.push([path, { conflicts: GONE_OR_CHANGED, add }])
    }
    // Those below go before those above, and come after them.
    const byLength = (a: [string, unknown], b: [string, unknown]): number =>
      a[0].length - b[0].length
    const ordered = [...others.sort(byLength).reverse(), ...creates.sort(byLength)]
    return ordered.map(([, operation]) => operation)
  }
}

function addAll(operations: readonly Operation[], to: AnyTransaction): AnyTransaction {
  let transaction = to
  for (const { add } of operations) transaction = add(transaction)
  return transaction
}

/** @throws what is no conflict */
function nullOnConflict(operations: readonly Operation[], error: unknown): null {
  if (!(error instanceof TransactionError)) throw error
  const { cause, index } = error
  const conflicts = operations[index]?.conflicts ?? []
  if (conflicts.some((kind) => cause instanceof kind)) return null
  throw index < operations.length ? cause : error
}
