import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Zxid } from '../../src/base/index.ts'
import {
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
  EventType,
  encodeTxnEntry,
  type InputReader,
  type OutputBuffer,
  readAclList,
  readCreate2Response,
  readGetAclResponse,
  readGetAllChildrenNumberResponse,
  readGetChildren2Response,
  readGetDataResponse,
  readMultiReadResults,
  readMultiResults,
  readPathResponse,
  readReplyHeader,
  readRequestHeader,
  readSaslResponse,
  readStat,
  readStringsResponse,
  readWatcherEvent,
  readWhoAmIResponse,
  SYNC_CONNECTED,
  txnEntryZxid,
  writeAclList,
  writeAddWatch,
  writeAuthPacket,
  writeConnectRequest,
  writeConnectResponse,
  writeCreate2Response,
  writeGetAclResponse,
  writeGetAllChildrenNumberResponse,
  writeGetChildren2Response,
  writeGetDataResponse,
  writeMultiEnd,
  writeMultiError,
  writeMultiGetChildren,
  writeMultiGetData,
  writeMultiRead,
  writeMultiResults,
  writePath,
  writePathResponse,
  writePathWatch,
  writeReplyHeader,
  writeRequestHeader,
  writeSasl,
  writeSaslResponse,
  writeSetWatches,
  writeSetWatches2,
  writeStat,
  writeStringsResponse,
  writeWatcherEvent,
  writeWatches,
  writeWhoAmIResponse,
  writeWriteRequest,
} from '../../src/wire/index.ts'
import * as arb from './arbitraries.ts'
import { encoded, readerOf } from './bytes.ts'

/** Encoding then decoding gives an equal value and consumes every byte. */
function roundTrips<T>(
  name: string,
  values: fc.Arbitrary<T>,
  write: (out: OutputBuffer, value: T) => void,
  read: (reader: InputReader, value: T) => unknown,
): void {
  test(name, () => {
    fc.assert(
      fc.property(values, (value) => {
        const reader = readerOf(encoded((out) => write(out, value)))
        expect(read(reader, value)).toEqual(value)
        expect(reader.remaining).toBe(0)
      }),
      { numRuns: 150 },
    )
  })
}

const exact = { noNullPrototype: true } as const

roundTrips('Stat', arb.stat, writeStat, readStat)
roundTrips('ACL list', arb.nullableAcl, writeAclList, readAclList)
roundTrips('ConnectRequest', arb.connectRequest, writeConnectRequest, decodeConnectRequest)
roundTrips(
  'ConnectResponse',
  arb.connectRequest.map(({ lastZxidSeen: _unused, ...response }) => response),
  writeConnectResponse,
  decodeConnectResponse,
)
roundTrips(
  'RequestHeader',
  fc.record({ xid: arb.int32, type: arb.int32 }, exact),
  (out, header) => writeRequestHeader(out, header.xid, header.type),
  (reader) => {
    const header = { xid: 0, type: 0 }
    readRequestHeader(reader, header)
    return header
  },
)
roundTrips(
  'ReplyHeader',
  fc.record({ xid: arb.int32, zxid: arb.zxid, err: arb.int32 }, exact),
  (out, header) => writeReplyHeader(out, header.xid, header.zxid, header.err),
  readReplyHeader,
)
roundTrips(
  'path and watch flag',
  fc.record({ path: arb.nullableText, watch: fc.boolean() }, exact),
  writePathWatch,
  decodePathWatch,
)
roundTrips('path alone', arb.nullableText, writePath, decodePath)
roundTrips('SetWatches2', arb.setWatches2, writeSetWatches2, decodeSetWatches2)
roundTrips(
  'SetWatches',
  arb.setWatches2.map((all) => ({
    ...all,
    persistentWatches: [],
    persistentRecursiveWatches: [],
  })),
  (out, request) =>
    writeSetWatches(
      out,
      request.relativeZxid,
      request.dataWatches,
      request.existWatches,
      request.childWatches,
    ),
  decodeSetWatches,
)
roundTrips(
  'AddWatchRequest',
  fc.record({ path: arb.nullableText, mode: arb.int32 }, exact),
  writeAddWatch,
  decodeAddWatch,
)
roundTrips(
  'CheckWatchesRequest, RemoveWatchesRequest',
  fc.record({ path: arb.nullableText, type: arb.int32 }, exact),
  writeWatches,
  decodeWatches,
)
roundTrips('AuthPacket', arb.authPacket, writeAuthPacket, decodeAuthPacket)
roundTrips('GetSASLRequest', arb.data, writeSasl, decodeSasl)
roundTrips('multiRead request', arb.readOps, writeMultiRead, decodeMultiRead)
roundTrips('write requests', arb.writeRequest, writeWriteRequest, (reader, request) =>
  decodeWriteRequest(request.type, reader),
)

