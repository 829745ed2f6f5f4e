import fc from 'fast-check'
import type { SessionId, Zxid } from '../../src/base/index.ts'
import {
  type AclEntry,
  type AuthPacket,
  type ByteString,
  type ClientWriteRequest,
  type ConnectRequest,
  OpCode,
  type OpResult,
  type ReadOp,
  type ReadOpResult,
  type SetWatchesRequest,
  type Stat,
  type Txn,
  type TxnHeader,
  type WriteOp,
} from '../../src/wire/index.ts'

type Arb<T> = fc.Arbitrary<T>

/* One generator for each record; edge values are what fast-check's integers prefer anyway. */

export const int32: Arb<number> = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
export const int64: Arb<bigint> = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
export const zxid = int64 as Arb<Zxid>
export const sessionId = int64 as Arb<SessionId>
/** Exact in a double. */
export const time: Arb<number> = fc.maxSafeInteger()
/** Well-formed Unicode, around the lengths where the writer changes its method (12 and 1024). */
export const text: Arb<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }),
  fc.string({ minLength: 1000, maxLength: 1100 }),
)
export const path: Arb<string> = text.map((name) => `/${name}`)
export const nullableText: Arb<string | null> = fc.option(text, { freq: 8 })
export const data: Arb<ByteString | null> = fc.option(
  fc
    .uint8Array({ maxLength: 300 })
    .map((bytes) => Buffer.from(bytes).toString('latin1') as ByteString),
  { freq: 8 },
)
export const texts: Arb<string[]> = fc.array(text, { maxLength: 5 })

export const aclEntry: Arb<AclEntry> = fc.record(
  { perms: int32, scheme: nullableText, id: nullableText },
  { noNullPrototype: true },
)
export const acl: Arb<AclEntry[]> = fc.array(aclEntry, { maxLength: 4 })
export const nullableAcl: Arb<AclEntry[] | null> = fc.option(acl, { freq: 8 })

export const stat: Arb<Stat> = fc.record(
  {
    czxid: zxid,
    mzxid: zxid,
    ctime: time,
    mtime: time,
    version: int32,
    cversion: int32,
    aversion: int32,
    ephemeralOwner: sessionId,
    dataLength: int32,
    numChildren: int32,
    pzxid: zxid,
  },
  { noNullPrototype: true },
)

export const connectRequest: Arb<ConnectRequest> = fc
  .record(
    {
      protocolVersion: int32,
      lastZxidSeen: zxid,
      timeOut: int32,
      sessionId,
      passwd: data,
      readOnly: fc.boolean(),
      hasReadOnly: fc.boolean(),
    },
    { noNullPrototype: true },
  )
  .map((request) => ({ ...request, readOnly: request.readOnly && request.hasReadOnly }))

function createOp(flags: Arb<number>): Arb<WriteOp> {
  const fields = { path: nullableText, data, acl: nullableAcl, flags }
  return fc.oneof(
    fc.record(
      {
        type: fc.constantFrom(OpCode.create, OpCode.create2, OpCode.createContainer),
        ...fields,
        ttl: fc.constant(-1n),
      },
      { noNullPrototype: true },
    ),
    fc.record(
      { type: fc.constant(OpCode.createTTL), ...fields, ttl: int64 },
      { noNullPrototype: true },
    ),
  )
}

const otherOp: Arb<WriteOp> = fc.oneof(
  fc.record(
    { type: fc.constantFrom(OpCode.delete, OpCode.check), path: nullableText, version: int32 },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constant(OpCode.setData), path: nullableText, data, version: int32 },
    { noNullPrototype: true },
  ),
)

/** A multi may hold no setACL; the container flag is left out because decoding it changes the type. */
const multiOp: Arb<WriteOp> = fc.oneof(createOp(fc.constantFrom(0, 1, 2, 3, 5, 6)), otherOp)

export const writeRequest: Arb<ClientWriteRequest> = fc.oneof(
  createOp(int32),
  otherOp,
  fc.record(
    { type: fc.constant(OpCode.setACL), path: nullableText, acl: nullableAcl, version: int32 },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constant(OpCode.multi), ops: fc.array(multiOp, { maxLength: 6 }) },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      type: fc.constant(OpCode.reconfig),
      joiningServers: nullableText,
      leavingServers: nullableText,
      newMembers: nullableText,
      curConfigId: int64,
    },
    { noNullPrototype: true },
  ),
  fc.record({ type: fc.constant(OpCode.closeSession) }, { noNullPrototype: true }),
)

