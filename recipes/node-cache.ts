import type { Stat, ZooKeeper } from '../src/client/index.ts'
import {
  type CacheOptions,
  type ChangeStream,
  type Condition,
  Mirror,
  type ZnodeChange,
} from './cache/index.ts'

/** The data of a znode as it was when it was last read. */
export interface NodeValue {
  readonly data: Uint8Array
  readonly stat: Stat
}

export type NodeCacheOptions = CacheOptions
export type NodeChange = Condition | ZnodeChange

/**
 * A copy of one znode's data that follows the server's.
 *
 * - **Znodes**: none of its own; it reads whatever is there.
 * - **Guarantees** and **failures**: those of `TreeCache`, of which this is the root alone; one watch at the server. The
 *   znode may be missing, come later, go and come again: `value` is null meanwhile.
 * - **Upstream**: Curator's NodeCache, and its CuratorCache with `SINGLE_NODE_CACHE`; kazoo's DataWatch.
 */
export class NodeCache implements AsyncDisposable, AsyncIterable<NodeChange> {
  readonly #mirror: Mirror

  /**
   * Resolves once the znode has been read, or found missing.
   * @throws ZkError `TIMEOUT`, `ABORTED`, `NO_AUTH`; nothing is left behind then
   */
  static async open(
    zk: ZooKeeper,
    path: string,
    options: NodeCacheOptions = {},
  ): Promise<NodeCache> {
    return new NodeCache(await Mirror.open(zk, path, { op: 'nodeCache', depthMax: 0 }, options))
  }

  private constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  get path(): string {
    return this.#mirror.root
  }

  /** False from a broken connection on until the znode has been looked at. */
  get isCurrent(): boolean {
    return this.#mirror.isCurrent
  }

  /** Null when there is no such znode. */
  get value(): NodeValue | null {
    return this.#mirror.view.get(this.path)?.znode ?? null
  }

  /** What happens from now on, for one reader. */
  changes(): ChangeStream<NodeChange> {
    return this.#mirror.changes()
  }

  [Symbol.asyncIterator](): ChangeStream<NodeChange> {
    return this.changes()
  }

  /** Ends the streams of changes and takes the watch away. Never rejects. */
  close(): Promise<void> {
    return this.#mirror.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
