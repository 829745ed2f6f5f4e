import type { Data, ZooKeeper } from '../src/client/index.ts'
import type { WaitOptions } from './base/index.ts'
import {
  EntryQueue,
  type EntryQueueOptions,
  PRIORITY_DEFAULT,
  PRIORITY_NAMES,
  type Taken,
} from './queues/index.ts'

export interface PutOptions extends WaitOptions {
  /** From 0 to 999; the lower, the sooner the entry is taken. 100 unless given. */
  readonly priority?: number
}

/**
 * A queue whose entries are taken by their priority, and first in, first out among equals.
 *
 * **Think twice**: see `Queue`. Here all names are listed for every take.
 *
 * - **Znodes**: `P/entry-PPP-N`, persistent-sequential; PPP is the priority, three digits. `P` persistent, created when it
 *   is missing. While somebody writes: receipts, `P-receipt-HEX`, ephemeral.
 * - **Guarantees**, **failures**: as `Queue`. An entry that comes while another is being taken may be late.
 * - **Upstream**: kazoo's Queue. Curator's DistributedPriorityQueue has other names and wraps its entries.
 */
export class PriorityQueue {
  readonly path: string
  readonly #entries: EntryQueue

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, options: EntryQueueOptions = {}) {
    this.path = path
    this.#entries = new EntryQueue(zk, path, PRIORITY_NAMES, false, options)
  }

  async put(data: Data, options: PutOptions = {}): Promise<void> {
    await this.putAll([data], options)
  }

  /** All of them or none. */
  async putAll(items: readonly Data[], options: PutOptions = {}): Promise<void> {
    const { priority = PRIORITY_DEFAULT, ...rest } = options
    await this.#entries.put(items, priority, rest)
  }

  /** Waits until there is an entry. */
  async take(options: WaitOptions = {}): Promise<Taken> {
    return await this.#entries.take(options)
  }

  /** Null when it is empty. */
  async tryTake(options: WaitOptions = {}): Promise<Taken | null> {
    return await this.#entries.tryTake(options)
  }

  async size(options: WaitOptions = {}): Promise<number> {
    return await this.#entries.size(options)
  }
}
