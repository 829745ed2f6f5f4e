import type { RowBatch } from '../env/index.ts'

/** Length in place of a value's: the key is deleted. */
const DELETED = 0xffff_ffff

const ROW_HEADER_BYTES = 8
const FIRST_SLAB_BYTES = 16 * 1024
const SLAB_BYTES_MAX = 1024 * 1024

/** Memory of slabs kept for the next batch. */
const SPARE_SLABS_MAX = 8

/**
 * Full-sized memory that slabs use again: a checkpoint of a million rows would otherwise allocate 250 MiB beside V8's
 * heap, which makes V8 collect the whole of it.
 */
export class SlabPool {
  readonly #spare: Buffer[] = []

  take(capacity: number): Buffer {
    const spare = capacity === SLAB_BYTES_MAX ? this.#spare.pop() : undefined
    return spare ?? Buffer.allocUnsafeSlow(capacity)
  }

  /** Takes the memory of slabs that nobody reads or fills any more. */
  give(slabs: readonly RowSlab[]): void {
    for (const slab of slabs) {
      const memory = slab.memory
      if (memory.length !== SLAB_BYTES_MAX || this.#spare.length === SPARE_SLABS_MAX) continue
      this.#spare.push(memory)
    }
  }
}

/** Receives the changes of a slab. */
export type RowSink = Pick<RowBatch, 'delete' | 'put'>

/**
 * A piece of memory with row changes one after another: key length, value length (32 bits each, little
 * endian), key, value.
 */
export class RowSlab {
  readonly #bytes: Buffer
  #length = 0

  private constructor(bytes: Buffer, length: number) {
    this.#bytes = bytes
    this.#length = length
  }

  /** An empty slab to follow `previous`, with room for a change of these lengths at least. */
  static after(
    previous: RowSlab | null,
    keyLength: number,
    valueLength: number,
    pool: SlabPool,
  ): RowSlab {
    const usual = previous === null ? FIRST_SLAB_BYTES : previous.#bytes.length * 4
    const needed = ROW_HEADER_BYTES + keyLength + valueLength
    const capacity = Math.max(Math.min(usual, SLAB_BYTES_MAX), needed)
    return new RowSlab(pool.take(capacity), 0)
  }

  /** A slab as it was written to a file. */
  static of(bytes: Buffer): RowSlab {
    return new RowSlab(bytes, bytes.length)
  }

  /** All of its memory, used or not. */
  get memory(): Buffer {
    return this.#bytes
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Copies one change in; false when there is no room for it. `value` is null for a deletion. */
  add(key: Uint8Array, value: Uint8Array | null): boolean {
    const bytes = this.#bytes
    const keyStart = this.#length + ROW_HEADER_BYTES
    const valueStart = keyStart + key.length
    const end = valueStart + (value === null ? 0 : value.length)
    if (end > bytes.length) return false
    bytes.writeUInt32LE(key.length, this.#length)
    bytes.writeUInt32LE(value === null ? DELETED : value.length, this.#length + 4)
    bytes.set(key, keyStart)
    if (value !== null) bytes.set(value, valueStart)
    this.#length = end
    return true
  }

  /** Gives `sink` up to `limit` changes from `offset` on; returns the offset of the next. */
  replay(offset: number, limit: number, sink: RowSink): number {
    const bytes = this.#bytes
    let at = offset
    for (let i = 0; i < limit && at < this.#length; i += 1) {
      const keyStart = at + ROW_HEADER_BYTES
      const keyEnd = keyStart + bytes.readUInt32LE(at)
      const valueLength = bytes.readUInt32LE(at + 4)
      const key = bytes.subarray(keyStart, keyEnd)
      if (valueLength === DELETED) {
        sink.delete(key)
        at = keyEnd
      } else {
        at = keyEnd + valueLength
        sink.put(key, bytes.subarray(keyEnd, at))
      }
    }
    return at
  }

  get length(): number {
    return this.#length
  }
}
