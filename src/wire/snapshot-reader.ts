import { assert, type SessionId, type Zxid } from '../base/index.ts'
import { allocateBytes, asByteBuffer, type ByteBuffer, NO_BYTES, readInt32 } from './byte-buffer.ts'
import { Perms } from './codes.ts'
import { DecodeError } from './decode-error.ts'
import { InputReader } from './input-reader.ts'
import type { AclEntry } from './records.ts'
import { SharedLongs } from './shared-longs.ts'
import { Adler32 } from './snapshot-checksum.ts'
import {
  OPEN_ACL_ID,
  SNAPSHOT_END_PATH,
  SNAPSHOT_SIGNATURE,
  type SnapshotDigest,
  type SnapshotZnode,
} from './snapshot-records.ts'

/** Takes what a snapshot holds, in the order of the stream. It may refuse by throwing {@link DecodeError}. */
export interface SnapshotHandler {
  onSession(sessionId: SessionId, timeoutMs: number): void
  onAcl(aclId: number, acl: readonly AclEntry[]): void
  /** `aclId` is the one that the snapshot gives; `znode.acl` is its list. */
  onZnode(znode: SnapshotZnode, aclId: number): void
}

export interface SnapshotReaderOptions {
  /** `learner`: the stream behind a SNAP packet. `file`: a whole file of a data folder, not compressed. */
  readonly form: 'file' | 'learner'
  /** Longest path, data and text of an ACL. Upstream's default: `jute.maxbuffer` and as much extra. */
  readonly valueBytesMax: number
  /** Longest snapshot in all. */
  readonly bytesMax: number
  /**
   * What a znode gets whose ACL is not in the table. A stream that was taken while transactions went on has such
   * znodes (ZOOKEEPER-3306): transactions that follow set their ACL again. Null refuses the stream.
   */
  readonly missingAcl: readonly AclEntry[] | null
}

/** What the next bytes are. */
const Part = {
  fileHead: 0,
  sessionCount: 1,
  session: 2,
  aclCount: 3,
  aclHead: 4,
  aclEntry: 5,
  znode: 6,
  signature: 7,
  bodySeal: 8,
  digestHead: 9,
  digest: 10,
  oldDigest: 11,
  digestSeal: 12,
  lastProcessed: 13,
  lastSeal: 14,
  done: 15,
} as const
type Part = (typeof Part)[keyof typeof Part]

const FILE_MAGIC = 0x5a4b_534e
const FILE_VERSION = 2
/** The version of the digest that is compared; older ones are texts. */
const DIGEST_VERSION = 2
/** int length of path. */
const LENGTH_BYTES = 4
/** long aclId and what follows it. */
const AFTER_DATA_BYTES = 68
const SEAL_BYTES = 13
const SLASH = 0x2f

const OPEN_ACL: readonly AclEntry[] = [{ perms: Perms.all, scheme: 'world', id: 'anyone' }]

/**
 * Reads a snapshot from chunks of any size: each part goes to the handler as soon as it is whole. What is held is one
 * part that is not whole yet, so at most a path and its data; and the ACL table. Counts are not trusted.
 * Whether the znodes form a tree is for the handler to say: it has the tree.
 */
export class SnapshotReader {
  readonly #options: SnapshotReaderOptions
  readonly #handler: SnapshotHandler
  readonly #reader = new InputReader()
  readonly #adler: Adler32 | null
  readonly #acls = new Map<number, readonly AclEntry[]>()
  readonly #longs = new SharedLongs()
  #part: Part
  /** Elements of the table that are still to come. */
  #left = 0
  #aclId = 0
  #aclEntries: AclEntry[] = []
  #aclEntriesLeft = 0
  /** Bytes that the present part has at least. */
  #wanted = 0
  /** Beginning of the present part. */
  #held: ByteBuffer = NO_BYTES
  #heldLength = 0
  #bytesRead = 0
  #digestZxid = 0n as Zxid
  #digest: SnapshotDigest | null = null
  #lastProcessedZxid: Zxid | null = null

