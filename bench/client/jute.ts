/**
 * A second, independent and deliberately plain encoder of the client protocol, so that measurements and process tests
 * do not share code with the server they judge.
 */

export const Op = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  check: 13,
  multi: 14,
  create2: 15,
  createContainer: 19,
  createTtl: 21,
  auth: 100,
  closeSession: -11,
} as const

export const CreateFlag = {
  persistent: 0,
  ephemeral: 1,
  sequential: 2,
  container: 4,
  ttl: 5,
} as const

export interface Stat {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly version: number
  readonly cversion: number
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: bigint
}

/** ustring or buffer: int length, then the bytes; null is length -1. */
export function buffer(value: string | Buffer | null): Buffer {
  if (value === null) return int(-1)
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([int(bytes.length), bytes])
}

export function int(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function long(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

export function bool(value: boolean): Buffer {
  return Buffer.of(value ? 1 : 0)
}

export function frame(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([int(body.length), body])
}

/** One entry of an access control list: permission bits, scheme, identity. */
export type AclEntry = readonly [permissions: number, scheme: string, id: string]

export function aclList(entries: readonly AclEntry[]): Buffer {
  const parts = entries.map(([bits, scheme, id]) => [int(bits), buffer(scheme), buffer(id)])
  return Buffer.concat([int(entries.length), ...parts.flat()])
}

const OPEN_ACL = aclList([[31, 'world', 'anyone']])

export function connectRequest(options: {
  readonly timeoutMs: number
  readonly sessionId?: bigint
  readonly password?: Buffer
  readonly lastZxid?: bigint
  readonly canBeReadOnly?: boolean
}): Buffer {
  return Buffer.concat([
    int(0),
    long(options.lastZxid ?? 0n),
    int(options.timeoutMs),
    long(options.sessionId ?? 0n),
    buffer(options.password ?? Buffer.alloc(16)),
    bool(options.canBeReadOnly ?? false),
  ])
}

/** Body of every kind of create but the one with a time to live; the ACL is open unless given. */
export function createBody(
  path: string,
  data: string | Buffer | null,
  flags: number,
  acl: Buffer = OPEN_ACL,
): Buffer {
  return Buffer.concat([buffer(path), buffer(data), acl, int(flags)])
}

export function createTtlBody(path: string, data: string | null, ttlMs: bigint): Buffer {
  return Buffer.concat([createBody(path, data, CreateFlag.ttl), long(ttlMs)])
}

export function setAclBody(path: string, entries: readonly AclEntry[], version: number): Buffer {
  return Buffer.concat([buffer(path), aclList(entries), int(version)])
}

export function setBody(path: string, data: string | Buffer | null, version: number): Buffer {
  return Buffer.concat([buffer(path), buffer(data), int(version)])
}

/** Body of delete and of check. */
export function pathVersionBody(path: string, version: number): Buffer {
  return Buffer.concat([buffer(path), int(version)])
}

/** Body of exists, getData and getChildren. */
export function readBody(path: string, watch: boolean): Buffer {
  return Buffer.concat([buffer(path), bool(watch)])
}

export interface MultiOp {
  readonly op: number
  readonly body: Buffer
}

export function multiBody(ops: readonly MultiOp[]): Buffer {
  const parts: Buffer[] = []
  for (const { op, body } of ops) parts.push(int(op), bool(false), int(-1), body)
  parts.push(int(-1), bool(true), int(-1))
  return Buffer.concat(parts)
}

/** True when a multi's reply body reports success: the first result is not an error. */
export function multiSucceeded(body: Buffer): boolean {
  return body.readInt32BE(0) !== -1 || body[4] === 1
}

/** Stat at `offset` of a reply body. */
export function readStat(body: Buffer, offset: number): Stat {
  return {
    czxid: body.readBigInt64BE(offset),
    mzxid: body.readBigInt64BE(offset + 8),
    version: body.readInt32BE(offset + 32),
    cversion: body.readInt32BE(offset + 36),
    ephemeralOwner: body.readBigInt64BE(offset + 44),
    dataLength: body.readInt32BE(offset + 52),
    numChildren: body.readInt32BE(offset + 56),
    pzxid: body.readBigInt64BE(offset + 60),
  }
}

/** Reply body of getData. */
export function readData(body: Buffer): { data: Buffer | null; stat: Stat } {
  const length = body.readInt32BE(0)
  const end = 4 + Math.max(length, 0)
  return { data: length < 0 ? null : body.subarray(4, end), stat: readStat(body, end) }
}

/** Reply body of getChildren. */
export function readNames(body: Buffer): string[] {
  const names: string[] = []
  let offset = 4
  for (let left = body.readInt32BE(0); left > 0; left--) {
    const length = body.readInt32BE(offset)
    names.push(body.toString('utf8', offset + 4, offset + 4 + length))
    offset += 4 + length
  }
  return names
}

/** Path in the reply of create, or in the event of a watch when `offset` is 8. */
export function readPath(body: Buffer, offset: number = 0): string {
  const length = body.readInt32BE(offset)
  return body.toString('utf8', offset + 4, offset + 4 + length)
}
