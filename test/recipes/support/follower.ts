import type { CachedZnode, TreeChange } from '../../../recipes/index.ts'
import { nameOf, parentOf } from '../../../src/client/index.ts'

/**
 * Rebuilds what a cache holds from the changes that it tells of, and checks each of them: parents before children,
 * nothing created twice, nothing older than before. A znode may be told to be created that was already told of: with
 * its parent, when that was another one.
 */
export class Follower {
  readonly znodes: Map<string, CachedZnode> = new Map()
  readonly told: string[] = []
  gaps = 0
  readonly #root: string
  readonly #newest = new Map<string, bigint>()

  constructor(root: string, initial: Iterable<CachedZnode>) {
    this.#root = root
    for (const znode of initial) this.#take(znode)
  }

  /** Until the changes end. @throws when one of them does not follow from those before */
  async follow(changes: AsyncIterable<TreeChange>): Promise<void> {
    for await (const change of changes) this.#apply(change)
  }

  #apply(change: TreeChange): void {
    if (change.type === 'gap') this.gaps += 1
    if (!('path' in change)) {
      this.told.push(change.type)
      return
    }
    const { type, path } = change
    this.told.push(`${type} ${path}`)
    const held = this.znodes.get(path)
    if (type === 'created') {
      check(held === undefined, `${path} is created twice`)
      check(path === this.#root || this.znodes.has(parentOf(path)), `${path} has no parent`)
      this.#take(change.znode)
    } else {
      check(held === change.previous || sameStat(held, change.previous), `${path} was another one`)
      if (type === 'changed') {
        check(change.znode.stat.mzxid > change.previous.stat.mzxid, `${path} has not changed`)
        this.#take(change.znode)
      } else {
        const prefix = path === '/' ? '/' : `${path}/`
        for (const other of this.znodes.keys()) {
          check(other === path || !other.startsWith(prefix), `${path} goes before ${nameOf(other)}`)
        }
        this.znodes.delete(path)
      }
    }
  }

  #take(znode: CachedZnode): void {
    const { path, stat } = znode
    const newest = this.#newest.get(path) ?? 0n
    check(stat.mzxid >= newest, `${path} goes back from ${newest} to ${stat.mzxid}`)
    this.#newest.set(path, stat.mzxid)
    this.znodes.set(path, znode)
  }
}

function sameStat(a: CachedZnode | undefined, b: CachedZnode): boolean {
  return a?.stat.mzxid === b.stat.mzxid && a.stat.czxid === b.stat.czxid
}

function check(isTrue: boolean, problem: string): void {
  if (!isTrue) throw new Error(problem)
}
