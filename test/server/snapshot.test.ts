import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/index.ts'
import { ReplicatedState } from '../../src/server/replicated-state.ts'
import { newSnapshotSink, SnapshotSink } from '../../src/server/snapshot-sink.ts'
import { beginSnapshot, type SnapshotSource } from '../../src/server/snapshot-source.ts'
import {
  DecodeError,
  decodeSnapshotStatement,
  encodeSnapshotStatement,
  OutputBuffer,
  type SnapshotStatement,
  writeSnapshotAcl,
  writeSnapshotCount,
  writeSnapshotEnd,
  writeSnapshotSession,
  writeSnapshotSignature,
  writeSnapshotZnode,
} from '../../src/wire/index.ts'
import { DataTree, type ZnodeRow } from '../../src/znodes/index.ts'
import {
  Bench,
  CLOSE_SESSION,
  create,
  NO_EVENTS,
  OTHER_SESSION,
  Random,
  remove,
  row,
  rowsOf,
  SESSION,
  set,
  setAcl,
} from '../znodes/support.ts'

const TREE = { extendedTypesEnabled: true }
const SEEDS = [1, 2, 3]

/** A state with a generator of transactions. */
class Leader {
  readonly bench = new Bench({ isQuiet: true })
  readonly state = new ReplicatedState(this.bench.tree)
  readonly #random: Random

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.state.sessions.create(SESSION, 6000)
    this.state.sessions.create(OTHER_SESSION, 4000)
  }

  write(): void {
    const random = this.#random
    const path = `/${'abc'[random.int(3)]}${random.int(2) === 0 ? '' : `/${'äbc'[random.int(3)]}`}`
    const data = random.pick([null, '', 'some data', 'x'.repeat(3000)])
    const sessionId = random.pick([SESSION, OTHER_SESSION])
    const acl = [{ perms: 16 + random.int(16), scheme: 'world', id: 'anyone' }]
    const requests = [
      create(path, { data, flags: random.pick([0, 1, 2, 3]) }),
      create(path, { data, acl }),
      create(path, { type: 19, flags: 4 }),
      create(path, { type: 21, flags: 5, ttl: 77_000n }),
      create('/zookeeper/quota/a'),
      create('/zookeeper/quota/a/zookeeper_limits', { data: 'count=9,bytes=9' }),
      create('/zookeeper/quota/a/zookeeper_stats', { data: '' }),
      set(path, data),
      set(path, data),
      setAcl(path, acl),
      remove(path),
    ]
    this.bench.run(random.pick(requests), { sessionId })
    if (random.int(20) > 0) return
    const id = (SESSION + BigInt(random.int(50))) as SessionId
    if (this.state.sessions.has(id)) this.state.sessions.close(id)
    else this.state.sessions.create(id, 1000 + random.int(1000))
  }
}

function drain(source: SnapshotSource, maxBytes: number): Uint8Array {
  const pieces: Uint8Array[] = []
  for (let piece = source.next(maxBytes); piece !== null; piece = source.next(maxBytes)) {
    expect(piece.length).toBeGreaterThan(0)
    expect(piece.length).toBeLessThanOrEqual(2 * maxBytes)
    pieces.push(piece)
  }
  expect(source.next(maxBytes)).toBeNull()
  source.end()
  return Buffer.concat(pieces)
}

function receive(bytes: Uint8Array, sink: SnapshotSink, chunkBytes = bytes.length): SnapshotSink {
  for (let at = 0; at < bytes.length && !sink.isDone; at += chunkBytes) {
    sink.push(bytes, at, Math.min(at + chunkBytes, bytes.length))
  }
  return sink
}

function newState(): ReplicatedState {
  return new ReplicatedState(new DataTree(NO_EVENTS, TREE))
}

