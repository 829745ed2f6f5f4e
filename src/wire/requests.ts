import type { Zxid } from '../base/index.ts'
import { OpCode } from './codes.ts'
import { DecodeError } from './decode-error.ts'
import type { InputReader } from './input-reader.ts'
import type {
  AddWatchRequest,
  AuthPacket,
  ByteString,
  PathWatchRequest,
  ReadOp,
  RequestHeader,
  SetWatchesRequest,
  WatchesRequest,
} from './records.ts'
import { readRequiredStringList } from './structures.ts'

/* Request header and the requests that make no transaction. Bytes after a record are ignored everywhere. */

// RequestHeader: int xid, int type
export function readRequestHeader(reader: InputReader, header: RequestHeader): void {
  header.xid = reader.int32()
  header.type = reader.int32()
}

// ExistsRequest, GetDataRequest, GetChildrenRequest, GetChildren2Request: ustring path, boolean watch
export function decodePathWatch(reader: InputReader): PathWatchRequest {
  return { path: reader.string(), watch: reader.bool() }
}

// GetACLRequest, SyncRequest, GetAllChildrenNumberRequest: ustring path; GetEphemeralsRequest: ustring prefixPath
export function decodePath(reader: InputReader): string | null {
  return reader.string()
}

// SetWatches: long relativeZxid, vector<ustring> dataWatches, existWatches, childWatches
/** @throws DecodeError also for a null list. */
export function decodeSetWatches(reader: InputReader): SetWatchesRequest {
  return {
    relativeZxid: reader.int64() as Zxid,
    dataWatches: readRequiredStringList(reader),
    existWatches: readRequiredStringList(reader),
    childWatches: readRequiredStringList(reader),
    persistentWatches: [],
    persistentRecursiveWatches: [],
  }
}

// SetWatches2: SetWatches, vector<ustring> persistentWatches, persistentRecursiveWatches
/** @throws DecodeError also for a null list. */
export function decodeSetWatches2(reader: InputReader): SetWatchesRequest {
  return {
    relativeZxid: reader.int64() as Zxid,
    dataWatches: readRequiredStringList(reader),
    existWatches: readRequiredStringList(reader),
    childWatches: readRequiredStringList(reader),
    persistentWatches: readRequiredStringList(reader),
    persistentRecursiveWatches: readRequiredStringList(reader),
  }
}

// AddWatchRequest: ustring path, int mode
export function decodeAddWatch(reader: InputReader): AddWatchRequest {
  return { path: reader.string(), mode: reader.int32() }
}

// CheckWatchesRequest, RemoveWatchesRequest: ustring path, int type
export function decodeWatches(reader: InputReader): WatchesRequest {
  return { path: reader.string(), type: reader.int32() }
}

// AuthPacket: int type, ustring scheme, buffer auth
export function decodeAuthPacket(reader: InputReader): AuthPacket {
  return { type: reader.int32(), scheme: reader.string(), auth: reader.byteString() }
}

// GetSASLRequest: buffer token
export function decodeSasl(reader: InputReader): ByteString | null {
  return reader.byteString()
}

// multiRead: (MultiHeader, GetDataRequest | GetChildrenRequest)*, MultiHeader with done = true
/** @throws DecodeError also for any other kind of op. */
export function decodeMultiRead(reader: InputReader): ReadOp[] {
  const ops: ReadOp[] = []
  for (;;) {
    const type = reader.int32()
    const isDone = reader.bool()
    reader.int32()
    if (isDone) return ops
    if (type !== OpCode.getData && type !== OpCode.getChildren) {
      throw new DecodeError(`op of type ${type} in a multiRead`)
    }
    const path = reader.string()
    reader.bool()
    ops.push({ type, path })
  }
}