roundTrips(
  'GetDataResponse',
  fc.record({ data: arb.data, stat: arb.stat }, exact),
  (out, reply) => writeGetDataResponse(out, reply.data, reply.stat),
  readGetDataResponse,
)
roundTrips('CreateResponse, SyncResponse', arb.nullableText, writePathResponse, readPathResponse)
roundTrips(
  'Create2Response',
  fc.record({ path: arb.path, stat: arb.stat }, exact),
  (out, reply) => writeCreate2Response(out, reply.path, reply.stat),
  readCreate2Response,
)
roundTrips(
  'GetACLResponse',
  fc.record({ acl: arb.acl, stat: arb.stat }, exact),
  (out, reply) => writeGetAclResponse(out, reply.acl, reply.stat),
  readGetAclResponse,
)
roundTrips(
  'GetChildrenResponse, GetEphemeralsResponse',
  arb.texts,
  writeStringsResponse,
  readStringsResponse,
)
roundTrips(
  'GetChildren2Response',
  fc.record({ children: arb.texts, stat: arb.stat }, exact),
  (out, reply) => writeGetChildren2Response(out, reply.children, reply.stat),
  readGetChildren2Response,
)
roundTrips(
  'GetAllChildrenNumberResponse',
  arb.int32,
  writeGetAllChildrenNumberResponse,
  readGetAllChildrenNumberResponse,
)
roundTrips('SetSASLResponse', arb.data, writeSaslResponse, readSaslResponse)
roundTrips(
  'WhoAmIResponse',
  fc.array(fc.record({ authScheme: arb.text, user: arb.text }, exact), { maxLength: 5 }),
  writeWhoAmIResponse,
  readWhoAmIResponse,
)
roundTrips('multi results', arb.opResults, writeMultiResults, readMultiResults)
roundTrips(
  'multiRead results',
  arb.readOpResults,
  (out, results) => {
    for (const result of results) {
      if (result.type === -1) writeMultiError(out, result.err)
      else if (result.type === 4) writeMultiGetData(out, result.data, result.stat)
      else writeMultiGetChildren(out, result.children)
    }
    writeMultiEnd(out)
  },
  readMultiReadResults,
)
roundTrips(
  'notification',
  fc.record(
    {
      zxid: fc.option(arb.zxid),
      type: fc.constantFrom(...Object.values(EventType)),
      path: arb.path,
    },
    exact,
  ),
  (out, event) => writeWatcherEvent(out, event.zxid, event.type, event.path),
  (reader, sent) => {
    const header = readReplyHeader(reader)
    expect([header.xid, header.err]).toEqual([-1, 0])
    const { type, state, path } = readWatcherEvent(reader)
    expect(state).toBe(SYNC_CONNECTED)
    expect(header.zxid).toBe(sent.zxid ?? -1n)
    return { zxid: sent.zxid === null ? null : header.zxid, type, path }
  },
)

test('every transaction entry', () => {
  const entries = fc.tuple(arb.txnHeader, arb.txn, fc.option(arb.int64))
  fc.assert(
    fc.property(entries, ([rest, txn, treeDigest]) => {
      const header = { ...rest, type: txn.type }
      const bytes = encoded((out) => encodeTxnEntry(out, header, txn, treeDigest))
      const digest = treeDigest === null ? null : { version: 2, treeDigest }
      expect(decodeTxnEntry(bytes, 0, bytes.length)).toEqual({ header, txn, digest })
      expect(txnEntryZxid(bytes, 0, bytes.length)).toBe(header.zxid satisfies Zxid)
    }),
    { numRuns: 400 },
  )
})
