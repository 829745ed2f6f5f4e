import { OpCode, WatcherType, writeWatches } from '../wire/index.ts'
import type { Request } from './call.ts'
import type { WatchKind, WatchRecord } from './watch-table.ts'

const TYPES: Readonly<Record<WatchKind, number>> = {
  data: WatcherType.data,
  exist: WatcherType.data,
  child: WatcherType.children,
  persistent: WatcherType.persistent,
  recursive: WatcherType.persistentRecursive,
}

/** Takes a watch from the server. `isAny`: in the way of servers before 3.9, which know no kinds of persistent watches. */
export function releaseRequest(watch: WatchRecord, isAny: boolean = false): Request<void> {
  const type = isAny ? WatcherType.any : TYPES[watch.kind]
  return {
    op: 'removeWatches',
    path: watch.path,
    type: OpCode.removeWatches,
    isWrite: false,
    write: (out) => writeWatches(out, { path: watch.path, type }),
    read: () => {},
    watch,
  }
}
