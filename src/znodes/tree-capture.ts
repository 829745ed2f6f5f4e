import { assert, type Zxid } from '../base/index.ts'
import type { AclEntry } from '../wire/records.ts'
import type { AclTable, SharedAcl } from './acl.ts'
import { copyRow, type Znode, type ZnodeRow } from './znode.ts'

/** An ACL of the captured tree and the number that stands for it, 1 or more. */
export interface CapturedAcl {
  readonly id: number
  readonly list: readonly AclEntry[]
}

/**
 * The whole tree as it was after one transaction, given out znode by znode while later transactions change it: a znode
 * that was not given out yet is copied before its first change (copy on write), one that is new since then is left out.
 * Beside those copies a capture needs one bit a znode. Any number of captures may run.
 *
 * It walks down the children's lists. What happens to the tree meanwhile, and why the walk stays right:
 * 1. New znodes come before their siblings, so behind the walk, or into a list that it has not begun; there their bit
 *    tells. All znodes below a new one are new.
 * 2. A znode that goes was a leaf. If the walk was about to visit it, it goes on with the next sibling. If it was to
 *    come at all, its copy comes after the walk: last gone, first given out, because a parent goes after its children.
 * 3. So a parent is always given out before its children: a znode of the frozen tree whose parent goes is gone itself.
 */
export class TreeCapture {
  /** The transaction after which the tree was as captured. */
  readonly zxid: Zxid
  readonly znodeCount: number
  /** Tree digest, and the same of what it leaves out. */
  readonly digest: bigint
  readonly systemDigest: bigint
  /** How many {@link nextAcl} gives out. */
  readonly aclCount: number
  readonly #acls: AclTable
  readonly #aclIdLast: number
  readonly #onEnd: (capture: TreeCapture) => void
  #aclsLeft: Iterator<SharedAcl>
  /** Slots from here on were not in use. */
  readonly #slotsEnd: number
  /** A bit for each slot: its znode was given out, or is new. */
  readonly #passed: Uint8Array
  /** Where to go on: for each list of children that the walk is in, the znode to visit next. */
  readonly #walk: Znode[]
  /** States at the freeze of znodes that were changed before the walk came to them. */
  readonly #before = new Map<Znode, ZnodeRow>()
  /** The same of znodes that were deleted, in the order of their deletion. */
  readonly #deleted: ZnodeRow[] = []
  #isOver = false

  /** `slotsEnd`: above all slots in use. */
  constructor(
    tree: {
      readonly lastAppliedZxid: Zxid
      readonly znodeCount: number
      digest(): bigint
      systemDigest(): bigint
    },
    root: Znode,
    acls: AclTable,
    slotsEnd: number,
    onEnd: (capture: TreeCapture) => void,
  ) {
    this.zxid = tree.lastAppliedZxid
    this.znodeCount = tree.znodeCount
    this.digest = tree.digest()
    this.systemDigest = tree.systemDigest()
    const { lastId, count } = acls.pin()
    this.aclCount = count
    this.#aclIdLast = lastId
    this.#acls = acls
    this.#aclsLeft = acls.lists()
    this.#slotsEnd = slotsEnd
    this.#passed = new Uint8Array((slotsEnd + 7) >>> 3)
    this.#walk = [root]
    this.#onEnd = onEnd
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The next ACL that a captured znode may have, but for the open one; null after the last. */
  nextAcl(): CapturedAcl | null {
    assert(!this.#isOver, 'a capture that is over gives nothing out')
    const next = this.#aclsLeft.next()
    return next.done === true || next.value.id > this.#aclIdLast ? null : next.value
  }

  /** The id of the ACL of a row that {@link next} returned; -1 for the open ACL. */
  aclIdOf(row: ZnodeRow): number {
    return this.#acls.idOf(row.acl)
  }

  /**
   * The next znode, after its parent; null after the last. The row may be a znode of the tree itself: it is valid until
   * the next transaction is applied.
   */
  next(): ZnodeRow | null {
    assert(!this.#isOver, 'a capture that is over gives nothing out')
    const walk = this.#walk
    while (walk.length > 0) {
      const top = walk.length - 1
      const znode = walk[top]!
      if (znode.nextSibling === null) walk.pop()
      else walk[top] = znode.nextSibling
      if (this.#hasPassed(znode)) continue
      this.#pass(znode)
      if (znode.firstChild !== null) walk.push(znode.firstChild)
      const before = this.#before.get(znode)
      if (before === undefined) return znode
      this.#before.delete(znode)
      return before
    }
    return this.#deleted.pop() ?? null
  }

  /** Ends the capture, early or not; again is allowed. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#acls.unpin()
    this.#walk.length = 0
    this.#before.clear()
    this.#deleted.length = 0
    this.#onEnd(this)
  }

  /* ---------------------------------------------------------------- told by the tree */

  /** A new znode is in the tree. */
  created(znode: Znode): void {
    if (znode.slot < this.#slotsEnd) this.#pass(znode)
  }

  /** To be called before a znode changes. */
  willChange(znode: Znode): void {
    if (this.#hasPassed(znode) || this.#before.has(znode)) return
    this.#before.set(znode, copyRow(znode))
  }

  /** To be called before a znode is deleted. */
  willDelete(znode: Znode): void {
    if (!this.#hasPassed(znode)) {
      this.#deleted.push(this.#before.get(znode) ?? copyRow(znode))
      this.#before.delete(znode)
    }
    const index = this.#walk.indexOf(znode)
    if (index === -1) return
    if (znode.nextSibling === null) this.#walk.splice(index, 1)
    else this.#walk[index] = znode.nextSibling
  }

  /* ---------------------------------------------------------------- */

  #hasPassed(znode: Znode): boolean {
    const { slot } = znode
    return slot >= this.#slotsEnd || (this.#passed[slot >>> 3]! & (1 << (slot & 7))) !== 0
  }

  #pass(znode: Znode): void {
    const { slot } = znode
    this.#passed[slot >>> 3]! |= 1 << (slot & 7)
  }
}
