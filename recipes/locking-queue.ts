import {
  type Acl,
  BadVersionError,
  type Data,
  join,
  NodeExistsError,
  NoNodeError,
  SessionLostError,
  TransactionError,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  boundedWrite,
  type Cancellation,
  cancellableWrite,
  hexId,
  liveSession,
  persist,
  Receipts,
  sessionOfId,
  type WaitOptions,
} from './base/index.ts'
import type { PutOptions } from './priority-queue.ts'
import {
  ClaimedEntry,
  type ClaimPlace,
  giveBack,
  inOrder,
  PRIORITY_DEFAULT,
  PRIORITY_NAMES,
  putEntries,
  untilListed,
} from './queues/index.ts'

export interface LockingQueueOptions {
  /** Of everything that it creates. */
  readonly acl?: readonly Acl[]
}

/**
 * A queue by priority whose entries stay in it until they are done: when a consumer dies, another one gets the entry.
 *
 * **Think twice**: see `Queue`. Here all names are listed for every take.
 *
 * - **Znodes**: `P/entries/entry-PPP-N`, persistent-sequential, PPP the priority; `P/taken/entry-PPP-N`, ephemeral, as
 *   long as somebody works on the entry of that name, with an id. `P`, `P/entries`, `P/taken` persistent. While somebody
 *   writes: receipts, `P-receipt-HEX`, ephemeral.
 * - **Guarantees**: what was put is in the queue once. One consumer at a time has an entry, as long as it stops when
 *   `signal` aborts; the fencing tokens of an entry rise from consumer to consumer. `complete` takes it out only if this
 *   consumer still has it.
 * - **Failures**: lost connections are waited out. With the session an entry goes back to its place. If an answer to
 *   `complete` is lost and the session ends as well, the entry shows what happened unless it is gone: then the outcome
 *   is `unknown`. Everybody who waits wakes up for every entry that comes, is taken or done.
 * - **Upstream**: kazoo's LockingQueue. A consumer of kazoo goes on after its session, and may then do what ours does
 *   as well.
 */
export class LockingQueue {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #options: LockingQueueOptions
  readonly #receipts: Receipts
  readonly #entries: string
  readonly #taken: string

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, options: LockingQueueOptions = {}) {
    this.path = path
    this.#zk = zk
    this.#options = options
    this.#receipts = new Receipts(zk, path)
    this.#entries = join(path, 'entries')
    this.#taken = join(path, 'taken')
  }

  async put(data: Data, options: PutOptions = {}): Promise<void> {
    await this.putAll([data], options)
  }

  /** All of them or none. */
  async putAll(items: readonly Data[], options: PutOptions = {}): Promise<void> {
    const { priority = PRIORITY_DEFAULT, ...rest } = options
    const prefix = PRIORITY_NAMES.prefix(priority)
    const { acl } = this.#options
    await boundedWrite(this.#zk, 'put', this.path, rest, (cancellation) =>
      putEntries(this.#zk, this.#receipts, this.#entries, prefix, items, acl, cancellation),
    )
  }

  /** Waits until there is an entry that nobody works on. */
  async take(options: WaitOptions = {}): Promise<ClaimedEntry> {
    const paths = [this.#entries, this.#taken]
    return await cancellableWrite(this.#zk, 'take', this.path, options, (cancellation) =>
      untilListed(
        this.#zk,
        paths,
        ([entries, taken]) => this.#claimAmong(entries!, taken!, cancellation),
        cancellation,
      ),
    )
  }

  /** Null when there is no entry that nobody works on. */
  async tryTake(options: WaitOptions = {}): Promise<ClaimedEntry | null> {
    return await boundedWrite(this.#zk, 'tryTake', this.path, options, async (cancellation) => {
      const entries = await this.#list(this.#entries, cancellation)
      const taken = await this.#list(this.#taken, cancellation)
      return await this.#claimAmong(entries, taken, cancellation)
    })
  }

  /** How many entries it has, those included that somebody works on. */
  async size(options: WaitOptions = {}): Promise<number> {
    return await boundedWrite(this.#zk, 'size', this.path, options, async (cancellation) => {
      const entries = await this.#list(this.#entries, cancellation)
      return inOrder(PRIORITY_NAMES, entries).length
    })
  }

  async #list(path: string, cancellation: Cancellation): Promise<readonly string[]> {
    const { signal } = cancellation
    try {
      const found = await persist(cancellation, () => this.#zk.getChildren(path, { signal }))
      return found.children
    } catch (error) {
      if (error instanceof NoNodeError) return []
      throw error
    }
  }

  async #claimAmong(
    entries: readonly string[],
    taken: readonly string[],
    cancellation: Cancellation,
  ): Promise<ClaimedEntry | null> {
    const isTaken = new Set(taken)
    for (const { name } of inOrder(PRIORITY_NAMES, entries)) {
      const claimed = isTaken.has(name) ? null : await this.#claim(name, cancellation)
      if (claimed !== null) return claimed
    }
    return null
  }

  /** Null: somebody else has it, or has done it. */
  async #claim(name: string, cancellation: Cancellation): Promise<ClaimedEntry | null> {
    for (;;) {
      const { id: sessionId } = await liveSession(this.#zk, cancellation)
      const place = {
        entry: join(this.#entries, name),
        taken: join(this.#taken, name),
        id: hexId(this.#zk.environment.random),
        sessionId,
      }
      try {
        const claimed = await this.#claimIn(place, cancellation)
        if (claimed !== null) return claimed
      } catch (error) {
        if (cancellation.error === null && error instanceof SessionLostError) continue
        const isOthers = [BadVersionError, NodeExistsError, NoNodeError].some(
          (kind) => error instanceof kind,
        )
        if (isOthers) return null
        // In the background: who gives up does not want to wait.
        giveBack(this.#zk, this.#receipts, place).catch(() => {})
        throw cancellation.error ?? error
      }
    }
  }

  /** Null: the session has ended. */
  async #claimIn(place: ClaimPlace, cancellation: Cancellation): Promise<ClaimedEntry | null> {
    const zk = this.#zk
    const { signal } = cancellation
    const { data, stat } = await persist(cancellation, () => zk.getData(place.entry, { signal }))
    const zxid = await this.#writeClaim(place, stat.version, cancellation)
    const session = await sessionOfId(zk, place.sessionId, cancellation)
    if (session === null) return null
    return new ClaimedEntry(zk, this.#receipts, place, session, data, zxid)
  }

  async #writeClaim(
    { entry, taken, id, sessionId }: ClaimPlace,
    version: number,
    cancellation: Cancellation,
  ): Promise<bigint> {
    const { acl } = this.#options
    const withAcl = acl === undefined ? {} : { acl }
    for (;;) {
      try {
        const written = await this.#receipts.write<readonly unknown[]>(
          (transaction) =>
            transaction.check(entry, version).create(taken, id, { mode: 'ephemeral', ...withAcl }),
          cancellation,
          // It went with the session.
          { sessionId, evidence: async () => false },
        )
        return written.zxid
      } catch (error) {
        if (!(error instanceof TransactionError)) throw error
        const isParentMissing = error.index === 1 && error.cause instanceof NoNodeError
        if (!isParentMissing) throw error.cause
      }
      const options = { signal: cancellation.signal, ...withAcl }
      await persist(cancellation, () => this.#zk.ensurePath(this.#taken, options), 'idempotent')
    }
  }
}
