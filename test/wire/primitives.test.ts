import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvariantError } from '../../src/base/index.ts'
import {
  type ByteString,
  byteStringToUtf8,
  DecodeError,
  ErrorCode,
  errorCodeName,
  fromByteString,
  OpCode,
  OutputBuffer,
  opCodeName,
  toByteString,
  utf8ToByteString,
} from '../../src/wire/index.ts'
import * as arb from './arbitraries.ts'
import { encoded, hex, readerOf, toHex } from './bytes.ts'

describe('numbers', () => {
  test.each([
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [0x1_0000_0000, '0000000100000000'],
    [-0x1_0000_0000, 'ffffffff00000000'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ])('%i as a long', (value, bytes) => {
    expect(toHex(encoded((out) => out.int64Number(value)))).toBe(bytes)
    expect(readerOf(hex(bytes)).int64Number()).toBe(value)
    expect(readerOf(hex(bytes)).int64()).toBe(BigInt(value))
  })

  test('a long beyond 2^53 reads as the nearest number', () => {
    expect(readerOf(hex('7fffffffffffffff')).int64Number()).toBe(2 ** 63)
    expect(readerOf(hex('8000000000000000')).int64Number()).toBe(-(2 ** 63))
  })

  test('signs', () => {
    const reader = readerOf(hex('80 ff80000000 8000000000000000'))
    expect([reader.int8(), reader.bool(), reader.int32(), reader.int64()]).toEqual([
      -128,
      true,
      -0x8000_0000,
      -(1n << 63n),
    ])
  })
})

describe('strings', () => {
  const decoded = (text: string) => readerOf(hex(text)).string()

  test.each([
    ['', '00000000'],
    ['a', '00000001 61'],
    ['é', '00000002 c3a9'],
    ['aé', '00000003 61c3a9'],
    ['\u{1F600}', '00000004 f09f9880'],
    ['/a/very/long/path', '00000011 2f612f766572792f6c6f6e672f70617468'],
  ])('%j', (text, bytes) => {
    expect(toHex(encoded((out) => out.string(text)))).toBe(bytes.replaceAll(' ', ''))
    expect(decoded(bytes)).toBe(text)
  })

  test.each([
    ['a lone byte', '00000001 ff', '\ufffd'],
    ['an overlong slash', '00000002 c0af', '\ufffd\ufffd'],
    ['a surrogate as three bytes', '00000003 eda080', '\ufffd\ufffd\ufffd'],
    ['a cut sequence', '00000003 61e282', 'a\ufffd'],
    ['a byte order mark stays', '00000004 efbbbf61', '\ufeffa'],
  ])('malformed UTF-8: %s', (_name, bytes, text) => {
    expect(decoded(bytes)).toBe(text)
  })

  test('a lone surrogate is written as U+FFFD', () => {
    for (const text of ['\ud800', 'x\udc00y', `${'a'.repeat(2000)}\udbff`]) {
      const bytes = encoded((out) => out.string(text))
      expect(readerOf(bytes).string()).toBe(text.replace(/[\ud800-\udfff]/, '\ufffd'))
    }
  })

  test('lengths', () => {
    expect(decoded('ffffffff')).toBeNull()
    expect(() => decoded('fffffffe')).toThrow(DecodeError)
    expect(() => decoded('00000002 61')).toThrow(DecodeError)
    expect(() => decoded('7fffffff 61')).toThrow(DecodeError)
    expect(() => readerOf(hex('80000000')).byteString()).toThrow(DecodeError)
    expect(() => readerOf(hex('ffffffff')).requiredString()).toThrow(DecodeError)
  })

  test('bytes and text convert without loss', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), arb.text, (bytes, text) => {
        expect(fromByteString(toByteString(bytes))).toEqual(Buffer.from(bytes))
        expect(byteStringToUtf8(utf8ToByteString(text))).toBe(text)
        expect(encoded((out) => out.byteString(toByteString(bytes))).subarray(4)).toEqual(
          Buffer.from(bytes),
        )
      }),
    )
  })
})

describe('InputReader', () => {
  test('vector counts', () => {
    const count = (text: string) => readerOf(hex(text)).vectorCount(4)
    expect(count('ffffffff')).toBe(-1)
    expect(count('fffffffe')).toBe(0)
    expect(count('80000000')).toBe(0)
    expect(count('00000000')).toBe(0)
    expect(count('00000001 00000000')).toBe(1)
    expect(() => count('00000002 00000000 000000')).toThrow(DecodeError)
    expect(() => count('7fffffff 00000000')).toThrow(DecodeError)
  })

  test('does not read past its range, though the memory goes on', () => {
    const reader = readerOf(hex('00 00 00'))
    expect(() => reader.int32()).toThrow(DecodeError)
    expect(reader.remaining).toBe(3)
    expect(() => reader.int64()).toThrow(DecodeError)
    reader.skip(3)
    expect(() => reader.int8()).toThrow(DecodeError)
    expect(() => reader.bool()).toThrow(DecodeError)
    expect(() => reader.skip(1)).toThrow(DecodeError)
  })

  test('expected bytes are passed over only when all of them are inside of the range', () => {
    const memory = hex('0102 0304')
    const reader = readerOf(hex(''))
    reader.reset(memory, 0, 2)
    expect(reader.skipIfNext(hex('010203'))).toBe(false)
    expect(reader.skipIfNext(hex('0103'))).toBe(false)
    expect(reader.remaining).toBe(2)
    expect(reader.skipIfNext(hex('0102'))).toBe(true)
    expect(reader.remaining).toBe(0)
  })

  test('one reader goes from memory to memory', () => {
    const reader = readerOf(hex('0000000000000001'))
    expect(reader.int64()).toBe(1n)
    reader.reset(hex('ffff 0000000000000002'), 2, 10)
    expect(reader.int64()).toBe(2n)
    expect(reader.offset).toBe(10)
    reader.seek(2)
    expect(reader.int64Number()).toBe(2)
    reader.clear()
    expect(reader.remaining).toBe(0)
    expect(() => reader.int8()).toThrow(DecodeError)
  })

  test('a range outside of the memory is a bug of the caller', () => {
    const reader = readerOf(hex(''))
    for (const [start, end] of [
      [-1, 0],
      [2, 1],
      [0, 4],
    ] as const) {
      expect(() => reader.reset(hex('aabbcc'), start, end)).toThrow(InvariantError)
    }
  })
})

