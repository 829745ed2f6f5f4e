import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvariantError } from '../../src/base/index.ts'
import { FrameReader, type FrameSink } from '../../src/wire/index.ts'
import { encoded, hex, toHex } from './bytes.ts'

const LENGTH_MAX = 1000

/** Notes everything a reader hands out; stops behind a frame when told to. */
class Recorder implements FrameSink {
  readonly found: string[] = []
  readonly frames: string[] = []
  isStopping = false
  word: number | null = null

  onFrame(bytes: Uint8Array, start: number, end: number): boolean {
    const frame = toHex(bytes.subarray(start, end))
    this.frames.push(frame)
    this.found.push(`frame ${frame}`)
    return !this.isStopping
  }

  onBadLength(length: number): void {
    this.found.push(`bad length ${length}`)
  }

  onFirstWord(word: number): boolean {
    this.found.push(`first word ${word}`)
    return word === this.word
  }

  onRaw(bytes: Uint8Array, start: number, end: number): void {
    this.found.push(`raw ${toHex(bytes.subarray(start, end))}`)
  }
}

function stream(payloads: readonly Uint8Array[]): Uint8Array {
  return encoded((out) => {
    for (const payload of payloads) out.lengthPrefixed(payload, 0, payload.length)
  })
}

/** Pushes chunks through one memory that is overwritten after each call, as a socket may do. */
function pushReused(reader: FrameReader, chunk: Uint8Array, sink: FrameSink): void {
  const memory = Uint8Array.from(chunk)
  reader.push(memory, sink)
  memory.fill(0xee)
}

const PAYLOADS = [
  hex('0000000c fffffff5'),
  hex(''),
  hex('ff'),
  hex('00000001 00000003 00000003 2f6a74 00'),
  hex('ab'.repeat(200)),
  hex('fffffffe 0000000b'),
]
const STREAM = stream(PAYLOADS)
const FRAMES = PAYLOADS.map(toHex)

describe('a first frame of which only a part is kept', () => {
  const LONG = hex('0102030405060708'.repeat(20))
  const bytes = stream([LONG, ...PAYLOADS])
  const wanted = [toHex(LONG.subarray(0, 10)), ...FRAMES]

  test('is handed out so, and what follows it is whole, however it is split', () => {
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new FrameReader(LENGTH_MAX, 10)
      const sink = new Recorder()
      pushReused(reader, bytes.subarray(0, at), sink)
      if (at >= 14) expect(sink.frames[0]).toBe(wanted[0])
      if (at < 4 + LONG.length) expect(reader.heldBytes).toBeLessThan(14)
      pushReused(reader, bytes.subarray(at), sink)
      expect(sink.frames).toEqual(wanted)
    }
  })

  test('byte by byte, and stopped behind each frame', () => {
    const reader = new FrameReader(LENGTH_MAX, 10)
    const sink = new Recorder()
    sink.isStopping = true
    for (const byte of bytes) {
      pushReused(reader, Uint8Array.of(byte), sink)
      if (reader.isStopped) reader.resume(sink)
    }
    expect(sink.frames).toEqual(wanted)
  })

  test('is still refused when it is longer than a frame may be', () => {
    const reader = new FrameReader(LONG.length - 1, 10)
    const sink = new Recorder()
    reader.push(bytes, sink)
    expect(sink.frames).toEqual([])
    expect(sink.found.at(-1)).toBe(`bad length ${LONG.length}`)
  })
})

