import { unreachable, type Zxid } from '../base/index.ts'
import { EventType, Perms, WatcherType } from '../wire/codes.ts'
import type { AclEntry, AuthId } from '../wire/records.ts'
import { allows } from './acl.ts'
import type { AuthProviders } from './auth-providers.ts'
import { parentPath } from './paths.ts'

/** Who gets events: a client connection. */
export interface Watcher {
  readonly ids: readonly AuthId[]
  /** May remove watches of any watcher, but adds none. `zxid` is that of the txn, or -1 from setWatches. */
  onWatchEvent(type: EventType, path: string, zxid: Zxid): void
}

/** Is told how many watchers an event has had, those included that may not know of it. */
export interface WatchObserver {
  onFired(type: EventType, watchers: number): void
}

/** What an event is about: its path and the ACL that decides who may know. */
export interface WatchedNode {
  readonly path: string
  readonly acl: readonly AclEntry[]
}

/** The ways to watch a path. A watcher may hold all four on one path, each at most once. */
export const WatchKind = {
  /** One-shot, by getData and exists. */
  data: 0,
  /** One-shot, by getChildren. */
  child: 1,
  /** Both of the above, for every change (addWatch mode 0). */
  persistent: 2,
  /** Created, deleted and changed znodes at and below the path (addWatch mode 1). */
  persistentRecursive: 3,
} as const
export type WatchKind = (typeof WatchKind)[keyof typeof WatchKind]

/** The figures of `wchs`: watches for data only, as upstream (`WatchManager.getWatchesSummary`). */
export interface WatchSummary {
  readonly connections: number
  readonly paths: number
  readonly watches: number
}

/**
 * All watches of this server, with the rules of 3.9: kinds coexist, and a watcher gets one event for a change
 * however many of its watches match. Upstream's DATA table is here the kinds data, persistent and persistentRecursive,
 * its CHILD table the kinds child and persistent. Watchers get their events in the order in which they began to watch
 * within each kind; the kinds in the order of {@link WatchKind}.
 */
export class WatchTable {
  readonly #providers: AuthProviders
  readonly #observer: WatchObserver | null
  /** By kind, then path: its only watcher or the set of them, in order of arrival. */
  readonly #byKind: readonly Map<string, Holders>[] = [new Map(), new Map(), new Map(), new Map()]
  readonly #byWatcher = new Map<Watcher, Holder>()
  /** Number of the current step, so that a watcher can be marked as told without a set. */
  #step = 0
  /** Watchers of the present event. */
  #watchers = 0

  constructor(providers: AuthProviders, observer: WatchObserver | null = null) {
    this.#providers = providers
    this.#observer = observer
  }

  /** Neither the path nor its existence is checked. */
  add(path: string, watcher: Watcher, kind: WatchKind): void {
    let holder = this.#byWatcher.get(watcher)
    if (holder === undefined) {
      holder = new Holder(watcher)
      this.#byWatcher.set(watcher, holder)
    }
    let paths = holder.paths[kind]!
    if (paths === null) {
      paths = new Set()
      holder.paths[kind] = paths
    }
    if (paths.has(path)) return
    paths.add(path)
    const byPath = this.#byKind[kind]!
    const holders = byPath.get(path)
    if (holders === undefined) byPath.set(path, holder)
    else if (holders instanceof Set) holders.add(holder)
    else byPath.set(path, new Set([holders, holder]))
  }

  /** checkWatches. */
  has(path: string, watcher: Watcher, type: WatcherType): boolean {
    const holder = this.#byWatcher.get(watcher)
    if (holder === undefined) return false
    return kindsOf(type).some((kind) => holder.paths[kind]?.has(path) === true)
  }

  /** removeWatches: false when there was nothing to remove. */
  remove(path: string, watcher: Watcher, type: WatcherType): boolean {
    const holder = this.#byWatcher.get(watcher)
    if (holder === undefined) return false
    let isRemoved = false
    for (const kind of kindsOf(type)) {
      if (holder.paths[kind]?.delete(path) !== true) continue
      this.#detach(kind, path, holder)
      isRemoved = true
    }
    return isRemoved
  }

