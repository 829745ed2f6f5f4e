import { unreachable, type Zxid } from '../base/index.ts'
import { OpCode } from './codes.ts'
import type { OutputBuffer } from './output-buffer.ts'
import type {
  AddWatchRequest,
  AuthPacket,
  ByteString,
  CloseSessionRequest,
  CreateRequest,
  MultiRequest,
  PathWatchRequest,
  ReadOp,
  ReconfigRequest,
  SetWatchesRequest,
  WatchesRequest,
  WriteOp,
} from './records.ts'
import { writeMultiEnd, writeMultiHeader } from './replies.ts'
import { writeAclList, writeStringList } from './structures.ts'

/* What a client sends: the opposite of requests.ts and write-requests.ts, where the grammar of each record is. */

/** The write requests a client may send (the others are made by servers). */
export type ClientWriteRequest = WriteOp | MultiRequest | ReconfigRequest | CloseSessionRequest

// RequestHeader: int xid, int type
export function writeRequestHeader(out: OutputBuffer, xid: number, type: number): void {
  out.int32(xid)
  out.int32(type)
}

// ExistsRequest, GetDataRequest, GetChildrenRequest, GetChildren2Request: ustring path, boolean watch
export function writePathWatch(out: OutputBuffer, request: PathWatchRequest): void {
  out.string(request.path)
  out.bool(request.watch)
}

// GetACLRequest, SyncRequest, GetAllChildrenNumberRequest: ustring path; GetEphemeralsRequest: ustring prefixPath
export function writePath(out: OutputBuffer, path: string | null): void {
  out.string(path)
}

// SetWatches: long relativeZxid, vector<ustring> dataWatches, existWatches, childWatches
export function writeSetWatches(
  out: OutputBuffer,
  relativeZxid: Zxid,
  dataWatches: readonly string[],
  existWatches: readonly string[],
  childWatches: readonly string[],
): void {
  out.int64(relativeZxid)
  writeStringList(out, dataWatches)
  writeStringList(out, existWatches)
  writeStringList(out, childWatches)
}

// SetWatches2: SetWatches, vector<ustring> persistentWatches, persistentRecursiveWatches
export function writeSetWatches2(out: OutputBuffer, request: SetWatchesRequest): void {
  const { relativeZxid, dataWatches, existWatches, childWatches } = request
  writeSetWatches(out, relativeZxid, dataWatches, existWatches, childWatches)
  writeStringList(out, request.persistentWatches)
  writeStringList(out, request.persistentRecursiveWatches)
}

// AddWatchRequest: ustring path, int mode
export function writeAddWatch(out: OutputBuffer, request: AddWatchRequest): void {
  out.string(request.path)
  out.int32(request.mode)
}

// CheckWatchesRequest, RemoveWatchesRequest: ustring path, int type
export function writeWatches(out: OutputBuffer, request: WatchesRequest): void {
  out.string(request.path)
  out.int32(request.type)
}

// AuthPacket: int type, ustring scheme, buffer auth
export function writeAuthPacket(out: OutputBuffer, packet: AuthPacket): void {
  out.int32(packet.type)
  out.string(packet.scheme)
  out.byteString(packet.auth)
}

// GetSASLRequest: buffer token
export function writeSasl(out: OutputBuffer, token: ByteString | null): void {
  out.byteString(token)
}

// multiRead: (MultiHeader {type, false, -1}, ustring path, boolean watch)*, MultiHeader {-1, true, -1}
export function writeMultiRead(out: OutputBuffer, ops: readonly ReadOp[]): void {
  for (const op of ops) {
    writeMultiHeader(out, op.type, false, -1)
    out.string(op.path)
    out.bool(false)
  }
  writeMultiEnd(out)
}

/** The body of a write request; its type goes into the header. */
export function writeWriteRequest(out: OutputBuffer, request: ClientWriteRequest): void {
  switch (request.type) {
    // multi: (MultiHeader {type, false, -1}, op record)*, MultiHeader {-1, true, -1}
    case OpCode.multi:
      for (const op of request.ops) {
        writeMultiHeader(out, op.type, false, -1)
        writeOp(out, op)
      }
      writeMultiEnd(out)
      return
    // ReconfigRequest: ustring joiningServers, ustring leavingServers, ustring newMembers, long curConfigId
    case OpCode.reconfig:
      out.string(request.joiningServers)
      out.string(request.leavingServers)
      out.string(request.newMembers)
      out.int64(request.curConfigId)
      return
    case OpCode.closeSession:
      return
    default:
      writeOp(out, request)
  }
}

function writeOp(out: OutputBuffer, op: WriteOp): void {
  switch (op.type) {
    // SetDataRequest: ustring path, buffer data, int version
    case OpCode.setData:
      out.string(op.path)
      out.byteString(op.data)
      out.int32(op.version)
      return
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
      writeCreate(out, op)
      return
    // DeleteRequest, CheckVersionRequest: ustring path, int version
    case OpCode.delete:
    case OpCode.check:
      out.string(op.path)
      out.int32(op.version)
      return
    // SetACLRequest: ustring path, vector<ACL> acl, int version
    case OpCode.setACL:
      out.string(op.path)
      writeAclList(out, op.acl)
      out.int32(op.version)
      return
    default:
      unreachable(op)
  }
}

// CreateRequest: ustring path, buffer data, vector<ACL> acl, int flags      CreateTTLRequest: the same, long ttl
function writeCreate(out: OutputBuffer, request: CreateRequest): void {
  out.string(request.path)
  out.byteString(request.data)
  writeAclList(out, request.acl)
  out.int32(request.flags)
  if (request.type === OpCode.createTTL) out.int64(request.ttl)
}
