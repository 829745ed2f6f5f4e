import { crc32c, type SessionId, type Zxid } from '../base/index.ts'
import type { Row, RowRange } from '../env/index.ts'
import {
  type AclEntry,
  byteStringToUtf8,
  InputReader,
  OutputBuffer,
  readAclList,
  SharedLongs,
  toByteString,
  writeAclList,
} from '../wire/index.ts'
import { type CheckpointMark, FOLDER_ID_BYTES, MARK_BYTES, readMark, writeMark } from './format.ts'
import type { ZnodeRow } from './types.ts'

/*
 * Rows of the checkpoint (docs/storage-format.md). Every key starts with the generation, so that a snapshot received
 * from a leader can be built beside the rows in use. Every value ends in a CRC-32C over key and value.
 *
 * <generation 4> 'z' <path, UTF-8>   -> czxid mzxid pzxid ctime mtime (longs), version storedCversion aversion (ints),
 *                                       storedOwner (long), data (buffer), acl (vector<ACL>)
 * <generation 4> 's' <session id 8>  -> timeoutMs (int)
 * <generation 4> 'm'                 -> folder id 16, checkpoint mark 52
 */
const ZNODE = 0x7a
const SESSION = 0x73
const META = 0x6d
const KEY_PREFIX_BYTES = 5
const CRC_BYTES = 4
const NOT_ASCII = /[\u0080-\u00ff]/

/** A row that cannot be what was written. */
export class RowDamage extends Error {
  override readonly name: string = 'RowDamage'
}

/** Encodes rows into buffers that are used again: what a method returns is valid until the next call. */
export class RowEncoder {
  readonly #generation: number
  readonly #key = new OutputBuffer()
  readonly #value = new OutputBuffer()

  constructor(generation: number) {
    this.#generation = generation
  }

  znodeKey(path: string): Uint8Array {
    const key = this.#key
    key.reset()
    // The length that `string` puts before the path makes room for the prefix.
    key.int8(0)
    key.string(path)
    key.patchInt32(0, this.#generation)
    key.bytes[key.start + 4] = ZNODE
    return key.bytes.subarray(key.start, key.end)
  }

  sessionKey(id: SessionId): Uint8Array {
    this.#prefix(SESSION)
    this.#key.int64(id)
    return this.#key.bytes.subarray(this.#key.start, this.#key.end)
  }

  metaKey(): Uint8Array {
    this.#prefix(META)
    return this.#key.bytes.subarray(this.#key.start, this.#key.end)
  }

  znodeValue(row: ZnodeRow, key: Uint8Array): Uint8Array {
    const out = this.#value
    out.reset()
    out.int64(row.czxid)
    out.int64(row.mzxid)
    out.int64(row.pzxid)
    out.int64Number(row.ctime)
    out.int64Number(row.mtime)
    out.int32(row.version)
    out.int32(row.storedCversion)
    out.int32(row.aversion)
    out.int64(row.storedOwner)
    out.byteString(row.data)
    writeAclList(out, row.acl)
    return this.#sealed(key)
  }

  sessionValue(timeoutMs: number, key: Uint8Array): Uint8Array {
    this.#value.reset()
    this.#value.int32(timeoutMs)
    return this.#sealed(key)
  }

  metaValue(folderId: Uint8Array, mark: CheckpointMark, key: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(MARK_BYTES)
    writeMark(new DataView(bytes.buffer), 0, mark)
    this.#value.reset()
    this.#value.append(folderId, 0, FOLDER_ID_BYTES)
    this.#value.append(bytes, 0, MARK_BYTES)
    return this.#sealed(key)
  }

  #prefix(kind: number): void {
    this.#key.reset()
    this.#key.int32(this.#generation)
    this.#key.int8(kind)
  }

  #sealed(key: Uint8Array): Uint8Array {
    const out = this.#value
    const crc = crc32c(out.bytes, out.start, out.end, crc32c(key, 0, key.length))
    out.int32(crc | 0)
    return out.bytes.subarray(out.start, out.end)
  }
}

