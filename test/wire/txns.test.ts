import { describe, expect, test } from 'vitest'
import { InvariantError, type SessionId, type Zxid } from '../../src/base/index.ts'
import {
  DecodeError,
  decodeTxnEntry,
  encodeTxnEntry,
  OpCode,
  opCodeName,
  type Txn,
  type TxnEntry,
} from '../../src/wire/index.ts'
import { bytesOf, encoded, hex, toHex } from './bytes.ts'

function decode(text: string): TxnEntry {
  const bytes = hex(text)
  return decodeTxnEntry(bytes, 0, bytes.length)
}

const OPEN_ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const OPEN = '000000010000001f00000005776f726c6400000006616e796f6e65'

/** Entries out of transaction logs that Apache ZooKeeper 3.8.0 wrote: bytes, txn, low half of the digest. */
const CAPTURED: readonly [string, Txn, bigint][] = [
  [
    '01000017176e0000000000000000000100000001000001a1fc0290fafffffff600004e20000000020000000051c6d660',
    { type: OpCode.createSession, timeOut: 20000 },
    0x51c6d660n,
  ],
  [
    `01000017176e0000000000aa00000001000000ad000001a1fc02940c00000001000000052f62756c6b00000000${OPEN}00000000030000000200000007f1ac3bf9`,
    {
      type: OpCode.create,
      path: '/bulk',
      data: bytesOf(''),
      acl: OPEN_ACL,
      ephemeral: false,
      parentCVersion: 3,
    },
    0x7f1ac3bf9n,
  ],
  [
    `01000017176e0000000000060000000100000007000001a1fc02915900000013000000082f6170702f63747200000000${OPEN}0000000500000002000000045f0d9d5e`,
    {
      type: OpCode.createContainer,
      path: '/app/ctr',
      data: bytesOf(''),
      acl: OPEN_ACL,
      parentCVersion: 5,
    },
    0x45f0d9d5en,
  ],
  [
    `01000017176e0000000000080000000100000009000001a1fc02916700000015000000082f6170702f74746c0000000174${OPEN}00000006000000000000ea60000000020000000657561dc4`,
    {
      type: OpCode.createTTL,
      path: '/app/ttl',
      data: bytesOf('74'),
      acl: OPEN_ACL,
      parentCVersion: 6,
      ttl: 60000n,
    },
    0x657561dc4n,
  ],
  [
    `01000017176e000000000009000000010000000a000001a1fc02916f0000000f000000072f6170702f633200000000${OPEN}00000000070000000200000005f074c8f4`,
    {
      type: OpCode.create2,
      path: '/app/c2',
      data: bytesOf(''),
      acl: OPEN_ACL,
      ephemeral: false,
      parentCVersion: 7,
    },
    0x5f074c8f4n,
  ],
  [
    '01000017176e00000000000b000000010000000c000001a1fc02917b00000005000000042f617070ffffffff000000010000000200000006e94ae2eb',
    { type: OpCode.setData, path: '/app', data: null, version: 1 },
    0x6e94ae2ebn,
  ],
  [
    '01000017176e00000000000e000000010000000f000001a1fc02918c00000007000000072f6170702f6332000000020000001f00000005776f726c6400000006616e796f6e6500000001000000026970000000093132372e302e302e31000000010000000200000007f3332b62',
    {
      type: OpCode.setACL,
      path: '/app/c2',
      acl: [...OPEN_ACL, { perms: 1, scheme: 'ip', id: '127.0.0.1' }],
      version: 1,
    },
    0x7f3332b62n,
  ],
  [
    `01000017176e0000000000130000000100000014000001a1fc0291be0000000e00000003000000010000002b000000032f6d3300000000${OPEN}0000000003ffffffff00000004ffffff99ffffffff00000004fffffffe00000002000000070f230129`,
    {
      type: OpCode.multi,
      txns: [
        {
          type: OpCode.create,
          path: '/m3',
          data: bytesOf(''),
          acl: OPEN_ACL,
          ephemeral: false,
          parentCVersion: 3,
        },
        { type: OpCode.error, err: -103 },
        { type: OpCode.error, err: -2 },
      ],
    },
    0x70f230129n,
  ],
  [
    '01000017176e0000000000e700000001000000ea000001a1fc0294a400000002000000112f62756c6b2f6e303030303030303030300000000200000026848ad858',
    { type: OpCode.delete, path: '/bulk/n0000000000' },
    0x26848ad858n,
  ],
  [
    '02000017177900000000000000000001000000fe000001a1fc02aa04fffffff5000000010000000a2f6170702f6479696e67000000020000001c1b9e65cd',
    { type: OpCode.closeSession, paths: ['/app/dying'] },
    0x1c1b9e65cdn,
  ],
]

