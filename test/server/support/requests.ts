import type { Zxid } from '../../../src/base/index.ts'
import {
  type AclEntry,
  type ByteString,
  type ClientWriteRequest,
  type CreateRequest,
  OpCode,
  type OutputBuffer,
  type SetWatchesRequest,
  type WriteOp,
  writeAddWatch,
  writeAuthPacket,
  writePath,
  writePathWatch,
  writeSetWatches2,
  writeWriteRequest,
  Xid,
} from '../../../src/wire/index.ts'
import { OPEN_ACL } from '../../../src/znodes/index.ts'

/** A request without its frame and xid. */
export interface Request {
  readonly type: number
  /** The xid to send; the client's next one unless given. */
  readonly xid?: number
  writeBody(out: OutputBuffer): void
}

interface CreateOptions {
  readonly flags?: number
  readonly acl?: readonly AclEntry[] | null
  readonly ttl?: bigint
  readonly type?: CreateRequest['type']
}

export function createOp(path: string, data: string = '', options: CreateOptions = {}): WriteOp {
  const { flags = 0, acl = OPEN_ACL, ttl = -1n, type = OpCode.create } = options
  return { type, path, data: data as ByteString, acl, flags, ttl }
}

export function setDataOp(path: string, data: string, version: number = -1): WriteOp {
  return { type: OpCode.setData, path, data: data as ByteString, version }
}

export function deleteOp(path: string, version: number = -1): WriteOp {
  return { type: OpCode.delete, path, version }
}

export function checkOp(path: string, version: number): WriteOp {
  return { type: OpCode.check, path, version }
}

export function write(request: ClientWriteRequest): Request {
  return { type: request.type, writeBody: (out) => writeWriteRequest(out, request) }
}

export function create(path: string, data: string = '', options: CreateOptions = {}): Request {
  return write(createOp(path, data, options))
}

export function setData(path: string, data: string, version: number = -1): Request {
  return write(setDataOp(path, data, version))
}

export function del(path: string, version: number = -1): Request {
  return write(deleteOp(path, version))
}

export function setAcl(path: string, acl: readonly AclEntry[], version: number = -1): Request {
  return write({ type: OpCode.setACL, path, acl, version })
}

export function multi(...ops: readonly WriteOp[]): Request {
  return write({ type: OpCode.multi, ops })
}

export const closeSession: Request = write({ type: OpCode.closeSession })

export const ping: Request = { type: OpCode.ping, xid: Xid.ping, writeBody: () => {} }

export function getData(path: string, watch: boolean = false): Request {
  return { type: OpCode.getData, writeBody: (out) => writePathWatch(out, { path, watch }) }
}

export function exists(path: string, watch: boolean = false): Request {
  return { type: OpCode.exists, writeBody: (out) => writePathWatch(out, { path, watch }) }
}

export function getChildren(path: string, watch: boolean = false): Request {
  return { type: OpCode.getChildren, writeBody: (out) => writePathWatch(out, { path, watch }) }
}

export function sync(path: string): Request {
  return { type: OpCode.sync, writeBody: (out) => writePath(out, path) }
}

export function auth(scheme: string, credentials: string): Request {
  return {
    type: OpCode.auth,
    xid: Xid.auth,
    writeBody: (out) =>
      writeAuthPacket(out, { type: 0, scheme, auth: credentials as ByteString | null }),
  }
}

export function addWatch(path: string, mode: number): Request {
  return { type: OpCode.addWatch, writeBody: (out) => writeAddWatch(out, { path, mode }) }
}

export function setWatches(
  relativeZxid: Zxid,
  lists: Partial<Omit<SetWatchesRequest, 'relativeZxid'>>,
): Request {
  const request: SetWatchesRequest = {
    relativeZxid,
    dataWatches: [],
    existWatches: [],
    childWatches: [],
    persistentWatches: [],
    persistentRecursiveWatches: [],
    ...lists,
  }
  return { type: OpCode.setWatches2, writeBody: (out) => writeSetWatches2(out, request) }
}

/** A request whose body is whatever `bytes` says. */
export function raw(type: number, bytes: readonly number[] = []): Request {
  return {
    type,
    writeBody: (out) => {
      for (const byte of bytes) out.int8(byte)
    },
  }
}
