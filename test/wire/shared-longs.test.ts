import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputReader, OutputBuffer, SharedLongs } from '../../src/wire/index.ts'

const int64 = fc.oneof(
  // Few values in many slots, and values that share a slot.
  fc.integer({ min: -3, max: 3 }).map((i) => BigInt(i) * 1024n),
  fc.integer({ min: 0, max: 5 }).map((i) => (BigInt(i) << 32n) | BigInt(i)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)

describe('longs that are shared', () => {
  test('each is what was written, whatever was read before', () => {
    const longs = new SharedLongs()
    fc.assert(
      fc.property(fc.array(int64, { maxLength: 200 }), (values) => {
        const out = new OutputBuffer()
        for (const value of values) out.int64(value)
        const reader = new InputReader()
        reader.reset(out.bytes, out.start, out.end)
        expect(values.map(() => longs.read(reader))).toEqual(values)
      }),
    )
  })
})
