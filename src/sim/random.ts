import { assert } from '../base/index.ts'
import type { Random } from '../env/index.ts'

/**
 * Pseudo-random numbers that are a function of the seed: xoshiro128** (Blackman and Vigna), whose
 * state is filled by splitmix32. 32-bit integer arithmetic only, so every engine gives the same.
 */
export class SimRandom implements Random {
  readonly #state = new Uint32Array(4)

  constructor(seed: number) {
    let mixed = seed | 0
    for (let i = 0; i < 4; i += 1) {
      mixed = (mixed + 0x9e3779b9) | 0
      let word = mixed ^ (mixed >>> 16)
      word = Math.imul(word, 0x21f0aaad)
      word ^= word >>> 15
      word = Math.imul(word, 0x735a2d97)
      this.#state[i] = word ^ (word >>> 15)
    }
  }

  uint32(): number {
    const s = this.#state
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0
    const shifted = s[1]! << 9
    s[2]! ^= s[0]!
    s[3]! ^= s[1]!
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= shifted
    s[3] = rotateLeft(s[3]!, 11)
    return result
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 4) {
      const word = this.uint32()
      for (let j = 0; j < 4 && i + j < bytes.length; j += 1) bytes[i + j] = word >>> (8 * j)
    }
  }

  /** An integer in 0 … `limit`-1. */
  below(limit: number): number {
    assert(limit > 0 && limit <= 2 ** 32, 'a limit that no 32 bits reach')
    for (;;) {
      const value = this.uint32()
      // The few highest values would make some results more likely than others; the exact bound costs a division.
      if (value <= 0xffff_ffff - limit || value < 2 ** 32 - (2 ** 32 % limit)) return value % limit
    }
  }

  /** An integer in `low` … `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True once in `times` calls on average. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** A generator of its own, so that what one part of a world draws does not shift the draws of another. */
  fork(): SimRandom {
    return new SimRandom(this.uint32())
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
