import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/base/index.ts'
import {
  type AclEntry,
  DecodeError,
  decodeSnapshotStatement,
  encodeSnapshotStatement,
  OutputBuffer,
  type SnapshotHandler,
  SnapshotReader,
  type SnapshotReaderOptions,
  type SnapshotStatement,
  type SnapshotZnode,
  writeAclList,
  writeSnapshotAcl,
  writeSnapshotCount,
  writeSnapshotEnd,
  writeSnapshotSession,
  writeSnapshotSignature,
  writeSnapshotZnode,
} from '../../src/wire/index.ts'

/** A snapshot of an Apache ZooKeeper 3.8 server after transaction 0x1000000dd, as it lay on its disk. */
const FILE: Uint8Array = readFileSync(new URL('testdata/apache-snapshot.bin', import.meta.url))
const FILE_ZXID = 0x1_0000_00ddn
const FILE_HEAD_BYTES = 16
/** Seal, digest, seal. */
const FILE_TAIL_BYTES = 13 + 20 + 13
/** Sessions, ACLs, znodes and their end: what a file and a stream have in common. */
const BODY: Uint8Array = FILE.subarray(FILE_HEAD_BYTES, FILE.length - FILE_TAIL_BYTES)

const OPTIONS: SnapshotReaderOptions = {
  form: 'learner',
  valueBytesMax: 2_000_000,
  bytesMax: 1_000_000_000,
  missingAcl: null,
}
const FILE_OPTIONS: SnapshotReaderOptions = { ...OPTIONS, form: 'file' }
const ANYONE: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]

class Collector implements SnapshotHandler {
  readonly sessions: [SessionId, number][] = []
  readonly acls: [number, readonly AclEntry[]][] = []
  readonly znodes: [SnapshotZnode, number][] = []

  onSession(sessionId: SessionId, timeoutMs: number): void {
    this.sessions.push([sessionId, timeoutMs])
  }

  onAcl(aclId: number, acl: readonly AclEntry[]): void {
    this.acls.push([aclId, acl])
  }

  onZnode(znode: SnapshotZnode, aclId: number): void {
    this.znodes.push([znode, aclId])
  }

  /** The body again. */
  encode(): Uint8Array {
    const out = new OutputBuffer()
    writeSnapshotCount(out, this.sessions.length)
    for (const [sessionId, timeoutMs] of this.sessions) {
      writeSnapshotSession(out, sessionId, timeoutMs)
    }
    writeSnapshotCount(out, this.acls.length)
    for (const [aclId, acl] of this.acls) writeSnapshotAcl(out, aclId, acl)
    for (const [znode, aclId] of this.znodes) writeSnapshotZnode(out, znode, aclId)
    writeSnapshotEnd(out)
    return out.take()
  }
}

function collect(
  bytes: Uint8Array,
  options: SnapshotReaderOptions,
  chunkBytes: number = bytes.length,
): { collector: Collector; reader: SnapshotReader; used: number } {
  const collector = new Collector()
  const reader = new SnapshotReader(collector, options)
  let used = 0
  while (used < bytes.length && !reader.isDone) {
    // A chunk of its own, and spoilt afterwards: nothing may be kept of it.
    const chunk = new Uint8Array(chunkBytes + 2)
    const size = Math.min(chunkBytes, bytes.length - used)
    chunk.set(bytes.subarray(used, used + size), 1)
    const taken = reader.push(chunk, 1, size + 1)
    used += taken
    if (taken !== size && !reader.isDone) expect.fail(`${taken} bytes of ${size} taken`)
    chunk.fill(0xee)
  }
  return { collector, reader, used }
}

/** Any other error than a {@link DecodeError} is a failure. */
function isRefused(read: () => void): boolean {
  try {
    read()
    return false
  } catch (error) {
    if (error instanceof DecodeError) return true
    throw error
  }
}

function isWhole(reader: SnapshotReader): boolean {
  return !isRefused(() => reader.end())
}

function withTail(body: Uint8Array, write: (out: OutputBuffer) => void): Uint8Array {
  const out = new OutputBuffer()
  out.append(body, 0, body.length)
  write(out)
  return out.take()
}

/** A stream with the given parts in place of good ones. */
function stream(parts: {
  readonly sessions?: (out: OutputBuffer) => void
  readonly acls?: (out: OutputBuffer) => void
  readonly znodes?: (out: OutputBuffer) => void
  readonly end?: (out: OutputBuffer) => void
}): Uint8Array {
  const out = new OutputBuffer()
  if (parts.sessions === undefined) writeSnapshotCount(out, 0)
  else parts.sessions(out)
  if (parts.acls === undefined) writeSnapshotCount(out, 0)
  else parts.acls(out)
  parts.znodes?.(out)
  if (parts.end !== undefined) {
    parts.end(out)
  } else {
    writeSnapshotEnd(out)
    writeSnapshotSignature(out)
  }
  return out.take()
}

