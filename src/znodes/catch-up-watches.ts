import type { Zxid } from '../base/index.ts'
import { EventType } from '../wire/codes.ts'
import type { SetWatchesRequest } from '../wire/records.ts'
import { type Watcher, WatchKind, type WatchTable } from './watch-table.ts'

/** What setWatches needs to know of the tree. */
export interface ChangeLookup {
  find(path: string): { readonly mzxid: Zxid; readonly pzxid: Zxid } | undefined
}

/** The zxid in the header of an event that setWatches makes up. */
const MADE_UP_ZXID = -1n as Zxid

/**
 * Renews the watches of a client that comes back (`DataTree.setWatches`). A change after `relativeZxid` that it missed is told at once, and the one-shot watch it would have used up is not set again. No ACL is
 * checked here, and what persistent watches missed is not told (ZOOKEEPER-4655 speaks of that gap).
 */
export function catchUpWatches(
  watches: WatchTable,
  tree: ChangeLookup,
  watcher: Watcher,
  request: SetWatchesRequest,
): void {
  for (const path of request.dataWatches) {
    const znode = tree.find(path)
    if (znode === undefined) tell(EventType.nodeDeleted, path)
    else if (znode.mzxid > request.relativeZxid) tell(EventType.nodeDataChanged, path)
    else watches.add(path, watcher, WatchKind.data)
  }
  for (const path of request.existWatches) {
    if (tree.find(path) !== undefined) tell(EventType.nodeCreated, path)
    else watches.add(path, watcher, WatchKind.data)
  }
  for (const path of request.childWatches) {
    const znode = tree.find(path)
    if (znode === undefined) tell(EventType.nodeDeleted, path)
    else if (znode.pzxid > request.relativeZxid) tell(EventType.nodeChildrenChanged, path)
    else watches.add(path, watcher, WatchKind.child)
  }
  for (const path of request.persistentWatches) watches.add(path, watcher, WatchKind.persistent)
  for (const path of request.persistentRecursiveWatches) {
    watches.add(path, watcher, WatchKind.persistentRecursive)
  }

  function tell(type: EventType, path: string): void {
    watcher.onWatchEvent(type, path, MADE_UP_ZXID)
  }
}
