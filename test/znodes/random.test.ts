import { describe, expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/index.ts'
import type { AuthId, WriteOp, WriteRequest } from '../../src/wire/index.ts'
import { DataTree } from '../../src/znodes/index.ts'
import {
  Bench,
  CLOSE_SESSION,
  check,
  create,
  describeRow,
  multi,
  NO_EVENTS,
  NOBODY,
  Random,
  remove,
  rowsOf,
  set,
  setAcl,
} from './support.ts'

const SEEDS = [1, 2, 3, 20_240_601]
const OPS = 2500

const ALICE: readonly AuthId[] = [...NOBODY, { scheme: 'digest', id: 'alice:x' }]
const ACLS = [
  [{ perms: 31, scheme: 'world', id: 'anyone' }],
  [{ perms: 15, scheme: 'auth', id: '' }],
  [{ perms: 1, scheme: 'world', id: 'anyone' }],
  [],
]
const QUOTA = '/zookeeper/quota/a'

interface Write {
  readonly request: WriteRequest
  readonly sessionId: SessionId
  readonly ids: readonly AuthId[]
}

/** A few paths, so that writes meet; deep enough for parents to come and go. */
function randomPath(random: Random): string {
  const names = ['a', 'b', 'c']
  let path = ''
  for (let depth = random.int(3); depth >= 0; depth--) path += `/${random.pick(names)}`
  return path
}

function randomOp(random: Random): WriteOp {
  const path = randomPath(random)
  const version = random.pick([-1, -1, -1, 0, 1])
  const data = random.pick([null, '', 'x', 'some data', '0123456789'.repeat(3)])
  switch (random.int(12)) {
    case 0:
    case 1:
    case 2:
      return create(path, { data, flags: random.pick([0, 1, 0, 3, 2, 9]), acl: random.pick(ACLS) })
    case 3:
      return create(path, { data, type: 15, flags: random.pick([0, 1, 2, 4]) })
    case 4:
      return random.int(2) === 0
        ? create(path, { type: 19, flags: random.pick([4, 2]) })
        : create(path, { type: 21, flags: random.pick([5, 6, 0]), ttl: random.pick([0n, 5n]) })
    case 5:
    case 6:
    case 7:
      return remove(path, version)
    case 8:
    case 9:
      return set(path, data, version)
    case 10:
      return random.pick([
        create(QUOTA),
        create(`${QUOTA}/zookeeper_limits`, { data: 'countHardLimit=6;byteHardLimit=80' }),
        create(`${QUOTA}/zookeeper_stats`),
        set(`${QUOTA}/zookeeper_limits`, random.pick(['count=2', 'byteHardLimit=30'])),
        remove(`${QUOTA}/zookeeper_limits`),
        remove(`${QUOTA}/zookeeper_stats`),
      ])
    default:
      return check(path, version)
  }
}

function randomWrite(random: Random): Write {
  const sessionId = BigInt(random.int(3) + 1) as SessionId
  const ids = random.pick([NOBODY, ALICE])
  const roll = random.int(20)
  let request: WriteRequest
  if (roll === 0) request = CLOSE_SESSION
  else if (roll < 5) {
    request = multi(...Array.from({ length: random.int(5) }, () => randomOp(random)))
  } else if (roll === 5) request = setAcl(randomPath(random), random.pick(ACLS))
  else if (roll === 6) request = { type: 20, path: randomPath(random) }
  else request = randomOp(random)
  return { request, sessionId, ids }
}

describe.each(SEEDS)('seed %i', (seed) => {
  test('writes prepared while others are on their way have the effect of writes one by one', () => {
    const random = new Random(seed)
    const options = { enforceQuota: true, isQuiet: true }
    const apart = new Bench(options)
    const together = new Bench(options)
    let succeeded = 0
    for (let i = 0; i < OPS; i++) {
      const { request, sessionId, ids } = randomWrite(random)
      const expected = apart.propose(request, { sessionId, ids })
      if (apart.commit().err === 0) succeeded += 1
      const got = together.propose(request, { sessionId, ids })
      expect(withoutOrder(got), `seed=${seed} write=${i}`).toEqual(withoutOrder(expected))
      while (together.inFlight > random.int(60)) together.commit()
    }
    together.commitAll()
    expect(rowsOf(together.tree), `seed=${seed}`).toEqual(rowsOf(apart.tree))
    expect(together.tree.systemDigest()).toBe(apart.tree.systemDigest())
    expect([apart.tree.digestMismatches, together.tree.digestMismatches]).toEqual([0, 0])
    expect(together.preparer.pending.size).toBe(0)
    expect(succeeded, 'the mixture is not all errors').toBeGreaterThan(OPS / 4)
    expect(describeIndexes(together.tree)).toEqual(describeIndexes(rebuilt(together.tree)))
  })

  test('a refused multi changes neither tree, nor digests, nor what is on its way', () => {
    const random = new Random(seed)
    const bench = new Bench({ isQuiet: true })
    const twin = new Bench({ isQuiet: true })
    let refused = 0
    for (let i = 0; i < OPS; i++) {
      const { request, sessionId, ids } = randomWrite(random)
      bench.propose(request, { sessionId, ids })
      twin.propose(request, { sessionId, ids })
      if (random.int(3) === 0) {
        const ops = [...Array.from({ length: 4 }, () => randomOp(random)), check('/no/such/znode')]
        const { txn, digest } = bench.propose(multi(...ops), { sessionId, ids })
        expect(txn.type === 14 ? txn.txns.some((op) => op.type === -1) : txn.type === -1).toBe(true)
        if (digest !== null) expect(digest).toBe(bench.preparer.pending.digest())
        twin.propose(check('/'), { sessionId, ids })
        refused += 1
      }
      while (bench.inFlight > random.int(20)) {
        bench.commit()
        twin.commit()
        expect(bench.tree.digest(), `seed=${seed} write=${i}`).toBe(twin.tree.digest())
      }
    }
    bench.commitAll()
    twin.commitAll()
    expect(refused).toBeGreaterThan(100)
    expect(rowsOf(bench.tree), `seed=${seed}`).toEqual(rowsOf(twin.tree))
    expect(bench.tree.digestMismatches).toBe(0)
  })

  test('a checkpoint taken in pieces among changes is exact at one zxid', () => {
    const random = new Random(seed)
    const { tree, ...rest } = benchOf(random)
    const stored = new Map<string, string>()
    let taken = 0
    let aborted = 0
    let expected: Map<string, string> | null = null
    const pieces = new Map<string, string | null>()
    for (let i = 0; i < OPS; i++) {
      rest.writeOne()
      const { changes } = tree
      if (!changes.isCheckpointRunning) {
        if (random.int(30) !== 0) continue
        changes.beginCheckpoint()
        expected = rowsOf(tree)
        pieces.clear()
      } else if (random.int(3) === 0) {
        const part = changes.next(1 + random.int(5))
        for (const { path, row } of part) {
          expect(pieces.has(path), `seed=${seed}: ${path} is given out once`).toBe(false)
          pieces.set(path, row === null ? null : describeRow(row))
        }
        if (part.length > 0 && random.int(12) !== 0) continue
        const isDurable = part.length === 0
        changes.endCheckpoint(isDurable)
        if (!isDurable) {
          aborted += 1
          continue
        }
        taken += 1
        for (const [path, text] of pieces) {
          if (text === null) stored.delete(path)
          else stored.set(path, text)
        }
        expect(new Map([...stored].sort(byPath)), `seed=${seed} write=${i}`).toEqual(expected)
      }
    }
    expect(taken).toBeGreaterThan(15)
    expect(aborted).toBeGreaterThan(3)
  })
})

test('a new tree counts as changed as a whole, a loaded one not at all', () => {
  const tree = new DataTree(NO_EVENTS, { extendedTypesEnabled: true })
  tree.changes.beginCheckpoint()
  const rows = tree.changes.next(100)
  expect(rows.map(({ path }) => path).sort()).toEqual([
    '/',
    '/zookeeper',
    '/zookeeper/config',
    '/zookeeper/quota',
  ])
  expect(tree.changes.next(1)).toEqual([])
  tree.changes.endCheckpoint(true)
  expect(tree.changes.changeCount).toBe(0)
})

function benchOf(random: Random): { tree: DataTree; writeOne: () => void } {
  const bench = new Bench({ enforceQuota: true, isQuiet: true })
  return {
    tree: bench.tree,
    writeOne: () => {
      const { request, sessionId, ids } = randomWrite(random)
      bench.run(request, { sessionId, ids })
    },
  }
}

/** The paths of a closed session may come in any order. */
function withoutOrder(prepared: ReturnType<Bench['propose']>): unknown {
  const { txn } = prepared
  if (txn.type !== -11) return prepared
  return { ...prepared, txn: { ...txn, paths: [...txn.paths!].sort() } }
}

/** The tree made anew from its rows: its indexes are what they should be. */
function rebuilt(tree: DataTree): DataTree {
  const copy = new DataTree(NO_EVENTS, { extendedTypesEnabled: true })
  copy.beginLoad()
  for (const znode of [...tree.znodes()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    copy.loadZnode(znode)
  }
  copy.endLoad(tree.lastAppliedZxid)
  return copy
}

function describeIndexes(tree: DataTree): unknown {
  const children: string[] = []
  for (const znode of tree.znodes()) {
    children.push(`${znode.path}: ${znode.numChildren} ${tree.childNames(znode).sort()}`)
  }
  return {
    zxid: tree.lastAppliedZxid satisfies Zxid,
    digests: [tree.digest(), tree.systemDigest()],
    counts: [tree.znodeCount, tree.dataBytes, tree.ephemeralCount],
    sweepables: [tree.sweepables.containerCount, tree.sweepables.ttlCount],
    ephemerals: [...tree.ephemerals()].map(([id, paths]) => `${id}: ${[...paths].sort()}`).sort(),
    children: children.sort(),
    hasQuotas: tree.hasQuotas,
  }
}

function byPath([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1
}
