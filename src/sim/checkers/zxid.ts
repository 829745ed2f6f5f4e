import type { Zxid } from '../../base/index.ts'

/* Parts of zxids without making bigints of them: checkers look at some hundred thousand zxids a second. */

const bits = new BigInt64Array(1)
const words = new Int32Array(bits.buffer)

export function epochOf(zxid: Zxid): number {
  bits[0] = zxid
  return words[1]! >>> 0
}

/** Whether `next` may stand right after `last` in a log: the next of its epoch, or the first of a later one. */
export function isSuccessor(next: Zxid, last: Zxid): boolean {
  bits[0] = last
  const epoch = words[1]!
  const counter = words[0]! >>> 0
  bits[0] = next
  if (words[1]! === epoch) return words[0]! >>> 0 === counter + 1
  return next > last && words[0]! === 1
}

/** Hash of a history after one more entry: equal hashes stand for equal histories. */
export function chainOf(chain: number, zxid: Zxid, hash: number): number {
  bits[0] = zxid
  let mixed = Math.imul(chain ^ words[0]!, 0x01000193)
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ words[1]!, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13) ^ hash, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) | 0
}