/** Decodes and verifies rows. Equal ACLs come out as the same list. Throws {@link RowDamage} or `DecodeError`. */
export class RowDecoder {
  readonly #reader = new InputReader()
  readonly #longs = new SharedLongs()
  readonly #acls = new Map<string, readonly AclEntry[]>()

  znode(row: Row): ZnodeRow {
    const reader = this.#open(row)
    const path = toByteString(row.key.subarray(KEY_PREFIX_BYTES))
    const decoded = {
      path: NOT_ASCII.test(path) ? byteStringToUtf8(path) : path,
      czxid: this.#longs.read(reader) as Zxid,
      mzxid: this.#longs.read(reader) as Zxid,
      pzxid: this.#longs.read(reader) as Zxid,
      ctime: reader.int64Number(),
      mtime: reader.int64Number(),
      version: reader.int32(),
      storedCversion: reader.int32(),
      aversion: reader.int32(),
      storedOwner: this.#longs.read(reader),
      data: reader.byteString(),
      acl: this.#acl(row, reader),
    }
    return decoded
  }

  session(row: Row): { readonly id: SessionId; readonly timeoutMs: number } {
    const timeoutMs = this.#open(row).int32()
    if (row.key.length !== KEY_PREFIX_BYTES + 8)
      throw new RowDamage('a session key of wrong length')
    const view = new DataView(row.key.buffer, row.key.byteOffset, row.key.length)
    return { id: view.getBigInt64(KEY_PREFIX_BYTES) as SessionId, timeoutMs }
  }

  meta(row: Row): { readonly folderId: Uint8Array; readonly mark: CheckpointMark } {
    this.#open(row)
    const { value } = row
    if (value.length !== FOLDER_ID_BYTES + MARK_BYTES + CRC_BYTES) {
      throw new RowDamage('a meta row of wrong length')
    }
    const view = new DataView(value.buffer, value.byteOffset, value.length)
    return {
      folderId: new Uint8Array(value.subarray(0, FOLDER_ID_BYTES)),
      mark: readMark(view, FOLDER_ID_BYTES),
    }
  }

  #open({ key, value }: Row): InputReader {
    const end = value.length - CRC_BYTES
    if (end < 0) throw new RowDamage('a row without a checksum')
    const stored =
      ((value[end]! << 24) | (value[end + 1]! << 16) | (value[end + 2]! << 8) | value[end + 3]!) >>>
      0
    if (stored !== crc32c(value, 0, end, crc32c(key, 0, key.length))) {
      throw new RowDamage('a row whose checksum does not match')
    }
    this.#reader.reset(value, 0, end)
    return this.#reader
  }

  #acl(row: Row, reader: InputReader): readonly AclEntry[] {
    const start = reader.offset
    const text = toByteString(row.value.subarray(start, row.value.length - CRC_BYTES))
    const known = this.#acls.get(text)
    if (known !== undefined) return known
    const acl = readAclList(reader) ?? []
    this.#acls.set(text, acl)
    return acl
  }
}

export function znodeRange(generation: number): RowRange {
  return rangeOf(generation, ZNODE)
}

export function sessionRange(generation: number): RowRange {
  return rangeOf(generation, SESSION)
}

export function metaRange(generation: number): RowRange {
  return rangeOf(generation, META)
}

/** All rows of the generations before one. */
export function earlierGenerations(generation: number): RowRange {
  return { from: new Uint8Array(KEY_PREFIX_BYTES), to: prefixOf(generation, 0) }
}

/** All rows of the generations after one. */
export function laterGenerations(generation: number): RowRange {
  return { from: prefixOf(generation, 0xff), to: new Uint8Array(KEY_PREFIX_BYTES).fill(0xff) }
}

function rangeOf(generation: number, kind: number): RowRange {
  return { from: prefixOf(generation, kind), to: prefixOf(generation, kind + 1) }
}

function prefixOf(generation: number, kind: number): Uint8Array {
  const prefix = new Uint8Array(KEY_PREFIX_BYTES)
  new DataView(prefix.buffer).setUint32(0, generation)
  prefix[4] = kind
  return prefix
}
