import { assert, type SessionId, unreachable, type Zxid } from '../base/index.ts'
import { OpCode } from './codes.ts'
import { DecodeError } from './decode-error.ts'
import { InputReader } from './input-reader.ts'
import type { OutputBuffer } from './output-buffer.ts'
import type {
  AclEntry,
  CloseSessionTxn,
  CreateTxn,
  MultiTxn,
  Txn,
  TxnDigest,
  TxnEntry,
  TxnHeader,
} from './records.ts'
import { readAclList, readStringList, writeAclList, writeStringList } from './structures.ts'

/* Transactions as they are logged and proposed, in the original's serialization (`SerializeUtil`). */

/** Version of the tree digest this server computes (`DigestCalculator.DIGEST_VERSION`). */
export const DIGEST_VERSION = 2

const DIGEST_BYTES = 12
const ZXID_OFFSET = 12

const entryReader = new InputReader()

// entry: TxnHeader, record by type (possibly absent) [, TxnDigest]
/** `digest` is the tree digest after the transaction (version 2); null leaves it out. */
export function encodeTxnEntry(
  out: OutputBuffer,
  header: TxnHeader,
  txn: Txn,
  digest: bigint | null,
): void {
  assert(header.type === txn.type, 'a header of another type than the transaction')
  writeTxnHeader(out, header)
  writeTxn(out, txn)
  if (digest === null) return
  out.int32(DIGEST_VERSION)
  out.int64(digest)
}

/** @throws DecodeError when bytes[start, end) are no transaction entry of a known type. */
export function decodeTxnEntry(bytes: Uint8Array, start: number, end: number): TxnEntry {
  const reader = entryReader
  reader.reset(bytes, start, end)
  try {
    const header = readTxnHeader(reader)
    const txn = readTxn(header.type, reader)
    return { header, txn, digest: readTxnDigest(reader) }
  } finally {
    reader.clear()
  }
}

/** The zxid of an encoded entry that begins at `start`, without decoding the rest. */
export function txnEntryZxid(bytes: Uint8Array, start: number, end: number): Zxid {
  const reader = entryReader
  reader.reset(bytes, start, end)
  try {
    reader.skip(ZXID_OFFSET)
    return reader.int64() as Zxid
  } finally {
    reader.clear()
  }
}

// TxnHeader: long clientId, int cxid, long zxid, long time, int type
export function writeTxnHeader(out: OutputBuffer, header: TxnHeader): void {
  out.int64(header.clientId)
  out.int32(header.cxid)
  out.int64(header.zxid)
  out.int64Number(header.time)
  out.int32(header.type)
}

export function readTxnHeader(reader: InputReader): TxnHeader {
  return {
    clientId: reader.int64() as SessionId,
    cxid: reader.int32(),
    zxid: reader.int64() as Zxid,
    time: reader.int64Number(),
    type: reader.int32(),
  }
}

// TxnDigest: int version, long treeDigest
/** Fewer bytes than a digest mean there is none, like upstream, which reads it until the end of the entry. */
function readTxnDigest(reader: InputReader): TxnDigest | null {
  if (reader.remaining < DIGEST_BYTES) return null
  return { version: reader.int32(), treeDigest: reader.int64() }
}

export function writeTxn(out: OutputBuffer, txn: Txn): void {
  switch (txn.type) {
    // SetDataTxn (also of reconfig): ustring path, buffer data, int version
    case OpCode.setData:
    case OpCode.reconfig:
      out.string(txn.path)
      out.byteString(txn.data)
      out.int32(txn.version)
      return
    // CreateTxn: ustring path, buffer data, vector<ACL> acl, boolean ephemeral, int parentCVersion
    case OpCode.create:
    case OpCode.create2:
      out.string(txn.path)
      out.byteString(txn.data)
      writeAclList(out, txn.acl)
      out.bool(txn.ephemeral)
      out.int32(txn.parentCVersion)
      return
    // CreateContainerTxn: ustring path, buffer data, vector<ACL> acl, int parentCVersion
    case OpCode.createContainer:
      out.string(txn.path)
      out.byteString(txn.data)
      writeAclList(out, txn.acl)
      out.int32(txn.parentCVersion)
      return
    // CreateTTLTxn: ustring path, buffer data, vector<ACL> acl, int parentCVersion, long ttl
    case OpCode.createTTL:
      out.string(txn.path)
      out.byteString(txn.data)
      writeAclList(out, txn.acl)
      out.int32(txn.parentCVersion)
      out.int64(txn.ttl)
      return
    // DeleteTxn (also of deleteContainer): ustring path
    case OpCode.delete:
    case OpCode.deleteContainer:
      out.string(txn.path)
      return
    // SetACLTxn: ustring path, vector<ACL> acl, int version
    case OpCode.setACL:
      out.string(txn.path)
      writeAclList(out, txn.acl)
      out.int32(txn.version)
      return
    // CheckVersionTxn: ustring path, int version
    case OpCode.check:
      out.string(txn.path)
      out.int32(txn.version)
      return
    // ErrorTxn: int err
    case OpCode.error:
      out.int32(txn.err)
      return
    case OpCode.multi:
      writeMultiTxn(out, txn)
      return
    // CreateSessionTxn: int timeOut
    case OpCode.createSession:
      out.int32(txn.timeOut)
      return
    // CloseSessionTxn: vector<ustring> paths2Delete; absent in logs of servers before 3.6
    case OpCode.closeSession:
      if (txn.paths !== null) writeStringList(out, txn.paths)
      return
    default:
      unreachable(txn)
  }
}

