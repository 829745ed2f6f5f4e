import { EventType, WatcherType } from '../../src/wire/codes.ts'
import { parentPath, WatchKind } from '../../src/znodes/index.ts'

/** One table of upstream's `WatchManager`: every watch in a flat list, found by scanning. */
class ModelTable {
  watches: { path: string; who: string; kind: WatchKind }[] = []

  add(path: string, who: string, kind: WatchKind): void {
    if (!this.holds(path, who, [kind])) this.watches.push({ path, who, kind })
  }

  holds(path: string, who: string, kinds: readonly WatchKind[]): boolean {
    return this.watches.some((w) => w.path === path && w.who === who && kinds.includes(w.kind))
  }

  remove(path: string, who: string, kinds: readonly WatchKind[]): void {
    this.watches = this.watches.filter(
      (w) => !(w.path === path && w.who === who && kinds.includes(w.kind)),
    )
  }

  /** Who is to be told of a change at `path`; takes the one-shot watches away. */
  fire(path: string): Set<string> {
    const ancestors = [path]
    for (let p = path; p !== '/'; p = parentPath(p)) ancestors.push(parentPath(p))
    const isFired = (w: { path: string; kind: WatchKind }): boolean =>
      w.kind === WatchKind.persistentRecursive ? ancestors.includes(w.path) : w.path === path
    const told = new Set(this.watches.filter(isFired).map((w) => w.who))
    this.watches = this.watches.filter(
      (w) => !isFired(w) || (w.kind !== WatchKind.data && w.kind !== WatchKind.child),
    )
    return told
  }

  size(): number {
    return new Set(this.watches.map((w) => JSON.stringify([w.path, w.who]))).size
  }
}

/** The watch rules as plainly as they can be written. Events are `who type path` lines. */
export class WatchModel {
  readonly data: ModelTable = new ModelTable()
  readonly child: ModelTable = new ModelTable()
  readonly events: string[] = []

  add(path: string, who: string, kind: WatchKind): void {
    if (kind !== WatchKind.child) this.data.add(path, who, kind)
    if (kind === WatchKind.child || kind === WatchKind.persistent) this.child.add(path, who, kind)
  }

  has(path: string, who: string, type: WatcherType): boolean {
    const kinds = KINDS_OF_TYPE[type]
    return this.data.holds(path, who, kinds) || this.child.holds(path, who, kinds)
  }

  remove(path: string, who: string, type: WatcherType): boolean {
    const isHeld = this.has(path, who, type)
    this.data.remove(path, who, KINDS_OF_TYPE[type])
    this.child.remove(path, who, KINDS_OF_TYPE[type])
    return isHeld
  }

  removeAll(who: string): void {
    this.data.watches = this.data.watches.filter((w) => w.who !== who)
    this.child.watches = this.child.watches.filter((w) => w.who !== who)
  }

  change(type: EventType, path: string, canRead: (who: string, path: string) => boolean): void {
    const tell = (toldType: EventType, toldPath: string, watchers: Iterable<string>): void => {
      for (const who of watchers) {
        if (canRead(who, toldPath)) this.events.push(`${who} ${toldType} ${toldPath}`)
      }
    }
    const told = this.data.fire(path)
    tell(type, path, told)
    if (type === EventType.nodeDeleted) {
      tell(
        type,
        path,
        [...this.child.fire(path)].filter((who) => !told.has(who)),
      )
    }
    if (type === EventType.nodeDataChanged) return
    const parent = parentPath(path)
    tell(EventType.nodeChildrenChanged, parent, this.child.fire(parent))
  }

  watchCount(): number {
    return this.data.size() + this.child.size()
  }
}

const KINDS_OF_TYPE: Readonly<Record<WatcherType, readonly WatchKind[]>> = {
  [WatcherType.children]: [WatchKind.child],
  [WatcherType.data]: [WatchKind.data],
  [WatcherType.any]: Object.values(WatchKind),
  [WatcherType.persistent]: [WatchKind.persistent],
  [WatcherType.persistentRecursive]: [WatchKind.persistentRecursive],
}
