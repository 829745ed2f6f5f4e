/**
 * Maps and sets of paths that stay fast to change at any size. One `Map` of a million entries stops the whole
 * server for more than 50 ms when it grows; spread over shards, each growth moves a few thousand entries.
 */
export const SHARDS = 512

/** Every second unit of this many last ones counts for the shard: the part where the paths of siblings differ. */
const NEAR_END = 48

/** The shard of a path; quick rather than good, the maps inside hash the whole path. */
export function shardOf(path: string): number {
  const last = path.length - 1
  const near = last > NEAR_END ? last - NEAR_END : 0
  let hash = last
  let i = last
  for (; i >= near; i -= 2) hash = (Math.imul(hash, 31) + path.charCodeAt(i)) | 0
  for (; i > 0; i -= 16) hash = (Math.imul(hash, 31) + path.charCodeAt(i)) | 0
  hash ^= hash >>> 16
  return (hash ^ (hash >>> 9)) & (SHARDS - 1)
}

export class PathMap<V> {
  readonly #shards: Map<string, V>[] = []
  #size = 0

  constructor() {
    for (let i = 0; i < SHARDS; i++) this.#shards.push(new Map())
  }

  get size(): number {
    return this.#size
  }

  get(path: string): V | undefined {
    return this.#shards[shardOf(path)]!.get(path)
  }

  set(path: string, value: V): void {
    const shard = this.#shards[shardOf(path)]!
    const before = shard.size
    shard.set(path, value)
    this.#size += shard.size - before
  }

  delete(path: string): boolean {
    const deleted = this.#shards[shardOf(path)]!.delete(path)
    if (deleted) this.#size -= 1
    return deleted
  }

  /** No particular order. Entries may be changed meanwhile. */
  *entries(): IterableIterator<[string, V]> {
    for (const shard of this.#shards) yield* shard
  }

  *values(): IterableIterator<V> {
    for (const shard of this.#shards) yield* shard.values()
  }
}

export class PathSet {
  readonly #shards: (Set<string> | null)[] = []
  #size = 0

  constructor() {
    for (let i = 0; i < SHARDS; i++) this.#shards.push(null)
  }

  get size(): number {
    return this.#size
  }

  has(path: string): boolean {
    return this.#shards[shardOf(path)]?.has(path) ?? false
  }

  add(path: string): void {
    const index = shardOf(path)
    const shard = this.#shards[index]
    if (shard === null || shard === undefined) {
      this.#shards[index] = new Set([path])
      this.#size += 1
      return
    }
    const before = shard.size
    shard.add(path)
    this.#size += shard.size - before
  }

  delete(path: string): boolean {
    const deleted = this.#shards[shardOf(path)]?.delete(path) ?? false
    if (deleted) this.#size -= 1
    return deleted
  }

  /** No particular order. Paths may be added and deleted meanwhile. */
  *[Symbol.iterator](): IterableIterator<string> {
    for (const shard of this.#shards) if (shard !== null) yield* shard
  }
}