  /** For a connection that ends; costs what it had watched. Until then the table keeps a small record of it. */
  removeAll(watcher: Watcher): void {
    const holder = this.#byWatcher.get(watcher)
    if (holder === undefined) return
    this.#byWatcher.delete(watcher)
    holder.isLive = false
    for (const [kind, paths] of holder.paths.entries()) {
      if (paths === null) continue
      holder.paths[kind] = null
      for (const path of paths) this.#detach(kind as WatchKind, path, holder)
    }
  }

  /** Tells who watches a new znode or, on its parent, children. */
  created(znode: WatchedNode, parent: WatchedNode, zxid: Zxid): void {
    this.#step += 1
    this.#tellDataWatchers(EventType.nodeCreated, znode, zxid)
    this.#report(EventType.nodeCreated)
    this.#tellParentWatchers(parent, zxid)
  }

  /** Tells everybody who watches the deleted znode in any way once, then who watches the parent's children. */
  deleted(znode: WatchedNode, parent: WatchedNode, zxid: Zxid): void {
    this.#step += 1
    this.#tellDataWatchers(EventType.nodeDeleted, znode, zxid)
    this.#tellOnce(WatchKind.child, EventType.nodeDeleted, znode, zxid)
    this.#report(EventType.nodeDeleted)
    this.#tellParentWatchers(parent, zxid)
  }

  /** Tells who watches the data of `znode`. */
  dataChanged(znode: WatchedNode, zxid: Zxid): void {
    this.#step += 1
    this.#tellDataWatchers(EventType.nodeDataChanged, znode, zxid)
    this.#report(EventType.nodeDataChanged)
  }

  /** `zk_watch_count`: entries of the two tables of upstream, where a persistent watch is in both. */
  watchCount(): number {
    let count = 0
    for (const { paths } of this.#byWatcher.values()) {
      const [data, child, persistent, recursive] = paths
      count += unionSize(data, persistent, recursive) + unionSize(child, persistent)
    }
    return count
  }

  /** `wchs`. */
  summary(): WatchSummary {
    const [data, , persistent, recursive] = this.#byKind
    let connections = 0
    let watches = 0
    for (const { paths } of this.#byWatcher.values()) {
      const own = unionSize(paths[0], paths[2], paths[3])
      watches += own
      if (own > 0) connections += 1
    }
    return { connections, paths: unionSize(data, persistent, recursive), watches }
  }

  /** What of it `wchc` and `wchp` show: watches for data only, like {@link WatchTable.summary}. */
  dataPathsOf(watcher: Watcher): ReadonlySet<string> {
    const paths = this.#byWatcher.get(watcher)?.paths ?? []
    const [data, , persistent, recursive] = paths
    return new Set([...(data ?? []), ...(persistent ?? []), ...(recursive ?? [])])
  }

  #tellDataWatchers(type: EventType, znode: WatchedNode, zxid: Zxid): void {
    this.#tellOnce(WatchKind.data, type, znode, zxid)
    this.#tellPersistent(WatchKind.persistent, type, znode.path, znode, zxid)
    if (this.#byKind[WatchKind.persistentRecursive]!.size === 0) return
    let path = znode.path
    this.#tellPersistent(WatchKind.persistentRecursive, type, path, znode, zxid)
    while (path !== '/') {
      path = parentPath(path)
      this.#tellPersistent(WatchKind.persistentRecursive, type, path, znode, zxid)
    }
  }

