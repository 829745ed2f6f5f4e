import { CreateMode, OpCode } from './codes.ts'
import { DecodeError } from './decode-error.ts'
import type { InputReader } from './input-reader.ts'
import type {
  CheckRequest,
  CloseSessionRequest,
  CreateRequest,
  DeleteRequest,
  MultiRequest,
  ReconfigRequest,
  SetAclRequest,
  SetDataRequest,
  WriteOp,
  WriteRequest,
} from './records.ts'
import { readAclList } from './structures.ts'

const CLOSE_SESSION: CloseSessionRequest = { type: OpCode.closeSession }

/**
 * Decodes the body of a request that becomes a transaction. createSession and deleteContainer are no client
 * requests and are refused like unknown types; check is decoded although it is only legal inside a multi.
 * @throws DecodeError answer: MarshallingError (-5).
 */
export function decodeWriteRequest(type: number, reader: InputReader): WriteRequest {
  switch (type) {
    case OpCode.setData:
      return decodeSetData(reader)
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      return decodeCreate(type, reader)
    case OpCode.createTTL:
      return decodeCreateTtl(reader)
    case OpCode.delete:
      return decodeDelete(reader)
    case OpCode.setACL:
      return decodeSetAcl(reader)
    case OpCode.check:
      return decodeCheck(reader)
    case OpCode.multi:
      return decodeMulti(reader)
    case OpCode.reconfig:
      return decodeReconfig(reader)
    case OpCode.closeSession:
      return CLOSE_SESSION
    default:
      throw new DecodeError(`no write request has type ${type}`)
  }
}

// CreateRequest: ustring path, buffer data, vector<ACL> acl, int flags
function decodeCreate(
  type: typeof OpCode.create | typeof OpCode.create2 | typeof OpCode.createContainer,
  reader: InputReader,
): CreateRequest {
  return {
    type,
    path: reader.string(),
    data: reader.byteString(),
    acl: readAclList(reader),
    flags: reader.int32(),
    ttl: -1n,
  }
}

// CreateTTLRequest: ustring path, buffer data, vector<ACL> acl, int flags, long ttl
function decodeCreateTtl(reader: InputReader): CreateRequest {
  return {
    type: OpCode.createTTL,
    path: reader.string(),
    data: reader.byteString(),
    acl: readAclList(reader),
    flags: reader.int32(),
    ttl: reader.int64(),
  }
}

// DeleteRequest: ustring path, int version
function decodeDelete(reader: InputReader): DeleteRequest {
  return { type: OpCode.delete, path: reader.string(), version: reader.int32() }
}

// SetDataRequest: ustring path, buffer data, int version
function decodeSetData(reader: InputReader): SetDataRequest {
  return {
    type: OpCode.setData,
    path: reader.string(),
    data: reader.byteString(),
    version: reader.int32(),
  }
}

// SetACLRequest: ustring path, vector<ACL> acl, int version
function decodeSetAcl(reader: InputReader): SetAclRequest {
  return {
    type: OpCode.setACL,
    path: reader.string(),
    acl: readAclList(reader),
    version: reader.int32(),
  }
}

// CheckVersionRequest: ustring path, int version
function decodeCheck(reader: InputReader): CheckRequest {
  return { type: OpCode.check, path: reader.string(), version: reader.int32() }
}

// ReconfigRequest: ustring joiningServers, ustring leavingServers, ustring newMembers, long curConfigId
function decodeReconfig(reader: InputReader): ReconfigRequest {
  return {
    type: OpCode.reconfig,
    joiningServers: reader.string(),
    leavingServers: reader.string(),
    newMembers: reader.string(),
    curConfigId: reader.int64(),
  }
}

// multi: (MultiHeader, op record)*, MultiHeader
// MultiHeader: int type, boolean done, int err      the end is known by done = true alone
function decodeMulti(reader: InputReader): MultiRequest {
  const ops: WriteOp[] = []
  for (;;) {
    const type = reader.int32()
    const isDone = reader.bool()
    reader.int32()
    if (isDone) return { type: OpCode.multi, ops }
    ops.push(decodeOp(type, reader))
  }
}

function decodeOp(type: number, reader: InputReader): WriteOp {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      return asMultiCreate(decodeCreate(type, reader))
    case OpCode.createTTL:
      return asMultiCreate(decodeCreateTtl(reader))
    case OpCode.delete:
      return decodeDelete(reader)
    case OpCode.setData:
      return decodeSetData(reader)
    case OpCode.check:
      return decodeCheck(reader)
    default:
      throw new DecodeError(`op of type ${type} in a multi`)
  }
}

/**
 * Upstream turns a create of a multi into an `Op` while decoding (`MultiOperationRecord.deserialize`), which has
 * two effects a top-level create does not know: unknown flags spoil the whole multi, and the container flag
 * makes a container even of a plain create.
 */
function asMultiCreate(request: CreateRequest): CreateRequest {
  const flags = request.flags
  if (flags < CreateMode.persistent || flags > CreateMode.persistentSequentialWithTTL) {
    throw new DecodeError(`create with flags ${flags} in a multi`)
  }
  const isPlain = request.type === OpCode.create || request.type === OpCode.create2
  if (flags !== CreateMode.container || !isPlain) return request
  return { ...request, type: OpCode.createContainer }
}
