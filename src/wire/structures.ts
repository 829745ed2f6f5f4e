import type { SessionId, Zxid } from '../base/index.ts'
import { Perms } from './codes.ts'
import { DecodeError } from './decode-error.ts'
import type { InputReader } from './input-reader.ts'
import { OutputBuffer } from './output-buffer.ts'
import type { AclEntry, Stat } from './records.ts'

/* Parts that several records share. */

// Stat: long czxid, long mzxid, long ctime, long mtime, int version, int cversion, int aversion,
//       long ephemeralOwner, int dataLength, int numChildren, long pzxid
export function writeStat(out: OutputBuffer, stat: Stat): void {
  out.reserve(68)
  out.int64(stat.czxid)
  out.int64(stat.mzxid)
  out.int64Number(stat.ctime)
  out.int64Number(stat.mtime)
  out.int32(stat.version)
  out.int32(stat.cversion)
  out.int32(stat.aversion)
  out.int64(stat.ephemeralOwner)
  out.int32(stat.dataLength)
  out.int32(stat.numChildren)
  out.int64(stat.pzxid)
}

export function readStat(reader: InputReader): Stat {
  return {
    czxid: reader.int64() as Zxid,
    mzxid: reader.int64() as Zxid,
    ctime: reader.int64Number(),
    mtime: reader.int64Number(),
    version: reader.int32(),
    cversion: reader.int32(),
    aversion: reader.int32(),
    ephemeralOwner: reader.int64() as SessionId,
    dataLength: reader.int32(),
    numChildren: reader.int32(),
    pzxid: reader.int64() as Zxid,
  }
}

/** perms and two empty ustrings. */
const ACL_ENTRY_BYTES_MIN = 12

// vector<ACL>; ACL: int perms, ustring scheme, ustring id
export function writeAclList(out: OutputBuffer, acl: readonly AclEntry[] | null): void {
  if (acl === null) {
    out.int32(-1)
    return
  }
  out.int32(acl.length)
  for (const entry of acl) {
    out.int32(entry.perms)
    out.string(entry.scheme)
    out.string(entry.id)
  }
}

export function readAclList(reader: InputReader): readonly AclEntry[] | null {
  if (reader.skipIfNext(OPEN_ACL_BYTES)) return OPEN_ACL
  const count = reader.vectorCount(ACL_ENTRY_BYTES_MIN)
  if (count < 0) return null
  const acl: AclEntry[] = []
  for (let index = 0; index < count; index++) {
    acl.push({ perms: reader.int32(), scheme: reader.string(), id: reader.string() })
  }
  return acl
}

/**
 * `ZooDefs.Ids.OPEN_ACL_UNSAFE`, which most creates carry: recognised by its bytes, it costs no decoding and
 * no memory.
 */
const OPEN_ACL: readonly AclEntry[] = [{ perms: Perms.all, scheme: 'world', id: 'anyone' }]
const OPEN_ACL_BYTES: Uint8Array = encodeAclList(OPEN_ACL)

function encodeAclList(acl: readonly AclEntry[]): Uint8Array {
  const out = new OutputBuffer()
  writeAclList(out, acl)
  return out.take()
}

// vector<ustring>
export function writeStringList(out: OutputBuffer, list: readonly string[] | null): void {
  if (list === null) {
    out.int32(-1)
    return
  }
  out.int32(list.length)
  for (const text of list) out.string(text)
}

/** Like {@link writeStringList} for a Set or the keys of a Map, without copying them into an array first. */
export function writeStrings(out: OutputBuffer, strings: Iterable<string>): void {
  const mark = out.length
  out.int32(0)
  let count = 0
  for (const text of strings) {
    out.string(text)
    count++
  }
  out.patchInt32(mark, count)
}

/** Null elements are refused: nothing in the protocol gives them a meaning. */
export function readStringList(reader: InputReader): string[] | null {
  const count = reader.vectorCount(4)
  if (count < 0) return null
  const list: string[] = []
  for (let index = 0; index < count; index++) list.push(reader.requiredString())
  return list
}

export function readRequiredStringList(reader: InputReader): string[] {
  const list = readStringList(reader)
  if (list === null) throw new DecodeError('null where a list is required')
  return list
}
