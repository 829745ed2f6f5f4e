const MODULUS = 65_521
/** So many bytes can be added before the sums of Adler-32 leave 32 bits. */
const BLOCK_BYTES = 3800

/** Adler-32 (RFC 1950) of bytes that come in pieces. */
export class Adler32 {
  #a = 1
  #b = 0

  update(bytes: Uint8Array, start: number, end: number): void {
    let a = this.#a
    let b = this.#b
    for (let at = start; at < end; ) {
      const blockEnd = Math.min(at + BLOCK_BYTES, end)
      for (; at < blockEnd; at++) {
        a += bytes[at]!
        b += a
      }
      a %= MODULUS
      b %= MODULUS
    }
    this.#a = a
    this.#b = b
  }

  /** 0 to 2^32 - 1. */
  get value(): number {
    return this.#b * 0x1_0000 + this.#a
  }
}
