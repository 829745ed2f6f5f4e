import type { Zxid } from '../base/index.ts'
import { OpCode } from './codes.ts'
import { DecodeError } from './decode-error.ts'
import type { InputReader } from './input-reader.ts'
import type {
  AclEntry,
  ByteString,
  ClientInfo,
  OpResult,
  ReadOpResult,
  ReplyHeader,
  Stat,
  WatcherEvent,
} from './records.ts'
import { readAclList, readRequiredStringList, readStat } from './structures.ts'

/* What a client receives: the opposite of replies.ts. The reply to exists, setData and setACL is a Stat: `readStat`. */

// ReplyHeader: int xid, long zxid, int err
export function readReplyHeader(reader: InputReader): ReplyHeader {
  return { xid: reader.int32(), zxid: reader.int64() as Zxid, err: reader.int32() }
}

// WatcherEvent: int type, int state, ustring path
export function readWatcherEvent(reader: InputReader): WatcherEvent {
  return { type: reader.int32(), state: reader.int32(), path: reader.string() }
}

// GetDataResponse (also of reconfig): buffer data, Stat stat
export function readGetDataResponse(reader: InputReader): {
  readonly data: ByteString | null
  readonly stat: Stat
} {
  return { data: reader.byteString(), stat: readStat(reader) }
}

// CreateResponse, SyncResponse: ustring path
export function readPathResponse(reader: InputReader): string | null {
  return reader.string()
}

// Create2Response (also of createContainer, createTTL): ustring path, Stat stat
export function readCreate2Response(reader: InputReader): {
  readonly path: string
  readonly stat: Stat
} {
  return { path: reader.requiredString(), stat: readStat(reader) }
}

// GetACLResponse: vector<ACL> acl, Stat stat
export function readGetAclResponse(reader: InputReader): {
  readonly acl: readonly AclEntry[]
  readonly stat: Stat
} {
  return { acl: readAclList(reader) ?? [], stat: readStat(reader) }
}

// GetChildrenResponse: vector<ustring> children      GetEphemeralsResponse: vector<ustring> ephemerals
export function readStringsResponse(reader: InputReader): string[] {
  return readRequiredStringList(reader)
}

// GetChildren2Response: vector<ustring> children, Stat stat
export function readGetChildren2Response(reader: InputReader): {
  readonly children: readonly string[]
  readonly stat: Stat
} {
  return { children: readRequiredStringList(reader), stat: readStat(reader) }
}

// GetAllChildrenNumberResponse: int totalNumber
export function readGetAllChildrenNumberResponse(reader: InputReader): number {
  return reader.int32()
}

// SetSASLResponse: buffer token
export function readSaslResponse(reader: InputReader): ByteString | null {
  return reader.byteString()
}

// WhoAmIResponse: vector<ClientInfo> clientInfo      ClientInfo: ustring authScheme, ustring user
export function readWhoAmIResponse(reader: InputReader): ClientInfo[] {
  const count = reader.vectorCount(8)
  const clients: ClientInfo[] = []
  for (let index = 0; index < count; index++) {
    clients.push({ authScheme: reader.requiredString(), user: reader.requiredString() })
  }
  return clients
}

// multi results: (MultiHeader {type, false, 0}, by type: 1 ustring path | 15 ustring path, Stat |
//                 5, 7 Stat | 2, 13 nothing | -1 ErrorResponse)*, MultiHeader with done = true
export function readMultiResults(reader: InputReader): OpResult[] {
  const results: OpResult[] = []
  for (;;) {
    const type = reader.int32()
    const isDone = reader.bool()
    reader.int32()
    if (isDone) return results
    results.push(readOpResult(type, reader))
  }
}

function readOpResult(type: number, reader: InputReader): OpResult {
  switch (type) {
    case OpCode.create:
      return { type, err: 0, path: reader.requiredString(), stat: null }
    case OpCode.create2:
      return { type, err: 0, path: reader.requiredString(), stat: readStat(reader) }
    case OpCode.setData:
    case OpCode.setACL:
      return { type, err: 0, path: null, stat: readStat(reader) }
    case OpCode.delete:
    case OpCode.check:
      return { type, err: 0, path: null, stat: null }
    case OpCode.error:
      return { type, err: reader.int32(), path: null, stat: null }
    default:
      throw new DecodeError(`result of type ${type} in a multi`)
  }
}

// multiRead results: (4 buffer data, Stat | 8 vector<ustring> children | -1 ErrorResponse, each behind its
//                     MultiHeader)*, MultiHeader with done = true
export function readMultiReadResults(reader: InputReader): ReadOpResult[] {
  const results: ReadOpResult[] = []
  for (;;) {
    const type = reader.int32()
    const isDone = reader.bool()
    reader.int32()
    if (isDone) return results
    results.push(readReadOpResult(type, reader))
  }
}

function readReadOpResult(type: number, reader: InputReader): ReadOpResult {
  switch (type) {
    case OpCode.getData:
      return { type, data: reader.byteString(), stat: readStat(reader) }
    case OpCode.getChildren:
      return { type, children: readRequiredStringList(reader) }
    case OpCode.error:
      return { type, err: reader.int32() }
    default:
      throw new DecodeError(`result of type ${type} in a multiRead`)
  }
}
