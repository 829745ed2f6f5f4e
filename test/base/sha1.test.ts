import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64, sha1 } from '../../src/base/index.ts'

/** RFC 3174 7.3 and NIST's examples; the last input is ten times eight "01234567". */
const VECTORS: readonly (readonly [string, string])[] = [
  ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
  ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
  ],
  ['a'.repeat(1_000_000), '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  ['01234567'.repeat(80), 'dea356a2cddd90c7a7ecedc5ebb563934f460452'],
]

test.each(VECTORS)('SHA-1 of a published vector', (text, hex) => {
  expect(Buffer.from(sha1(text), 'latin1').toString('hex')).toBe(hex)
})

test('SHA-1 and base64 of every length around the block ends are those of OpenSSL', () => {
  for (let length = 0; length <= 260; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) & 0xff))
    const hash = sha1(bytes.toString('latin1'))
    expect(base64(hash)).toBe(createHash('sha1').update(bytes).digest('base64'))
  }
})

test('base64 agrees with the platform', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const buffer = Buffer.from(bytes)
      expect(base64(buffer.toString('latin1'))).toBe(buffer.toString('base64'))
    }),
  )
})