describe('OutputBuffer', () => {
  test('frames nest and get their lengths', () => {
    const bytes = encoded((out) => {
      const outer = out.beginFrame()
      out.int8(1)
      const inner = out.beginFrame()
      out.int8(2)
      out.endFrame(inner)
      out.endFrame(outer)
      out.endFrame(out.beginFrame())
    })
    expect(toHex(bytes)).toBe('00000006010000000102' + '00000000')
  })

  test('truncate forgets a reply that failed half way', () => {
    const out = new OutputBuffer()
    out.int8(1)
    const mark = out.beginFrame()
    out.string('half')
    out.truncate(mark)
    out.int8(2)
    expect(toHex(out.take())).toBe('0102')
  })

  test('marks outside of the content are bugs of the caller', () => {
    const out = new OutputBuffer()
    out.int32(0)
    for (const call of [
      () => out.endFrame(1),
      () => out.endFrame(-1),
      () => out.patchInt32(1, 0),
      () => out.truncate(5),
      () => out.truncate(-1),
    ]) {
      expect(call).toThrow(InvariantError)
    }
  })

  test('what was taken is never written to again, whatever else is written', () => {
    const writes = fc.array(
      fc.record({
        buffer: fc.nat({ max: 4 }),
        size: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 3000 }), fc.nat({ max: 90_000 })),
        after: fc.constantFrom('write', 'take', 'reset'),
      }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(writes, (plan) => {
        const buffers = Array.from({ length: 5 }, () => new OutputBuffer())
        const expected = buffers.map(() => '')
        const taken: { bytes: Uint8Array; text: string }[] = []
        plan.forEach(({ buffer, size, after }, index) => {
          const out = buffers[buffer]!
          const text = String.fromCharCode(index + 1).repeat(size)
          out.byteString(text as ByteString)
          expected[buffer] += String.fromCharCode(...hex(size.toString(16).padStart(8, '0'))) + text
          expect(out.length).toBe(expected[buffer]!.length)
          if (after === 'take') taken.push({ bytes: out.take(), text: expected[buffer]! })
          if (after === 'reset') out.reset()
          if (after !== 'write') expected[buffer] = ''
        })
        buffers.forEach((out, buffer) => {
          const bytes = out.bytes.subarray(out.start, out.end)
          expect(toByteString(bytes) === expected[buffer]).toBe(true)
        })
        for (const { bytes, text } of taken) expect(toByteString(bytes) === text).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('growing keeps content and open frames', () => {
    const out = new OutputBuffer()
    const mark = out.beginFrame()
    for (let count = 0; count < 5000; count++) out.int64(BigInt(count))
    out.endFrame(mark)
    const reader = readerOf(out.take())
    expect(reader.int32()).toBe(40_000)
    for (let count = 0; count < 5000; count++) expect(reader.int64()).toBe(BigInt(count))
    expect(reader.remaining).toBe(0)
  })

  test('an empty buffer owns no memory', () => {
    const out = new OutputBuffer()
    expect(out.take().length).toBe(0)
    out.int8(1)
    out.take()
    expect([out.length, out.bytes.length]).toEqual([0, 0])
  })

  test('reset keeps a small memory and lets go of a large one', () => {
    const out = new OutputBuffer()
    out.int8(1)
    const small = out.bytes
    out.reset()
    out.int8(2)
    expect(out.bytes).toBe(small)
    out.byteString('x'.repeat(1_000_000) as ByteString)
    out.reset()
    expect(out.bytes.length).toBe(0)
  })
})

test('names of codes', () => {
  expect(opCodeName(OpCode.getChildren2)).toBe('getChildren2')
  expect(opCodeName(-11)).toBe('closeSession')
  expect(opCodeName(10)).toBe('unknown 10')
  expect(errorCodeName(ErrorCode.noNode)).toBe('noNode')
  expect(errorCodeName(-99)).toBe('unknown -99')
  for (const codes of [OpCode, ErrorCode]) {
    const values = Object.values(codes)
    expect(new Set(values).size).toBe(values.length)
  }
})