  #tellParentWatchers(parent: WatchedNode, zxid: Zxid): void {
    this.#step += 1
    this.#tellOnce(WatchKind.child, EventType.nodeChildrenChanged, parent, zxid)
    const type = EventType.nodeChildrenChanged
    this.#tellPersistent(WatchKind.persistent, type, parent.path, parent, zxid)
    this.#report(type)
  }

  #report(type: EventType): void {
    if (this.#watchers === 0) return
    this.#observer?.onFired(type, this.#watchers)
    this.#watchers = 0
  }

  /** Fires and takes away the one-shot watches on `znode`, all of them before the first event goes out. */
  #tellOnce(kind: WatchKind, type: EventType, znode: WatchedNode, zxid: Zxid): void {
    const byPath = this.#byKind[kind]!
    if (byPath.size === 0) return
    const holders = byPath.get(znode.path)
    if (holders === undefined) return
    byPath.delete(znode.path)
    if (holders instanceof Set) {
      for (const holder of holders) holder.paths[kind]?.delete(znode.path)
      for (const holder of holders) this.#tell(holder, type, znode, zxid)
    } else {
      holders.paths[kind]?.delete(znode.path)
      this.#tell(holders, type, znode, zxid)
    }
  }

  #tellPersistent(
    kind: WatchKind,
    type: EventType,
    watchedPath: string,
    znode: WatchedNode,
    zxid: Zxid,
  ): void {
    const byPath = this.#byKind[kind]!
    if (byPath.size === 0) return
    const holders = byPath.get(watchedPath)
    if (holders === undefined) return
    if (holders instanceof Set) for (const holder of holders) this.#tell(holder, type, znode, zxid)
    else this.#tell(holders, type, znode, zxid)
  }

  /** Drops the event of a watcher that may not read the znode (CVE-2024-23944) and of one that was told or is gone. */
  #tell(holder: Holder, type: EventType, znode: WatchedNode, zxid: Zxid): void {
    if (holder.toldInStep === this.#step || !holder.isLive) return
    holder.toldInStep = this.#step
    this.#watchers += 1
    if (!allows(znode.acl, Perms.read, holder.watcher.ids, this.#providers)) return
    holder.watcher.onWatchEvent(type, znode.path, zxid)
  }

  #detach(kind: WatchKind, path: string, holder: Holder): void {
    const byPath = this.#byKind[kind]!
    const holders = byPath.get(path)
    if (holders instanceof Set) {
      holders.delete(holder)
      if (holders.size === 0) byPath.delete(path)
    } else if (holders === holder) {
      byPath.delete(path)
    }
  }
}

type Holders = Holder | Set<Holder>

/** A watcher and, by kind, the paths it watches. */
class Holder {
  readonly watcher: Watcher
  readonly paths: (Set<string> | null)[] = [null, null, null, null]
  toldInStep = 0
  /** False once the watcher is removed, which may happen while events go out. */
  isLive = true

  constructor(watcher: Watcher) {
    this.watcher = watcher
  }
}

/** Whether a checkWatches or removeWatches request names something to look for; -5 answers it otherwise. */
export function isWatcherType(type: number): type is WatcherType {
  return type >= WatcherType.children && type <= WatcherType.persistentRecursive
}

const ALL_KINDS: readonly WatchKind[] = Object.values(WatchKind)

function kindsOf(type: WatcherType): readonly WatchKind[] {
  switch (type) {
    case WatcherType.children:
      return [WatchKind.child]
    case WatcherType.data:
      return [WatchKind.data]
    case WatcherType.any:
      return ALL_KINDS
    case WatcherType.persistent:
      return [WatchKind.persistent]
    case WatcherType.persistentRecursive:
      return [WatchKind.persistentRecursive]
    default:
      return unreachable(type)
  }
}

interface Members {
  readonly size: number
  has(member: string): boolean
  keys(): Iterable<string>
}

/** Number of different members; only the sets after the first, which tend to be small, are walked. */
function unionSize(...sets: readonly (Members | null | undefined)[]): number {
  const [first, ...others] = sets
  let size = first?.size ?? 0
  for (const [i, set] of others.entries()) {
    if (set === null || set === undefined) continue
    const earlier = sets.slice(0, i + 1)
    for (const member of set.keys()) if (!earlier.some((other) => other?.has(member))) size += 1
  }
  return size
}
