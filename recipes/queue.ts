import type { Data, ZooKeeper } from '../src/client/index.ts'
import { isKazoo, type Layout, type WaitOptions } from './base/index.ts'
import {
  EntryQueue,
  type EntryQueueOptions,
  PRIORITY_DEFAULT,
  PRIORITY_NAMES,
  QN_NAMES,
  type Taken,
} from './queues/index.ts'

export interface QueueOptions extends EntryQueueOptions {
  readonly layout?: Layout
}

/**
 * First in, first out.
 *
 * **Think twice.** ZooKeeper holds every entry in the memory of every server, sends the names of all of them to every
 * consumer, and asks a quorum of disks for every put and every take: some thousands of small entries, some hundreds a
 * second. Beyond some tens of thousands a Java client cannot even list them. Use it for what comes seldom and must not
 * depend on one more system; else use a message broker.
 *
 * - **Znodes**: `P/qn-N` (curator) or `P/entry-100-N` (kazoo), persistent-sequential; `P` persistent, created when it is
 *   missing. While somebody writes: receipts, `P-receipt-HEX`, ephemeral.
 * - **Guarantees**: what was put is in the queue once, and taken once, also when answers are lost; in the order of N.
 *   An entry is gone when it is taken: if the consumer dies before it has done anything about it, nobody does. Use
 *   `LockingQueue` where that matters. With consumers of other libraries on the path, an entry is still taken by one of
 *   them only, but theirs may lose it with an answer.
 * - **Failures**: lost connections are waited out. When an answer is lost and the session ends as well, the outcome of
 *   the error is `unknown` unless the queue shows what happened. Everybody who waits wakes up for every entry.
 * - **Upstream**: ZooKeeper's DistributedQueue, Curator's SimpleDistributedQueue; kazoo's Queue with one priority.
 */
export class Queue {
  readonly path: string
  readonly #entries: EntryQueue

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, options: QueueOptions = {}) {
    this.path = path
    const names = isKazoo(options.layout, path) ? PRIORITY_NAMES : QN_NAMES
    this.#entries = new EntryQueue(zk, path, names, names === QN_NAMES, options)
  }

  async put(data: Data, options: WaitOptions = {}): Promise<void> {
    await this.#entries.put([data], PRIORITY_DEFAULT, options)
  }

  /** All of them or none; nobody else's come between. */
  async putAll(items: readonly Data[], options: WaitOptions = {}): Promise<void> {
    await this.#entries.put(items, PRIORITY_DEFAULT, options)
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