  constructor(handler: SnapshotHandler, options: SnapshotReaderOptions) {
    this.#handler = handler
    this.#options = options
    this.#adler = options.form === 'file' ? new Adler32() : null
    this.#part = options.form === 'file' ? Part.fileHead : Part.sessionCount
  }

  /** All of the snapshot was read. A file may be whole before ({@link end}). */
  get isDone(): boolean {
    return this.#part === Part.done
  }

  /** Bytes of whole parts. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  /** Of a file. */
  get digest(): SnapshotDigest | null {
    return this.#digest
  }

  /** Of a file, since 3.9. */
  get lastProcessedZxid(): Zxid | null {
    return this.#lastProcessedZxid
  }

  /**
   * Takes the next bytes; gives how many of them belong to the snapshot: fewer than there are only when it is done.
   * The bytes may be used again afterwards. Throws {@link DecodeError}; then the reader is of no further use.
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && this.#part !== Part.done) {
      if (this.#heldLength === 0) {
        at = this.#readParts(bytes, at, end)
        if (this.isDone) break
      }
      at = this.#hold(bytes, at, end)
      if (this.#heldLength > 0) this.#readHeld()
    }
    return at - start
  }

  /** There are no more bytes. Throws {@link DecodeError} unless the snapshot is whole. */
  end(): void {
    const isWhole =
      this.#heldLength === 0 &&
      (this.#part === Part.done ||
        this.#part === Part.digestHead ||
        this.#part === Part.lastProcessed)
    if (!isWhole) throw new DecodeError(`snapshot ends after ${this.#bytesRead} bytes, unfinished`)
  }

  /* ---------------------------------------------------------------- pieces */

  /** Reads what is whole in bytes[start, end); gives where the first part begins that is not. */
  #readParts(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (this.#part !== Part.done) {
      const size = this.#sizeOfPart(bytes, at, end)
      if (size > end - at) {
        this.#wanted = size
        break
      }
      this.#readPart(bytes, at, at + size)
      at += size
    }
    return at
  }

  /** Adds to the part that is held, up to the size it has at least. */
  #hold(bytes: Uint8Array, start: number, end: number): number {
    const size = Math.min(end - start, this.#wanted - this.#heldLength)
    const length = this.#heldLength + size
    if (length > this.#held.length) {
      const larger = allocateBytes(Math.min(Math.max(2 * length, 256), this.#wanted))
      this.#held.copy(larger, 0, 0, this.#heldLength)
      this.#held = larger
    }
    asByteBuffer(bytes).copy(this.#held, this.#heldLength, start, start + size)
    this.#heldLength = length
    return start + size
  }

  /** What is held turns out to be longer, or is exactly one part. */
  #readHeld(): void {
    const size = this.#sizeOfPart(this.#held, 0, this.#heldLength)
    assert(size >= this.#heldLength, 'no more is held than the part has')
    this.#wanted = size
    if (size > this.#heldLength) return
    this.#readPart(this.#held, 0, size)
    this.#heldLength = 0
    this.#held = NO_BYTES
  }

  /* ---------------------------------------------------------------- sizes */

  /** Size of the part that begins at `at`; while its lengths are not there, what it has at least. */
  #sizeOfPart(bytes: Uint8Array, at: number, end: number): number {
    switch (this.#part) {
      case Part.sessionCount:
      case Part.aclCount:
        return 4
      case Part.digest:
      case Part.lastProcessed:
        return 8
      case Part.session:
      case Part.aclHead:
      case Part.digestHead:
        return 12
      case Part.bodySeal:
      case Part.digestSeal:
      case Part.lastSeal:
        return SEAL_BYTES
      case Part.fileHead:
        return 16
      case Part.signature:
        return LENGTH_BYTES + SNAPSHOT_SIGNATURE.length
      case Part.oldDigest:
        return this.#lengthEnd(bytes, at, end, 0)
      case Part.aclEntry:
        return this.#sizeOfAclEntry(bytes, at, end)
      default:
        return this.#sizeOfZnode(bytes, at, end)
    }
  }

  #sizeOfAclEntry(bytes: Uint8Array, at: number, end: number): number {
    const schemeEnd = this.#lengthEnd(bytes, at, end, 4)
    return at + schemeEnd > end ? schemeEnd : this.#lengthEnd(bytes, at, end, schemeEnd)
  }

  #sizeOfZnode(bytes: Uint8Array, at: number, end: number): number {
    const pathEnd = this.#lengthEnd(bytes, at, end, 0)
    if (at + pathEnd > end) return pathEnd
    if (pathEnd === LENGTH_BYTES + 1 && bytes[at + LENGTH_BYTES] === SLASH) return pathEnd
    const dataEnd = this.#lengthEnd(bytes, at, end, pathEnd)
    return at + dataEnd > end ? dataEnd : dataEnd + AFTER_DATA_BYTES
  }

  /** Where the value ends whose int length is `offset` bytes into the part; the end of the length if that is missing. */
  #lengthEnd(bytes: Uint8Array, at: number, end: number, offset: number): number {
    const lengthEnd = offset + LENGTH_BYTES
    if (at + lengthEnd > end) return lengthEnd
    const length = readInt32(bytes, at + offset)
    if (length < -1 || length > this.#options.valueBytesMax) {
      throw new DecodeError(`length ${length} in a snapshot, after ${this.#bytesRead} bytes`)
    }
    return lengthEnd + Math.max(length, 0)
  }

  /* ---------------------------------------------------------------- parts */

  #readPart(bytes: Uint8Array, start: number, end: number): void {
    this.#bytesRead += end - start
    if (this.#bytesRead > this.#options.bytesMax) {
      throw new DecodeError(`snapshot of more than ${this.#options.bytesMax} bytes`)
    }
    const reader = this.#reader
    reader.reset(bytes, start, end)
    switch (this.#part) {
      case Part.fileHead:
        this.#readFileHead(reader)
        break
      case Part.sessionCount:
        this.#beginTable(reader, 'sessions', Part.session, Part.aclCount)
        break
      case Part.session:
        this.#handler.onSession(reader.int64() as SessionId, reader.int32())
        this.#left -= 1
        if (this.#left === 0) this.#part = Part.aclCount
        break
      case Part.aclCount:
        this.#beginTable(reader, 'ACLs', Part.aclHead, Part.znode)
        break
      case Part.aclHead:
        this.#readAclHead(reader)
        break
      case Part.aclEntry:
        this.#readAclEntry(reader)
        break
      case Part.znode:
        this.#readZnode(reader)
        break
      case Part.signature:
        if (reader.string() !== SNAPSHOT_SIGNATURE) throw new DecodeError('no snapshot signature')
        this.#part = Part.done
        break
      default:
        this.#readTail(reader)
    }
    reader.clear()
    this.#adler?.update(bytes, start, end)
  }

  #readFileHead(reader: InputReader): void {
    if (reader.int32() !== FILE_MAGIC)
      throw new DecodeError('no snapshot file: its magic is missing')
    const version = reader.int32()
    if (version !== FILE_VERSION) throw new DecodeError(`snapshot file of version ${version}`)
    // The id of the database: never checked upstream.
    reader.skip(8)
    this.#part = Part.sessionCount
  }

  #beginTable(reader: InputReader, what: string, element: Part, next: Part): void {
    const count = reader.int32()
    if (count < 0) throw new DecodeError(`snapshot of ${count} ${what}`)
    this.#left = count
    this.#part = count === 0 ? next : element
  }

  #readAclHead(reader: InputReader): void {
    this.#aclId = reader.int64Number()
    const count = reader.int32()
    if (!Number.isSafeInteger(this.#aclId) || this.#aclId === OPEN_ACL_ID) {
      throw new DecodeError(`ACL id ${this.#aclId} in a snapshot`)
    }
    if (this.#acls.has(this.#aclId)) throw new DecodeError(`ACL id ${this.#aclId} comes twice`)
    if (count < 0) throw new DecodeError(`ACL of ${count} entries in a snapshot`)
    this.#aclEntries = []
    this.#aclEntriesLeft = count
    if (count === 0) this.#endAcl()
    else this.#part = Part.aclEntry
  }

  #readAclEntry(reader: InputReader): void {
    const entry = { perms: reader.int32(), scheme: reader.string(), id: reader.string() }
    this.#aclEntries.push(entry)
    this.#aclEntriesLeft -= 1
    if (this.#aclEntriesLeft === 0) this.#endAcl()
  }

  #endAcl(): void {
    this.#acls.set(this.#aclId, this.#aclEntries)
    this.#handler.onAcl(this.#aclId, this.#aclEntries)
    this.#left -= 1
    this.#part = this.#left === 0 ? Part.znode : Part.aclHead
  }

  #readZnode(reader: InputReader): void {
    const path = reader.requiredString()
    if (path === SNAPSHOT_END_PATH) {
      this.#part = this.#options.form === 'file' ? Part.bodySeal : Part.signature
      return
    }
    const data = reader.byteString()
    const aclId = reader.int64Number()
    const czxid = this.#longs.read(reader) as Zxid
    const mzxid = this.#longs.read(reader) as Zxid
    const ctime = reader.int64Number()
    const mtime = reader.int64Number()
    const version = reader.int32()
    const storedCversion = reader.int32()
    const aversion = reader.int32()
    const storedOwner = this.#longs.read(reader)
    const pzxid = this.#longs.read(reader) as Zxid
    const znode: SnapshotZnode = {
      path: path === '' ? '/' : path,
      data,
      acl: this.#aclOf(aclId, path),
      czxid,
      mzxid,
      pzxid,
      ctime,
      mtime,
      version,
      storedCversion,
      aversion,
      storedOwner,
    }
    this.#handler.onZnode(znode, aclId)
  }

  #aclOf(aclId: number, path: string): readonly AclEntry[] {
    if (aclId === OPEN_ACL_ID) return OPEN_ACL
    const acl = this.#acls.get(aclId) ?? this.#options.missingAcl
    if (acl === null) throw new DecodeError(`unknown ACL id ${aclId} of znode ${path}`)
    return acl
  }

  /** What a file has behind its znodes. */
  #readTail(reader: InputReader): void {
    switch (this.#part) {
      case Part.bodySeal:
        this.#readSeal(reader, Part.digestHead)
        break
      case Part.digestHead:
        this.#digestZxid = reader.int64() as Zxid
        this.#part = reader.int32() < DIGEST_VERSION ? Part.oldDigest : Part.digest
        break
      case Part.digest:
        this.#digest = { zxid: this.#digestZxid, treeDigest: reader.int64() }
        this.#part = Part.digestSeal
        break
      case Part.oldDigest:
        this.#digest = { zxid: this.#digestZxid, treeDigest: null }
        this.#part = Part.digestSeal
        break
      case Part.digestSeal:
        this.#readSeal(reader, Part.lastProcessed)
        break
      case Part.lastProcessed:
        this.#lastProcessedZxid = reader.int64() as Zxid
        this.#part = Part.lastSeal
        break
      default:
        this.#readSeal(reader, Part.done)
    }
  }

  #readSeal(reader: InputReader, next: Part): void {
    const found = reader.int64Number()
    const expected = this.#adler!.value
    if (found !== expected) {
      throw new DecodeError(`checksum of the snapshot is ${expected}, it says ${found}`)
    }
    if (reader.string() !== SNAPSHOT_END_PATH)
      throw new DecodeError('checksum without its end mark')
    this.#part = next
  }
}
