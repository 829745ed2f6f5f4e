import { nameOf } from './paths.ts'
import { SHARDS, shardOf } from './sharded.ts'

/** From this size on the set is spread over shards, so that no growth of it takes long (see sharded.ts). */
const UNSHARDED_MAX = 8192

/** A set of znodes of any size: children of one parent, containers, TTL nodes. */
export class ZnodeSet<T extends { readonly path: string }> {
  #members: Set<T> | readonly Set<T>[] = new Set()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(znode: T): void {
    const shard = this.#shardFor(znode)
    const before = shard.size
    shard.add(znode)
    this.#size += shard.size - before
    if (shard === this.#members && shard.size > UNSHARDED_MAX) this.#spread(shard)
  }

  delete(znode: T): void {
    if (this.#shardFor(znode).delete(znode)) this.#size -= 1
  }

  /** No particular order. An iteration survives changes, but may then miss or repeat members. */
  *[Symbol.iterator](): IterableIterator<T> {
    const members = this.#members
    if (members instanceof Set) {
      yield* members
    } else {
      for (const shard of members) yield* shard
    }
  }

  /** Names of the members, in the order of iteration. */
  names(): string[] {
    const names: string[] = []
    const members = this.#members
    if (members instanceof Set) {
      for (const znode of members) names.push(nameOf(znode.path))
    } else {
      for (const shard of members) for (const znode of shard) names.push(nameOf(znode.path))
    }
    return names
  }

  #shardFor(znode: T): Set<T> {
    const members = this.#members
    return members instanceof Set ? members : members[shardOf(znode.path)]!
  }

  #spread(members: ReadonlySet<T>): void {
    const shards: Set<T>[] = []
    for (let i = 0; i < SHARDS; i++) shards.push(new Set())
    for (const znode of members) shards[shardOf(znode.path)]!.add(znode)
    this.#members = shards
  }
}
