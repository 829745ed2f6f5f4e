import { join, nameOf, type ZooKeeper } from '../src/client/index.ts'
import {
  type CachedZnode,
  type CacheOptions,
  type ChangeStream,
  type Condition,
  Mirror,
  type ZnodeChange,
} from './cache/index.ts'

export type ChildrenCacheOptions = CacheOptions
export type ChildrenChange = Condition | ZnodeChange

/**
 * A copy of the children of a znode, with their data, that follows the server's.
 *
 * - **Znodes**: none of its own; it reads whatever is there.
 * - **Guarantees** and **failures**: those of `TreeCache`, of which this is the root and one level. The one watch at the
 *   server tells of everything below the path, at any depth: where children have busy subtrees use
 *   `watches: 'one-shot'`. Changes of the parent itself are told, too, under its own path.
 * - **Upstream**: Curator's PathChildrenCache; kazoo's ChildrenWatch, which knows names alone.
 */
export class ChildrenCache implements AsyncDisposable, AsyncIterable<ChildrenChange> {
  readonly #mirror: Mirror

  /**
   * Resolves once parent and children have been read, or the parent found missing.
   * @throws ZkError `TIMEOUT`, `ABORTED`, `NO_AUTH` for the parent; nothing is left behind then
   */
  static async open(
    zk: ZooKeeper,
    path: string,
    options: ChildrenCacheOptions = {},
  ): Promise<ChildrenCache> {
    const shape = { op: 'childrenCache', depthMax: 1 }
    return new ChildrenCache(await Mirror.open(zk, path, shape, options))
  }

  private constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  /** Of the parent. */
  get path(): string {
    return this.#mirror.root
  }

  /** False from a broken connection on until everything that may have changed has been looked at. */
  get isCurrent(): boolean {
    return this.#mirror.isCurrent
  }

  /** The parent is there. */
  get exists(): boolean {
    return this.#mirror.view.get(this.path) !== undefined
  }

  /** In no particular order. */
  get names(): readonly string[] {
    return [...(this.#mirror.view.get(this.path)?.children ?? [])]
  }

  /** By name; in no particular order. */
  get children(): ReadonlyMap<string, CachedZnode> {
    const children = new Map<string, CachedZnode>()
    for (const znode of this.#mirror.view.znodes()) {
      if (znode.path !== this.path) children.set(nameOf(znode.path), znode)
    }
    return children
  }

  /** The parent first, then the children. */
  znodes(): readonly CachedZnode[] {
    return [...this.#mirror.view.znodes()]
  }

  /** Null when there is no such child. */
  get(name: string): CachedZnode | null {
    return this.#mirror.view.get(join(this.path, name))?.znode ?? null
  }

  /** What happens from now on, for one reader. */
  changes(): ChangeStream<ChildrenChange> {
    return this.#mirror.changes()
  }

  [Symbol.asyncIterator](): ChangeStream<ChildrenChange> {
    return this.changes()
  }

  /** Ends the streams of changes, takes the watch away and forgets what is held. Never rejects. */
  close(): Promise<void> {
    return this.#mirror.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
