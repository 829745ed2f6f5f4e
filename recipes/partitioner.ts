import { InvalidArgumentError, join, type ZooKeeper } from '../src/client/index.ts'
import type { TimerHandle } from '../src/env/index.ts'
import {
  Cancellation,
  cancellable,
  type Grant,
  hexId,
  onAbort,
  type WaitOptions,
} from './base/index.ts'
import { Group, type Membership } from './group.ts'
import { Mutex } from './mutex.ts'

/** An item that is this member's for a while. */
export interface OwnedItem {
  readonly item: string
  /** The lock of the item: its fencing token, and whether it is still sure. */
  readonly grant: Grant
  /**
   * Aborts when the work has to stop: the item goes to another member, the partitioner is closed, or the lock is lost.
   * In the first two cases the next owner waits until the work has ended.
   */
  readonly signal: AbortSignal
}

/** Works on an item until its signal aborts. The item stays this member's if the work ends earlier. */
export type ItemWork = (owned: OwnedItem) => Promise<void>

export interface PartitionerOptions extends WaitOptions {
  /** Of this member; no two may have the same. Default: 32 random hexadecimal digits. */
  readonly id?: string
  /** No items are given or taken before the members have been the same for so long; default 1000. */
  readonly settleMs?: number
  /** The items of a member. Has to give the same answer everywhere. Default: {@link everyNth}. */
  readonly assign?: (
    id: string,
    ids: readonly string[],
    items: readonly string[],
  ) => readonly string[]
}

/**
 * Shares a set of items out among the members of a group.
 *
 * - **Znodes**: `P/party/HEX-ID`, ephemeral, one for each member (kazoo's ShallowParty); `P/locks/ITEM/HEX__lock__N`
 *   for each owned item (kazoo's Lock).
 * - **Guarantees**: an item has at most one owner, as long as work stops when `signal` aborts: the lock of an item is
 *   given back when the work on it has ended, and the next owner waits for it. Fencing tokens of an item rise from
 *   owner to owner (B19). Once members cease to change, every item has the owner that `assign` says; those that stay
 *   with their owner are not interrupted.
 * - **Failures**: a lost session ends the work on all items; they are taken again, by whoever they belong to then.
 *   Work that rejects is logged, and begun again after a pause. `close` waits for the work to end.
 * - **Upstream**: kazoo's SetPartitioner; with the same items and the default `assign` both can share them out among
 *   members of both.
 */
export class Partitioner implements AsyncDisposable {
  readonly path: string
  readonly id: string
  readonly #zk: ZooKeeper
  readonly #items: readonly string[]
  readonly #work: ItemWork
  readonly #options: PartitionerOptions
  readonly #life: Cancellation
  readonly #tasks = new Map<string, ItemTask>()
  #group: Group | null = null
  #membership: Membership | null = null
  #following: Promise<void> = Promise.resolve()
  #settling: TimerHandle | null = null
  #closed: Promise<void> | null = null

  /** Resolves once this member is in the group; items come later. @param items the same for every member */
  static async join(
    zk: ZooKeeper,
    path: string,
    items: readonly string[],
    work: ItemWork,
    options: PartitionerOptions = {},
  ): Promise<Partitioner> {
    checkItems(path, items)
    return await cancellable(zk, 'partition', path, options, async (cancellation) => {
      const partitioner = new Partitioner(zk, path, items, work, options)
      try {
        await partitioner.#join(cancellation)
      } catch (error) {
        void partitioner.close()
        throw error
      }
      return partitioner
    })
  }

  private constructor(
    zk: ZooKeeper,
    path: string,
    items: readonly string[],
    work: ItemWork,
    options: PartitionerOptions,
  ) {
    this.#zk = zk
    this.path = path
    this.id = options.id ?? hexId(zk.environment.random)
    this.#items = items
    this.#work = work
    this.#options = options
    this.#life = new Cancellation(zk, 'partition', path)
  }

  /** Items that are worked on now, in no particular order. */
  get owned(): readonly string[] {
    return [...this.#tasks.values()].filter(({ isOwner }) => isOwner).map(({ item }) => item)
  }

  /** Ends the work, gives the items back and leaves the group. Resolves when all work has ended. Never rejects. */
  async close(): Promise<void> {
    this.#closed ??= this.#end()
    await this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #join({ signal }: Cancellation): Promise<void> {
    const group = await Group.open(this.#zk, join(this.path, 'party'), {
      layout: 'kazoo-shallow',
      signal,
    })
    this.#group = group
    this.#membership = await group.join(this.id, { signal })
    this.#following = this.#follow(group)
  }

  async #follow(group: Group): Promise<void> {
    for await (const _ of group) this.#settle()
    // The client was closed.
    this.#settling?.cancel()
    for (const task of this.#tasks.values()) task.stop()
  }

