import type { SessionId, Zxid } from '../../base/index.ts'
import { CRC32_START, crc32Latin1, crc32Utf8, crc32View } from '../../base/index.ts'
import {
  type AclEntry,
  type ByteString,
  EventType,
  OpCode,
  Perms,
  type Stat,
  type Txn,
  type TxnHeader,
} from '../../wire/index.ts'

/** A znode as it was from one transaction to the next that changed it. */
export interface ModelZnode {
  readonly data: ByteString | null
  readonly acl: readonly AclEntry[]
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** Creates ever done below it. */
  readonly creates: number
  readonly aversion: number
  readonly owner: bigint
  readonly numChildren: number
  /** CRC-32 of all that is digested; set when the znode is put into the model. */
  digest: number
}

/** A change that watches may be about. */
export interface ModelChange {
  /** Place of its transaction in the committed sequence, from 1. */
  readonly position: number
  /** An `EventType`. */
  readonly type: number
  readonly path: string
  /** Whether anybody may read the znode that the event is about (CVE-2024-23944). */
  readonly isReadable: boolean
}

export interface ModelSession {
  readonly createdAt: number
  /** Position of its closeSession; Infinity while it lives. */
  closedAt: number
  readonly timeoutMs: number
}

interface Version {
  readonly position: number
  readonly znode: ModelZnode | null
}

const CONTAINER_OWNER = -(2n ** 63n)
const NO_VERSIONS: readonly Version[] = []
const NO_CHANGES: readonly ModelChange[] = []
const ANYONE: readonly AclEntry[] = [{ perms: Perms.all, scheme: 'world', id: 'anyone' }]

/**
 * What ZooKeeper's data is after each committed transaction, done once more in the plainest way: immutable znodes, all of
 * their versions kept by position in the committed sequence. Position 0 is the empty tree, position n the state after the
 * n-th transaction. Subtrees below `/zookeeper/` are not modelled beyond their three znodes: quota statistics change there.
 */
export class Model {
  readonly #versions = new Map<string, Version[]>()
  readonly #changes: ModelChange[] = []
  readonly #changesOf = new Map<string, ModelChange[]>()
  readonly #ephemerals = new Map<SessionId, Set<string>>()
  readonly #digests: bigint[] = []
  /** Sessions by id; a session id that is created twice keeps its first life. */
  readonly sessions: Map<SessionId, ModelSession> = new Map()
  #digest = 0n
  /** What the present transaction adds to the digest: far below 2^53. */
  #digestChange = 0
  #position = 0