export const setWatches2: Arb<SetWatchesRequest> = fc.record(
  {
    relativeZxid: zxid,
    dataWatches: texts,
    existWatches: texts,
    childWatches: texts,
    persistentWatches: texts,
    persistentRecursiveWatches: texts,
  },
  { noNullPrototype: true },
)

export const authPacket: Arb<AuthPacket> = fc.record(
  { type: int32, scheme: nullableText, auth: data },
  { noNullPrototype: true },
)

export const readOps: Arb<ReadOp[]> = fc.array(
  fc.record(
    { type: fc.constantFrom(OpCode.getData, OpCode.getChildren), path: nullableText },
    { noNullPrototype: true },
  ),
  { maxLength: 6 },
)

const none = fc.constant(null)
const ok = fc.constant(0)
export const opResults: Arb<OpResult[]> = fc.array(
  fc.oneof(
    fc.record(
      { type: fc.constant(OpCode.create), err: ok, path, stat: none },
      { noNullPrototype: true },
    ),
    fc.record(
      { type: fc.constant(OpCode.create2), err: ok, path, stat },
      { noNullPrototype: true },
    ),
    fc.record(
      { type: fc.constantFrom(OpCode.setData, OpCode.setACL), err: ok, path: none, stat },
      { noNullPrototype: true },
    ),
    fc.record(
      { type: fc.constantFrom(OpCode.delete, OpCode.check), err: ok, path: none, stat: none },
      { noNullPrototype: true },
    ),
    fc.record(
      { type: fc.constant(OpCode.error), err: int32, path: none, stat: none },
      { noNullPrototype: true },
    ),
  ),
  { maxLength: 6 },
)

export const readOpResults: Arb<ReadOpResult[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant(OpCode.getData), data, stat }, { noNullPrototype: true }),
    fc.record(
      { type: fc.constant(OpCode.getChildren), children: texts },
      { noNullPrototype: true },
    ),
    fc.record({ type: fc.constant(OpCode.error), err: int32 }, { noNullPrototype: true }),
  ),
  { maxLength: 6 },
)

const created = { path, data, acl, parentCVersion: int32 }
const simpleTxn: Arb<Txn> = fc.oneof(
  fc.record(
    {
      type: fc.constantFrom(OpCode.create, OpCode.create2),
      ...created,
      ephemeral: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
  fc.record({ type: fc.constant(OpCode.createContainer), ...created }, { noNullPrototype: true }),
  fc.record(
    { type: fc.constant(OpCode.createTTL), ...created, ttl: int64 },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constantFrom(OpCode.delete, OpCode.deleteContainer), path },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constantFrom(OpCode.setData, OpCode.reconfig), path, data, version: int32 },
    { noNullPrototype: true },
  ),
  fc.record(
    { type: fc.constant(OpCode.setACL), path, acl, version: int32 },
    { noNullPrototype: true },
  ),
  fc.record({ type: fc.constant(OpCode.check), path, version: int32 }, { noNullPrototype: true }),
  fc.record({ type: fc.constant(OpCode.error), err: int32 }, { noNullPrototype: true }),
)

export const txn: Arb<Txn> = fc.oneof(
  { weight: 3, arbitrary: simpleTxn },
  fc.record(
    { type: fc.constant(OpCode.multi), txns: fc.array(simpleTxn, { maxLength: 6 }) },
    { noNullPrototype: true },
  ),
  fc.record({ type: fc.constant(OpCode.createSession), timeOut: int32 }, { noNullPrototype: true }),
  fc.record(
    { type: fc.constant(OpCode.closeSession), paths: fc.option(fc.array(path, { maxLength: 5 })) },
    { noNullPrototype: true },
  ),
)

/** Header without its type, which is the record's. */
export const txnHeader: Arb<Omit<TxnHeader, 'type'>> = fc.record(
  { clientId: sessionId, cxid: int32, zxid, time },
  { noNullPrototype: true },
)
