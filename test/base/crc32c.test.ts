import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/base/index.ts'

function bitByBit(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  }
  return ~crc >>> 0
}

const text = (value: string): Uint8Array => Uint8Array.from(value, (char) => char.charCodeAt(0))

describe('crc32c', () => {
  it('gives the published values', () => {
    // RFC 3720 (iSCSI), appendix B.4, and the usual check value.
    expect(crc32c(text('123456789'), 0, 9)).toBe(0xe306_9283)
    expect(crc32c(new Uint8Array(32), 0, 32)).toBe(0x8a91_36aa)
    expect(crc32c(new Uint8Array(32).fill(0xff), 0, 32)).toBe(0x62a8_ab43)
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i)
    expect(crc32c(ascending, 0, 32)).toBe(0x46dd_794e)
    expect(crc32c(ascending.toReversed(), 0, 32)).toBe(0x113f_db5c)
  })

  it('is the same computed bit by bit, at every length and offset', () => {
    const bytes = Uint8Array.from({ length: 80 }, (_, i) => (i * 73) ^ (i >> 2))
    for (let start = 0; start < 9; start++) {
      for (let end = start; end <= bytes.length; end++) {
        expect(crc32c(bytes, start, end)).toBe(bitByBit(bytes.subarray(start, end)))
      }
    }
  })

  it('goes on from a seed', () => {
    const bytes = text('a chain of several pieces')
    for (let cut = 0; cut <= bytes.length; cut++) {
      const first = crc32c(bytes, 0, cut)
      expect(crc32c(bytes, cut, bytes.length, first)).toBe(crc32c(bytes, 0, bytes.length))
    }
  })
})
