import { assert } from '../base/index.ts'
import { PathSet } from './sharded.ts'
import { copyRow, type Znode, type ZnodeRow } from './znode.ts'

/** A znode as a checkpoint has to store it; `row` is null when the path has no znode any more. */
export interface ZnodeChange {
  readonly path: string
  readonly row: ZnodeRow | null
}

/**
 * Knows which paths changed since the last checkpoint, and gives out their state at one zxid while later
 * transactions go on: a path is copied before its first change after the freeze (copy on write).
 * Without a running checkpoint a change costs one `Set.add`.
 */
export class ChangeTracker {
  readonly #find: (path: string) => Znode | undefined
  #dirty = new PathSet()
  /** Frozen and not given out yet; null when no checkpoint runs. */
  #frozen: PathSet | null = null
  #frozenPaths: Iterator<string> | null = null
  /** States at the freeze of paths that were changed after it. */
  #captured: ZnodeChange[] = []
  /** Paths given out, to be dirty again if the checkpoint fails. */
  #given: string[] = []

  constructor(find: (path: string) => Znode | undefined) {
    this.#find = find
  }

  /** Number of paths that the next checkpoint has to write. */
  get dirtyCount(): number {
    return this.#dirty.size
  }

  get isCheckpointRunning(): boolean {
    return this.#frozen !== null
  }

  /** Called before every change of a path, with the znode that is there now. */
  willChange(path: string, znode: Znode | undefined): void {
    if (this.#frozen?.delete(path) === true) {
      this.#captured.push({ path, row: znode === undefined ? null : copyRow(znode) })
    }
    this.#dirty.add(path)
  }

  /** Freezes the set of changed paths, in the state they have now. */
  beginCheckpoint(): void {
    assert(this.#frozen === null, 'one checkpoint runs at a time')
    this.#frozen = this.#dirty
    this.#frozenPaths = this.#frozen[Symbol.iterator]()
    this.#dirty = new PathSet()
  }

  /**
   * The next changes of the running checkpoint, at most `max`, in no particular order; none when all are given out.
   * A row may be a znode of the tree itself: it is valid until the next transaction is applied.
   */
  next(max: number): readonly ZnodeChange[] {
    const frozen = this.#frozen
    assert(frozen !== null, 'a checkpoint is running')
    const changes = this.#captured.splice(Math.max(0, this.#captured.length - max))
    while (changes.length < max) {
      const next = this.#frozenPaths!.next()
      if (next.done === true) break
      const path = next.value
      frozen.delete(path)
      changes.push({ path, row: this.#find(path) ?? null })
    }
    for (const change of changes) this.#given.push(change.path)
    return changes
  }

  /** Ends the running checkpoint. Unless it is durable, its paths are changed paths again. */
  endCheckpoint(isDurable: boolean): void {
    const frozen = this.#frozen
    assert(frozen !== null, 'a checkpoint is running')
    if (isDurable) {
      assert(frozen.size === 0, 'all changes were given out')
      assert(this.#captured.length === 0, 'all captured changes were given out')
    } else {
      for (const path of frozen) this.#dirty.add(path)
      for (const change of this.#captured) this.#dirty.add(change.path)
      for (const path of this.#given) this.#dirty.add(path)
    }
    this.#frozen = null
    this.#frozenPaths = null
    this.#captured = []
    this.#given = []
  }
}
