import type { ZooKeeper } from '../src/client/index.ts'
import {
  type CachedZnode,
  type CacheOptions,
  type ChangeStream,
  type Condition,
  Mirror,
  type ZnodeChange,
} from './cache/index.ts'

export interface TreeCacheOptions extends CacheOptions {
  /** Levels below the root that are held; 0 is the root alone. Without it everything is. */
  readonly depthMax?: number
}

export type TreeChange = Condition | ZnodeChange

/**
 * A copy of a subtree that follows the server's.
 *
 * - **Znodes**: none of its own; it reads whatever is there.
 * - **Guarantees**: every znode is held as some answer of a server showed it, a child only while its parent is, and
 *   each of them only ever becomes newer. Two znodes need not be of one moment. Once changes cease, the copy equals
 *   the server's tree. `changes` tells of each difference between one copy and the next: `created` (parents first),
 *   `changed`, `deleted` (children first); steps that the tree took in between may be left out. Watches do not tell of
 *   new ACLs, so they are not followed; what may not be read is left out with all below it.
 * - **Failures**: without a server the copy stays, `isCurrent` is false and `stale` is told. Afterwards everything held
 *   is compared by zxid, what differs is fetched, and `current` is told (B15). The root may be missing, come later, go
 *   and come again (B16). `close` leaves no watch and no timer (B17); the end of the client is an end of the cache.
 * - **Upstream**: Curator's CuratorCache and TreeCache; kazoo's TreeCache.
 */
export class TreeCache implements AsyncDisposable, AsyncIterable<TreeChange> {
  readonly #mirror: Mirror

  /**
   * Resolves once the whole subtree has been read.
   * @throws ZkError `TIMEOUT`, `ABORTED`, `NO_AUTH` for the root; nothing is left behind then
   */
  static async open(
    zk: ZooKeeper,
    path: string,
    options: TreeCacheOptions = {},
  ): Promise<TreeCache> {
    const { depthMax = Number.POSITIVE_INFINITY } = options
    return new TreeCache(await Mirror.open(zk, path, { op: 'treeCache', depthMax }, options))
  }

  private constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  get path(): string {
    return this.#mirror.root
  }

  /** False from a broken connection on until everything that may have changed has been looked at. */
  get isCurrent(): boolean {
    return this.#mirror.isCurrent
  }

  /** How many znodes are held. */
  get size(): number {
    return this.#mirror.view.size
  }

  /** Null when there is no such znode. */
  get(path: string): CachedZnode | null {
    return this.#mirror.view.get(path)?.znode ?? null
  }

  /** Names, in no particular order; null when there is no such znode. */
  children(path: string): readonly string[] | null {
    const entry = this.#mirror.view.get(path)
    return entry === undefined ? null : [...entry.children]
  }

  /** All that is held, parents before their children. */
  znodes(): readonly CachedZnode[] {
    return [...this.#mirror.view.znodes()]
  }

  /** What happens from now on, for one reader. */
  changes(): ChangeStream<TreeChange> {
    return this.#mirror.changes()
  }

  [Symbol.asyncIterator](): ChangeStream<TreeChange> {
    return this.changes()
  }

  /** Ends the streams of changes, takes the watches away and forgets what is held. Never rejects. */
  close(): Promise<void> {
    return this.#mirror.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
