const BLOCK = 64

/**
 * SHA-1 (RFC 3174) of a string with one character per byte, in the same form (20 characters). The `digest` scheme
 * of ZooKeeper is defined by it; nothing else may rely on it, since collisions of SHA-1 are affordable.
 */
export function sha1(bytes: string): string {
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
  const words = new Int32Array(80)
  const whole = bytes.length - (bytes.length % BLOCK)
  for (let at = 0; at < whole; at += BLOCK) addBlock(state, words, bytes, at)
  const tail = padded(bytes.slice(whole), bytes.length)
  for (let at = 0; at < tail.length; at += BLOCK) addBlock(state, words, tail, at)
  let hash = ''
  for (const word of state) hash += wordBytes(word)
  return hash
}

/** The last, incomplete block with the mark bit, zeros, and the message length in bits as 64-bit number. */
function padded(rest: string, length: number): string {
  const zeros = (2 * BLOCK - rest.length - 9) % BLOCK
  const bitsHigh = Math.floor(length / 0x2000_0000)
  return `${rest}\x80${'\0'.repeat(zeros)}${wordBytes(bitsHigh)}${wordBytes(length << 3)}`
}

function addBlock(state: Int32Array, words: Int32Array, bytes: string, at: number): void {
  for (let i = 0; i < 16; i++) words[i] = wordAt(bytes, at + 4 * i)
  for (let i = 16; i < 80; i++) {
    words[i] = rotate(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1)
  }
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  for (let i = 0; i < 80; i++) {
    const next = (rotate(a, 5) + mix(i, b, c, d) + e + words[i]!) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
}

/** The function and the constant of round `i`. */
function mix(i: number, b: number, c: number, d: number): number {
  if (i < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (i < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (i < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function wordAt(bytes: string, at: number): number {
  return (
    (bytes.charCodeAt(at) << 24) |
    (bytes.charCodeAt(at + 1) << 16) |
    (bytes.charCodeAt(at + 2) << 8) |
    bytes.charCodeAt(at + 3)
  )
}

function wordBytes(word: number): string {
  return String.fromCharCode(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff)
}