describe('frames come out whole and in order', () => {
  test('from one chunk, in place', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const seen: Uint8Array[] = []
    const sink = new Recorder()
    sink.onFrame = (bytes, start, end) => {
      seen.push(bytes)
      return sink.frames.push(toHex(bytes.subarray(start, end))) > 0
    }
    reader.push(STREAM, sink)
    expect(sink.frames).toEqual(FRAMES)
    expect(seen.every((bytes) => bytes === STREAM)).toBe(true)
    expect(reader.heldBytes).toBe(0)
  })

  test('split at every position', () => {
    for (let at = 0; at <= STREAM.length; at++) {
      const reader = new FrameReader(LENGTH_MAX)
      const sink = new Recorder()
      pushReused(reader, STREAM.subarray(0, at), sink)
      pushReused(reader, STREAM.subarray(at), sink)
      expect(sink.frames).toEqual(FRAMES)
      expect(reader.heldBytes).toBe(0)
    }
  })

  test('one byte at a time', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const sink = new Recorder()
    for (const byte of STREAM) pushReused(reader, Uint8Array.of(byte), sink)
    expect(sink.frames).toEqual(FRAMES)
    expect(sink.found[0]).toBe('first word 8')
    expect(sink.found.filter((line) => line.startsWith('first'))).toHaveLength(1)
  })

  test('stopped behind every frame, for every split', () => {
    for (let at = 0; at <= STREAM.length; at++) {
      const reader = new FrameReader(LENGTH_MAX)
      const sink = new Recorder()
      sink.isStopping = true
      pushReused(reader, STREAM.subarray(0, at), sink)
      pushReused(reader, STREAM.subarray(at), sink)
      expect(sink.frames.length).toBeLessThanOrEqual(1)
      for (let count = sink.frames.length; count <= FRAMES.length; count++) {
        expect(sink.frames).toEqual(FRAMES.slice(0, count))
        reader.resume(sink)
      }
      expect(sink.frames).toEqual(FRAMES)
      expect(reader.heldBytes).toBe(0)
    }
  })

  test('any payloads, chunks and stops', () => {
    const steps = fc.array(
      fc.record({ size: fc.integer({ min: 0, max: 120 }), isStopping: fc.boolean() }),
      { minLength: 1, maxLength: 60 },
    )
    const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 })
    fc.assert(
      fc.property(payloads, steps, (chosen, plan) => {
        const reader = new FrameReader(300)
        const sink = new Recorder()
        const bytes = stream(chosen)
        let at = 0
        for (const step of plan) {
          sink.isStopping = step.isStopping
          if (reader.isStopped && !step.isStopping) reader.resume(sink)
          pushReused(reader, bytes.subarray(at, at + step.size), sink)
          at += step.size
        }
        sink.isStopping = false
        reader.resume(sink)
        pushReused(reader, bytes.subarray(at), sink)
        expect(sink.frames).toEqual(chosen.map(toHex))
        expect(reader.heldBytes).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('lengths', () => {
  test('of exactly the limit passes', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const sink = new Recorder()
    reader.push(stream([new Uint8Array(LENGTH_MAX)]), sink)
    expect(sink.frames).toEqual(['00'.repeat(LENGTH_MAX)])
  })

  test.each([
    ['one over the limit', LENGTH_MAX + 1],
    ['the largest', 0x7fff_ffff],
    ['negative', -1],
    ['the most negative', -0x8000_0000],
  ])('%s is refused before the body arrives, and nothing is read after it', (_name, length) => {
    for (const size of [4, 1]) {
      const reader = new FrameReader(LENGTH_MAX)
      const sink = new Recorder()
      const bytes = encoded((out) => {
        out.lengthPrefixed(hex('aabb'), 0, 2)
        out.int32(length)
      })
      for (let at = 0; at < bytes.length; at += size) {
        reader.push(bytes.subarray(at, at + size), sink)
      }
      expect(sink.found.slice(1)).toEqual(['frame aabb', `bad length ${length}`])
      reader.push(stream(PAYLOADS), sink)
      reader.resume(sink)
      expect(sink.found).toHaveLength(3)
      expect(reader.heldBytes).toBe(0)
    }
  })

  test('a long frame takes memory as it arrives, not as announced', () => {
    const reader = new FrameReader(0x7fff_ffff)
    const sink = new Recorder()
    const before = process.memoryUsage().arrayBuffers
    reader.push(hex('7fffffff 00'), sink)
    for (let count = 0; count < 1000; count++) reader.push(Uint8Array.of(count), sink)
    expect(reader.heldBytes).toBe(1005)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })
})

describe('the first four bytes', () => {
  const RUOK = 0x72756f6b

  test('may be a word instead of a length, for every split', () => {
    const bytes = hex('72756f6b 0a0b')
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new FrameReader(LENGTH_MAX)
      const sink = new Recorder()
      sink.word = RUOK
      pushReused(reader, bytes.subarray(0, at), sink)
      pushReused(reader, bytes.subarray(at), sink)
      expect(sink.found[0]).toBe(`first word ${RUOK}`)
      const raw = sink.found.slice(1).map((line) => line.replace('raw ', ''))
      expect(raw.join('')).toBe('0a0b')
      expect(reader.heldBytes).toBe(0)
    }
  })

  test('are a length when nobody takes them', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const sink = new Recorder()
    reader.push(hex('72756f6b'), sink)
    expect(sink.found).toEqual([`first word ${RUOK}`, `bad length ${RUOK}`])
  })

  test('are no word later on', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const sink = new Recorder()
    sink.word = RUOK
    reader.push(hex('00000001 aa 72756f6b'), sink)
    expect(sink.found).toEqual(['first word 1', 'frame aa', `bad length ${RUOK}`])
  })
})

describe('calls out of turn', () => {
  test('a closed reader is silent', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const sink = new Recorder()
    reader.push(hex('000000'), sink)
    reader.close()
    expect(reader.heldBytes).toBe(0)
    reader.push(STREAM, sink)
    reader.resume(sink)
    expect(sink.found).toEqual([])
  })

  test('closing inside of a frame drops the rest of the chunk', () => {
    for (const at of [0, 6]) {
      const reader = new FrameReader(LENGTH_MAX)
      const sink = new Recorder()
      sink.onFrame = (bytes, start, end) => {
        sink.found.push(toHex(bytes.subarray(start, end)))
        reader.close()
        return true
      }
      reader.push(STREAM.subarray(0, at), sink)
      reader.push(STREAM.subarray(at), sink)
      expect(sink.found).toEqual(['first word 8', FRAMES[0]])
      expect(reader.heldBytes).toBe(0)
    }
  })

  test('closing when the first word is seen', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const sink = new Recorder()
    sink.onFirstWord = () => {
      reader.close()
      return false
    }
    reader.push(STREAM, sink)
    expect(sink.found).toEqual([])
  })

  test('a throwing sink does not see the frame again', () => {
    for (const at of [0, 6]) {
      const reader = new FrameReader(LENGTH_MAX)
      const sink = new Recorder()
      const throwing = { ...sink, onFrame: fail, onBadLength: fail }
      expect(() => {
        reader.push(STREAM.subarray(0, at), throwing)
        reader.push(STREAM.subarray(at, 12), throwing)
      }).toThrow('sink failed')
      reader.push(STREAM.subarray(12), sink)
      expect(sink.frames).toEqual(FRAMES.slice(1))
    }
  })

  test('push and resume inside of a frame are bugs of the caller', () => {
    const reader = new FrameReader(LENGTH_MAX)
    const sink = new Recorder()
    for (const call of [() => reader.push(STREAM, sink), () => reader.resume(sink)]) {
      const nested = { ...sink, onBadLength: fail, onFrame: () => call() === undefined }
      expect(() => reader.push(hex('00000000'), nested)).toThrow(InvariantError)
    }
  })
})

function fail(): never {
  throw new Error('sink failed')
}
