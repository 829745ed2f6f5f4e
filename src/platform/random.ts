import { randomFillSync } from 'node:crypto'
import type { Random } from '../env/index.ts'

const POOL_WORDS = 256

/** Random numbers from the operating system's generator. */
export class SystemRandom implements Random {
  readonly #pool = new Uint32Array(POOL_WORDS)
  #used = POOL_WORDS

  uint32(): number {
    if (this.#used === POOL_WORDS) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    const value = this.#pool[this.#used]!
    this.#pool[this.#used] = 0 // a value that was handed out is not kept in memory
    this.#used += 1
    return value
  }

  fill(bytes: Uint8Array): void {
    randomFillSync(bytes)
  }
}
