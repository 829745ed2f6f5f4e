import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DecodeError,
  decodeAddWatch,
  decodeAuthPacket,
  decodeConnectRequest,
  decodeConnectResponse,
  decodeMultiRead,
  decodePath,
  decodePathWatch,
  decodeSasl,
  decodeSetWatches,
  decodeSetWatches2,
  decodeTxnEntry,
  decodeWatches,
  decodeWriteRequest,
  encodeTxnEntry,
  FrameReader,
  type InputReader,
  OpCode,
  readAclList,
  readCreate2Response,
  readGetAclResponse,
  readGetChildren2Response,
  readGetDataResponse,
  readMultiReadResults,
  readMultiResults,
  readReplyHeader,
  readRequestHeader,
  readStat,
  readStringsResponse,
  readWatcherEvent,
  readWhoAmIResponse,
  writeMultiRead,
  writeSetWatches2,
  writeWriteRequest,
} from '../../src/wire/index.ts'
import * as arb from './arbitraries.ts'
import { encoded, readerOf } from './bytes.ts'

/* No bytes from outside may do more than make a decoder throw its own error. */

const HEADER = { xid: 0, type: 0 }

const DECODERS: readonly [string, (reader: InputReader) => unknown][] = [
  ['decodeConnectRequest', decodeConnectRequest],
  ['decodeConnectResponse', decodeConnectResponse],
  ['readRequestHeader', (reader) => readRequestHeader(reader, HEADER)],
  ['readReplyHeader', readReplyHeader],
  ['decodePathWatch', decodePathWatch],
  ['decodePath', decodePath],
  ['decodeSetWatches', decodeSetWatches],
  ['decodeSetWatches2', decodeSetWatches2],
  ['decodeAddWatch', decodeAddWatch],
  ['decodeWatches', decodeWatches],
  ['decodeAuthPacket', decodeAuthPacket],
  ['decodeSasl', decodeSasl],
  ['decodeMultiRead', decodeMultiRead],
  ...Object.entries(OpCode).map(
    ([name, type]) =>
      [`decodeWriteRequest ${name}`, (reader: InputReader) => decodeWriteRequest(type, reader)] as [
        string,
        (reader: InputReader) => unknown,
      ],
  ),
  ['readStat', readStat],
  ['readAclList', readAclList],
  ['readGetDataResponse', readGetDataResponse],
  ['readCreate2Response', readCreate2Response],
  ['readGetAclResponse', readGetAclResponse],
  ['readGetChildren2Response', readGetChildren2Response],
  ['readStringsResponse', readStringsResponse],
  ['readWhoAmIResponse', readWhoAmIResponse],
  ['readWatcherEvent', readWatcherEvent],
  ['readMultiResults', readMultiResults],
  ['readMultiReadResults', readMultiReadResults],
  [
    'decodeTxnEntry',
    (reader) => {
      const bytes = reader.byteString() ?? ''
      const copy = Buffer.from(bytes, 'latin1')
      return decodeTxnEntry(copy, 0, copy.length)
    },
  ],
]

/** Runs a decoder; only a DecodeError is allowed to come out of it. */
function survives(decode: (reader: InputReader) => unknown, bytes: Uint8Array): void {
  try {
    decode(readerOf(bytes))
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
  }
}

/** Runs of bytes that look like lengths, counts, types and text, so that decoders get far. */
const plausibleBytes = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 24 }).map((value) => [0, 0, 0, value]),
      fc.constantFrom(
        [0xff, 0xff, 0xff, 0xff],
        [0xff, 0xff, 0xff, 0xfe],
        [0x7f, 0xff, 0xff, 0xff],
        [0x80, 0, 0, 0],
        [0, 0x0f, 0xff, 0xff],
        [0, 0, 0, 1, 0x2f],
        [0],
        [1],
      ),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => [...bytes]),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Uint8Array.from(parts.flat()))

