import { assert, Fifo, NO_ZXID, type SessionId, type Zxid } from '../base/index.ts'
import type { AclEntry, ByteString } from '../wire/records.ts'
import type { DataTree } from './data-tree.ts'
import { DigestSum, isBelowSystemRoot, znodeDigest } from './digest.ts'
import { OwnerKind } from './owner-kind.ts'
import { limitsPath, type QuotaView, rootOfLimits, type SubtreeSize } from './quota.ts'
import type { ZnodeView } from './znode.ts'

/** State of one path after an uncommitted transaction (`ChangeRecord`). */
export class PendingZnode implements ZnodeView {
  readonly path: string
  /** The transaction that makes this state. */
  readonly zxid: Zxid
  /** False for a deleted znode; the other fields then mean nothing. */
  exists = true
  data: ByteString | null
  acl: readonly AclEntry[]
  readonly czxid: Zxid
  mzxid: Zxid
  pzxid: Zxid
  readonly ctime: number
  mtime: number
  version: number
  storedCversion: number
  aversion: number
  readonly storedOwner: bigint
  readonly ownerKind: OwnerKind
  numChildren: number
  digest: number
  /** What {@link PendingChanges.rollback} puts back. */
  replaced: PendingZnode | null

  constructor(znode: ZnodeView, zxid: Zxid, replaced: PendingZnode | null) {
    this.path = znode.path
    this.zxid = zxid
    this.data = znode.data
    this.acl = znode.acl
    this.czxid = znode.czxid
    this.mzxid = znode.mzxid
    this.pzxid = znode.pzxid
    this.ctime = znode.ctime
    this.mtime = znode.mtime
    this.version = znode.version
    this.storedCversion = znode.storedCversion
    this.aversion = znode.aversion
    this.storedOwner = znode.storedOwner
    this.ownerKind = znode.ownerKind
    this.numChildren = znode.numChildren
    this.digest = znode.digest
    this.replaced = replaced
  }
}

/**
 * The tree as it will be once all transactions on their way are applied (`outstandingChanges`): one full state for
 * every path that one of them changes, over the tree of committed state. Requests are checked against this view.
 * It follows the same arithmetic as the tree, so that the tree digest after each transaction is known beforehand.
 */
export class PendingChanges implements QuotaView {
  readonly #tree: DataTree
  readonly #byPath = new Map<string, PendingZnode>()
  /** Every state of every path, in zxid order, until its transaction is applied. */
  readonly #queue = new Fifo<PendingZnode>()
  /** States made by the transaction being prepared. */
  readonly #current: PendingZnode[] = []
  /** Ephemerals whose create is on its way. */
  readonly #ephemerals = new Map<SessionId, Set<PendingZnode>>()
  readonly #sum = new DigestSum()
  readonly #sumBefore = new DigestSum()
  #zxid: Zxid = NO_ZXID
  /** States of limits znodes on their way. */
  #pendingLimits = 0

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  /** Number of states held for transactions that are not applied yet. */
  get size(): number {
    return this.#queue.length
  }

  /** Tree digest after all transactions prepared so far. */
  digest(): bigint {
    return this.#sum.toBigInt()
  }

  /** Null when there will be no such znode. */
  find(path: string): ZnodeView | null {
    const pending = this.#byPath.get(path)
    if (pending !== undefined) return pending.exists ? pending : null
    return this.#tree.find(path) ?? null
  }