  /** Deals the items out when nothing has changed for a while. */
  #settle(): void {
    this.#settling?.cancel()
    if (this.#life.error !== null) return
    const { clock, timers } = this.#zk.environment
    const { settleMs = 1000 } = this.#options
    this.#settling = timers.at(clock.monotonicMs() + settleMs, () => this.#deal())
  }

  #deal(): void {
    const own = this.#assigned()
    if (own === null) return
    for (const [item, task] of this.#tasks) if (!own.has(item)) task.stop()
    for (const item of own) this.#begin(item)
  }

  /** Null when nobody knows: then everything stays as it is until the members change again. */
  #assigned(): ReadonlySet<string> | null {
    const ids = this.#group!.members.map(({ id }) => id)
    const { assign = everyNth } = this.#options
    // Who is not in the group any more has nothing to claim, but nobody takes from it what it has locked.
    if (!ids.includes(this.id)) return new Set()
    try {
      return new Set(assign(this.id, ids, this.#items))
    } catch (error) {
      const fields = { path: this.path, error: String(error) }
      this.#zk.environment.logger.error('a partitioner cannot assign its items', fields)
      return null
    }
  }

  #begin(item: string): void {
    const running = this.#tasks.get(item)
    if (running?.isStopped === false) return
    const mutex = new Mutex(this.#zk, join(join(this.path, 'locks'), item), { layout: 'kazoo' })
    const task = new ItemTask(this.#zk, item, mutex, this.#work)
    this.#tasks.set(item, task)
    // The same member may get an item back before it has let go of it: one after the other.
    void (running?.ended ?? Promise.resolve())
      .then(() => task.run())
      .then(() => {
        if (this.#tasks.get(item) === task) this.#tasks.delete(item)
      })
  }

  async #end(): Promise<void> {
    this.#life.cancel(new Error('closed'))
    this.#life.end()
    this.#settling?.cancel()
    const tasks = [...this.#tasks.values()]
    for (const task of tasks) task.stop()
    await Promise.all(tasks.map(({ ended }) => ended))
    await this.#membership?.leave()
    await this.#group?.close()
    await this.#following
  }
}

/** One item, from the wish to own it until it is given back. */
class ItemTask {
  readonly item: string
  /** Resolves when the item has been given back for good. */
  readonly ended: Promise<void>
  isOwner = false
  isStopped = false
  readonly #zk: ZooKeeper
  readonly #mutex: Mutex
  readonly #work: ItemWork
  readonly #stopping: Cancellation
  #resolveEnded: () => void = () => {}

  constructor(zk: ZooKeeper, item: string, mutex: Mutex, work: ItemWork) {
    this.#zk = zk
    this.item = item
    this.#mutex = mutex
    this.#work = work
    this.#stopping = new Cancellation(zk, 'own', mutex.path)
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  stop(): void {
    this.isStopped = true
    this.#stopping.cancel(new Error(`${this.item} is given up`))
  }

  /** Never rejects. */
  async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        await this.#own()
      } catch (error) {
        if (this.isStopped) break
        const fields = { item: this.item, error: String(error) }
        this.#zk.environment.logger.warn('the work on an item of a partitioner failed', fields)
        await this.#stopping.pause().catch(() => {})
      }
    }
    this.#stopping.end()
    this.#resolveEnded()
  }

  async #own(): Promise<void> {
    const grant = await this.#mutex.acquire({ signal: this.#stopping.signal })
    const ending = new AbortController()
    const ignores = [this.#stopping.signal, grant.signal].map((signal) =>
      onAbort(signal, () => ending.abort(signal.reason)),
    )
    this.isOwner = true
    try {
      await this.#work({ item: this.item, grant, signal: ending.signal })
      await untilAborted(ending.signal)
    } finally {
      this.isOwner = false
      for (const ignore of ignores) ignore()
      await grant.release()
    }
  }
}

/** Every n-th of the sorted items for each of n sorted members: kazoo's way to share out. */
export function everyNth(
  id: string,
  ids: readonly string[],
  items: readonly string[],
): readonly string[] {
  const members = [...ids].sort(byCodePoint)
  const first = members.indexOf(id)
  return [...items].sort(byCodePoint).filter((_, index) => index % members.length === first)
}

/** As Python compares texts; the order of JavaScript's is another one beyond the 65536th character. */
function byCodePoint(a: string, b: string): number {
  const [x, y] = [[...a], [...b]]
  for (let at = 0; at < Math.min(x.length, y.length); at++) {
    const difference = x[at]!.codePointAt(0)! - y[at]!.codePointAt(0)!
    if (difference !== 0) return difference
  }
  return x.length - y.length
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, resolve)
  })
}

function checkItems(path: string, items: readonly string[]): void {
  for (const item of items) {
    if (item !== '' && !item.includes('/')) continue
    const message = `partition ${path}: item ${JSON.stringify(item)} is no name of a znode`
    throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op: 'partition', path })
  }
}
