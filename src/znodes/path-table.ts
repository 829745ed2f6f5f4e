/** Tables are split into this many segments by the low bits of the hash. */
const SEGMENT_BITS = 9
export const SEGMENTS: number = 1 << SEGMENT_BITS
const FIRST_CAPACITY = 4

/**
 * Mixes two UTF-16 units a step. The seed keeps a client from making up names that all fall into one place
 * without knowing it.
 */
function hashOf(path: string, seed: number): number {
  let hash = seed ^ path.length
  let i = path.length - 1
  for (; i > 0; i -= 2) {
    hash = Math.imul(hash ^ (path.charCodeAt(i) | (path.charCodeAt(i - 1) << 16)), 0x9e37_79b1)
  }
  if (i === 0) hash = Math.imul(hash ^ path.charCodeAt(0), 0x9e37_79b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  return hash ^ (hash >>> 13)
}

/**
 * All znodes by path: a hash table with open addressing, split into segments that grow one by one. One `Map` of a
 * million entries would stop the server for more than 50 ms when it grows; here the longest growth moves a few
 * thousand entries. It also needs fewer dependent memory reads a lookup than `Map`, and half the memory.
 */
export class PathTable<V extends { readonly path: string }> {
  readonly #seed: number
  readonly #segments: Segment<V>[] = new Array(SEGMENTS).fill(EMPTY)
  #size = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  get size(): number {
    return this.#size
  }

  get(path: string): V | undefined {
    const hash = hashOf(path, this.#seed)
    return this.#segments[hash & (SEGMENTS - 1)]!.get(hash, path)
  }

  /** The path must not be in the table. */
  add(value: V): void {
    const hash = hashOf(value.path, this.#seed)
    const index = hash & (SEGMENTS - 1)
    let segment = this.#segments[index]!
    if (segment === EMPTY) {
      segment = new Segment(FIRST_CAPACITY)
      this.#segments[index] = segment
    }
    segment.add(hash, value)
    this.#size += 1
  }

  delete(path: string): void {
    const hash = hashOf(path, this.#seed)
    if (this.#segments[hash & (SEGMENTS - 1)]!.delete(hash, path)) this.#size -= 1
  }

  /** No particular order; the table must not change meanwhile. */
  *values(): IterableIterator<V> {
    for (let i = 0; i < SEGMENTS; i++) yield* this.segment(i)
  }

  /** The values of one of {@link SEGMENTS} parts, 0 to SEGMENTS - 1: a value never changes its part. */
  segment(index: number): V[] {
    return this.#segments[index]!.values.filter((value) => value !== null)
  }
}

/** Linear probing; at most 3/4 full, so that a probe ends soon. */
class Segment<V extends { readonly path: string }> {
  values: (V | null)[]
  #hashes: Int32Array
  #count = 0

  constructor(capacity: number) {
    this.values = new Array(capacity).fill(null)
    this.#hashes = new Int32Array(capacity)
  }

  get(hash: number, path: string): V | undefined {
    const { values } = this
    const hashes = this.#hashes
    const mask = hashes.length - 1
    for (let i = (hash >>> SEGMENT_BITS) & mask; ; i = (i + 1) & mask) {
      const value = values[i]!
      if (value === null) return undefined
      if (hashes[i] === hash && value.path === path) return value
    }
  }

  add(hash: number, value: V): void {
    if ((this.#count + 1) * 4 > this.values.length * 3) this.#grow()
    this.#count += 1
    this.#place(hash, value)
  }

  delete(hash: number, path: string): boolean {
    const { values } = this
    const hashes = this.#hashes
    const mask = hashes.length - 1
    let hole = (hash >>> SEGMENT_BITS) & mask
    for (; ; hole = (hole + 1) & mask) {
      const value = values[hole]!
      if (value === null) return false
      if (hashes[hole] === hash && value.path === path) break
    }
    // Later entries of the same run move into the hole when it is on their way, so that no probe stops short.
    for (let i = (hole + 1) & mask; values[i] !== null; i = (i + 1) & mask) {
      const home = (hashes[i]! >>> SEGMENT_BITS) & mask
      if (((i - home) & mask) < ((i - hole) & mask)) continue
      values[hole] = values[i]!
      hashes[hole] = hashes[i]!
      hole = i
    }
    values[hole] = null
    this.#count -= 1
    return true
  }

  #place(hash: number, value: V): void {
    const { values } = this
    const mask = values.length - 1
    let i = (hash >>> SEGMENT_BITS) & mask
    while (values[i] !== null) i = (i + 1) & mask
    values[i] = value
    this.#hashes[i] = hash
  }

  #grow(): void {
    const values = this.values
    const hashes = this.#hashes
    this.values = new Array(values.length * 2).fill(null)
    this.#hashes = new Int32Array(values.length * 2)
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (value !== null) this.#place(hashes[i]!, value)
    }
  }
}

/** Stands for a segment that nothing was added to: most of them, in a small tree. */
const EMPTY: Segment<never> = new Segment<never>(1)

/** A set of paths in segments, for the same reason as {@link PathTable}. */
export class PathSet {
  readonly #seed: number
  readonly #segments: (Set<string> | null)[] = new Array(SEGMENTS).fill(null)
  #size = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  get size(): number {
    return this.#size
  }

  add(path: string): void {
    const index = hashOf(path, this.#seed) & (SEGMENTS - 1)
    const segment = this.#segments[index]!
    if (segment === null) {
      this.#segments[index] = new Set([path])
      this.#size += 1
      return
    }
    const before = segment.size
    segment.add(path)
    this.#size += segment.size - before
  }

  delete(path: string): void {
    if (this.#size === 0) return
    if (this.#segments[hashOf(path, this.#seed) & (SEGMENTS - 1)]?.delete(path) === true) {
      this.#size -= 1
    }
  }

  /** No particular order. */
  *[Symbol.iterator](): IterableIterator<string> {
    for (const segment of this.#segments) if (segment !== null) yield* segment
  }
}
