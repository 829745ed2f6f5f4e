import { assert, NO_ZXID, type SessionId, type Zxid } from '../base/index.ts'
import { ErrorCode } from '../wire/codes.ts'
import {
  type AclEntry,
  type ByteString,
  EMPTY_BYTES,
  type Txn,
  type TxnHeader,
} from '../wire/records.ts'
import { AclTable, OPEN_ACL, READ_ONLY_ACL } from './acl.ts'
import { type ApplyResult, applyTxn, type TxnTarget } from './apply.ts'
import { ChangeTracker } from './change-tracker.ts'
import { DigestSum, isBelowSystemRoot, znodeDigest } from './digest.ts'
import { OwnerKind, ownerKind } from './owner-kind.ts'
import { PathTable } from './path-table.ts'
import { nameOf, parentPath } from './paths.ts'
import {
  accountCreate,
  accountDelete,
  accountSetData,
  exceedsSoftQuota,
  type QuotaView,
  rootOfLimits,
  type SubtreeSize,
} from './quota.ts'
import { subtreeSize } from './subtree-size.ts'
import { Sweepables } from './sweep.ts'
import type { TreeCapture } from './tree-capture.ts'
import { TreeCaptures } from './tree-captures.ts'
import { bumpCversion, linkChild, unlinkChild, Znode, type ZnodeRow } from './znode.ts'

/** Told about every change right after it, in the order of the changes. */
export interface ChangeEvents {
  created(znode: Znode, parent: Znode, zxid: Zxid): void
  deleted(znode: Znode, parent: Znode, zxid: Zxid): void
  dataChanged(znode: Znode, zxid: Zxid): void
}

export interface DataTreeOptions {
  /** Whether stored owners may be TTLs (`zookeeper.extendedTypesEnabled`). */
  readonly extendedTypesEnabled: boolean
  /** int32 that clients do not know: it keeps them from choosing paths that are slow to find. */
  readonly hashSeed?: number
}

const DEFAULT_HASH_SEED = 0x6b65_6570
const NO_PATHS: ReadonlySet<string> = new Set()

/** The data every replica holds: all znodes after the transaction `lastAppliedZxid`, and only committed changes. */
export class DataTree implements TxnTarget, QuotaView {
  readonly #events: ChangeEvents
  readonly #options: DataTreeOptions
  readonly #hashSeed: number
  #znodes: PathTable<Znode>
  #acls = new AclTable()
  #ephemerals = new Map<SessionId, Set<string>>()
  #ephemeralCount = 0
  #quotaRoots = new Set<string>()
  #sum = new DigestSum()
  #systemSum = new DigestSum()
  #dataBytes = 0
  #lastAppliedZxid: Zxid = NO_ZXID
  #digestMismatches = 0
  #firstMismatchZxid: Zxid = NO_ZXID
  #softQuotaExceeded = 0
  #captures = new TreeCaptures()
  /** Containers and TTL nodes. */
  sweepables: Sweepables
  /** What the next checkpoint has to write. */
  changes: ChangeTracker

