import { assert } from '../base/index.ts'
import { allocateBytes, asByteBuffer, type ByteBuffer, NO_BYTES } from './byte-buffer.ts'
import type { ByteString } from './records.ts'

/** Memory that several output buffers cut their regions from, front to back. */
interface Slab {
  readonly bytes: ByteBuffer
  readonly view: DataView
  /** Everything before this offset belongs to some region. */
  used: number
}

const SLAB_BYTES = 64 * 1024
/** First region of a buffer: a turn's replies to one connection usually fit. */
const REGION_BYTES = 1024
/** Regions beyond this get memory of their own, so that one large reply does not pin a slab of small ones. */
const SHARED_REGION_BYTES_MAX = SLAB_BYTES / 4
/** A buffer starts with as much as it needed the time before, within this. */
const FIRST_REGION_BYTES_MAX = 32 * 1024
/** `reset` keeps a region up to this size for the next use. */
const KEPT_REGION_BYTES_MAX = 256 * 1024
/** Below this length a loop over the characters beats the call into Node (6 ns for 4, 38 ns for 12). */
const LOOP_LENGTH_MAX = 12
/** Strings up to this length reserve three bytes per character instead of being measured first. */
const UNMEASURED_LENGTH_MAX = 1024

const NO_SLAB: Slab = newSlab(0)
let sharedSlab: Slab = NO_SLAB

/**
 * Growing output in jute encoding: big-endian integers, ustring and buffer with an int length before them.
 *
 * Two ways to use it. A connection writes its replies and calls {@link take} once per turn. A scratch buffer
 * is read in place (`bytes` from `start` to `end`) and `reset` before the next use.
 * An empty buffer owns no memory, so an idle connection costs none.
 */
export class OutputBuffer {
  #slab: Slab = NO_SLAB
  #start = 0
  #end = 0
  #limit = 0
  #firstRegionBytes = REGION_BYTES

  /** Length of the last frame that was ended, its own four bytes excluded. */
  lastFrameBytes = 0

  /** Bytes written since the last `take` or `reset`. */
  get length(): number {
    return this.#end - this.#start
  }

