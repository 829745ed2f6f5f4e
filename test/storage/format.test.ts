import { describe, expect, it } from 'vitest'
import { makeZxid, type SessionId, type Zxid } from '../../src/base/index.ts'
import {
  alignToSector,
  type CheckpointMark,
  countZeroSectors,
  decodeGroupHeader,
  decodeSegmentHeader,
  encodeGroupHeader,
  encodeMark,
  encodeSegmentHeader,
  FORMAT_VERSION,
  GroupKind,
  MARK_BYTES,
  parseSegmentName,
  preparedName,
  readMark,
  SECTOR_BYTES,
  type SegmentHeader,
  sameSummary,
  segmentName,
} from '../../src/storage/format.ts'
import type { ZnodeRow } from '../../src/storage/index.ts'
import { RowDamage, RowDecoder, RowEncoder, znodeRange } from '../../src/storage/rows-codec.ts'
import type { ByteString } from '../../src/wire/index.ts'

const MARK: CheckpointMark = {
  generation: 3,
  summary: {
    zxid: makeZxid(0x8000_0001, 7),
    znodes: 1_000_000,
    digest: 0xffff_ffff_0000_0001n,
    systemDigest: 5n,
    sessions: 12,
    sessionsDigest: 0x8000_0000_0000_0000n,
  },
}

const HEADER: SegmentHeader = {
  number: 7,
  folderId: Uint8Array.from({ length: 16 }, (_, i) => i * 3),
  fileBytes: 64 * 1024 * 1024,
  firstSequence: 2 ** 40 + 1,
  chain: 0xdead_beef,
  zxidBefore: makeZxid(5, 0xffff_ffff),
  createdMs: 1_700_000_000_000,
  control: { acceptedEpoch: 0xffff_fffe, currentEpoch: 9, done: MARK, intent: null },
}

describe('a segment header', () => {
  it('comes back as it was', () => {
    expect(decodeSegmentHeader(encodeSegmentHeader(HEADER))).toEqual(HEADER)
    const bare = {
      ...HEADER,
      control: { acceptedEpoch: 0, currentEpoch: 0, done: null, intent: MARK },
    }
    expect(decodeSegmentHeader(encodeSegmentHeader(bare))).toEqual(bare)
  })

  it('is refused when any bit of it is wrong', () => {
    const good = encodeSegmentHeader(HEADER)
    for (let at = 0; at < SECTOR_BYTES; at++) {
      const bytes = good.slice()
      bytes[at]! ^= 0x10
      expect(decodeSegmentHeader(bytes)).toMatchObject({ isOtherVersion: false })
    }
    expect(decodeSegmentHeader(good.subarray(0, 100))).toHaveProperty('problem')
  })

  it('has the layout that docs/storage-format.md gives', () => {
    const bytes = encodeSegmentHeader(HEADER)
    const view = new DataView(bytes.buffer)
    expect(String.fromCharCode(...bytes.subarray(0, 8))).toBe('ZABKLOG\0')
    expect(view.getUint32(8)).toBe(FORMAT_VERSION)
    expect(view.getUint32(12)).toBe(7)
    expect(view.getBigUint64(40)).toBe(2n ** 40n + 1n)
    expect(view.getUint32(52)).toBe(0xffff_fffe)
    expect(view.getUint32(80)).toBe(3)
  })
})

describe('a checkpoint mark', () => {
  it('comes back as it was', () => {
    const bytes = encodeMark(MARK)
    expect(bytes.length).toBe(MARK_BYTES)
    const mark = readMark(new DataView(bytes.buffer), 0)
    expect(mark.generation).toBe(3)
    expect(sameSummary(mark.summary, MARK.summary)).toBe(true)
  })

  it('takes digests as 64 bits, signed or not, and notices every difference', () => {
    const { summary } = MARK
    expect(sameSummary(summary, { ...summary, digest: BigInt.asIntN(64, summary.digest) })).toBe(
      true,
    )
    for (const key of ['digest', 'systemDigest', 'sessionsDigest'] as const) {
      expect(sameSummary(summary, { ...summary, [key]: summary[key] + 1n })).toBe(false)
    }
    expect(sameSummary(summary, { ...summary, zxid: (summary.zxid + 1n) as Zxid })).toBe(false)
    expect(sameSummary(summary, { ...summary, znodes: 1 })).toBe(false)
    expect(sameSummary(summary, { ...summary, sessions: 1 })).toBe(false)
  })
})

