import { nameOf, type OneShotWatch, parentOf, type Stat } from '../../src/client/index.ts'

/** A znode as it was when it was last read. */
export interface CachedZnode {
  readonly path: string
  readonly data: Uint8Array
  /** Its `numChildren`, `cversion` and `pzxid` may be older than the children that are held. */
  readonly stat: Stat
}

/** What became of one znode. `previous` is what was held of it before. */
export type ZnodeChange =
  | { readonly type: 'created'; readonly path: string; readonly znode: CachedZnode }
  | {
      readonly type: 'changed'
      readonly path: string
      readonly znode: CachedZnode
      readonly previous: CachedZnode
    }
  | { readonly type: 'deleted'; readonly path: string; readonly previous: CachedZnode }

/** One znode and what is known about its children. */
export interface Entry {
  znode: CachedZnode
  /** Names of those that are held. */
  readonly children: Set<string>
  /** `pzxid` when its children were last listed; -1n: never. */
  listedZxid: bigint
  /** Of the server, in the mode of one-shot watches; null when none is set. */
  dataWatch: OneShotWatch | null
  childWatch: OneShotWatch | null
}

/** The znodes that a cache holds. A znode is held only while its parent is: there are no orphans. */
export class TreeView {
  readonly #root: string
  readonly #onDrop: (entry: Entry) => void
  readonly #entries = new Map<string, Entry>()

  /** @param onDrop is told of every entry that is held no longer */
  constructor(root: string, onDrop: (entry: Entry) => void) {
    this.#root = root
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#entries.size
  }

  get(path: string): Entry | undefined {
    return this.#entries.get(path)
  }

  /** Parents come before their children. */
  *znodes(): IterableIterator<CachedZnode> {
    for (const { znode } of this.#entries.values()) yield znode
  }

  /** Takes in what a read has shown; returns what is new about it, in an order that a reader can follow. */
  put(znode: CachedZnode): ZnodeChange[] {
    const { path, stat } = znode
    const entry = this.#entries.get(path)
    if (entry === undefined) return this.#add(znode)
    const previous = entry.znode
    if (previous.stat.czxid !== stat.czxid) {
      return [...this.remove(path), ...this.#add(znode)]
    }
    entry.znode = znode
    if (previous.stat.mzxid === stat.mzxid) return []
    return [{ type: 'changed', path, znode, previous }]
  }

  /** Drops a znode with all below it, leaves first. */
  remove(path: string): ZnodeChange[] {
    const changes: ZnodeChange[] = []
    this.#drop(path, changes)
    if (path !== this.#root) this.#entries.get(parentOf(path))?.children.delete(nameOf(path))
    return changes
  }

  clear(): void {
    for (const entry of this.#entries.values()) this.#onDrop(entry)
    this.#entries.clear()
  }

  #add(znode: CachedZnode): ZnodeChange[] {
    const { path } = znode
    if (path !== this.#root) {
      const parent = this.#entries.get(parentOf(path))
      if (parent === undefined) return []
      parent.children.add(nameOf(path))
    }
    this.#entries.set(path, {
      znode,
      children: new Set(),
      listedZxid: -1n,
      dataWatch: null,
      childWatch: null,
    })
    return [{ type: 'created', path, znode }]
  }

  /** No recursion: trees may be deep. */
  #drop(top: string, changes: ZnodeChange[]): void {
    const found: string[] = [top]
    for (let at = 0; at < found.length; at++) {
      const path = found[at]!
      const prefix = path === '/' ? '/' : `${path}/`
      for (const name of this.#entries.get(path)?.children ?? []) found.push(prefix + name)
    }
    for (const path of found.reverse()) {
      const entry = this.#entries.get(path)
      if (entry === undefined) continue
      this.#entries.delete(path)
      this.#onDrop(entry)
      changes.push({ type: 'deleted', path, previous: entry.znode })
    }
  }
}
