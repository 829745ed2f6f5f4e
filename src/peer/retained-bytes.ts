const SLAB_BYTES = 64 * 1024
/** Longer content gets memory of its own, so that it does not pin a slab of short ones. */
export const SHARED_BYTES_MAX: number = SLAB_BYTES / 8

/**
 * Copies what must outlive the chunk it arrived in. Short content shares memory with its neighbours, which arrive and
 * are forgotten together; a buffer for each would cost three times as much.
 */
export class RetainedBytes {
  #slab: Buffer = Buffer.alloc(0)
  #used = 0

  /** A copy of bytes[start, end) that nothing else writes to. */
  copy(bytes: Buffer, start: number, end: number): Uint8Array {
    const length = end - start
    if (length > SHARED_BYTES_MAX) {
      const own = Buffer.allocUnsafeSlow(length)
      bytes.copy(own, 0, start, end)
      return own
    }
    if (this.#slab.length - this.#used < length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const at = this.#used
    this.#used = at + length
    bytes.copy(this.#slab, at, start, end)
    return this.#slab.subarray(at, at + length)
  }
}
