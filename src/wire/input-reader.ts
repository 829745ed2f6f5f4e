import { assert } from '../base/index.ts'
import { asByteBuffer, type ByteBuffer, NO_BYTES, readInt32 } from './byte-buffer.ts'
import { DecodeError } from './decode-error.ts'
import { type ByteString, EMPTY_BYTES } from './records.ts'

/** Longs go through here: a `DataView` over each chunk would cost 59 ns, this costs the same for every long. */
const scratch = new DataView(new ArrayBuffer(8))

/**
 * Reads jute values in place from a range of bytes. One reader is made per connection and reset for each frame.
 * Every method throws {@link DecodeError} when the range ends too early; no length or count is trusted.
 */
export class InputReader {
  #bytes: ByteBuffer = NO_BYTES
  #at = 0
  #end = 0

  /** Reads bytes[start, end) from now on. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    assert(
      start >= 0 && start <= end && end <= bytes.length,
      'reset needs a range inside of the bytes',
    )
    if (bytes !== this.#bytes) this.#bytes = asByteBuffer(bytes)
    this.#at = start
    this.#end = end
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.#bytes = NO_BYTES
    this.#at = 0
    this.#end = 0
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  /** Where the next value begins, as an offset into the bytes given to `reset`. */
  get offset(): number {
    return this.#at
  }

  /** Goes back to (or on to) an offset inside of the range. */
  seek(offset: number): void {
    assert(offset >= 0 && offset <= this.#end, 'seek outside of the range')
    this.#at = offset
  }

  int8(): number {
    return (this.#bytes[this.#take(1)]! << 24) >> 24
  }

  /** Any byte but 0 is true. */
  bool(): boolean {
    return this.#bytes[this.#take(1)]! !== 0
  }

  int32(): number {
    const at = this.#take(4)
    return readInt32(this.#bytes, at)
  }

  int64(): bigint {
    const at = this.#take(8)
    const bytes = this.#bytes
    scratch.setInt32(0, readInt32(bytes, at))
    scratch.setInt32(4, readInt32(bytes, at + 4))
    return scratch.getBigInt64(0)
  }

  /** A long as a number; exact within ±2^53, else rounded. */
  int64Number(): number {
    const high = this.int32()
    return high * 0x1_0000_0000 + (this.int32() >>> 0)
  }

  /** ustring; null for length -1. Malformed UTF-8 becomes U+FFFD. */
  string(): string | null {
    const length = this.#length()
    if (length <= 0) return length === 0 ? '' : null
    const at = this.#take(length)
    return this.#bytes.utf8Slice(at, at + length)
  }

  /** A ustring that may not be null. */
  requiredString(): string {
    const value = this.string()
    if (value === null) throw new DecodeError('null where a string is required')
    return value
  }

  /** buffer; null for length -1. The bytes are copied. */
  byteString(): ByteString | null {
    const length = this.#length()
    if (length <= 0) return length === 0 ? EMPTY_BYTES : null
    const at = this.#take(length)
    return this.#bytes.latin1Slice(at, at + length) as ByteString
  }

  /**
   * The count before a vector: -1 for null; other values below 1 mean an empty vector (like upstream's
   * `BinaryInputArchive.startVector`). Refuses a count whose elements of at least `elementBytesMin` bytes
   * cannot fit in what remains.
   */
  vectorCount(elementBytesMin: number): number {
    const count = this.int32()
    if (count <= 0) return count === -1 ? -1 : 0
    if (count * elementBytesMin > this.remaining) {
      throw new DecodeError(`vector of ${count} elements in ${this.remaining} bytes`)
    }
    return count
  }

  /** Ends the range `length` bytes from here, for a record inside a buffer; give the result to {@link widen}. */
  narrow(length: number): number {
    const outerEnd = this.#end
    if (length > this.remaining) {
      throw new DecodeError(`record of ${length} bytes in ${this.remaining}`)
    }
    this.#end = this.#at + length
    return outerEnd
  }

  /** Goes on behind the narrowed range, whether it was read to its end or not. */
  widen(outerEnd: number): void {
    this.#at = this.#end
    this.#end = outerEnd
  }

  /** Passes over these bytes when they come next; else stays where it is. */
  skipIfNext(expected: Uint8Array): boolean {
    const length = expected.length
    if (length > this.remaining) return false
    for (let index = 0; index < length; index++) {
      if (this.#bytes[this.#at + index] !== expected[index]) return false
    }
    this.#at += length
    return true
  }

  /** Passes over bytes without looking at them; gives the offset where they begin. */
  skip(length: number): number {
    return this.#take(length)
  }

  #length(): number {
    const length = this.int32()
    if (length < -1) throw new DecodeError(`negative length ${length}`)
    return length
  }

  #take(length: number): number {
    const at = this.#at
    if (length > this.#end - at) {
      throw new DecodeError(`${length} bytes wanted where ${this.#end - at} remain`)
    }
    this.#at = at + length
    return at
  }
}
