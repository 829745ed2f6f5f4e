import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { CRC32_START, crc32Latin1, crc32Utf8, crc32View } from '../../src/base/index.ts'

const texts = ['', 'a', 'abc', '123456789', 'x'.repeat(1000), '/bench/n0000000042']
const wide = [
  'é',
  'abcdé',
  'abcdefgé/xyz',
  '/日本/語',
  'a\u{1f600}b',
  '\u07ff\u0800\uffff',
  'abcdefg\u{10ffff}',
]

function utf8(text: string): number {
  return ~crc32Utf8(CRC32_START, text) >>> 0
}

function latin1(text: string): number {
  return ~crc32Latin1(CRC32_START, text) >>> 0
}

test('the check value of the polynomial', () => {
  expect(latin1('123456789')).toBe(0xcbf4_3926)
  expect(utf8('123456789')).toBe(0xcbf4_3926)
})

test('equals zlib for text', () => {
  for (const text of [...texts, ...wide]) {
    expect(utf8(text), text).toBe(crc32(Buffer.from(text, 'utf8')))
  }
})

test('equals zlib for bytes, at every length and split', () => {
  const bytes = Buffer.from(Array.from({ length: 40 }, (_, i) => (i * 37) & 255))
  for (let end = 0; end <= bytes.length; end++) {
    const text = bytes.subarray(0, end).toString('latin1')
    expect(latin1(text)).toBe(crc32(bytes.subarray(0, end)))
    for (let cut = 0; cut <= end; cut++) {
      const state = crc32Latin1(crc32Latin1(CRC32_START, text.slice(0, cut)), text.slice(cut))
      expect(~state >>> 0).toBe(latin1(text))
    }
  }
})

test('a view counts byte by byte, in order', () => {
  const bytes = new Uint8Array([1, 2, 3, 250, 5, 6, 7, 8])
  const state = crc32View(CRC32_START, new DataView(bytes.buffer), 8)
  expect(~state >>> 0).toBe(crc32(bytes))
})

test('an unpaired surrogate counts as a question mark', () => {
  expect(utf8('a\ud800b')).toBe(utf8('a?b'))
  expect(utf8('\udc00')).toBe(utf8('?'))
  expect(utf8('abc\ud83d')).toBe(utf8('abc?'))
})
