import { describe, expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/index.ts'
import {
  type AclEntry,
  AddWatchMode,
  type ByteString,
  CreateMode,
  DecodeError,
  decodeAddWatch,
  decodeAuthPacket,
  decodeConnectRequest,
  decodeMultiRead,
  decodePath,
  decodePathWatch,
  decodeSetWatches,
  decodeSetWatches2,
  decodeWriteRequest,
  EMPTY_BYTES,
  ErrorCode,
  EventType,
  OpCode,
  type OutputBuffer,
  readRequestHeader,
  type Stat,
  writeAddWatchResponse,
  writeConnectResponse,
  writeCreate2Response,
  writeInvalidSessionResponse,
  writeMultiEnd,
  writeMultiError,
  writeMultiGetChildren,
  writeMultiGetData,
  writeMultiResults,
  writePathResponse,
  writeReplyHeader,
  writeSaslResponse,
  writeStat,
  writeWatcherEvent,
  writeWhoAmIResponse,
  Xid,
} from '../../src/wire/index.ts'
import { bytesOf, encoded, hex, readerOf, toHex } from './bytes.ts'

/* Frames captured from Apache ZooKeeper 3.8, byte for byte (payloads without their length). */

const zxid = (value: bigint): Zxid => value as Zxid
const OPEN_ACL: AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const LONG_0 = '00'.repeat(8)

function written(write: (out: OutputBuffer) => void): string {
  return toHex(encoded(write))
}

function flat(text: string): string {
  return text.replace(/\s+/g, '')
}

/** Decodes header and body of a captured request. */
function request<T>(text: string, body: (reader: ReturnType<typeof readerOf>, type: number) => T) {
  const reader = readerOf(hex(text))
  const header = { xid: 0, type: 0 }
  readRequestHeader(reader, header)
  return { ...header, body: body(reader, header.type) }
}

describe('handshake', () => {
  const fields = `00000000 ${LONG_0} 00001770 ${LONG_0} 00000010 ${'00'.repeat(16)}`
  const decoded = {
    protocolVersion: 0,
    lastZxidSeen: 0n,
    timeOut: 6000,
    sessionId: 0n,
    passwd: '\0'.repeat(16),
    readOnly: false,
  }

  test('request of 45 bytes, of 44 without readOnly, and with a tail that is ignored', () => {
    expect(hex(`${fields} 00`).length).toBe(45)
    expect(decodeConnectRequest(readerOf(hex(`${fields} 00`)))).toEqual({
      ...decoded,
      hasReadOnly: true,
    })
    expect(decodeConnectRequest(readerOf(hex(fields)))).toEqual({ ...decoded, hasReadOnly: false })
    expect(decodeConnectRequest(readerOf(hex(`${fields} 01 ffff`)))).toEqual({
      ...decoded,
      readOnly: true,
      hasReadOnly: true,
    })
  })

  test('a null and an empty password', () => {
    const head = `00000000 ${LONG_0} 00001770 ${LONG_0}`
    expect(decodeConnectRequest(readerOf(hex(`${head} ffffffff 00`))).passwd).toBeNull()
    expect(decodeConnectRequest(readerOf(hex(`${head} 00000000 00`))).passwd).toBe('')
  })

  test('response of 37 bytes, of 36 for old clients', () => {
    const response = {
      protocolVersion: 0,
      timeOut: 6000,
      sessionId: 0x010000125c390150n as SessionId,
      passwd: bytesOf('c83e18385fd4c013339b474b9c79c13d'),
      readOnly: false,
      hasReadOnly: true,
    }
    const bytes = flat(
      '00000000 00001770 010000125c390150 00000010 c83e18385fd4c013339b474b9c79c13d 00',
    )
    expect(written((out) => writeConnectResponse(out, response))).toBe(bytes)
    const old = written((out) => writeConnectResponse(out, { ...response, hasReadOnly: false }))
    expect(old).toBe(bytes.slice(0, -2))
  })

  test('an invalid session is all zero', () => {
    const bytes = flat(`00000000 00000000 ${LONG_0} 00000010 ${'00'.repeat(16)}`)
    expect(written((out) => writeInvalidSessionResponse(out, true))).toBe(`${bytes}00`)
    expect(written((out) => writeInvalidSessionResponse(out, false))).toBe(bytes)
  })
})

describe('requests', () => {
  test('auth digest u:p', () => {
    const bytes = 'fffffffc 00000064 00000000 00000006 646967657374 00000003 753a70'
    expect(request(bytes, decodeAuthPacket)).toEqual({
      xid: Xid.auth,
      type: OpCode.auth,
      body: { type: 0, scheme: 'digest', auth: 'u:p' },
    })
  })

  test('exists /jt', () => {
    expect(request('00000001 00000003 00000003 2f6a74 00', decodePathWatch)).toEqual({
      xid: 1,
      type: OpCode.exists,
      body: { path: '/jt', watch: false },
    })
  })

  test('any non-zero byte is true', () => {
    expect(decodePathWatch(readerOf(hex('00000000 7f')))).toEqual({ path: '', watch: true })
  })

  test('create /jt with empty data and open ACL', () => {
    const bytes =
      '00000002 00000001 00000003 2f6a74 00000000 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000000'
    const decoded = request(bytes, (reader, type) => decodeWriteRequest(type, reader))
    expect(decoded).toEqual({
      xid: 2,
      type: OpCode.create,
      body: {
        type: OpCode.create,
        path: '/jt',
        data: EMPTY_BYTES,
        acl: OPEN_ACL,
        flags: CreateMode.persistent,
        ttl: -1n,
      },
    })
  })

  test('addWatch recursive on /jt2', () => {
    expect(request('00000009 0000006a 00000004 2f6a7432 00000001', decodeAddWatch)).toEqual({
      xid: 9,
      type: OpCode.addWatch,
      body: { path: '/jt2', mode: AddWatchMode.persistentRecursive },
    })
  })

  test('ping and closeSession', () => {
    const nothing = () => null
    expect(request('fffffffe 0000000b', nothing)).toEqual({ xid: -2, type: 11, body: null })
    expect(request('0000000c fffffff5', nothing)).toEqual({ xid: 12, type: -11, body: null })
    expect(decodeWriteRequest(-11, readerOf(hex('')))).toEqual({ type: OpCode.closeSession })
  })

  test('null strings, null data, null and negative vectors stay apart', () => {
    expect(decodePath(readerOf(hex('ffffffff')))).toBeNull()
    const create = (acl: string) =>
      decodeWriteRequest(OpCode.create, readerOf(hex(`ffffffff ffffffff ${acl} 00000001`)))
    const fields = { type: OpCode.create, path: null, data: null, flags: 1, ttl: -1n }
    expect(create('ffffffff')).toEqual({ ...fields, acl: null })
    expect(create('fffffffe')).toEqual({ ...fields, acl: [] })
    expect(() => create('00000001')).toThrow(DecodeError)
  })

  test('setWatches refuses null lists', () => {
    const lists = ['00000000', '00000001 00000001 2f', 'fffffffe']
    const body = `${LONG_0} ${lists.join(' ')}`
    expect(decodeSetWatches(readerOf(hex(body)))).toEqual({
      relativeZxid: 0n,
      dataWatches: [],
      existWatches: ['/'],
      childWatches: [],
      persistentWatches: [],
      persistentRecursiveWatches: [],
    })
    expect(() => decodeSetWatches2(readerOf(hex(body)))).toThrow(DecodeError)
    for (let index = 0; index < lists.length; index++) {
      const bad = lists.with(index, 'ffffffff').join(' ')
      expect(() => decodeSetWatches(readerOf(hex(`${LONG_0} ${bad}`)))).toThrow(DecodeError)
    }
  })
})

describe('multi', () => {
  const END = 'ffffffff 01 ffffffff'
  const decodeMulti = (text: string) => decodeWriteRequest(OpCode.multi, readerOf(hex(text)))
  const header = (type: number) => `${type.toString(16).padStart(8, '0')} 00 ffffffff`
  const create = (flags: number) => `00000001 2f 00000000 00000000 0000000${flags}`

  test('an empty one', () => {
    expect(decodeMulti(END)).toEqual({ type: OpCode.multi, ops: [] })
  })

  test('the end is known by the done byte alone', () => {
    expect(decodeMulti('0000002a 07 00000000 ffff')).toEqual({ type: OpCode.multi, ops: [] })
    expect(() => decodeMulti('ffffffff 00 ffffffff')).toThrow(DecodeError)
  })

  test('one without its end', () => {
    expect(() => decodeMulti(`${header(13)} 00000001 2f 00000000`)).toThrow(DecodeError)
  })

  test.each([0, 3, 4, 7, 8, 9, 12, 14, 16, 20, 22, 99])('refuses an op of type %i', (type) => {
    const body = '00000001 2f 00000000 00000000 00000000 00000000 00000000'
    expect(() => decodeMulti(`${header(type)} ${body} ${END}`)).toThrow(DecodeError)
  })

  test.each([1, 15])('type %i with the container flag makes a container', (type) => {
    expect(decodeMulti(`${header(type)} ${create(4)} ${END}`)).toMatchObject({
      ops: [{ type: OpCode.createContainer, flags: CreateMode.container }],
    })
  })

  test('unknown create flags spoil the whole multi, but not a create alone', () => {
    expect(() => decodeMulti(`${header(1)} ${create(7)} ${END}`)).toThrow(DecodeError)
    expect(() => decodeMulti(`${header(21)} ${create(7)} ${LONG_0} ${END}`)).toThrow(DecodeError)
    const alone = decodeWriteRequest(OpCode.create, readerOf(hex(create(7))))
    expect(alone).toMatchObject({ flags: 7 })
  })

  test('result of one failing delete', () => {
    const result = { type: OpCode.error, err: ErrorCode.noNode, path: null, stat: null }
    expect(written((out) => writeMultiResults(out, [result]))).toBe(
      flat('ffffffff 00 ffffff9b ffffff9b ffffffff 01 ffffffff'),
    )
  })

  test('result of one create', () => {
    const result = { type: OpCode.create, err: 0, path: '/zq', stat: null }
    const bytes = '00000001 00 00000000 00000003 2f7a71 ffffffff 01 ffffffff'
    expect(written((out) => writeMultiResults(out, [result]))).toBe(flat(bytes))
  })

  test('multiRead takes getData and getChildren only', () => {
    const ops = `${header(4)} 00000001 2f 01 ${header(8)} 00000002 2f61 00`
    expect(decodeMultiRead(readerOf(hex(`${ops} ${END}`)))).toEqual([
      { type: OpCode.getData, path: '/' },
      { type: OpCode.getChildren, path: '/a' },
    ])
    const exists = `${header(3)} 00000001 2f 00 ${END}`
    expect(() => decodeMultiRead(readerOf(hex(exists)))).toThrow(DecodeError)
    expect(() => decodeMultiRead(readerOf(hex(ops)))).toThrow(DecodeError)
  })

  test('results of a multiRead', () => {
    const bytes = written((out) => {
      writeMultiGetData(out, null, ROOT_STAT)
      writeMultiGetChildren(out, new Set(['a']))
      writeMultiError(out, ErrorCode.noNode)
      writeMultiEnd(out)
    })
    expect(bytes).toBe(
      flat(`00000004 00 00000000 ffffffff ${ROOT_STAT_BYTES}
        00000008 00 00000000 00000001 00000001 61
        ffffffff 00 ffffff9b ffffff9b ffffffff 01 ffffffff`),
    )
  })
})

/** Of `/` on an empty server. */
const ROOT_STAT: Stat = {
  czxid: zxid(0n),
  mzxid: zxid(0n),
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: -1,
  aversion: 0,
  ephemeralOwner: 0n as SessionId,
  dataLength: 0,
  numChildren: 1,
  pzxid: zxid(0n),
}
const ROOT_STAT_BYTES = `${LONG_0} ${LONG_0} ${LONG_0} ${LONG_0} 00000000 ffffffff 00000000 ${LONG_0} 00000000 00000001 ${LONG_0}`

describe('replies', () => {
  test.each([
    ['auth', -4, 0n, 0, 'fffffffc 0000000000000000 00000000'],
    ['exists, missing', 1, 0x636n, ErrorCode.noNode, '00000001 0000000000000636 ffffff9b'],
    ['ping', -2, 0x63an, 0, 'fffffffe 000000000000063a 00000000'],
    ['closeSession', 12, 0x63bn, 0, '0000000c 000000000000063b 00000000'],
    ['unknown opcode', 1, -1n, ErrorCode.unimplemented, '00000001 ffffffffffffffff fffffffa'],
  ])('%s', (_name, xid, of, err, bytes) => {
    expect(written((out) => writeReplyHeader(out, xid, zxid(of), err))).toBe(flat(bytes))
  })

  test('create /jt', () => {
    const bytes = written((out) => {
      writeReplyHeader(out, 2, zxid(0x637n), 0)
      writePathResponse(out, '/jt')
    })
    expect(bytes).toBe(flat('00000002 0000000000000637 00000000 00000003 2f6a74'))
  })

  test('Stat of / on an empty server', () => {
    expect(written((out) => writeStat(out, ROOT_STAT))).toBe(flat(ROOT_STAT_BYTES))
    expect(flat(ROOT_STAT_BYTES).length).toBe(2 * 68)
  })

  test('Stat fields in order', () => {
    const stat: Stat = {
      czxid: zxid(1n),
      mzxid: zxid(2n),
      ctime: 3,
      mtime: 0x19876543210,
      version: 5,
      cversion: 6,
      aversion: 7,
      ephemeralOwner: -8n as SessionId,
      dataLength: 9,
      numChildren: 10,
      pzxid: zxid(0x7fffffff_ffffffffn),
    }
    expect(written((out) => writeStat(out, stat))).toBe(
      flat(`0000000000000001 0000000000000002 0000000000000003 0000019876543210
        00000005 00000006 00000007 fffffffffffffff8 00000009 0000000a 7fffffffffffffff`),
    )
  })

  test('addWatch has a body of four zero bytes', () => {
    expect(written(writeAddWatchResponse)).toBe('00000000')
  })

  test('SASL failure has a null token', () => {
    const bytes = written((out) => {
      writeReplyHeader(out, 2, zxid(0n), ErrorCode.authFailed)
      writeSaslResponse(out, null)
    })
    expect(bytes).toBe(flat('00000002 0000000000000000 ffffff8d ffffffff'))
  })

  test('create2 and whoAmI', () => {
    expect(written((out) => writeCreate2Response(out, '/', ROOT_STAT))).toBe(
      flat(`00000001 2f ${ROOT_STAT_BYTES}`),
    )
    expect(written((out) => writeWhoAmIResponse(out, [{ authScheme: 'ip', user: '1' }]))).toBe(
      flat('00000001 00000002 6970 00000001 31'),
    )
  })

  test('notification of changed children of /jt', () => {
    const event = (of: Zxid | null) =>
      written((out) => writeWatcherEvent(out, of, EventType.nodeChildrenChanged, '/jt'))
    const body = '00000000 00000004 00000003 00000003 2f6a74'
    expect(event(null)).toBe(flat(`ffffffff ffffffffffffffff ${body}`))
    expect(event(zxid(0x637n))).toBe(flat(`ffffffff 0000000000000637 ${body}`))
  })

  test('null and empty data stay apart', () => {
    expect(written((out) => out.byteString(null))).toBe('ffffffff')
    expect(written((out) => out.byteString('' as ByteString))).toBe('00000000')
  })
})
