import { assert } from '../base/index.ts'
import { PathSet } from './path-table.ts'
import { copyRow, type Znode, type ZnodeRow } from './znode.ts'

/** A znode as a checkpoint has to store it; `row` is null when the path has no znode any more. */
export interface ZnodeChange {
  readonly path: string
  readonly row: ZnodeRow | null
}

/** Changed since a checkpoint: existing znodes, and paths whose znode is gone. No path is in both. */
class ChangeSet {
  /** A znode is in the set if it is in the list at its own `changeIndex`; places left empty are null. */
  readonly znodes: (Znode | null)[] = []
  readonly deleted: PathSet

  constructor(seed: number) {
    this.deleted = new PathSet(seed)
  }

  has(znode: Znode): boolean {
    return this.znodes[znode.changeIndex] === znode
  }

  add(znode: Znode): void {
    znode.changeIndex = this.znodes.length
    this.znodes.push(znode)
  }

  /** Fills the place with the last znode of the list. */
  delete(znode: Znode): void {
    const last = this.znodes.pop()!
    if (last === null || last === znode) return
    last.changeIndex = znode.changeIndex
    this.znodes[last.changeIndex] = last
  }
}

/**
 * Knows what changed since the last checkpoint, and gives out its state at one zxid while later transactions go on:
 * a znode is copied before its first change after the freeze (copy on write). So a checkpoint is exact without a pause.
 * A further change of a znode that has changed already costs one comparison.
 */
export class ChangeTracker {
  readonly #find: (path: string) => Znode | undefined
  readonly #seed: number
  #changed: ChangeSet
  /** What the running checkpoint has not given out yet; null when none runs. */
  #frozen: ChangeSet | null = null
  #frozenDeleted: Iterator<string> | null = null
  /** States at the freeze of znodes that were changed after it. */
  #captured: ZnodeRow[] = []
  /** Given out by the running checkpoint. */
  #givenZnodes: Znode[] = []
  #givenDeleted: string[] = []

  constructor(find: (path: string) => Znode | undefined, seed: number) {
    this.#find = find
    this.#seed = seed
    this.#changed = new ChangeSet(seed)
  }

  /** How many changes the next checkpoint has to write. */
  get changeCount(): number {
    return this.#changed.znodes.length + this.#changed.deleted.size
  }

  get isCheckpointRunning(): boolean {
    return this.#frozen !== null
  }

  /** A new znode is in the tree. */
  created(znode: Znode): void {
    this.#changed.deleted.delete(znode.path)
    this.#changed.add(znode)
  }

  /** To be called before a znode changes. */
  willChange(znode: Znode): void {
    if (this.#changed.has(znode)) return
    this.#capture(znode)
    this.#changed.add(znode)
  }

  /** To be called before a znode is deleted. */
  willDelete(znode: Znode): void {
    if (this.#changed.has(znode)) this.#changed.delete(znode)
    else this.#capture(znode)
    this.#changed.deleted.add(znode.path)
  }

  /** Freezes the changes so far, in the state they have now. */
  beginCheckpoint(): void {
    assert(this.#frozen === null, 'one checkpoint runs at a time')
    this.#frozen = this.#changed
    this.#frozenDeleted = this.#frozen.deleted[Symbol.iterator]()
    this.#changed = new ChangeSet(this.#seed)
  }

  /**
   * The next changes of the running checkpoint, at most `max`, in no particular order; none when all are given out.
   * A row may be a znode of the tree itself: it is valid until the next transaction is applied.
   */
  next(max: number): readonly ZnodeChange[] {
    const frozen = this.#frozen
    assert(frozen !== null, 'a checkpoint is running')
    const changes: ZnodeChange[] = []
    while (changes.length < max && this.#captured.length > 0) {
      const row = this.#captured.pop()!
      changes.push({ path: row.path, row })
    }
    while (changes.length < max && frozen.znodes.length > 0) {
      const znode = frozen.znodes.pop()!
      if (znode === null) continue
      this.#givenZnodes.push(znode)
      changes.push({ path: znode.path, row: znode })
    }
    while (changes.length < max) {
      const next = this.#frozenDeleted!.next()
      if (next.done === true) break
      this.#givenDeleted.push(next.value)
      changes.push({ path: next.value, row: null })
    }
    return changes
  }

  /** Ends the running checkpoint. Unless it is durable, its changes belong to the next checkpoint again. */
  endCheckpoint(isDurable: boolean): void {
    const frozen = this.#frozen
    assert(frozen !== null, 'a checkpoint is running')
    if (isDurable) {
      assert(frozen.znodes.length === 0, 'all changed znodes were given out')
      assert(this.#captured.length === 0, 'all captured znodes were given out')
      assert(this.#givenDeleted.length === frozen.deleted.size, 'all deletions were given out')
    } else {
      this.#giveBack(frozen)
    }
    this.#frozen = null
    this.#frozenDeleted = null
    this.#captured = []
    this.#givenZnodes = []
    this.#givenDeleted = []
  }

  #capture(znode: Znode): void {
    const frozen = this.#frozen
    if (frozen === null || !frozen.has(znode)) return
    frozen.znodes[znode.changeIndex] = null
    this.#captured.push(copyRow(znode))
  }

  /** What was changed after the freeze is in the present set already. */
  #giveBack(frozen: ChangeSet): void {
    for (const znode of [...this.#givenZnodes, ...frozen.znodes]) {
      if (znode === null || this.#changed.has(znode)) continue
      if (this.#find(znode.path) === znode) this.#changed.add(znode)
    }
    for (const path of frozen.deleted) {
      if (this.#find(path) === undefined) this.#changed.deleted.add(path)
    }
  }
}