const [[ROOT]] = collect(FILE, FILE_OPTIONS).collector.znodes as [[SnapshotZnode, number]]

function znode(path: string, more: Partial<SnapshotZnode> = {}): SnapshotZnode {
  return { ...ROOT, path, ...more }
}

describe('the file of an Apache server', () => {
  test('is read as that server shows it', () => {
    const { collector, reader } = collect(FILE, FILE_OPTIONS)
    reader.end()
    expect(collector.sessions).toEqual([
      [0x0100_0017_176e_0000n, 20_000],
      [0x0200_0017_1779_0000n, 6000],
    ])
    expect(collector.acls).toHaveLength(5)
    expect(collector.acls[1]).toEqual([2, ANYONE])
    expect(collector.acls[3]![1]).toEqual([
      { perms: 1, scheme: 'world', id: 'anyone' },
      { perms: 31, scheme: 'digest', id: 'bob:fyVmFCwVbTJYrznoSu1koqYEYF0=' },
    ])
    expect(collector.znodes).toHaveLength(69)
    const paths = collector.znodes.map(([{ path }]) => path)
    expect(paths[0]).toBe('/')
    expect(paths).toContain('/zookeeper/config')
    const app = collector.znodes.find(([{ path }]) => path === '/app')!
    expect(app).toMatchObject([
      {
        data: 'yy',
        acl: ANYONE,
        czxid: 0x1_0000_0002n,
        mzxid: 0x1_0000_0013n,
        pzxid: 0x1_0000_0016n,
        ctime: 0x1a1_fc02_912c,
        mtime: 0x1a1_fc02_91a7,
        version: 3,
        storedCversion: 10,
        aversion: 0,
        storedOwner: 0n,
      },
      2,
    ])
    expect(collector.znodes.find(([{ path }]) => path === '/m/c2')![0].storedOwner).toBe(
      0x0100_0017_176e_0000n,
    )
    expect(reader.digest).toEqual({ zxid: FILE_ZXID, treeDigest: 0x21_3838_e77fn })
    expect(reader.lastProcessedZxid).toBeNull()
  })

  test('comes out again, byte by byte', () => {
    const { collector } = collect(FILE, FILE_OPTIONS)
    expect(Buffer.from(collector.encode())).toEqual(Buffer.from(BODY))
  })

  test('may have the last zxid of 3.9 behind it, with a seal of its own', () => {
    const bytes = seal(withTail(FILE, (out) => out.int64(FILE_ZXID)))
    for (const chunkBytes of [1, 5, bytes.length]) {
      const { reader, used } = collect(
        withTail(bytes, (out) => out.int32(7)),
        FILE_OPTIONS,
        chunkBytes,
      )
      expect(reader.isDone).toBe(true)
      expect(used).toBe(bytes.length)
      expect(reader.lastProcessedZxid).toBe(FILE_ZXID)
    }
  })

  test('may have a digest of the first version, which is a text', () => {
    const head = FILE.subarray(0, FILE.length - FILE_TAIL_BYTES + 13)
    const old = withTail(head, (out) => {
      out.int64(FILE_ZXID)
      out.int32(1)
      out.string('1f00ba')
    })
    const bytes = seal(old)
    const { reader } = collect(bytes, FILE_OPTIONS, 3)
    reader.end()
    expect(reader.digest).toEqual({ zxid: FILE_ZXID, treeDigest: null })
  })

  test('is refused when it ends early, but for the ends that servers of other versions write', () => {
    const reader = new SnapshotReader(new Collector(), FILE_OPTIONS)
    const whole: number[] = []
    for (let length = 0; length <= FILE.length; length++) {
      if (isWhole(reader)) whole.push(length)
      if (length < FILE.length) reader.push(FILE, length, length + 1)
    }
    expect(whole).toEqual([FILE.length - 33, FILE.length])
  })

  test('is refused when any one byte is another', () => {
    const body = shortBody()
    const sealed = seal(withHead(body))
    const digested = withTail(sealed, (out) => {
      out.int64(FILE_ZXID)
      out.int32(2)
      out.int64(5n)
    })
    const bytes = seal(digested)
    const whole = new SnapshotReader(new Collector(), FILE_OPTIONS)
    whole.push(bytes, 0, bytes.length)
    expect(isWhole(whole)).toBe(true)
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x10, 0x80]) {
        bytes[at]! ^= mask
        const reader = new SnapshotReader(new Collector(), FILE_OPTIONS)
        const push = (): number => reader.push(bytes, 0, bytes.length)
        if (!isRefused(push) && isWhole(reader)) expect.fail(`byte ${at} may be another`)
        bytes[at]! ^= mask
      }
    }
  })
})