  constructor() {
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      const znode = systemZnode(path, path === '/' || path === '/zookeeper')
      this.#put(path, znode)
    }
    this.#closeDigest()
  }

  /** Number of transactions applied. */
  get length(): number {
    return this.#position
  }

  /** Every change a watch can see, in commit order. */
  get changes(): readonly ModelChange[] {
    return this.#changes
  }

  /** The first change with an event on exactly `path` after `position` that `isWanted`. */
  nextChange(
    path: string,
    position: number,
    isWanted: (type: number) => boolean,
  ): ModelChange | null {
    const changes = this.#changesOf.get(path) ?? NO_CHANGES
    for (let i = countUpTo(changes, position); i < changes.length; i += 1) {
      if (isWanted(changes[i]!.type)) return changes[i]!
    }
    return null
  }

  /** The changes of `type` on `path` in the transaction at `position`: a closeSession may delete many children. */
  changesAt(path: string, position: number, type: number): ModelChange[] {
    const changes = this.#changesOf.get(path) ?? NO_CHANGES
    const found: ModelChange[] = []
    for (let i = countUpTo(changes, position - 1); changes[i]?.position === position; i += 1) {
      if (changes[i]!.type === type) found.push(changes[i]!)
    }
    return found
  }

  /** Tree digest after the first `position` transactions. */
  digestAt(position: number): bigint {
    return this.#digests[position]!
  }

  /** Null when it did not exist. */
  znodeAt(path: string, position: number): ModelZnode | null {
    const versions = this.#versions.get(path) ?? NO_VERSIONS
    const count = countUpTo(versions, position)
    return count === 0 ? null : versions[count - 1]!.znode
  }

  /** Positions in (after, upTo] at which `path` changed, came or went. */
  versionPositions(path: string, after: number, upTo: number): number[] {
    const versions = this.#versions.get(path) ?? NO_VERSIONS
    const positions: number[] = []
    for (let i = countUpTo(versions, after); i < versions.length; i += 1) {
      if (versions[i]!.position > upTo) break
      positions.push(versions[i]!.position)
    }
    return positions
  }

  /** All ephemerals after the first `position` transactions, path to owner. Looks at every path. */
  ephemeralsAt(position: number): Map<string, SessionId> {
    const found = new Map<string, SessionId>()
    for (const path of this.#versions.keys()) {
      const znode = this.znodeAt(path, position)
      if (znode !== null && isSession(znode.owner)) found.set(path, znode.owner as SessionId)
    }
    return found
  }

  /** Applies the next committed transaction. */
  apply(header: TxnHeader, txn: Txn): void {
    this.#position += 1
    const isRefused = txn.type === OpCode.multi && txn.txns.some((op) => op.type === OpCode.error)
    if (txn.type !== OpCode.multi) this.#applyOne(header, txn)
    else if (!isRefused) for (const op of txn.txns) this.#applyOne(header, op)
    this.#closeDigest()
  }

  #closeDigest(): void {
    if (this.#digestChange !== 0) {
      this.#digest = BigInt.asIntN(64, this.#digest + BigInt(this.#digestChange))
      this.#digestChange = 0
    }
    this.#digests.push(this.#digest)
  }

  #applyOne(header: TxnHeader, txn: Txn): void {
    switch (txn.type) {
      case OpCode.create:
      case OpCode.create2:
        this.#create(header, txn, txn.ephemeral ? header.clientId : 0n)
        break
      case OpCode.createContainer:
        this.#create(header, txn, CONTAINER_OWNER)
        break
      case OpCode.createTTL:
        this.#create(header, txn, BigInt.asIntN(64, (0xffn << 56n) | txn.ttl))
        break
      case OpCode.delete:
      case OpCode.deleteContainer:
        this.#delete(header.zxid, txn.path)
        break
      case OpCode.setData:
      case OpCode.reconfig:
        this.#setData(header, txn.path, txn.data, txn.version)
        break
      case OpCode.setACL: {
        const znode = this.#now(txn.path)
        if (znode === null) break
        this.#put(txn.path, { ...znode, acl: txn.acl, aversion: txn.version })
        break
      }
      case OpCode.createSession:
        if (this.sessions.has(header.clientId)) break
        this.sessions.set(header.clientId, {
          createdAt: this.#position,
          closedAt: Number.POSITIVE_INFINITY,
          timeoutMs: txn.timeOut,
        })
        break
      case OpCode.closeSession:
        this.#closeSession(header, txn.paths ?? [])
        break
      default:
        break
    }
  }

  #create(
    header: TxnHeader,
    txn: {
      readonly path: string
      readonly data: ByteString | null
      readonly acl: readonly AclEntry[]
      readonly parentCVersion: number
    },
    owner: bigint,
  ): void {
    const { path, data, acl, parentCVersion } = txn
    const { zxid, time } = header
    const parent = this.#now(parentOf(path))
    if (parent === null) return
    const creates = parentCVersion === -1 ? parent.creates + 1 : parentCVersion
    const bumped = creates > parent.creates ? { ...parent, creates, pzxid: zxid } : parent
    if (this.#now(path) !== null) {
      this.#put(parentOf(path), { ...bumped })
      return
    }
    this.#put(parentOf(path), { ...bumped, numChildren: parent.numChildren + 1 })
    this.#put(path, {
      data,
      acl,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: time,
      mtime: time,
      version: 0,
      creates: 0,
      aversion: 0,
      owner,
      numChildren: 0,
      digest: 0,
    })
    if (isSession(owner)) {
      const own = this.#ephemerals.get(header.clientId)
      if (own === undefined) this.#ephemerals.set(header.clientId, new Set([path]))
      else own.add(path)
    }
    this.#changed(EventType.nodeCreated, path, acl)
    this.#changed(EventType.nodeChildrenChanged, parentOf(path), parent.acl)
  }

  #delete(zxid: Zxid, path: string): void {
    const parent = this.#now(parentOf(path))
    if (parent === null || path === '/') return
    const znode = this.#now(path)
    const pzxid = zxid > parent.pzxid ? zxid : parent.pzxid
    const numChildren = parent.numChildren - (znode === null ? 0 : 1)
    this.#put(parentOf(path), { ...parent, pzxid, numChildren })
    if (znode === null) return
    this.#put(path, null)
    if (isSession(znode.owner)) this.#ephemerals.get(znode.owner as SessionId)!.delete(path)
    this.#changed(EventType.nodeDeleted, path, znode.acl)
    this.#changed(EventType.nodeChildrenChanged, parentOf(path), parent.acl)
  }

  #setData(header: TxnHeader, path: string, data: ByteString | null, version: number): void {
    const znode = this.#now(path)
    if (znode === null) return
    this.#put(path, { ...znode, data, version, mtime: header.time, mzxid: header.zxid })
    this.#changed(EventType.nodeDataChanged, path, znode.acl)
  }

  #closeSession(header: TxnHeader, paths: readonly string[]): void {
    const session = this.sessions.get(header.clientId)
    if (session !== undefined && session.closedAt > this.#position) {
      session.closedAt = this.#position
    }
    for (const path of paths) this.#delete(header.zxid, path)
    for (const path of [...(this.#ephemerals.get(header.clientId) ?? [])]) {
      this.#delete(header.zxid, path)
    }
  }

  #now(path: string): ModelZnode | null {
    const versions = this.#versions.get(path)
    return versions === undefined ? null : versions[versions.length - 1]!.znode
  }

  /** Makes `znode`, a new object, the present version of `path`; null deletes it. */
  #put(path: string, znode: ModelZnode | null): void {
    let versions = this.#versions.get(path)
    if (versions === undefined) {
      versions = []
      this.#versions.set(path, versions)
    }
    const last = versions[versions.length - 1]
    const digest = znode === null ? 0 : znodeDigest(path, znode)
    if (!path.startsWith('/zookeeper/')) {
      this.#digestChange += digest - (last?.znode?.digest ?? 0)
    }
    if (znode !== null) znode.digest = digest
    const version = { position: this.#position, znode }
    if (last?.position === this.#position) versions[versions.length - 1] = version
    else versions.push(version)
  }

  #changed(type: number, path: string, acl: readonly AclEntry[]): void {
    const isReadable =
      acl.length === 0 ||
      acl.some((entry) => entry.scheme === 'world' && (entry.perms & Perms.read) !== 0)
    const change: ModelChange = { position: this.#position, type, path, isReadable }
    this.#changes.push(change)
    const own = this.#changesOf.get(path)
    if (own === undefined) this.#changesOf.set(path, [change])
    else own.push(change)
  }
}