  /** Paths of the ephemerals that a session will have. */
  ephemeralsOf(sessionId: SessionId): string[] {
    const paths = new Set<string>()
    for (const path of this.#tree.ephemeralsOf(sessionId)) {
      if (this.#isOwn(path, sessionId)) paths.add(path)
    }
    for (const { path } of this.#ephemerals.get(sessionId) ?? []) {
      if (this.#isOwn(path, sessionId)) paths.add(path)
    }
    return [...paths]
  }

  /* ---------------------------------------------------------------- one transaction */

  /** Starts the transaction `zxid`: {@link commit} or {@link rollback} ends it. */
  begin(zxid: Zxid): void {
    assert(this.#current.length === 0, 'one transaction is prepared at a time')
    this.#zxid = zxid
    if (this.#queue.length === 0) this.#sum.copyFrom(this.#tree.digestSum)
    this.#sumBefore.copyFrom(this.#sum)
  }

  /** Enters a new znode, but not into its parent. */
  add(znode: ZnodeView): void {
    const pending = this.#put(znode)
    pending.digest = znodeDigest(pending)
    if (!isBelowSystemRoot(pending.path)) this.#sum.add(pending.digest)
  }

  /** The state of a path to be changed in place; {@link changed} has to follow. */
  change(znode: ZnodeView): PendingZnode {
    if (znode instanceof PendingZnode && znode.zxid === this.#zxid) return znode
    return this.#put(znode)
  }

  changed(pending: PendingZnode): void {
    const before = pending.digest
    pending.digest = znodeDigest(pending)
    if (isBelowSystemRoot(pending.path)) return
    this.#sum.subtract(before)
    this.#sum.add(pending.digest)
  }

  /** Takes a znode away, but not from its parent. */
  remove(znode: ZnodeView): void {
    const pending = this.change(znode)
    pending.exists = false
    if (!isBelowSystemRoot(pending.path)) this.#sum.subtract(pending.digest)
  }

  commit(): void {
    for (const pending of this.#current) {
      pending.replaced = null
      this.#queue.push(pending)
      if (isNewEphemeral(pending)) this.#addEphemeral(pending)
    }
    this.#current.length = 0
  }

  /** Puts everything back as it was at {@link begin}. */
  rollback(): void {
    for (let pending = this.#current.pop(); pending !== undefined; pending = this.#current.pop()) {
      if (pending.replaced === null) this.#byPath.delete(pending.path)
      else this.#byPath.set(pending.path, pending.replaced)
      if (rootOfLimits(pending.path) !== null) this.#pendingLimits -= 1
    }
    this.#sum.copyFrom(this.#sumBefore)
  }

  /** The tree has applied all transactions up to `zxid`. */
  release(zxid: Zxid): void {
    for (;;) {
      const pending = this.#queue.peek()
      if (pending === null || pending.zxid > zxid) return
      this.#queue.shift()
      if (this.#byPath.get(pending.path) === pending) this.#byPath.delete(pending.path)
      if (rootOfLimits(pending.path) !== null) this.#pendingLimits -= 1
      if (isNewEphemeral(pending)) this.#deleteEphemeral(pending)
    }
  }

  /** Forgets all transactions on their way: they will never be applied. */
  clear(): void {
    this.#byPath.clear()
    this.#queue.clear()
    this.#ephemerals.clear()
    this.#pendingLimits = 0
  }

  /* ---------------------------------------------------------------- QuotaView */

  get hasQuotas(): boolean {
    return this.#tree.hasQuotas || this.#pendingLimits > 0
  }

  isQuotaRoot(root: string): boolean {
    return this.find(limitsPath(root)) !== null
  }

  dataOf(path: string): ByteString | null | undefined {
    return this.find(path)?.data
  }

  replaceStats(path: string, data: ByteString): void {
    const znode = this.find(path)
    if (znode === null) return
    const pending = this.change(znode)
    pending.data = data
    this.changed(pending)
  }

  /** The size in the tree, corrected by what is pending. */
  sizeOf(root: string): SubtreeSize {
    let { count, bytes } = this.#tree.sizeOf(root)
    for (const pending of this.#byPath.values()) {
      const { path } = pending
      if (path !== root && !path.startsWith(`${root}/`)) continue
      const applied = this.#tree.find(path)
      if (applied !== undefined) {
        count -= 1
        bytes -= applied.dataLength
      }
      if (pending.exists) {
        count += 1
        bytes += pending.data?.length ?? 0
      }
    }
    return { count, bytes }
  }

  /* ---------------------------------------------------------------- */

  #put(znode: ZnodeView): PendingZnode {
    const replaced = this.#byPath.get(znode.path) ?? null
    const pending = new PendingZnode(znode, this.#zxid, replaced)
    this.#byPath.set(znode.path, pending)
    this.#current.push(pending)
    if (rootOfLimits(pending.path) !== null) this.#pendingLimits += 1
    return pending
  }

  #isOwn(path: string, sessionId: SessionId): boolean {
    const znode = this.find(path)
    return (
      znode !== null && znode.ownerKind === OwnerKind.ephemeral && znode.storedOwner === sessionId
    )
  }

  #addEphemeral(pending: PendingZnode): void {
    const owner = pending.storedOwner as SessionId
    const own = this.#ephemerals.get(owner)
    if (own === undefined) this.#ephemerals.set(owner, new Set([pending]))
    else own.add(pending)
  }

  #deleteEphemeral(pending: PendingZnode): void {
    const owner = pending.storedOwner as SessionId
    const own = this.#ephemerals.get(owner)
    own?.delete(pending)
    if (own?.size === 0) this.#ephemerals.delete(owner)
  }
}

function isNewEphemeral(pending: PendingZnode): boolean {
  return pending.ownerKind === OwnerKind.ephemeral && pending.czxid === pending.zxid
}
