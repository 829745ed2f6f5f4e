import type { Zxid } from '../base/index.ts'
import {
  OpCode,
  type OutputBuffer,
  type SetWatchesRequest,
  writeSetWatches,
  writeSetWatches2,
} from '../wire/index.ts'
import type { Request } from './call.ts'
import type { WatchKind, WatchTable } from './watch-table.ts'

/** A request holds about as much as Apache's client puts into one. */
const CHUNK_BYTES = 128 * 1024

type Lists = Record<WatchKind, string[]>

/** A request that sets watches anew, and the persistent ones among them, by path. */
export interface RestoreRequest extends Request<void> {
  readonly lists: Readonly<Lists>
}

/**
 * What gives a new connection the watches of the old one. The server answers a one-shot watch whose znode has changed
 * since `zxid` with its event; of persistent watches it does not say what they missed.
 */
export function restoreRequests(table: WatchTable, zxid: Zxid): RestoreRequest[] {
  const requests: RestoreRequest[] = []
  let lists = emptyLists()
  let bytes = 0
  for (const [kind, path] of table.entries()) {
    // Three bytes a character is the most that UTF-8 needs for a path.
    const size = 4 + path.length * 3
    if (bytes > 0 && bytes + size > CHUNK_BYTES) {
      requests.push(restoreRequest(lists, zxid))
      lists = emptyLists()
      bytes = 0
    }
    lists[kind].push(path)
    bytes += size
  }
  if (bytes > 0) requests.push(restoreRequest(lists, zxid))
  return requests
}

function emptyLists(): Lists {
  return { data: [], exist: [], child: [], persistent: [], recursive: [] }
}

function restoreRequest(lists: Lists, relativeZxid: Zxid): RestoreRequest {
  const { data, exist, child, persistent, recursive } = lists
  // Servers before 3.6 do not know setWatches2.
  const isOld = persistent.length + recursive.length === 0
  const request: SetWatchesRequest = {
    relativeZxid,
    dataWatches: data,
    existWatches: exist,
    childWatches: child,
    persistentWatches: persistent,
    persistentRecursiveWatches: recursive,
  }
  return {
    op: 'setWatches',
    path: null,
    type: isOld ? OpCode.setWatches : OpCode.setWatches2,
    isWrite: false,
    lists,
    write: (out: OutputBuffer) => {
      if (isOld) writeSetWatches(out, relativeZxid, data, exist, child)
      else writeSetWatches2(out, request)
    },
    read: () => {},
  }
}