describe('a group header', () => {
  const header = {
    kind: GroupKind.data,
    sequence: 2 ** 41,
    length: 1000,
    records: 3,
    chainBefore: 0xffff_0001,
    chainAfter: 0xffff_0002,
    zeroSectors: 1,
    segment: 4,
    lastZxid: makeZxid(1, 2),
  }

  it('comes back as it was, for the salt it was made with', () => {
    const bytes = new Uint8Array(SECTOR_BYTES)
    const view = new DataView(bytes.buffer)
    encodeGroupHeader(view, header, 99)
    expect(decodeGroupHeader(bytes, view, 0, 99)).toEqual(header)
    expect(decodeGroupHeader(bytes, view, 0, 98)).toBeNull()
    expect(decodeGroupHeader(bytes, view, 500, 99)).toBeNull()
  })
})

describe('sectors', () => {
  it('are counted up and searched for zeros', () => {
    expect([0, 1, 511, 512, 513].map(alignToSector)).toEqual([0, 512, 512, 512, 1024])
    const bytes = new Uint8Array(4 * SECTOR_BYTES)
    bytes[SECTOR_BYTES + 511] = 1
    expect(countZeroSectors(bytes, 0, bytes.length)).toBe(3)
    expect(countZeroSectors(bytes, SECTOR_BYTES, 2 * SECTOR_BYTES)).toBe(0)
  })
})

describe('names', () => {
  it('sort as the numbers do and are read strictly', () => {
    expect(segmentName(12)).toBe('0000000012.log')
    expect(parseSegmentName(segmentName(12))).toEqual({ number: 12, isPrepared: false })
    expect(parseSegmentName(preparedName(3))).toEqual({ number: 3, isPrepared: true })
    for (const name of ['12.log', '0000000012.log2', 'x0000000012.log', '0000000012', 'log.1']) {
      expect(parseSegmentName(name)).toBeNull()
    }
  })
})

describe('rows', () => {
  const row: ZnodeRow = {
    path: '/käse/日本/\u{1F600}',
    data: '\0\u00ff data' as ByteString,
    acl: [
      { perms: 31, scheme: 'digest', id: 'user:hash' },
      { perms: 1, scheme: null, id: null },
    ],
    czxid: makeZxid(1, 1),
    mzxid: makeZxid(1, 2),
    pzxid: makeZxid(0x8000_0000, 3),
    ctime: 1_700_000_000_000,
    mtime: -5,
    version: -1,
    storedCversion: 2,
    aversion: 3,
    storedOwner: -(2n ** 63n),
  }
  const encoder = new RowEncoder(2)

  function encoded(source: ZnodeRow): { key: Uint8Array; value: Uint8Array } {
    const key = new Uint8Array(encoder.znodeKey(source.path))
    return { key, value: new Uint8Array(encoder.znodeValue(source, key)) }
  }

  it('come back as they were', () => {
    for (const data of [row.data, '' as ByteString, null]) {
      expect(new RowDecoder().znode(encoded({ ...row, data }))).toEqual({ ...row, data })
    }
    const key = new Uint8Array(encoder.sessionKey(-5n as SessionId))
    const value = new Uint8Array(encoder.sessionValue(4000, key))
    expect(new RowDecoder().session({ key, value })).toEqual({ id: -5n, timeoutMs: 4000 })
    const metaKey = new Uint8Array(encoder.metaKey())
    const meta = new Uint8Array(encoder.metaValue(HEADER.folderId, MARK, metaKey))
    expect(new RowDecoder().meta({ key: metaKey, value: meta }).folderId).toEqual(HEADER.folderId)
  })

  it('of a parent sort before those of its children and inside the range', () => {
    const keys = ['/', '/a', '/a/b', '/a0', '/b'].map((path) =>
      Buffer.from(new Uint8Array(encoder.znodeKey(path))),
    )
    expect([...keys].sort(Buffer.compare)).toEqual(keys)
    const { from, to } = znodeRange(2)
    for (const key of keys) {
      expect(Buffer.compare(Buffer.from(from), key)).toBeLessThan(1)
      expect(Buffer.compare(key, Buffer.from(to))).toBe(-1)
    }
  })

  it('share equal ACLs', () => {
    const decoder = new RowDecoder()
    const first = decoder.znode(encoded(row))
    const second = decoder.znode(encoded({ ...row, path: '/other' }))
    expect(second.acl).toBe(first.acl)
  })

  it('are refused when any bit is wrong, or under another key', () => {
    const { key, value } = encoded(row)
    for (let at = 0; at < value.length; at++) {
      const wrong = value.slice()
      wrong[at]! ^= 1
      expect(() => new RowDecoder().znode({ key, value: wrong })).toThrow(RowDamage)
    }
    const other = new Uint8Array(encoder.znodeKey('/other'))
    expect(() => new RowDecoder().znode({ key: other, value })).toThrow(RowDamage)
    expect(() => new RowDecoder().znode({ key, value: value.subarray(0, 3) })).toThrow(RowDamage)
  })
})