function sessionsOf(state: ReplicatedState): Map<SessionId, number> {
  const sessions = new Map<SessionId, number>()
  state.sessions.forEach((id, timeoutMs) => {
    sessions.set(id, timeoutMs)
  })
  return new Map([...sessions].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Everything about a state that has to be equal. */
function describeState(state: ReplicatedState): unknown {
  return {
    summary: state.summary(),
    rows: rowsOf(state.tree),
    sessions: sessionsOf(state),
    highest: state.sessions.highestIdOf(1 as never),
    ephemerals: state.tree.ephemeralCount,
    bytes: state.tree.dataBytes,
  }
}

/** A stream with these parts, as a server of other make sends it. */
function stream(
  rows: readonly (readonly [ZnodeRow, number])[],
  sessions: readonly (readonly [bigint, number])[] = [],
): Uint8Array {
  const out = new OutputBuffer()
  writeSnapshotCount(out, sessions.length)
  for (const [id, timeoutMs] of sessions) writeSnapshotSession(out, id as SessionId, timeoutMs)
  writeSnapshotCount(out, 1)
  writeSnapshotAcl(out, 1, [{ perms: 1, scheme: 'world', id: 'anyone' }])
  for (const [znode, aclId] of rows) writeSnapshotZnode(out, znode, aclId)
  writeSnapshotEnd(out)
  writeSnapshotSignature(out)
  return out.take()
}

describe('from source to sink', () => {
  test.each(SEEDS)('a state arrives as it was, while transactions go on (seed %i)', (seed) => {
    const leader = new Leader(seed)
    const random = new Random(seed + 1000)
    for (let round = 0; round < 12; round++) {
      for (let i = random.int(300); i > 0; i--) leader.write()
      const expected = describeState(leader.state)
      const { zxid } = leader.bench
      const source = beginSnapshot(leader.state)
      const other = beginSnapshot(leader.state)
      expect(source.zxid).toBe(zxid)
      const sink = newSnapshotSink(TREE, source.statement)
      for (let more = true; more; ) {
        for (let i = random.int(4); i > 0; i--) leader.write()
        const piece = source.next(1 + random.int(700))
        if (piece === null) more = false
        else expect(sink.push(piece, 0, piece.length)).toBe(piece.length)
      }
      expect(sink.isDone).toBe(true)
      expect(sink.bytesRead).toBe(source.bytesGiven)
      const received = sink.result()
      expect(received.zxid).toBe(zxid)

      const loaded = newState()
      received.loadInto(loaded, zxid)
      expect(describeState(loaded)).toEqual(expected)
      const moved = newState()
      received.moveInto(moved, zxid)
      expect(describeState(moved)).toEqual(expected)

      // Begun at the same time, drained much later, by a peer that gets no statement.
      const later = receive(drain(other, 64 * 1024), newSnapshotSink(TREE)).result()
      expect(later.zxid).toBeNull()
      expect(later.summary(zxid).digest).toBe(source.zxid === zxid ? loaded.tree.digest() : null)
    }
  })

  test('the new state goes on like the old one', () => {
    const leader = new Leader(5)
    for (let i = 0; i < 200; i++) leader.write()
    const source = beginSnapshot(leader.state)
    const received = receive(drain(source, 100), newSnapshotSink(TREE, source.statement), 33)
    const state = newState()
    received.result().moveInto(state, source.zxid)
    for (let i = 0; i < 200; i++) {
      const { header, txn, digest } = leader.bench.propose(
        i % 3 === 0 ? create(`/later-${i}`, { flags: 3 }) : set('/a', `${i}`),
      )
      leader.bench.commitAll()
      state.apply(header, txn, digest)
    }
    const { header, txn, digest } = leader.bench.propose(CLOSE_SESSION)
    leader.bench.commitAll()
    leader.state.sessions.close(SESSION)
    state.apply(header, txn, digest)
    expect(describeState(state)).toEqual(describeState(leader.state))
    expect(state.tree.digestMismatches).toBe(0)
  })

  test('rows for a checkpoint: all of them, the parent first, and closed sessions that are remembered', () => {
    const leader = new Leader(6)
    for (let i = 0; i < 100; i++) leader.write()
    const top = 0x0100_0000_0000_ffffn as SessionId
    leader.state.sessions.create(top, 9000)
    leader.state.sessions.close(top)
    const source = beginSnapshot(leader.state)
    const sink = receive(drain(source, 1000), newSnapshotSink(TREE, source.statement))
    const received = sink.result()
    const rows = [...received.znodes()]
    expect(rows[0]!.path).toBe('/')
    expect(rows).toHaveLength(leader.state.tree.znodeCount)
    expect(received.sessions()).toContainEqual({ id: top, timeoutMs: 0 })
    expect(received.sessions()).toHaveLength(leader.state.sessions.size + 1)
    // To stop half way is allowed.
    for (const _ of received.znodes()) break
    expect([...received.znodes()]).toHaveLength(rows.length)
  })

  test('a source may be ended early, and twice', () => {
    const leader = new Leader(7)
    for (let i = 0; i < 100; i++) leader.write()
    const source = beginSnapshot(leader.state)
    expect(source.next(10)!.length).toBeLessThan(20)
    source.end()
    source.end()
    for (let i = 0; i < 100; i++) leader.write()
    expect(leader.bench.tree.digestMismatches).toBe(0)
  })
})

describe('what is sent and what arrives', () => {
  function sent(): { bytes: Uint8Array; statement: SnapshotStatement } {
    const leader = new Leader(8)
    for (let i = 0; i < 60; i++) leader.write()
    const source = beginSnapshot(leader.state)
    return {
      bytes: drain(source, 4096),
      statement: decodeSnapshotStatement(source.statement)!,
    }
  }

  const WRONG: readonly [string, Partial<SnapshotStatement>][] = [
    ['znodes of the snapshot', { znodes: 1 }],
    ['tree digest of the snapshot', { digest: 1n }],
    ['system digest of the snapshot', { systemDigest: 1n }],
    ['sessions of the snapshot', { sessions: 77 }],
    ['sessions digest of the snapshot', { sessionsDigest: 1n }],
    ['is said to be closed and is live', { endedSessions: [SESSION] }],
  ]

  test.each(WRONG)('differ: %s', (reason, wrong) => {
    const { bytes, statement } = sent()
    const sinkOf = (said: SnapshotStatement): SnapshotSink =>
      newSnapshotSink(TREE, encodeSnapshotStatement(said))
    expect(receive(bytes, sinkOf(statement)).isDone).toBe(true)
    const sink = sinkOf({ ...statement, ...wrong })
    expect(() => receive(bytes, sink)).toThrow(DecodeError)
    expect(sink.isDone).toBe(false)
    expect(() => receive(bytes, sinkOf({ ...statement, ...wrong }))).toThrow(reason)
  })

  test('says both values', () => {
    const { bytes, statement } = sent()
    const sink = newSnapshotSink(TREE, encodeSnapshotStatement({ ...statement, digest: 5n }))
    expect(() => receive(bytes, sink)).toThrow(`${statement.digest} arrived where 5 was sent`)
  })

  test('any one byte changed is found, unless it is one of an ACL', () => {
    const { bytes, statement } = sent()
    const encoded = encodeSnapshotStatement(statement)
    const expected = receive(bytes, newSnapshotSink(TREE, encoded)).result().summary(statement.zxid)
    const changed = new Uint8Array(bytes)
    let found = 0
    for (let at = 0; at < bytes.length; at += 3) {
      changed[at]! ^= 0x10
      try {
        const sink = receive(changed, newSnapshotSink(TREE, encoded))
        if (sink.isDone) expect(sink.result().summary(statement.zxid)).toEqual(expected)
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
        found += 1
      }
      changed[at] = bytes[at]!
    }
    expect(found).toBeGreaterThan(bytes.length / 4)
  })

  test('a znode may be as long as `jute.maxbuffer` ever allowed', () => {
    const leader = new Leader(9)
    const data = 'v'.repeat(5 * 1024 * 1024)
    leader.bench.run(create('/long', { data }))
    const source = beginSnapshot(leader.state)
    const sink = newSnapshotSink(TREE, source.statement)
    const received = receive(drain(source, 256 * 1024), sink, 64 * 1024).result()
    const state = newState()
    received.moveInto(state, source.zxid)
    expect(state.tree.digest()).toBe(leader.state.tree.digest())
  })

  test('in the packet and in the statement is the same zxid', () => {
    const { bytes, statement } = sent()
    const encoded = encodeSnapshotStatement(statement)
    const { zxid } = statement
    expect(receive(bytes, newSnapshotSink(TREE, encoded, zxid)).result().zxid).toBe(zxid)
    expect(receive(bytes, newSnapshotSink(TREE, null, zxid)).result().zxid).toBeNull()
    const wrong = (zxid + 1n) as Zxid
    expect(() => newSnapshotSink(TREE, encoded, wrong)).toThrow(DecodeError)
    expect(() => newSnapshotSink(TREE, encoded, wrong)).toThrow(
      'a snapshot of 0x3d is said to be of 0x3c',
    )
  })

  test('of somebody else is taken as it is', () => {
    const { bytes } = sent()
    const sink = newSnapshotSink(TREE, new Uint8Array([1, 2, 3]))
    expect(receive(bytes, sink).result().zxid).toBeNull()
  })
})

describe('a stream is refused', () => {
  const BAD: readonly [string, Uint8Array][] = [
    ['without the root', stream([])],
    ['/a comes before its parent', stream([[row('/a'), -1]])],
    [
      '/a/b comes before its parent',
      stream([
        [row('/'), -1],
        [row('/a/b'), -1],
      ]),
    ],
    [
      '/a comes twice',
      stream([
        [row('/'), -1],
        [row('/a'), -1],
        [row('/a'), -1],
      ]),
    ],
    [
      '/ comes twice',
      stream([
        [row('/'), -1],
        [row('/'), -1],
      ]),
    ],
    [
      'a in a snapshot is no path',
      stream([
        [row('/'), -1],
        [row('a'), -1],
      ]),
    ],
    [
      '/a/ in a snapshot is no path',
      stream([
        [row('/'), -1],
        [row('/a'), -1],
        [row('/a/'), -1],
      ]),
    ],
    [
      '// in a snapshot is no path',
      stream([
        [row('/'), -1],
        [row('//'), -1],
      ]),
    ],
    [
      'session 5 comes twice',
      stream(
        [[row('/'), -1]],
        [
          [5n, 1],
          [5n, 2],
        ],
      ),
    ],
  ]

  test.each(BAD)('%s', (reason, bytes) => {
    expect(() => receive(bytes, newSnapshotSink(TREE))).toThrow(DecodeError)
    expect(() => receive(bytes, newSnapshotSink(TREE))).toThrow(reason)
  })

  test('result before the end', () => {
    expect(() => newSnapshotSink(TREE).result()).toThrow('when it is whole')
  })
})

describe('from a server of other make', () => {
  test('sessions without a timeout get one: 0 would mean closed', () => {
    const bytes = stream(
      [[row('/'), -1]],
      [
        [5n, 0],
        [6n, -3],
      ],
    )
    expect(receive(bytes, newSnapshotSink(TREE)).result().sessions()).toEqual([
      { id: 5n, timeoutMs: 1 },
      { id: 6n, timeoutMs: 1 },
    ])
  })

  test('a znode whose ACL is missing is closed to everybody until a transaction brings the ACL', () => {
    const acl = [{ perms: 9, scheme: 'world', id: 'anyone' }]
    const bytes = stream([
      [row('/'), -1],
      [row('/a', { czxid: 7n as Zxid }), 99],
    ])
    const state = newState()
    receive(bytes, newSnapshotSink(TREE))
      .result()
      .moveInto(state, 6n as Zxid)
    expect(state.tree.find('/a')!.acl).toEqual([{ perms: 0, scheme: 'world', id: 'anyone' }])
    const header = { clientId: SESSION, cxid: 1, zxid: 7n as Zxid, time: 0, type: 1 as const }
    const txn = {
      type: 1 as const,
      path: '/a',
      data: null,
      acl,
      ephemeral: false,
      parentCVersion: 1,
    }
    state.apply(header, txn, null)
    expect(state.tree.find('/a')!.acl).toEqual(acl)
    const own = newState()
    const said = encodeSnapshotStatement({ ...own.summary(), endedSessions: [] })
    expect(() => receive(bytes, newSnapshotSink(TREE, said))).toThrow('unknown ACL id 99')
  })

  test('a file is taken with the digest it ends in', () => {
    const path = new URL('../wire/testdata/apache-snapshot.bin', import.meta.url)
    const bytes: Uint8Array = readFileSync(path)
    const options = { ...TREE, form: 'file' as const, valueBytesMax: 1000, bytesMax: 10_000 }
    const sink = new SnapshotSink(options, null)
    expect(() => sink.end()).toThrow(DecodeError)
    receive(bytes, sink, 100)
    expect(sink.isDone).toBe(false)
    sink.end()
    const received = sink.result()
    const { zxid, treeDigest } = received.fileDigest!
    expect(received.summary(zxid)).toMatchObject({ znodes: 69, sessions: 2 })
    expect(received.summary(zxid).digest).toBe(treeDigest)

    // Out again: the same znodes and sessions, under our numbers of ACLs and in our order.
    const state = newState()
    received.moveInto(state, zxid)
    const expected = describeState(state)
    const stream = drain(beginSnapshot(state), 500)
    const again = newState()
    receive(stream, newSnapshotSink(TREE)).result().moveInto(again, zxid)
    expect(describeState(again)).toEqual(expected)
  })
})
