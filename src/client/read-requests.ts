import {
  type AclEntry,
  AddWatchMode,
  type ByteString,
  type ClientInfo,
  ErrorCode,
  type InputReader,
  OpCode,
  type OutputBuffer,
  type ReadOp,
  type ReadOpResult,
  readGetAclResponse,
  readGetAllChildrenNumberResponse,
  readGetChildren2Response,
  readGetDataResponse,
  readMultiReadResults,
  readPathResponse,
  readStat,
  readStringsResponse,
  readWhoAmIResponse,
  type Stat,
  writeAddWatch,
  writeMultiRead,
  writePath,
  writePathWatch,
} from '../wire/index.ts'
import type { Request } from './call.ts'
import type { WatchRecord } from './watch-table.ts'

/*
 * The requests that change nothing. `path` is the caller's, `outer` the server's. They are sent again after a broken
 * connection.
 */

type Path = { readonly path: string; readonly outer: string }

export function existsRequest(
  { path, outer }: Path,
  watch: WatchRecord | undefined,
): Request<Stat | null> {
  return {
    ...watching('exists', path, OpCode.exists, outer, watch),
    acceptedErr: ErrorCode.noNode,
    read: (reader, { err }) => (err === ErrorCode.ok ? readStat(reader) : null),
  }
}

export function getDataRequest(
  { path, outer }: Path,
  watch: WatchRecord | undefined,
): Request<{ readonly data: ByteString | null; readonly stat: Stat }> {
  return {
    ...watching('getData', path, OpCode.getData, outer, watch),
    read: readGetDataResponse,
  }
}

export function getChildrenRequest(
  { path, outer }: Path,
  watch: WatchRecord | undefined,
): Request<{ readonly children: readonly string[]; readonly stat: Stat }> {
  return {
    ...watching('getChildren', path, OpCode.getChildren2, outer, watch),
    read: readGetChildren2Response,
  }
}

export function getAclRequest({
  path,
  outer,
}: Path): Request<{ readonly acl: readonly AclEntry[]; readonly stat: Stat }> {
  return onPath('getAcl', path, OpCode.getACL, outer, readGetAclResponse)
}

export function syncRequest({ path, outer }: Path): Request<string | null> {
  return onPath('sync', path, OpCode.sync, outer, readPathResponse)
}

export function getEphemeralsRequest({ path, outer }: Path): Request<string[]> {
  return onPath('getEphemerals', path, OpCode.getEphemerals, outer, readStringsResponse)
}

export function countChildrenRequest({ path, outer }: Path): Request<number> {
  return onPath(
    'getAllChildrenNumber',
    path,
    OpCode.getAllChildrenNumber,
    outer,
    readGetAllChildrenNumberResponse,
  )
}

export function whoAmIRequest(): Request<ClientInfo[]> {
  return {
    op: 'whoAmI',
    path: null,
    type: OpCode.whoAmI,
    isWrite: false,
    write: () => {},
    read: readWhoAmIResponse,
  }
}

export function multiReadRequest(ops: readonly ReadOp[]): Request<ReadOpResult[]> {
  return {
    op: 'multiRead',
    path: null,
    type: OpCode.multiRead,
    isWrite: false,
    write: (out) => writeMultiRead(out, ops),
    read: readMultiReadResults,
  }
}

export function addWatchRequest({ path, outer }: Path, watch: WatchRecord): Request<void> {
  const mode =
    watch.kind === 'recursive' ? AddWatchMode.persistentRecursive : AddWatchMode.persistent
  return {
    op: 'watch',
    path,
    type: OpCode.addWatch,
    isWrite: false,
    write: (out) => writeAddWatch(out, { path: outer, mode }),
    read: () => {},
    watch,
  }
}

function watching(
  op: string,
  path: string,
  type: number,
  outer: string,
  watch: WatchRecord | undefined,
): Omit<Request<unknown>, 'read'> {
  const isWatched = watch !== undefined
  return {
    op,
    path,
    type,
    isWrite: false,
    write: (out: OutputBuffer) => writePathWatch(out, { path: outer, watch: isWatched }),
    ...(isWatched ? { watch } : {}),
  }
}

function onPath<T>(
  op: string,
  path: string,
  type: number,
  outer: string,
  read: (reader: InputReader) => T,
): Request<T> {
  return { op, path, type, isWrite: false, write: (out) => writePath(out, outer), read }
}