describe('entries written by the original', () => {
  test.each(
    CAPTURED.map(([bytes, txn, digest]) => [opCodeName(txn.type), bytes, txn, digest] as const),
  )('%s', (_name, bytes, txn, treeDigest) => {
    const entry = decode(bytes)
    expect(entry.txn).toEqual(txn)
    expect(entry.header.type).toBe(txn.type)
    expect(entry.digest).toEqual({ version: 2, treeDigest })
    expect(toHex(encoded((out) => encodeTxnEntry(out, entry.header, txn, treeDigest)))).toBe(bytes)
  })

  test('header fields', () => {
    expect(decode(CAPTURED[1]![0]).header).toEqual({
      clientId: 0x01000017176e0000n,
      cxid: 0xaa,
      zxid: 0x1000000adn,
      time: 0x1a1fc02940c,
      type: OpCode.create,
    })
  })

  test('every proper prefix is refused or lacks only what may be absent', () => {
    for (const [bytes, txn] of CAPTURED) {
      const whole = hex(bytes)
      const bare = whole.length - 12
      for (let end = 0; end < bare; end++) {
        const isShortCreate = txn.type === OpCode.create || txn.type === OpCode.create2
        const mayEnd = isShortCreate && end >= bare - 4
        const isEmptyClose = txn.type === OpCode.closeSession && end === 32
        if (mayEnd || isEmptyClose) expect(decodeTxnEntry(whole, 0, end).digest).toBeNull()
        else expect(() => decodeTxnEntry(whole, 0, end)).toThrow(DecodeError)
      }
      expect(decodeTxnEntry(whole, 0, bare)).toMatchObject({ txn, digest: null })
    }
  })
})

describe('older and absent forms', () => {
  const header = (type: string) =>
    `0000000000000000 00000000 0000000000000001 0000000000000000 ${type}`
  const DIGEST = '00000002 0000000051c6d660'

  test('a create without parentCVersion (CreateTxnV0)', () => {
    const entry = decode(`${header('00000001')} 00000002 2f61 ffffffff 00000000 01`)
    expect(entry.txn).toEqual({
      type: OpCode.create,
      path: '/a',
      data: null,
      acl: [],
      ephemeral: true,
      parentCVersion: -1,
    })
    expect(entry.digest).toBeNull()
  })

  test('a null ACL reads as an empty one', () => {
    const entry = decode(`${header('00000007')} 00000002 2f61 ffffffff 00000001`)
    expect(entry.txn).toEqual({ type: OpCode.setACL, path: '/a', acl: [], version: 1 })
  })

  test('closeSession with and without its record, with and without digest', () => {
    const close = (rest: string) => decode(`${header('fffffff5')} ${rest}`)
    const type = OpCode.closeSession
    const digest = { version: 2, treeDigest: 0x51c6d660n }
    expect(close('')).toMatchObject({ txn: { type, paths: null }, digest: null })
    expect(close(DIGEST)).toMatchObject({ txn: { type, paths: null }, digest })
    expect(close('00000000')).toMatchObject({ txn: { type, paths: [] }, digest: null })
    expect(close(`00000000 ${DIGEST}`)).toMatchObject({ txn: { type, paths: [] }, digest })
    expect(close('ffffffff')).toMatchObject({ txn: { type, paths: null }, digest: null })
    const fourLetters = close('00000001 00000004 2f616263')
    expect(fourLetters).toMatchObject({ txn: { type, paths: ['/abc'] }, digest: null })
  })

  test('a digest of another version is kept as it is', () => {
    const entry = decode(`${header('ffffffff')} ffffff9b 00000003 ffffffffffffffff`)
    expect(entry).toMatchObject({ txn: { err: -101 }, digest: { version: 3, treeDigest: -1n } })
  })
})

describe('what no server writes', () => {
  const header = (type: string) =>
    `0000000000000000 00000000 0000000000000001 0000000000000000 ${type}`

  test.each([
    ['an unknown type', `${header('00000063')} 00000000`],
    ['a null path', `${header('00000002')} ffffffff`],
    ['a null list in a multi', `${header('0000000e')} ffffffff`],
    ['a multi in a multi', `${header('0000000e')} 00000001 0000000e 00000004 00000000`],
    ['a session in a multi', `${header('0000000e')} 00000001 fffffff6 00000004 00000000`],
    ['a null record in a multi', `${header('0000000e')} 00000001 ffffffff ffffffff`],
    ['a record larger than the multi', `${header('0000000e')} 00000001 ffffffff 00000005 00000000`],
    ['a record beyond its own buffer', `${header('0000000e')} 00000001 ffffffff 00000002 00000000`],
  ])('%s is refused', (_name, bytes) => {
    expect(() => decode(bytes)).toThrow(DecodeError)
  })

  test('bytes behind the record inside of its buffer are passed over', () => {
    const bytes = `${header('0000000e')} 00000002 ffffffff 00000006 ffffff9b abcd 00000002 00000005 00000001 2f`
    expect(decode(bytes).txn).toEqual({
      type: OpCode.multi,
      txns: [
        { type: OpCode.error, err: -101 },
        { type: OpCode.delete, path: '/' },
      ],
    })
  })

  test('header and record of different types are a bug of the caller', () => {
    const entryHeader = { clientId: 0n as SessionId, cxid: 0, zxid: 1n as Zxid, time: 0, type: 5 }
    const txn: Txn = { type: OpCode.error, err: -101 }
    expect(() => encoded((out) => encodeTxnEntry(out, entryHeader, txn, null))).toThrow(
      InvariantError,
    )
  })
})