/** How many of `items`, which are in order, are not after `position`. */
function countUpTo(items: readonly { readonly position: number }[], position: number): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (items[middle]!.position <= position) low = middle + 1
    else high = middle
  }
  return low
}

/** The Stat that a client gets. */
export function modelStat(znode: ModelZnode): Stat {
  return {
    czxid: znode.czxid,
    mzxid: znode.mzxid,
    ctime: znode.ctime,
    mtime: znode.mtime,
    version: znode.version,
    cversion: (2 * znode.creates - znode.numChildren) | 0,
    aversion: znode.aversion,
    ephemeralOwner: (isSession(znode.owner) ? znode.owner : 0n) as SessionId,
    dataLength: znode.data?.length ?? 0,
    numChildren: znode.numChildren,
    pzxid: znode.pzxid,
  }
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** Whether an owner is a session, and neither none nor a container nor a TTL (byte 0xff in front). */
function isSession(owner: bigint): boolean {
  return owner !== 0n && owner !== CONTAINER_OWNER && owner >> 40n !== -0x1_0000n
}

function systemZnode(path: string, isOpen: boolean): ModelZnode {
  return {
    data: '' as ByteString,
    acl: isOpen ? ANYONE : [{ perms: Perms.read, scheme: 'world', id: 'anyone' }],
    czxid: 0n as Zxid,
    mzxid: 0n as Zxid,
    pzxid: 0n as Zxid,
    ctime: 0,
    mtime: 0,
    version: 0,
    creates: 0,
    aversion: path === '/zookeeper/config' ? -1 : 0,
    owner: 0n,
    numChildren: path === '/' ? 1 : path === '/zookeeper' ? 2 : 0,
    digest: 0,
  }
}

const STAT_BYTES = 60
const fields = new DataView(new ArrayBuffer(STAT_BYTES))

/** `DigestCalculator`, version 2: CRC-32 of path (nothing for the root), data, and the stored stat, as an uint32. */
function znodeDigest(path: string, znode: ModelZnode): number {
  fields.setBigInt64(0, znode.czxid)
  fields.setBigInt64(8, znode.mzxid)
  fields.setBigInt64(16, znode.pzxid)
  setTime(24, znode.ctime)
  setTime(32, znode.mtime)
  fields.setInt32(40, znode.version)
  fields.setInt32(44, znode.creates)
  fields.setInt32(48, znode.aversion)
  fields.setBigInt64(52, znode.owner)
  let crc = path === '/' ? CRC32_START : crc32Utf8(CRC32_START, path)
  if (znode.data !== null) crc = crc32Latin1(crc, znode.data)
  return ~crc32View(crc, fields, STAT_BYTES) >>> 0
}

/** A time in ms, which is not negative, as int64. */
function setTime(offset: number, timeMs: number): void {
  fields.setUint32(offset, Math.floor(timeMs / 2 ** 32))
  fields.setUint32(offset + 4, timeMs % 2 ** 32)
}
