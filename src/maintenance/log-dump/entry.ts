import { formatHex, type SessionId, type Zxid } from '../../base/index.ts'
import {
  type AclEntry,
  type ByteString,
  byteStringToUtf8,
  DecodeError,
  decodeTxnEntry,
  errorCodeName,
  fromByteString,
  OpCode,
  opCodeName,
  type Txn,
} from '../../wire/index.ts'
import { count, time } from '../text.ts'

/** One transaction of a log, as it is printed. */
export interface DumpedEntry {
  readonly zxid: Zxid
  readonly session: SessionId
  readonly cxid: number
  /** Unix ms, of the leader's clock. */
  readonly timeMs: number
  readonly op: DumpedOp
  /** Of the whole transaction. */
  readonly bytes: number
  /** Tree digest after it; null when the log has none. */
  readonly digest: bigint | null
  readonly file: string
  readonly offset: number
}

export interface DumpedOp {
  readonly type: string
  /** Null where a transaction is about no znode. */
  readonly path: string | null
  readonly dataBytes: number | null
  readonly data: ByteString | null
  /** What else there is to say, e.g. `ephemeral`, `version 3`. */
  readonly details: readonly string[]
  /** Of a multi. */
  readonly ops: readonly DumpedOp[]
}

/** Reads a transaction; one that cannot be decoded is shown as such, because the rest of the log may be fine. */
export function dumpEntry(
  bytes: Uint8Array,
  start: number,
  end: number,
  file: string,
  offset: number,
): DumpedEntry | { readonly fault: string } {
  try {
    const { header, txn, digest } = decodeTxnEntry(bytes, start, end)
    return {
      zxid: header.zxid,
      session: header.clientId,
      cxid: header.cxid,
      timeMs: header.time,
      op: dumpOp(txn),
      bytes: end - start,
      digest: digest?.treeDigest ?? null,
      file,
      offset,
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { fault: error.message }
  }
}

/** Whether a transaction has to do with the znode at `path` or one below it. */
export function concerns({ path, ops, details }: DumpedOp, root: string): boolean {
  const isBelow = (each: string): boolean =>
    each === root || each.startsWith(root === '/' ? '/' : `${root}/`)
  if (path !== null && isBelow(path)) return true
  // The ephemerals that end with a session.
  if (details.some((detail) => detail.startsWith('/') && isBelow(detail))) return true
  return ops.some((op) => concerns(op, root))
}

function dumpOp(txn: Txn): DumpedOp {
  const type = opCodeName(txn.type)
  switch (txn.type) {
    case OpCode.create:
    case OpCode.create2:
      return withData(type, txn.path, txn.data, [
        ...(txn.ephemeral ? ['ephemeral'] : []),
        ...aclOf(txn.acl),
      ])
    case OpCode.createContainer:
      return withData(type, txn.path, txn.data, aclOf(txn.acl))
    case OpCode.createTTL:
      return withData(type, txn.path, txn.data, [`ttl ${txn.ttl} ms`, ...aclOf(txn.acl)])
    case OpCode.setData:
    case OpCode.reconfig:
      return withData(type, txn.path, txn.data, [`version ${txn.version}`])
    case OpCode.setACL:
      return about(type, txn.path, [`version ${txn.version}`, ...aclOf(txn.acl)])
    case OpCode.check:
      return about(type, txn.path, [`version ${txn.version}`])
    case OpCode.delete:
    case OpCode.deleteContainer:
      return about(type, txn.path, [])
    case OpCode.error:
      return about(type, null, [errorCodeName(txn.err)])
    case OpCode.createSession:
      return about(type, null, [`timeout ${txn.timeOut} ms`])
    case OpCode.closeSession:
      return about(type, null, txn.paths ?? [])
    default:
      return { ...about(type, null, []), ops: txn.txns.map(dumpOp) }
  }
}

function about(type: string, path: string | null, details: readonly string[]): DumpedOp {
  return { type, path, dataBytes: null, data: null, details, ops: [] }
}

function withData(
  type: string,
  path: string,
  data: ByteString | null,
  details: readonly string[],
): DumpedOp {
  return { type, path, dataBytes: data?.length ?? 0, data, details, ops: [] }
}

function aclOf(acl: readonly AclEntry[]): string[] {
  const [only] = acl
  const isOpen = acl.length === 1 && only!.perms === 31 && only!.scheme === 'world'
  return isOpen
    ? []
    : [
        `acl ${acl.map(({ perms, scheme, id }) => `${scheme ?? ''}:${id ?? ''}:${perms}`).join(',')}`,
      ]
}

/* ------------------------------------------------------------------ text */

export function entryText(entry: DumpedEntry, showsData: boolean): string {
  const { zxid, session, cxid, timeMs, op, bytes } = entry
  const head = `${formatHex(zxid)}  ${time(timeMs)}  session ${formatHex(session)} cxid ${formatHex(BigInt(cxid))}`
  return `${head}  ${opText(op, showsData)}  (${count(bytes, 'byte')})\n`
}

function opText(
  { type, path, dataBytes, data, details, ops }: DumpedOp,
  showsData: boolean,
): string {
  const parts = [type]
  if (path !== null) parts.push(path)
  if (dataBytes !== null) parts.push(`data ${dataBytes}`)
  parts.push(...details)
  if (showsData && data !== null && data.length > 0) parts.push(JSON.stringify(textOf(data)))
  const inner = ops.map((op) => opText(op, showsData)).join('; ')
  return ops.length === 0 ? parts.join(' ') : `${parts.join(' ')} [${inner}]`
}

export function entryJson(entry: DumpedEntry, showsData: boolean): string {
  const { zxid, session, cxid, timeMs, op, bytes, digest, file, offset } = entry
  const json = {
    zxid: formatHex(zxid),
    time: time(timeMs),
    session: formatHex(session),
    cxid,
    ...opJson(op, showsData),
    bytes,
    digest: digest === null ? null : formatHex(digest),
    file,
    offset,
  }
  return `${JSON.stringify(json)}\n`
}

function opJson(
  { type, path, dataBytes, data, details, ops }: DumpedOp,
  showsData: boolean,
): object {
  return {
    type,
    path,
    dataBytes,
    ...(showsData ? { data: data === null ? null : base64Of(data) } : {}),
    details,
    ...(ops.length === 0 ? {} : { ops: ops.map((op) => opJson(op, showsData)) }),
  }
}

/** UTF-8, which data usually is; other bytes become replacement characters. */
function textOf(data: ByteString): string {
  return byteStringToUtf8(data)
}

function base64Of(data: ByteString): string {
  return Buffer.from(fromByteString(data)).toString('base64')
}