describe('a stream of the learner port', () => {
  const STREAM = withTail(BODY, (out) => writeSnapshotSignature(out))

  test.each([1, 2, 3, 5, 7, 13, 64, 1000, 4096])(
    'is the same in chunks of %i bytes',
    (chunkBytes) => {
      const { collector, reader, used } = collect(STREAM, OPTIONS, chunkBytes)
      expect(reader.isDone).toBe(true)
      expect(used).toBe(STREAM.length)
      expect(reader.bytesRead).toBe(STREAM.length)
      expect(Buffer.from(collector.encode())).toEqual(Buffer.from(BODY))
    },
  )

  test('leaves alone what comes behind it', () => {
    const more = withTail(STREAM, (out) => out.int64(-1n))
    for (const chunkBytes of [1, 9, more.length]) {
      expect(collect(more, OPTIONS, chunkBytes).used).toBe(STREAM.length)
    }
    expect(new SnapshotReader(new Collector(), OPTIONS).push(more, 0, more.length)).toBe(
      STREAM.length,
    )
  })

  test('is not done before its last byte', () => {
    const reader = new SnapshotReader(new Collector(), OPTIONS)
    for (let length = 0; length < STREAM.length; length++) {
      if (reader.isDone || isWhole(reader)) expect.fail(`whole after ${length} bytes`)
      reader.push(STREAM, length, length + 1)
    }
    expect(reader.isDone && isWhole(reader)).toBe(true)
  })

  test('with any one byte changed is a stream or refused, also in two pieces', () => {
    const bytes = withTail(shortBody(), (out) => writeSnapshotSignature(out))
    let refused = 0
    for (let at = 0; at < bytes.length; at++) {
      bytes[at]! ^= 0x80
      const reader = new SnapshotReader(new Collector(), OPTIONS)
      const push = (from: number, end: number): boolean =>
        !reader.isDone && isRefused(() => reader.push(bytes, from, end))
      if (push(0, at + 1) || push(at + 1, bytes.length)) refused += 1
      bytes[at]! ^= 0x80
    }
    expect(refused).toBeGreaterThan(bytes.length / 20)
  })

  test('keeps null data and empty data apart, and any text', () => {
    const acl = [
      { perms: 3, scheme: null, id: null },
      { perms: -1, scheme: '', id: 'Zoë ☃ \u{1f600}' },
    ]
    const bytes = stream({
      acls: (out) => {
        writeSnapshotCount(out, 2)
        writeSnapshotAcl(out, 7, acl)
        writeSnapshotAcl(out, 2 ** 40, [])
      },
      znodes: (out) => {
        writeSnapshotZnode(out, znode('/', { data: null }), -1)
        writeSnapshotZnode(out, znode('/é☃', { data: '' as never }), 7)
        writeSnapshotZnode(out, znode('/z', { data: '\u0000\u00ff' as never }), 2 ** 40)
      },
    })
    for (const chunkBytes of [1, bytes.length]) {
      const { znodes } = collect(bytes, OPTIONS, chunkBytes).collector
      expect(znodes.map(([{ path, data, acl: list }]) => [path, data, list])).toEqual([
        ['/', null, ANYONE],
        ['/é☃', '', acl],
        ['/z', '\u0000\u00ff', []],
      ])
    }
  })

  test('gives znodes without a known ACL the one that was asked for', () => {
    const bytes = stream({ znodes: (out) => writeSnapshotZnode(out, znode('/'), 9) })
    expect(() => collect(bytes, OPTIONS)).toThrow('unknown ACL id 9')
    const missingAcl = [{ perms: 0, scheme: 'world', id: 'anyone' }]
    const { znodes } = collect(bytes, { ...OPTIONS, missingAcl }).collector
    expect(znodes[0]![0].acl).toBe(missingAcl)
  })

  const LIMITED = { ...OPTIONS, valueBytesMax: 100 }
  const BAD: readonly [string, Uint8Array][] = [
    ['-1 sessions', stream({ sessions: (out) => out.int32(-1) })],
    ['-2147483648 ACLs', stream({ acls: (out) => out.int32(-0x8000_0000) })],
    ['ACL of -1 entries', stream({ acls: (out) => writeTable(out, [[1, null]]) })],
    [
      'ACL id 5 comes twice',
      stream({
        acls: (out) =>
          writeTable(out, [
            [5, ANYONE],
            [5, []],
          ]),
      }),
    ],
    ['ACL id -1', stream({ acls: (out) => writeTable(out, [[-1, ANYONE]]) })],
    ['ACL id 9007199254740992', stream({ acls: (out) => writeTable(out, [[2 ** 53, ANYONE]]) })],
    ['length 101', stream({ znodes: (out) => out.string('x'.repeat(101)) })],
    ['length -2', stream({ znodes: (out) => out.int32(-2) })],
    ['length 2147483647', stream({ znodes: (out) => out.int32(0x7fff_ffff) })],
    [
      'length 101',
      stream({
        znodes: (out) =>
          writeSnapshotZnode(out, znode('/', { data: 'x'.repeat(101) as never }), -1),
      }),
    ],
    [
      'length 101',
      stream({
        acls: (out) =>
          writeTable(out, [[1, [{ perms: 1, scheme: 'digest', id: 'x'.repeat(101) }]]]),
      }),
    ],
    [
      'null where a string is required',
      stream({
        znodes: (out) => {
          out.string(null)
          for (let i = 0; i < 18; i++) out.int32(0)
        },
      }),
    ],
    [
      'signature',
      stream({
        end: (out) => {
          writeSnapshotEnd(out)
          out.string('BenWasGone')
        },
      }),
    ],
    ['more than 1000 bytes', STREAM],
  ]

  test.each(BAD)('is refused: %s', (reason, bytes) => {
    for (const chunkBytes of [1, bytes.length]) {
      const options = { ...LIMITED, bytesMax: 1000, valueBytesMax: bytes === STREAM ? 1000 : 100 }
      expect(() => collect(bytes, options, chunkBytes)).toThrow(DecodeError)
      expect(() => collect(bytes, options, chunkBytes)).toThrow(reason)
    }
  })

  test('a value of exactly the limit passes', () => {
    const bytes = stream({
      znodes: (out) => writeSnapshotZnode(out, znode('/', { data: 'x'.repeat(100) as never }), -1),
    })
    expect(collect(bytes, LIMITED).collector.znodes).toHaveLength(1)
  })
})