// MultiTxn: vector<Txn> txns      Txn: int type, buffer data (the record of that type)
function writeMultiTxn(out: OutputBuffer, multi: MultiTxn): void {
  out.int32(multi.txns.length)
  for (const txn of multi.txns) {
    out.int32(txn.type)
    const mark = out.beginFrame()
    writeTxn(out, txn)
    out.endFrame(mark)
  }
}

function readTxn(type: number, reader: InputReader): Txn {
  switch (type) {
    case OpCode.multi:
      return readMultiTxn(reader)
    case OpCode.createSession:
      return { type, timeOut: reader.int32() }
    case OpCode.closeSession:
      return readCloseSessionTxn(reader)
    default:
      return readSimpleTxn(type, reader)
  }
}

/** The types a MultiTxn may hold: all that change at most one znode. */
function readSimpleTxn(type: number, reader: InputReader): Txn {
  switch (type) {
    case OpCode.setData:
    case OpCode.reconfig:
      return {
        type,
        path: reader.requiredString(),
        data: reader.byteString(),
        version: reader.int32(),
      }
    case OpCode.create:
    case OpCode.create2:
      return readCreateTxn(type, reader)
    case OpCode.createContainer:
      return {
        type,
        path: reader.requiredString(),
        data: reader.byteString(),
        acl: readTxnAcl(reader),
        parentCVersion: reader.int32(),
      }
    case OpCode.createTTL:
      return {
        type,
        path: reader.requiredString(),
        data: reader.byteString(),
        acl: readTxnAcl(reader),
        parentCVersion: reader.int32(),
        ttl: reader.int64(),
      }
    case OpCode.delete:
    case OpCode.deleteContainer:
      return { type, path: reader.requiredString() }
    case OpCode.setACL:
      return {
        type,
        path: reader.requiredString(),
        acl: readTxnAcl(reader),
        version: reader.int32(),
      }
    case OpCode.check:
      return { type, path: reader.requiredString(), version: reader.int32() }
    case OpCode.error:
      return { type, err: reader.int32() }
    default:
      throw new DecodeError(`no transaction has type ${type} here`)
  }
}

/** The oldest form (`CreateTxnV0`) ends before parentCVersion; -1 then means "the parent's plus one". */
function readCreateTxn(type: CreateTxn['type'], reader: InputReader): CreateTxn {
  const path = reader.requiredString()
  const data = reader.byteString()
  const acl = readTxnAcl(reader)
  const ephemeral = reader.bool()
  const parentCVersion = reader.remaining < 4 ? -1 : reader.int32()
  return { type, path, data, acl, ephemeral, parentCVersion }
}

/** A null list means what an empty one means to the ACL check: everything is allowed. */
function readTxnAcl(reader: InputReader): readonly AclEntry[] {
  return readAclList(reader) ?? []
}

/**
 * Servers before 3.6, and later ones with `zookeeper.closeSessionTxn.enabled=false`, write no record. Then either
 * nothing or a digest follows the header. A digest is never mistaken for a list: its version 2 would announce
 * two strings in eight bytes, which can only be empty ones.
 */
function readCloseSessionTxn(reader: InputReader): CloseSessionTxn {
  const start = reader.offset
  let isAbsent = reader.remaining === 0
  if (reader.remaining === DIGEST_BYTES) {
    isAbsent = reader.int32() === DIGEST_VERSION
    reader.seek(start)
  }
  return { type: OpCode.closeSession, paths: isAbsent ? null : readStringList(reader) }
}

/** int type and the length of its record. */
const SUB_TXN_BYTES_MIN = 8

function readMultiTxn(reader: InputReader): MultiTxn {
  const count = reader.vectorCount(SUB_TXN_BYTES_MIN)
  if (count < 0) throw new DecodeError('null list of transactions in a multi')
  const txns: Txn[] = []
  for (let index = 0; index < count; index++) txns.push(readSubTxn(reader))
  return { type: OpCode.multi, txns }
}

/** Reads inside the bounds of the record's own buffer, then goes on behind it. */
function readSubTxn(reader: InputReader): Txn {
  const type = reader.int32()
  const length = reader.int32()
  if (length < 0) throw new DecodeError(`length ${length} of a transaction in a multi`)
  const outerEnd = reader.narrow(length)
  const txn = readSimpleTxn(type, reader)
  reader.widen(outerEnd)
  return txn
}
