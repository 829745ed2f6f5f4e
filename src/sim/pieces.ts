const SLAB_BYTES = 64 * 1024

/** Memory for what is on its way: many small pieces out of one allocation. */
export class Pieces {
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #used = 0

  /** Memory whose content is anything. */
  take(length: number): Buffer {
    if (length > SLAB_BYTES / 8) return Buffer.allocUnsafeSlow(length)
    if (this.#used + length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const piece = this.#slab.subarray(this.#used, this.#used + length)
    this.#used += length
    return piece
  }
}