describe('a statement about a snapshot', () => {
  const STATEMENT: SnapshotStatement = {
    zxid: 0x1_0000_0002n as never,
    znodes: 5,
    digest: -7n,
    systemDigest: 2n ** 40n,
    sessions: 3,
    sessionsDigest: -(2n ** 63n),
    endedSessions: [0x0100_0000_0000_0001n as SessionId, -1n as SessionId],
  }

  test('is read as it was written', () => {
    expect(decodeSnapshotStatement(encodeSnapshotStatement(STATEMENT))).toEqual(STATEMENT)
  })

  test('of somebody else is none', () => {
    expect(decodeSnapshotStatement(new Uint8Array(0))).toBeNull()
    expect(decodeSnapshotStatement(new Uint8Array(40))).toBeNull()
    const later = encodeSnapshotStatement(STATEMENT)
    later[16] = 2
    expect(decodeSnapshotStatement(later)).toBeNull()
  })

  test('is refused when it ends early or late', () => {
    const bytes = encodeSnapshotStatement(STATEMENT)
    for (let length = 17; length < bytes.length; length++) {
      expect(() => decodeSnapshotStatement(bytes.subarray(0, length))).toThrow(DecodeError)
    }
    expect(() => decodeSnapshotStatement(new Uint8Array([...bytes, 0]))).toThrow(DecodeError)
  })
})

function writeTable(
  out: OutputBuffer,
  acls: readonly [number, readonly AclEntry[] | null][],
): void {
  writeSnapshotCount(out, acls.length)
  for (const [aclId, acl] of acls) {
    out.int64Number(aclId)
    writeAclList(out, acl)
  }
}

/** The body with a few of the znodes. */
function shortBody(): Uint8Array {
  const { collector } = collect(FILE, FILE_OPTIONS)
  collector.znodes.splice(8)
  return collector.encode()
}

function withHead(body: Uint8Array): Uint8Array {
  return Buffer.concat([FILE.subarray(0, FILE_HEAD_BYTES), body])
}

function seal(bytes: Uint8Array): Uint8Array {
  return withTail(bytes, (out) => {
    out.int64Number(adler32(bytes))
    out.string('/')
  })
}

/** RFC 1950, as slow as it can be written. */
function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return b * 65_536 + a
}
