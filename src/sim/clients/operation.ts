import type { Zxid } from '../../base/index.ts'
import {
  type ByteString,
  type ClientWriteRequest,
  ErrorCode,
  type InputReader,
  OpCode,
  type OutputBuffer,
  type ReadOp,
  readCreate2Response,
  readGetAclResponse,
  readGetAllChildrenNumberResponse,
  readGetChildren2Response,
  readGetDataResponse,
  readMultiReadResults,
  readMultiResults,
  readPathResponse,
  readStat,
  readStringsResponse,
  readWhoAmIResponse,
  type SetWatchesRequest,
  writeAddWatch,
  writeAuthPacket,
  writeMultiRead,
  writePath,
  writePathWatch,
  writeSetWatches,
  writeSetWatches2,
  writeWatches,
  writeWriteRequest,
} from '../../wire/index.ts'
import type { ClientRequest, ClientResponse } from '../history.ts'

export interface PathWatchOperation {
  readonly type:
    | typeof OpCode.exists
    | typeof OpCode.getData
    | typeof OpCode.getChildren
    | typeof OpCode.getChildren2
  readonly path: string
  readonly watch: boolean
}

export interface PathOperation {
  readonly type:
    | typeof OpCode.getACL
    | typeof OpCode.sync
    | typeof OpCode.getEphemerals
    | typeof OpCode.getAllChildrenNumber
  readonly path: string
}

export interface MultiReadOperation {
  readonly type: typeof OpCode.multiRead
  readonly ops: readonly ReadOp[]
}

export interface AddWatchOperation {
  readonly type: typeof OpCode.addWatch
  readonly path: string
  readonly mode: number
}

export interface WatchesOperation {
  readonly type: typeof OpCode.checkWatches | typeof OpCode.removeWatches
  readonly path: string
  readonly watcherType: number
}

export interface SetWatchesOperation extends SetWatchesRequest {
  readonly type: typeof OpCode.setWatches | typeof OpCode.setWatches2
}

export interface AuthOperation {
  readonly type: typeof OpCode.auth
  readonly scheme: string
  readonly auth: ByteString
}

export interface PlainOperation {
  readonly type: typeof OpCode.ping | typeof OpCode.whoAmI
}

/** A request whose body is no record of its type: bytes, one character each. */
export interface RawOperation {
  readonly type: 'raw'
  readonly opcode: number
  readonly body: ByteString
}

/** What the history can hold. One object for each request, never changed: the history keeps it. */
export type RecordedOperation = Extract<Operation, ClientRequest>

/** Everything a client can ask. */
export type Operation =
  | ClientWriteRequest
  | PathWatchOperation
  | PathOperation
  | MultiReadOperation
  | AddWatchOperation
  | WatchesOperation
  | SetWatchesOperation
  | AuthOperation
  | PlainOperation
  | RawOperation

/** A reply: header and, when `err` is 0, what its opcode answers. A multi that failed has `err` 0: its `ops` tell. */
export interface Answer extends ClientResponse {
  readonly zxid: Zxid
  /** An `ErrorCode`. */
  readonly err: number
}

/** Opcode of the request header. */
export function opcodeOf(operation: Operation): number {
  return operation.type === 'raw' ? operation.opcode : operation.type
}

/** The path of an operation on one znode, else null. */
export function pathOf(operation: Operation): string | null {
  return 'path' in operation ? operation.path : null
}

/** Whether a request asks for a transaction: one without a reply may have been made or not. */
export function isWrite(operation: Operation): boolean {
  switch (operation.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL:
    case OpCode.delete:
    case OpCode.setData:
    case OpCode.setACL:
    case OpCode.multi:
    case OpCode.reconfig:
    case OpCode.closeSession:
      return true
    default:
      return false
  }
}

/** The body of a request, behind its header. */
export function writeOperation(out: OutputBuffer, operation: Operation): void {
  switch (operation.type) {
    case OpCode.exists:
    case OpCode.getData:
    case OpCode.getChildren:
    case OpCode.getChildren2:
      writePathWatch(out, operation)
      return
    case OpCode.getACL:
    case OpCode.sync:
    case OpCode.getEphemerals:
    case OpCode.getAllChildrenNumber:
      writePath(out, operation.path)
      return
    case OpCode.multiRead:
      writeMultiRead(out, operation.ops)
      return
    case OpCode.addWatch:
      writeAddWatch(out, operation)
      return
    case OpCode.checkWatches:
    case OpCode.removeWatches:
      writeWatches(out, { path: operation.path, type: operation.watcherType })
      return
    case OpCode.setWatches:
      writeSetWatches(
        out,
        operation.relativeZxid,
        operation.dataWatches,
        operation.existWatches,
        operation.childWatches,
      )
      return
    case OpCode.setWatches2:
      writeSetWatches2(out, operation)
      return
    case OpCode.auth:
      writeAuthPacket(out, { type: 0, scheme: operation.scheme, auth: operation.auth })
      return
    case OpCode.ping:
    case OpCode.whoAmI:
      return
    case 'raw':
      for (let i = 0; i < operation.body.length; i += 1) out.int8(operation.body.charCodeAt(i))
      return
    default:
      writeWriteRequest(out, operation)
  }
}

/**
 * The reply to an operation; the reader stands behind the reply header.
 * @throws DecodeError when the body is not what the operation answers.
 */
export function readAnswer(
  reader: InputReader,
  operation: Operation,
  zxid: Zxid,
  err: number,
): Answer {
  if (err !== ErrorCode.ok) return { zxid, err }
  switch (operation.type) {
    case OpCode.create:
    case OpCode.sync:
      return { zxid, err, path: readPathResponse(reader) }
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTTL: {
      const { path, stat } = readCreate2Response(reader)
      return { zxid, err, path, stat }
    }
    case OpCode.exists:
    case OpCode.setData:
    case OpCode.setACL:
      return { zxid, err, stat: readStat(reader) }
    case OpCode.getData:
    case OpCode.reconfig: {
      const { data, stat } = readGetDataResponse(reader)
      return { zxid, err, data, stat }
    }
    case OpCode.getChildren:
    case OpCode.getEphemerals:
      return { zxid, err, children: readStringsResponse(reader) }
    case OpCode.getChildren2: {
      const { children, stat } = readGetChildren2Response(reader)
      return { zxid, err, children, stat }
    }
    case OpCode.getACL: {
      const { acl, stat } = readGetAclResponse(reader)
      return { zxid, err, acl, stat }
    }
    case OpCode.getAllChildrenNumber:
      return { zxid, err, count: readGetAllChildrenNumberResponse(reader) }
    case OpCode.multi:
      return { zxid, err, ops: readMultiResults(reader) }
    case OpCode.multiRead:
      return { zxid, err, reads: readMultiReadResults(reader) }
    case OpCode.whoAmI:
      return { zxid, err, count: readWhoAmIResponse(reader).length }
    default:
      return { zxid, err }
  }
}