  /** The memory written to: the content is `bytes[start, end)`, until the next write. */
  get bytes(): Uint8Array {
    return this.#slab.bytes
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  int8(value: number): void {
    const at = this.#advance(1)
    this.#slab.bytes[at] = value
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int32(value: number): void {
    const at = this.#advance(4)
    this.#slab.view.setInt32(at, value)
  }

  int64(value: bigint): void {
    const at = this.#advance(8)
    this.#slab.view.setBigInt64(at, value)
  }

  /** A long from a whole number; exact within ±2^53. */
  int64Number(value: number): void {
    const at = this.#advance(8)
    this.#slab.view.setInt32(at, Math.floor(value / 0x1_0000_0000))
    this.#slab.view.setInt32(at + 4, value)
  }

  /** ustring: int byte length (-1 for null), UTF-8 bytes. A lone surrogate becomes U+FFFD. */
  string(value: string | null): void {
    if (value === null) {
      this.int32(-1)
      return
    }
    const length = value.length
    const size = length <= UNMEASURED_LENGTH_MAX ? length * 3 : Buffer.byteLength(value)
    this.reserve(4 + size)
    const at = this.#end + 4
    const written =
      length <= LOOP_LENGTH_MAX && writeAscii(this.#slab.bytes, at, value)
        ? length
        : this.#slab.bytes.utf8Write(value, at, size)
    this.#slab.view.setInt32(this.#end, written)
    this.#end = at + written
  }

  /** buffer: int length (-1 for null), the bytes. */
  byteString(value: ByteString | null): void {
    if (value === null) {
      this.int32(-1)
      return
    }
    const length = value.length
    const at = this.#advance(4 + length)
    this.#slab.view.setInt32(at, length)
    if (length > LOOP_LENGTH_MAX) this.#slab.bytes.latin1Write(value, at + 4, length)
    else writeBytes(this.#slab.bytes, at + 4, value)
  }

  /** buffer, from bytes[start, end). */
  lengthPrefixed(bytes: Uint8Array, start: number, end: number): void {
    this.int32(end - start)
    this.append(bytes, start, end)
  }

  /** Copies bytes[start, end) as they are. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#advance(end - start)
    asByteBuffer(bytes).copy(this.#slab.bytes, at, start, end)
  }

  /** Leaves room for an int length; give the result to {@link endFrame} once the content is written. */
  beginFrame(): number {
    const mark = this.length
    this.int32(0)
    return mark
  }

  /** Writes the number of bytes since `beginFrame` (its own four excluded) where the frame begins. */
  endFrame(mark: number): void {
    assert(mark >= 0 && mark + 4 <= this.length, 'endFrame needs the mark of an open frame')
    this.lastFrameBytes = this.length - mark - 4
    this.#slab.view.setInt32(this.#start + mark, this.lastFrameBytes)
  }

  /** Overwrites the int at an offset counted like {@link length}. */
  patchInt32(offset: number, value: number): void {
    assert(offset >= 0 && offset + 4 <= this.length, 'patchInt32 outside of the content')
    this.#slab.view.setInt32(this.#start + offset, value)
  }

  /** Forgets everything after the first `length` bytes, e.g. a reply that failed half way. */
  truncate(length: number): void {
    assert(length >= 0 && length <= this.length, 'truncate cannot extend')
    this.#end = this.#start + length
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.#limit - this.#end < size) this.#grow(size)
  }

  /** Forgets the content and keeps the memory (unless it is large). */
  reset(): void {
    this.#end = this.#start
    if (this.#limit - this.#start > KEPT_REGION_BYTES_MAX) this.#release()
  }

  /**
   * Hands the content over and starts afresh in other memory: the caller may keep the bytes as long as it
   * likes, nothing writes to them any more.
   */
  take(): Uint8Array {
    const length = this.length
    if (length === 0) return NO_BYTES
    this.#firstRegionBytes = firstRegionFor(length)
    const content = this.#slab.bytes.subarray(this.#start, this.#end)
    if (this.#slab.used === this.#limit) this.#slab.used = this.#end
    this.#release()
    return content
  }

  #release(): void {
    this.#slab = NO_SLAB
    this.#start = 0
    this.#end = 0
    this.#limit = 0
  }

  #advance(size: number): number {
    if (this.#limit - this.#end < size) this.#grow(size)
    const at = this.#end
    this.#end = at + size
    return at
  }

  #grow(size: number): void {
    const wanted = this.length + size
    const capacity = Math.max(this.#firstRegionBytes, wanted, 2 * (this.#limit - this.#start))
    const slab = this.#slab
    if (slab.used === this.#limit && this.#start + capacity <= slab.bytes.length) {
      slab.used = this.#start + capacity
      this.#limit = slab.used
      return
    }
    this.#move(capacity)
  }

  #move(capacity: number): void {
    const slab = slabFor(capacity)
    const start = slab.used
    this.#slab.bytes.copy(slab.bytes, start, this.#start, this.#end)
    slab.used = start + capacity
    this.#end = start + this.length
    this.#slab = slab
    this.#start = start
    this.#limit = slab.used
  }
}

/** The next power of two, so that a little more than the last time still fits. */
function firstRegionFor(length: number): number {
  if (length <= REGION_BYTES) return REGION_BYTES
  if (length >= FIRST_REGION_BYTES_MAX) return FIRST_REGION_BYTES_MAX
  return 1 << (32 - Math.clz32(length))
}

function slabFor(capacity: number): Slab {
  if (capacity > SHARED_REGION_BYTES_MAX) return newSlab(capacity)
  if (sharedSlab.used + capacity > sharedSlab.bytes.length) sharedSlab = newSlab(SLAB_BYTES)
  return sharedSlab
}

function newSlab(size: number): Slab {
  const bytes = allocateBytes(size)
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size), used: 0 }
}

function writeBytes(bytes: Uint8Array, at: number, text: string): void {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index)
}

/** False (with some bytes already written) when a character is not ASCII. */
function writeAscii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 0x7f) return false
    bytes[at + index] = code
  }
  return true
}
