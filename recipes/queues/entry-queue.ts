import {
  type Acl,
  BadVersionError,
  type Data,
  join,
  NoNodeError,
  TransactionError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import {
  boundedWrite,
  type Cancellation,
  cancellableWrite,
  type Evidence,
  persist,
  Receipts,
  type WaitOptions,
} from '../base/index.ts'
import { inOrder, type Names } from './names.ts'
import { putEntries } from './put.ts'
import { untilListed } from './wait.ts'

/** An entry that was taken out of a queue. */
export interface Taken {
  readonly data: Uint8Array
  /** Of the transaction that took it out: of two entries the one that was taken later has the greater token. */
  readonly fencingToken: bigint
}

export interface EntryQueueOptions {
  /** Of the entries. */
  readonly acl?: readonly Acl[]
}

/** A queue whose entries are taken by deleting them. */
export class EntryQueue {
  readonly zk: ZooKeeper
  readonly path: string
  readonly #names: Names
  readonly #options: EntryQueueOptions
  readonly #receipts: Receipts
  /** Entries that were listed and not tried yet, the last one first. They stay the next ones: new ones come behind. */
  #listed: string[] = []
  readonly #isFifo: boolean

  constructor(
    zk: ZooKeeper,
    path: string,
    names: Names,
    isFifo: boolean,
    options: EntryQueueOptions,
  ) {
    this.zk = zk
    this.path = path
    this.#names = names
    this.#isFifo = isFifo
    this.#options = options
    this.#receipts = new Receipts(zk, path)
  }

  async put(items: readonly Data[], priority: number, options: WaitOptions): Promise<void> {
    const { zk, path } = this
    const prefix = this.#names.prefix(priority)
    const { acl } = this.#options
    await boundedWrite(zk, 'put', path, options, (cancellation) =>
      putEntries(zk, this.#receipts, path, prefix, items, acl, cancellation),
    )
  }

  async tryTake(options: WaitOptions): Promise<Taken | null> {
    const { zk, path } = this
    return await boundedWrite(zk, 'tryTake', path, options, async (cancellation) => {
      const { signal } = cancellation
      const listed = await this.#takeListed(cancellation)
      if (listed !== null) return listed
      const { children } = await persist(cancellation, () =>
        zk.getChildren(path, { signal }).catch(noneIfMissing),
      )
      return await this.#takeAmong(children, cancellation)
    })
  }

  async take(options: WaitOptions): Promise<Taken> {
    const { zk, path } = this
    return await cancellableWrite(zk, 'take', path, options, async (cancellation) => {
      const listed = await this.#takeListed(cancellation)
      if (listed !== null) return listed
      const find = async ([children]: readonly (readonly string[])[]): Promise<Taken | null> =>
        await this.#takeAmong(children!, cancellation)
      return await untilListed(zk, [path], find, cancellation)
    })
  }

  /** How many entries it has. */
  async size(options: WaitOptions): Promise<number> {
    const { zk, path } = this
    return await boundedWrite(zk, 'size', path, options, async (cancellation) => {
      const { signal } = cancellation
      const found = await persist(cancellation, () =>
        zk.getChildren(path, { signal }).catch(noneIfMissing),
      )
      return inOrder(this.#names, found.children).length
    })
  }

  /** Out of those that were listed before. Null: none is left. */
  async #takeListed(cancellation: Cancellation): Promise<Taken | null> {
    try {
      for (let name = this.#listed.pop(); name !== undefined; name = this.#listed.pop()) {
        const taken = await this.#takeEntry(join(this.path, name), cancellation)
        if (taken !== null) return taken
      }
      return null
    } catch (error) {
      // The one that was tried may be there still, and comes before the others.
      this.#listed = []
      throw error
    }
  }

  async #takeAmong(children: readonly string[], cancellation: Cancellation): Promise<Taken | null> {
    const entries = inOrder(this.#names, children)
    for (const [index, { name }] of entries.entries()) {
      const taken = await this.#takeEntry(join(this.path, name), cancellation)
      if (taken === null) continue
      const rest = this.#isFifo ? entries.slice(index + 1) : []
      this.#listed = rest.map((entry) => entry.name).reverse()
      return taken
    }
    return null
  }

  /** Null: somebody else has taken it. */
  async #takeEntry(entry: string, cancellation: Cancellation): Promise<Taken | null> {
    const { signal } = cancellation
    try {
      const { data, stat } = await persist(cancellation, () => this.zk.getData(entry, { signal }))
      const { zxid } = await this.#receipts.write<readonly unknown[]>(
        (transaction) => transaction.delete(entry, stat.version),
        cancellation,
        { evidence: this.#evidence(entry) },
      )
      return { data, fencingToken: zxid }
    } catch (error) {
      const cause = error instanceof TransactionError ? error.cause : error
      if (cause instanceof NoNodeError || cause instanceof BadVersionError) return null
      throw cause
    }
  }

  /** As long as the entry is there nobody has taken it. */
  #evidence(entry: string): Evidence {
    return async (cancellation) => {
      const { signal } = cancellation
      await persist(cancellation, () => this.zk.sync(entry, { signal }))
      const stat = await persist(cancellation, () => this.zk.exists(entry, { signal }))
      return stat === null ? null : false
    }
  }
}

function noneIfMissing(error: unknown): { readonly children: readonly string[] } {
  if (error instanceof NoNodeError) return { children: [] }
  throw error
}
