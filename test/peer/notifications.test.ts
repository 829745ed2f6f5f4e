import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ServerId, Zxid } from '../../src/base/index.ts'
import { encodeInitialMessage, readInitialMessage } from '../../src/peer/initial-message.ts'
import { readNotification, writeNotification } from '../../src/peer/notification.ts'
import { DecodeError } from '../../src/wire/index.ts'
import { NOT_VOTING, NOT_VOTING_ZXID, type Notification, PeerState } from '../../src/zab/index.ts'
import { encoded, hex, toHex } from '../wire/bytes.ts'

const CONFIG = [
  'server.1=127.0.0.1:23111:23211:participant',
  'server.2=127.0.0.1:23112:23212:participant',
  'server.3=127.0.0.1:23113:23213:participant',
  'version=0',
].join('\n')

const VOTE = {
  leader: 3 as ServerId,
  zxid: 0x1_0000_001an as Zxid,
  electionEpoch: 2,
  peerEpoch: 1,
}

const HEAD = '00000000 0000000000000003 000000010000001a 0000000000000002'
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('hex')

function read(text: string): Notification {
  const bytes = hex(`5a5a ${text} 5a`)
  return readNotification(bytes, 2, bytes.length - 1)
}

describe('bytes of notifications', () => {
  test('of three servers on one machine, as upstream sends them: 182 bytes', () => {
    const notification = { state: PeerState.LOOKING, vote: VOTE, version: 2, config: CONFIG }
    const bytes = encoded((out) => writeNotification(out, notification))
    expect(bytes.length).toBe(182)
    expect(toHex(bytes)).toBe(
      `${HEAD} 0000000000000001 00000002 0000008a ${utf8(CONFIG)}`.replace(/ /g, ''),
    )
    expect(readNotification(bytes, 0, bytes.length)).toEqual(notification)
  })

  test('of a server that does not vote: the smallest numbers there are', () => {
    const vote = {
      leader: NOT_VOTING as ServerId,
      zxid: NOT_VOTING_ZXID,
      electionEpoch: 1,
      peerEpoch: NOT_VOTING,
    }
    const notification = { state: PeerState.LOOKING, vote, version: 2, config: '' }
    const bytes = encoded((out) => writeNotification(out, notification))
    expect(toHex(bytes)).toBe(
      '00000000 8000000000000000 8000000000000000 0000000000000001 8000000000000000 00000002 00000000'.replace(
        / /g,
        '',
      ),
    )
    expect(readNotification(bytes, 0, bytes.length)).toEqual(notification)
  })

  test('28 bytes: the epoch is that of the zxid', () => {
    const expected = { state: PeerState.LOOKING, vote: VOTE, version: 0, config: '' }
    expect(read(HEAD)).toEqual(expected)
  })

  test('40 bytes: the last four are not read, even if they look like a version', () => {
    expect(read(`${HEAD} 0000000000000007 00000001`)).toEqual({
      state: PeerState.LOOKING,
      vote: { ...VOTE, peerEpoch: 7 },
      version: 0,
      config: '',
    })
  })

  test('a later version, with more behind the configuration', () => {
    expect(read(`${HEAD} 0000000000000001 00000003 00000001 61 ffff`)).toEqual({
      state: PeerState.LOOKING,
      vote: VOTE,
      version: 3,
      config: 'a',
    })
  })

  test('version 1 has no configuration', () => {
    const notification = read(`${HEAD} ffffffffffffffff 00000001 00000001 61`)
    expect(notification).toMatchObject({ version: 1, config: '', vote: { peerEpoch: -1 } })
  })

  test.each([
    ['nothing', ''],
    ['27 bytes', `${HEAD.slice(0, -2)}`],
    ['36 bytes', `${HEAD} 0000000000000001`],
    ['43 bytes', `${HEAD} 0000000000000001 00000002 000000`],
    ['state 4', `00000004 ${HEAD.slice(9)} 0000000000000001 00000002 00000000`],
    ['state -1', `ffffffff ${HEAD.slice(9)} 0000000000000001 00000002 00000000`],
    ['a configuration of -1 bytes', `${HEAD} 0000000000000001 00000002 ffffffff`],
    ['a configuration of -2 bytes', `${HEAD} 0000000000000001 00000002 fffffffe`],
    ['a configuration that is not there', `${HEAD} 0000000000000001 00000002 00000002 61`],
  ])('%s: dropped', (_name, text) => {
    expect(() => read(text)).toThrow(DecodeError)
  })

  test('any bytes: a notification or an error of the decoder', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          expect(readNotification(bytes, 0, bytes.length).version).toBeTypeOf('number')
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
    )
  })
})

describe('initial message', () => {
  const V1 = `ffffffffffff0000 0000000000000001 0000000f ${utf8('127.0.0.1:23211')}`

  test('names one address, as upstream does by default', () => {
    const bytes = encodeInitialMessage(1 as ServerId, [{ host: '127.0.0.1', port: 23211 }], false)
    expect(toHex(bytes)).toBe(V1.replace(/ /g, ''))
  })

  test('names all addresses where several are in use', () => {
    const addresses = [
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ]
    const bytes = encodeInitialMessage(3 as ServerId, addresses, true)
    const text = 'a:1|[::1]:2'
    expect(toHex(bytes)).toBe(`ffffffffffff000100000000000000030000000b${utf8(text)}`)
    const read = { sid: 3, length: bytes.length, addresses: ['a:1', '[::1]:2'] }
    expect(readInitialMessage(bytes, bytes.length)).toEqual(read)
    const one = encodeInitialMessage(3 as ServerId, addresses, false)
    expect(Buffer.from(one).subarray(20).toString()).toBe('a:1')
  })

  test('puts an IPv6 address into brackets', () => {
    const bytes = encodeInitialMessage(1 as ServerId, [{ host: '::1', port: 1 }], false)
    expect(Buffer.from(bytes).subarray(20).toString()).toBe('[::1]:1')
  })

  test.each([
    ['one address', V1, 1, 35, ['127.0.0.1:23211']],
    [
      'several',
      `ffffffffffff0001 0000000000000004 00000007 ${utf8('a:1|b:2')}`,
      4,
      27,
      ['a:1', 'b:2'],
    ],
    ['before 3.4.6', '0000000000000005', 5, 8, []],
    ['no server', 'ffffffffffff0000 ffffffffffffffff 00000001 61', -1, 21, ['a']],
  ])('is read: %s', (_name, text, sid, length, addresses) => {
    const bytes = hex(`${text} 0000002c`)
    for (let end = 0; end < length; end += 1) expect(readInitialMessage(bytes, end)).toBe(null)
    expect(readInitialMessage(bytes, bytes.length)).toEqual({ sid, length, addresses })
  })

  test.each([
    ['another version', 'ffffffffffff0002 0000000000000001 00000001 61'],
    ['an empty address', 'ffffffffffff0000 0000000000000001 00000000'],
    ['a negative length', 'ffffffffffff0000 0000000000000001 ffffffff'],
    ['a long address', 'ffffffffffff0000 0000000000000001 00000801'],
  ])('is refused: %s', (_name, text) => {
    const bytes = hex(text)
    expect(() => readInitialMessage(bytes, bytes.length)).toThrow(DecodeError)
  })
})