describe('bytes from outside make a value or a DecodeError', () => {
  test.each(DECODERS)('%s', (_name, decode) => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), plausibleBytes), (bytes) =>
        survives(decode, bytes),
      ),
      { numRuns: 300 },
    )
  })

  test('requests with one byte changed, or cut short', () => {
    const requests = fc.oneof(
      arb.writeRequest.map((request) => ({
        bytes: encoded((out) => writeWriteRequest(out, request)),
        decode: (reader: InputReader): unknown => decodeWriteRequest(request.type, reader),
      })),
      arb.setWatches2.map((request) => ({
        bytes: encoded((out) => writeSetWatches2(out, request)),
        decode: decodeSetWatches2 as (reader: InputReader) => unknown,
      })),
      arb.readOps.map((ops) => ({
        bytes: encoded((out) => writeMultiRead(out, ops)),
        decode: decodeMultiRead as (reader: InputReader) => unknown,
      })),
    )
    fc.assert(
      fc.property(requests, fc.nat(), fc.nat({ max: 255 }), ({ bytes, decode }, where, value) => {
        const at = bytes.length === 0 ? 0 : where % bytes.length
        const changed = Uint8Array.from(bytes)
        if (changed.length > 0) changed[at] = value
        survives(decode, changed)
        survives(decode, bytes.subarray(0, at))
      }),
      { numRuns: 500 },
    )
  })

  test('transaction entries with one byte changed, or cut short', () => {
    fc.assert(
      fc.property(
        arb.txnHeader,
        arb.txn,
        fc.nat(),
        fc.nat({ max: 255 }),
        (rest, txn, where, value) => {
          const header = { ...rest, type: txn.type }
          const bytes = encoded((out) => encodeTxnEntry(out, header, txn, 1n))
          const at = where % bytes.length
          const changed = Uint8Array.from(bytes)
          changed[at] = value
          for (const [from, end] of [
            [changed, bytes.length],
            [bytes, at],
          ] as const) {
            try {
              decodeTxnEntry(from, 0, end)
            } catch (error) {
              expect(error).toBeInstanceOf(DecodeError)
            }
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('a stream of anything, in any chunks', () => {
    const chunks = fc.array(fc.oneof(plausibleBytes, fc.uint8Array({ maxLength: 50 })), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(chunks, (list) => {
        const reader = new FrameReader(64)
        let received = 0
        let isBad = false
        for (const chunk of list) {
          received += chunk.length
          reader.push(chunk, {
            onFrame: (_bytes, start, end) => {
              expect(end - start).toBeLessThanOrEqual(64)
              expect(isBad).toBe(false)
              return true
            },
            onBadLength: () => {
              isBad = true
            },
          })
          expect(reader.heldBytes).toBeLessThanOrEqual(Math.min(received, 68))
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('memory follows the bytes that came, not the numbers in them', () => {
  const LONG_0 = [0, 0, 0, 0, 0, 0, 0, 0]
  const HUGE = [0x7f, 0xff, 0xff, 0xff]
  /** Largest count that the bytes behind it could hold. */
  const full = (elementBytes: number, size: number): Uint8Array => {
    const bytes = Buffer.alloc(4 + size)
    bytes.writeInt32BE(Math.floor(size / elementBytes))
    return bytes
  }

  test.each([
    ['a list', readStringsResponse, HUGE],
    ['an ACL', readAclList, HUGE],
    ['client infos', readWhoAmIResponse, HUGE],
    ['watches', decodeSetWatches, [...LONG_0, ...HUGE]],
    ['text', decodePath, HUGE],
    ['data', decodeSasl, HUGE],
  ] as const)('%s of 2^31 - 1 elements', (_name, decode, bytes) => {
    expect(() => decode(readerOf(Uint8Array.from(bytes)))).toThrow(DecodeError)
    const tail = Uint8Array.from([...bytes, ...new Array<number>(1000).fill(0)])
    expect(() => decode(readerOf(tail))).toThrow(DecodeError)
  })

  test('the most elements that one frame can hold', () => {
    expect(readStringsResponse(readerOf(full(4, 1_000_000)))).toHaveLength(250_000)
    expect(readAclList(readerOf(full(12, 1_000_000)))).toHaveLength(83_333)
  })
})
