import type { InputReader } from './input-reader.ts'

const SLOTS = 1024

/**
 * Reads longs, mostly one bigint for equal ones. A million znodes have their three zxids in common with each other and
 * with those that were created beside them: a bigint of its own for each takes 95 bytes a znode, a sixth of all.
 */
export class SharedLongs {
  readonly #values: bigint[] = new Array<bigint>(SLOTS).fill(0n)
  readonly #highs = new Int32Array(SLOTS)
  readonly #lows = new Int32Array(SLOTS)
  readonly #scratch = new DataView(new ArrayBuffer(8))

  read(reader: InputReader): bigint {
    const high = reader.int32()
    const low = reader.int32()
    const slot = (low ^ high) & (SLOTS - 1)
    if (this.#highs[slot] === high && this.#lows[slot] === low) return this.#values[slot]!
    this.#scratch.setInt32(0, high)
    this.#scratch.setInt32(4, low)
    const value = this.#scratch.getBigInt64(0)
    this.#highs[slot] = high
    this.#lows[slot] = low
    this.#values[slot] = value
    return value
  }
}
