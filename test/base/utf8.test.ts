import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeUtf8, encodeUtf8 } from '../../src/base/index.ts'

const platformDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

test.each([
  ['two bytes', 'c3 a9', 'é'],
  ['three bytes', 'e2 82 ac', '€'],
  ['four bytes', 'f0 9f 98 80', '😀'],
  ['overlong slash', 'c0 af', '\ufffd\ufffd'],
  ['cut sequence, then text', 'e2 82 41', '\ufffdA'],
  ['surrogate in three bytes', 'ed a0 bd', '\ufffd\ufffd\ufffd'],
  ['beyond U+10FFFF', 'f4 90 80 80', '\ufffd\ufffd\ufffd\ufffd'],
  ['continuation without a lead', '80', '\ufffd'],
])('decodes %s', (_name, hex, text) => {
  expect(decodeUtf8(Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1'))).toBe(text)
})

test('decoding any bytes agrees with the platform', () => {
  // Leads and continuations, so that long sequences come up.
  const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x80, 0xbf, 0xe2, 0xf0))
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), (bytes) => {
      const buffer = Buffer.from(bytes)
      expect(decodeUtf8(buffer.toString('latin1'))).toBe(platformDecoder.decode(buffer))
    }),
    { numRuns: 5000 },
  )
})

test('encoding any text, with lone surrogates too, agrees with the platform', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      (text) => {
        expect(encodeUtf8(text)).toBe(Buffer.from(text, 'utf8').toString('latin1'))
      },
    ),
    { numRuns: 1000 },
  )
})
