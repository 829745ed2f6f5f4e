import { NO_SESSION, type SessionId, type Zxid } from '../base/index.ts'
import type { AclEntry, ByteString, Stat } from '../wire/records.ts'
import type { DigestedZnode } from './digest.ts'
import { OwnerKind } from './owner-kind.ts'

/** Everything a checkpoint keeps of a znode; times in ms. */
export interface ZnodeRow extends DigestedZnode {
  readonly acl: readonly AclEntry[]
}

/** The fields that decide about requests: those of a znode, or of its pending change. */
export interface ZnodeView extends ZnodeRow {
  readonly ownerKind: OwnerKind
  readonly numChildren: number
  /** CRC-32 of the present content as an int32 (digest.ts). */
  readonly digest: number
}

/**
 * One znode of the tree. It is its own wire `Stat`. Only the tree changes it; a million of them have to fit in
 * memory, so every field counts.
 */
export class Znode implements Stat, ZnodeView {
  readonly path: string
  data: ByteString | null
  /** Shared by all znodes with an equal list. */
  acl: readonly AclEntry[]
  readonly czxid: Zxid
  mzxid: Zxid
  pzxid: Zxid
  readonly ctime: number
  mtime: number
  version: number
  /** Number of creates ever done below this znode; what the wire calls cversion is computed from it. */
  storedCversion: number
  aversion: number
  /** Session id, or the bit pattern of a container or TTL node. */
  readonly storedOwner: bigint
  readonly ownerKind: OwnerKind
  numChildren: number
  /** The children are a doubly linked list: no table that would have to grow, whatever their number. */
  firstChild: Znode | null
  nextSibling: Znode | null
  previousSibling: Znode | null
  /** Where the change tracker keeps this znode. */
  changeIndex: number
  /** Its place in tables beside the tree: of no other znode now, and below the largest count of znodes so far. */
  slot: number
  digest: number

  constructor(row: ZnodeRow, acl: readonly AclEntry[], ownerKind: OwnerKind) {
    this.path = row.path
    this.data = row.data
    this.acl = acl
    this.czxid = row.czxid
    this.mzxid = row.mzxid
    this.pzxid = row.pzxid
    this.ctime = row.ctime
    this.mtime = row.mtime
    this.version = row.version
    this.storedCversion = row.storedCversion
    this.aversion = row.aversion
    this.storedOwner = row.storedOwner
    this.ownerKind = ownerKind
    this.numChildren = 0
    this.firstChild = null
    this.nextSibling = null
    this.previousSibling = null
    this.changeIndex = -1
    this.slot = -1
    this.digest = 0
  }

  get dataLength(): number {
    return this.data === null ? 0 : this.data.length
  }

  /** Wire value: rises by one with each create and each delete of a child, wraps as an int32. */
  get cversion(): number {
    return (2 * this.storedCversion - this.numChildren) | 0
  }

  /** Wire value: 0 unless the znode is a real ephemeral. */
  get ephemeralOwner(): SessionId {
    return this.ownerKind === OwnerKind.ephemeral ? (this.storedOwner as SessionId) : NO_SESSION
  }
}

/** Puts `child` before the other children of `parent`. */
export function linkChild(parent: Znode, child: Znode): void {
  const next = parent.firstChild
  child.nextSibling = next
  if (next !== null) next.previousSibling = child
  parent.firstChild = child
  parent.numChildren += 1
}

export function unlinkChild(parent: Znode, child: Znode): void {
  const { nextSibling, previousSibling } = child
  if (nextSibling !== null) nextSibling.previousSibling = previousSibling
  if (previousSibling !== null) previousSibling.nextSibling = nextSibling
  else parent.firstChild = nextSibling
  child.nextSibling = null
  child.previousSibling = null
  parent.numChildren -= 1
}

/**
 * The creation counter of a parent only ever rises, and pzxid with it: at 2^31 - 1 both stay (ZOOKEEPER-1046 made the
 * counter the source of sequence numbers). -1 comes from transactions of very old servers and means one more.
 */
export function bumpCversion(parent: Znode, parentCversion: number, zxid: Zxid): void {
  const cversion = parentCversion === -1 ? (parent.storedCversion + 1) | 0 : parentCversion
  if (cversion <= parent.storedCversion) return
  parent.storedCversion = cversion
  parent.pzxid = zxid
}

/** A `Stat` that stays as it is when the znode changes. */
export function copyStat(znode: Znode): Stat {
  return {
    czxid: znode.czxid,
    mzxid: znode.mzxid,
    ctime: znode.ctime,
    mtime: znode.mtime,
    version: znode.version,
    cversion: znode.cversion,
    aversion: znode.aversion,
    ephemeralOwner: znode.ephemeralOwner,
    dataLength: znode.dataLength,
    numChildren: znode.numChildren,
    pzxid: znode.pzxid,
  }
}

/** A row that stays as it is when the znode changes. */
export function copyRow(znode: Znode): ZnodeRow {
  return {
    path: znode.path,
    data: znode.data,
    acl: znode.acl,
    czxid: znode.czxid,
    mzxid: znode.mzxid,
    pzxid: znode.pzxid,
    ctime: znode.ctime,
    mtime: znode.mtime,
    version: znode.version,
    storedCversion: znode.storedCversion,
    aversion: znode.aversion,
    storedOwner: znode.storedOwner,
  }
}