  constructor(events: ChangeEvents, options: DataTreeOptions) {
    this.#events = events
    this.#options = options
    this.#hashSeed = options.hashSeed ?? DEFAULT_HASH_SEED
    this.#znodes = new PathTable(this.#hashSeed)
    this.sweepables = new Sweepables(this.#hashSeed)
    this.changes = this.#newTracker()
    this.reset()
  }

  /* ---------------------------------------------------------------- reading */

  get lastAppliedZxid(): Zxid {
    return this.#lastAppliedZxid
  }

  /** Undefined when there is no such znode. The root is `/`; no other path ends with a slash. */
  find(path: string): Znode | undefined {
    return this.#znodes.get(path)
  }

  /** Names, not paths, in no particular order. */
  childNames(znode: Znode): string[] {
    const names: string[] = []
    for (let child = znode.firstChild; child !== null; child = child.nextSibling) {
      names.push(nameOf(child.path))
    }
    return names
  }

  /** All znodes below `znode` (getAllChildrenNumber). Walks them, except for the root. */
  descendantCount(znode: Znode): number {
    return (znode.path === '/' ? this.#znodes.size : subtreeSize(znode).count) - 1
  }

  get znodeCount(): number {
    return this.#znodes.size
  }

  /** Lengths of all paths and data, as `approximate_data_size` shows it. */
  get dataBytes(): number {
    return this.#dataBytes
  }

  get ephemeralCount(): number {
    return this.#ephemeralCount
  }

  /** Different ACLs in use, the open one not counted. */
  get aclCount(): number {
    return this.#acls.size
  }

  /** Paths of the session's ephemerals, in the order of their creation. */
  ephemeralsOf(sessionId: SessionId): ReadonlySet<string> {
    return this.#ephemerals.get(sessionId) ?? NO_PATHS
  }

  /** All sessions that have ephemerals, with their paths. */
  ephemerals(): ReadonlyMap<SessionId, ReadonlySet<string>> {
    return this.#ephemerals
  }

  /** All znodes in no particular order; long for a big tree. */
  znodes(): IterableIterator<Znode> {
    return this.#znodes.values()
  }

  /** Tree digest (version 2) as in transactions: all znodes but those below `/zookeeper/`. */
  digest(): bigint {
    return this.#sum.toBigInt()
  }

  /** The same function over the znodes below `/zookeeper/`, which the tree digest leaves out. */
  systemDigest(): bigint {
    return this.#systemSum.toBigInt()
  }

  /** The tree digest for arithmetic; not to be changed. */
  get digestSum(): DigestSum {
    return this.#sum
  }

  /** Transactions after which the tree digest was not the one in the transaction. */
  get digestMismatches(): number {
    return this.#digestMismatches
  }

  /** Zxid of the first of them, 0 when there is none. */
  get firstMismatchZxid(): Zxid {
    return this.#firstMismatchZxid
  }

  /** Changes that left a subtree above its soft quota. */
  get softQuotaExceeded(): number {
    return this.#softQuotaExceeded
  }

  /** Freezes the tree as it is now, to be given out while it changes. To be ended by its `end`. */
  beginCapture(): TreeCapture {
    return this.#captures.begin(this, this.#znodes.get('/')!, this.#acls)
  }

  /* ---------------------------------------------------------------- changing as a whole */

  /**
   * Applies the next committed transaction and fires its watches. `expectedDigest` is the tree digest in the
   * transaction; a difference is counted, not fatal, as upstream. A change that makes no sense here (never the case
   * in an exact replay) is answered by an error and leaves no trace but the ones upstream leaves.
   */
  apply(header: TxnHeader, txn: Txn, expectedDigest: bigint | null = null): ApplyResult {
    const result = applyTxn(this, header, txn)
    this.#lastAppliedZxid = header.zxid
    if (expectedDigest !== null && !this.#sum.equals(expectedDigest)) {
      if (this.#digestMismatches === 0) this.#firstMismatchZxid = header.zxid
      this.#digestMismatches += 1
    }
    return result
  }

  /** Becomes the tree of a new server: the four system znodes at zxid 0, all of them changed. */
  reset(): void {
    this.beginLoad()
    this.#addSystemZnode('/', OPEN_ACL, 0)
    this.#addSystemZnode('/zookeeper', OPEN_ACL, 0)
    this.#addSystemZnode('/zookeeper/quota', OPEN_ACL, 0)
    this.#addSystemZnode('/zookeeper/config', READ_ONLY_ACL, -1)
  }

  /**
   * Becomes what `other` is, at once however large that is; {@link endLoad} follows. Both were made with the same
   * options; `other` is empty afterwards.
   */
  become(other: DataTree): void {
    assert(
      other.#hashSeed === this.#hashSeed &&
        other.#options.extendedTypesEnabled === this.#options.extendedTypesEnabled,
      'a tree becomes one of the same options',
    )
    this.beginLoad()
    other.#captures.endAll()
    this.#znodes = other.#znodes
    this.#captures = other.#captures
    this.#acls = other.#acls
    this.#ephemerals = other.#ephemerals
    this.#ephemeralCount = other.#ephemeralCount
    this.#quotaRoots = other.#quotaRoots
    this.#sum = other.#sum
    this.#systemSum = other.#systemSum
    this.#dataBytes = other.#dataBytes
    this.sweepables = other.sweepables
    other.beginLoad()
  }

  /**
   * Becomes entirely empty, without even a root: {@link loadZnode} for every znode and {@link endLoad} follow.
   * Captures of what was there are over.
   */
  beginLoad(): void {
    this.#captures.endAll()
    this.#captures = new TreeCaptures()
    this.#znodes = new PathTable(this.#hashSeed)
    this.#acls = new AclTable()
    this.#ephemerals = new Map()
    this.#ephemeralCount = 0
    this.#quotaRoots = new Set()
    this.#sum = new DigestSum()
    this.#systemSum = new DigestSum()
    this.#dataBytes = 0
    this.#lastAppliedZxid = NO_ZXID
    this.sweepables = new Sweepables(this.#hashSeed)
    this.changes = this.#newTracker()
  }

  /** Adds a znode as it was stored. Throws unless its parent is there already and it is not. */
  loadZnode(row: ZnodeRow): void {
    const { path } = row
    assert(this.#znodes.get(path) === undefined, `znode ${path} is loaded once`)
    const parent = path === '/' ? null : this.#znodes.get(parentPath(path))
    assert(parent !== undefined, `the parent of znode ${path} is loaded before it`)
    this.#link(row, parent)
  }

  /** All znodes are loaded: this is the tree after `zxid`, and nothing of it counts as changed. */
  endLoad(zxid: Zxid): void {
    assert(this.#znodes.get('/') !== undefined, 'a loaded tree has a root')
    this.#lastAppliedZxid = zxid
  }

  /* ---------------------------------------------------------------- TxnTarget */

  createZnode(
    header: TxnHeader,
    path: string,
    data: ByteString | null,
    acl: readonly AclEntry[],
    storedOwner: bigint,
    parentCversion: number,
  ): Znode | ErrorCode {
    const { zxid, time } = header
    const parent = this.#znodes.get(parentPath(path))
    if (parent === undefined) return ErrorCode.noNode
    this.#willChange(parent)
    bumpCversion(parent, parentCversion, zxid)
    const existing = this.#znodes.get(path)
    if (existing !== undefined) {
      // After a snapshot that ran ahead of its zxid, which may lack the ACL (ZOOKEEPER-3306).
      this.#willChange(existing)
      this.#replaceAcl(existing, acl)
      this.#redigest(parent)
      return ErrorCode.nodeExists
    }
    const row: ZnodeRow = {
      path,
      data,
      acl,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: time,
      mtime: time,
      version: 0,
      storedCversion: 0,
      aversion: 0,
      storedOwner,
    }
    const znode = this.#link(row, parent)
    this.#created(znode)
    this.#redigest(parent)
    accountCreate(this, path, znode.dataLength)
    this.#checkSoftQuota(path)
    this.#events.created(znode, parent, zxid)
    return znode
  }

  deleteZnode(path: string, zxid: Zxid): ErrorCode {
    const parent = this.#znodes.get(parentPath(path))
    if (parent === undefined || path === '/') return ErrorCode.noNode
    this.#willChange(parent)
    if (zxid > parent.pzxid) parent.pzxid = zxid
    const znode = this.#znodes.get(path)
    if (znode !== undefined) {
      this.#willDelete(znode)
      this.#unlink(znode, parent)
    }
    this.#redigest(parent)
    if (znode === undefined) return ErrorCode.noNode
    accountDelete(this, path, znode.dataLength)
    this.#events.deleted(znode, parent, zxid)
    return ErrorCode.ok
  }

  setData(
    header: TxnHeader,
    path: string,
    data: ByteString | null,
    version: number,
  ): Znode | ErrorCode {
    const znode = this.#znodes.get(path)
    if (znode === undefined) return ErrorCode.noNode
    this.#willChange(znode)
    const bytesBefore = znode.dataLength
    znode.data = data
    znode.version = version
    znode.mtime = header.time
    znode.mzxid = header.zxid
    this.#redigest(znode)
    const bytesDiff = znode.dataLength - bytesBefore
    this.#dataBytes += bytesDiff
    accountSetData(this, path, bytesDiff)
    this.#checkSoftQuota(path)
    this.#events.dataChanged(znode, header.zxid)
    return znode
  }

  setAcl(path: string, acl: readonly AclEntry[], aversion: number): Znode | ErrorCode {
    const znode = this.#znodes.get(path)
    if (znode === undefined) return ErrorCode.noNode
    this.#willChange(znode)
    this.#replaceAcl(znode, acl)
    znode.aversion = aversion
    this.#redigest(znode)
    return znode
  }

  /** Deletes the listed paths in their order, then whatever ephemerals the session still has (there should be none). */
  closeSession(sessionId: SessionId, zxid: Zxid, paths: readonly string[] | null): void {
    for (const path of paths ?? []) this.deleteZnode(path, zxid)
    const own = this.#ephemerals.get(sessionId)
    if (own === undefined) return
    for (const path of [...own]) this.deleteZnode(path, zxid)
  }

  /* ---------------------------------------------------------------- QuotaView */

  get hasQuotas(): boolean {
    return this.#quotaRoots.size > 0
  }

  isQuotaRoot(root: string): boolean {
    return this.#quotaRoots.has(root)
  }

  dataOf(path: string): ByteString | null | undefined {
    return this.#znodes.get(path)?.data
  }

  replaceStats(path: string, data: ByteString): void {
    const znode = this.#znodes.get(path)
    if (znode === undefined) return
    this.#willChange(znode)
    this.#dataBytes += data.length - znode.dataLength
    znode.data = data
    this.#redigest(znode)
  }

  sizeOf(root: string): SubtreeSize {
    const znode = this.#znodes.get(root)
    return znode === undefined ? { count: 0, bytes: 0 } : subtreeSize(znode)
  }

  /* ---------------------------------------------------------------- */

  #addSystemZnode(path: string, acl: readonly AclEntry[], aversion: number): void {
    this.loadZnode({
      path,
      data: EMPTY_BYTES,
      acl,
      czxid: NO_ZXID,
      mzxid: NO_ZXID,
      pzxid: NO_ZXID,
      ctime: 0,
      mtime: 0,
      version: 0,
      storedCversion: 0,
      aversion,
      storedOwner: 0n,
    })
    this.changes.created(this.#znodes.get(path)!)
  }

  #replaceAcl(znode: Znode, acl: readonly AclEntry[]): void {
    const before = znode.acl
    znode.acl = this.#acls.acquire(acl)
    this.#acls.release(before)
  }

  #created(znode: Znode): void {
    this.changes.created(znode)
    this.#captures.created(znode)
  }

  #willChange(znode: Znode): void {
    this.changes.willChange(znode)
    this.#captures.willChange(znode)
  }

  #willDelete(znode: Znode): void {
    this.changes.willDelete(znode)
    this.#captures.willDelete(znode)
  }

  #newTracker(): ChangeTracker {
    return new ChangeTracker((path) => this.#znodes.get(path), this.#hashSeed)
  }

  /** Makes the znode and enters it everywhere. The digest of the parent is left to the caller. */
  #link(row: ZnodeRow, parent: Znode | null): Znode {
    const { path } = row
    const kind = ownerKind(row.storedOwner, this.#options.extendedTypesEnabled)
    const znode = new Znode(row, this.#acls.acquire(row.acl), kind)
    this.#captures.link(znode)
    this.#znodes.add(znode)
    if (parent !== null) linkChild(parent, znode)
    if (kind === OwnerKind.ephemeral) this.#addEphemeral(znode)
    else if (kind !== OwnerKind.none) this.sweepables.add(znode)
    this.#dataBytes += path.length + znode.dataLength
    znode.digest = znodeDigest(znode)
    this.#sumOf(path).add(znode.digest)
    const quotaRoot = rootOfLimits(path)
    if (quotaRoot !== null) this.#quotaRoots.add(quotaRoot)
    return znode
  }

  #unlink(znode: Znode, parent: Znode): void {
    const { path } = znode
    this.#znodes.delete(path)
    this.#captures.unlink(znode)
    unlinkChild(parent, znode)
    if (znode.ownerKind === OwnerKind.ephemeral) this.#deleteEphemeral(znode)
    else if (znode.ownerKind !== OwnerKind.none) this.sweepables.delete(znode)
    this.#acls.release(znode.acl)
    this.#dataBytes -= path.length + znode.dataLength
    this.#sumOf(path).subtract(znode.digest)
    const quotaRoot = rootOfLimits(path)
    if (quotaRoot !== null) this.#quotaRoots.delete(quotaRoot)
  }

  #addEphemeral(znode: Znode): void {
    const paths = this.#ephemerals.get(znode.ephemeralOwner)
    if (paths === undefined) this.#ephemerals.set(znode.ephemeralOwner, new Set([znode.path]))
    else paths.add(znode.path)
    this.#ephemeralCount += 1
  }

  #deleteEphemeral(znode: Znode): void {
    const paths = this.#ephemerals.get(znode.ephemeralOwner)!
    paths.delete(znode.path)
    if (paths.size === 0) this.#ephemerals.delete(znode.ephemeralOwner)
    this.#ephemeralCount -= 1
  }

  #redigest(znode: Znode): void {
    const sum = this.#sumOf(znode.path)
    sum.subtract(znode.digest)
    znode.digest = znodeDigest(znode)
    sum.add(znode.digest)
  }

  #sumOf(path: string): DigestSum {
    return isBelowSystemRoot(path) ? this.#systemSum : this.#sum
  }

  #checkSoftQuota(path: string): void {
    if (this.#quotaRoots.size > 0 && exceedsSoftQuota(this, path)) this.#softQuotaExceeded += 1
  }
}
