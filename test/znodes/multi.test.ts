import { describe, expect, test } from 'vitest'
import type { Zxid } from '../../src/base/index.ts'
import { ErrorCode, type MultiTxn, OpCode, type Txn } from '../../src/wire/index.ts'
import {
  Bench,
  check,
  create,
  multi,
  remove,
  row,
  rowsOf,
  SESSION,
  set,
  setAcl,
} from './support.ts'

describe('a multi', () => {
  test('replicates a create2 as a create where there may be learners of 3.8.0', () => {
    for (const hasLearners of [false, true]) {
      const bench = new Bench({ hasLearners })
      const made = multi(
        create('/a', { type: OpCode.create2 }),
        create('/b', { type: 19, flags: 4 }),
      )
      const { txns } = bench.propose(made).txn as MultiTxn
      expect(txns.map(({ type }) => type)).toEqual([hasLearners ? 1 : 15, 19])
      expect(bench.commitAll().map(({ err }) => err)).toEqual([0])
      const alone = bench.propose(create('/c', { type: OpCode.create2 }))
      expect(alone.txn.type).toBe(OpCode.create2)
    }
  })

  test('sees its own effects: versions, children, existence, owners, numbers', () => {
    const bench = new Bench()
    bench.must(create('/p'))
    const { results, ...rest } = unpack(
      bench.must(
        multi(
          create('/a'),
          set('/a', 'one', 0),
          set('/a', 'three', 1),
          check('/a', 2),
          remove('/a', 2),
          create('/a', { type: 15, data: 'x' }),
          create('/p/s', { flags: 2 }),
          create('/p/s', { flags: 2, type: 15 }),
          remove('/p/s0000000000'),
          create('/p/s', { flags: 3 }),
        ),
      ),
    )
    expect(rest).toEqual({ type: OpCode.multi, err: 0, path: null, stat: null })
    expect(results.map(({ type }) => type)).toEqual([1, 5, 5, 13, 2, 15, 1, 15, 2, 1])
    expect(results.map(({ path }) => path)).toEqual([
      '/a',
      null,
      null,
      null,
      null,
      '/a',
      '/p/s0000000000',
      '/p/s0000000001',
      null,
      '/p/s0000000002',
    ])
    expect(results[1]!.stat).toMatchObject({ version: 1, dataLength: 3, czxid: 2n, mzxid: 2n })
    expect(results[2]!.stat).toMatchObject({ version: 2, dataLength: 5 })
    expect(results[7]!.stat).toMatchObject({ czxid: 2n, pzxid: 2n })
    expect(bench.at('/p/s0000000002').ephemeralOwner).toBe(SESSION)
    expect(bench.at('/p').storedCversion).toBe(3)
    expect(bench.tree.digestMismatches).toBe(0)
  })

  test('fires the events of each op in order, all with its zxid', () => {
    const bench = new Bench()
    bench.must(multi(create('/a'), create('/a/b'), set('/a', 'x'), remove('/a/b'), check('/a')))
    expect(bench.events).toEqual([
      'created /a in / at 1',
      'created /a/b in /a at 1',
      'changed /a at 1',
      'deleted /a/b in /a at 1',
    ])
  })

  test('an ephemeral made in it has no children', () => {
    const bench = new Bench()
    const failed = bench.run(multi(create('/e', { flags: 1 }), create('/e/x')))
    expect(unpack(failed).results.map(({ err }) => err)).toEqual([
      0,
      ErrorCode.noChildrenForEphemerals,
    ])
    expect(bench.tree.ephemeralsOf(SESSION).size).toBe(0)
  })

  test('may be empty', () => {
    const bench = new Bench()
    const digest = bench.tree.digest()
    const prepared = bench.propose(multi())
    expect(prepared.txn).toEqual({ type: OpCode.multi, txns: [] })
    expect(prepared.digest).toBe(digest)
    expect(unpack(bench.commit()).results).toEqual([])
  })

  test('container and TTL results are of type 15, in whatever form they were asked for', () => {
    const bench = new Bench()
    const { results } = unpack(
      bench.must(
        multi(
          create('/c19', { type: 19, flags: 4 }),
          create('/c1', { type: 1, flags: 4 }),
          create('/c15', { type: 15, flags: 4 }),
          create('/c0', { type: 19, flags: 0 }),
          create('/t', { type: 21, flags: 5, ttl: 9n }),
        ),
      ),
    )
    expect(results.map(({ type }) => type)).toEqual([15, 15, 15, 15, 15])
    expect(results.every(({ stat }) => stat?.ephemeralOwner === 0n)).toBe(true)
    expect(bench.tree.sweepables.containerCount).toBe(4)
    expect(bench.tree.sweepables.ttlCount).toBe(1)
    expect(bench.tree.digestMismatches).toBe(0)
  })

  test('createTTL without a TTL mode is a plain create, and only there', () => {
    const bench = new Bench()
    const op = create('/x', { type: 21, flags: 0, ttl: -1n })
    const { results } = unpack(bench.must(multi(op)))
    expect(results).toMatchObject([{ type: OpCode.create, path: '/x' }])
    expect(bench.at('/x').storedOwner).toBe(0n)
    for (const ttl of [-1n, 0n, 5n]) {
      expect(bench.run(create('/y', { type: 21, flags: 0, ttl })).err).toBe(ErrorCode.badArguments)
    }
  })

  test('op 1 with flag 4 alone makes a plain persistent znode', () => {
    const bench = new Bench()
    bench.must(create('/x', { flags: 4 }))
    bench.must(create('/y', { flags: 4, type: 15 }))
    expect([bench.at('/x').storedOwner, bench.at('/y').storedOwner]).toEqual([0n, 0n])
    expect(bench.tree.digestMismatches).toBe(0)
  })
})

describe('a refused multi', () => {
  test('logs the ops before, the error, and -2 for the rest; changes nothing; takes a zxid', () => {
    const bench = new Bench()
    bench.must(create('/p'))
    bench.must(create('/p/x'))
    const before = rowsOf(bench.tree)
    const digest = bench.tree.digest()
    const prepared = bench.propose(
      multi(
        create('/p/s', { flags: 2 }),
        set('/p', 'new'),
        remove('/p'),
        create('/q'),
        check('/p'),
      ),
    )
    const types = (prepared.txn as MultiTxn).txns.map(({ type }) => type)
    expect(types).toEqual([1, 5, -1, -1, -1])
    expect(prepared.header.type).toBe(OpCode.multi)
    expect(prepared.digest).toBe(digest)
    bench.events.length = 0
    const result = unpack(bench.commit())
    expect([result.type, result.err]).toEqual([OpCode.multi, 0])
    expect(result.results.map(({ type, err }) => [type, err])).toEqual([
      [-1, 0],
      [-1, 0],
      [-1, ErrorCode.notEmpty],
      [-1, -2],
      [-1, -2],
    ])
    expect(rowsOf(bench.tree)).toEqual(before)
    expect(bench.events).toEqual([])
    expect(bench.tree.lastAppliedZxid).toBe(3n)
  })

  test('with ops after the error, from whatever server, changes nothing either', () => {
    const bench = new Bench()
    const header = { clientId: SESSION, cxid: 1, zxid: 1n as Zxid, time: 1, type: OpCode.multi }
    const make = { type: 1, data: null, acl: [], ephemeral: false, parentCVersion: 1 } as const
    const txns: Txn[] = [
      { ...make, path: '/a' },
      { type: -1, err: -103 },
      { ...make, path: '/b' },
    ]
    const { results } = unpack(bench.tree.apply(header, { type: OpCode.multi, txns }))
    expect(results.map(({ type, err }) => [type, err])).toEqual([
      [-1, 0],
      [-1, -103],
      [-1, -2],
    ])
    expect(bench.tree.znodeCount).toBe(4)
  })

  test('rolls back exactly what it had changed, over changes still on their way', () => {
    const bench = new Bench()
    bench.must(create('/p'))
    bench.propose(create('/p/s', { flags: 2 }))
    bench.propose(set('/p', 'mine', 0))
    bench.propose(
      multi(
        create('/p/s', { flags: 2 }),
        set('/p', 'not mine', 1),
        remove('/p/s0000000000'),
        create('/p/s', { flags: 2 }),
        check('/nowhere'),
      ),
    )
    expect(bench.preparer.pending.find('/p')).toMatchObject({
      version: 1,
      storedCversion: 1,
      data: 'mine',
    })
    expect(pathOf(bench.propose(create('/p/s', { flags: 2 })).txn)).toBe('/p/s0000000001')
    expect(pathOf(bench.propose(create('/p/s', { flags: 2 })).txn)).toBe('/p/s0000000002')
    bench.propose(set('/p', 'mine again', 1))
    const results = bench.commitAll()
    expect(results.map(({ err }) => err)).toEqual([0, 0, 0, 0, 0, 0])
    expect(bench.at('/p').data).toBe('mine again')
    expect(bench.tree.childNames(bench.at('/p')).sort()).toEqual([
      's0000000000',
      's0000000001',
      's0000000002',
    ])
    expect(bench.tree.digestMismatches).toBe(0)
  })

  test('leaves no ephemeral of its own behind for a closing session', () => {
    const bench = new Bench()
    bench.propose(multi(create('/e', { flags: 1 }), check('/nowhere')))
    expect(bench.propose({ type: OpCode.closeSession }).txn).toEqual({
      type: OpCode.closeSession,
      paths: [],
    })
  })

  test.each([
    ['unknown flags', [create('/a'), create('/b', { flags: 7 })]],
    ['TTL flags without a TTL', [create('/a'), create('/b', { type: 15, flags: 5 })]],
    ['setACL', [create('/a'), setAcl('/a', null)]],
    ['a null path', [create('/a'), remove(null)]],
    [
      'a null id in an ACL',
      [create('/a'), create('/b', { acl: [{ perms: 1, scheme: 'digest', id: null }] })],
    ],
  ])('as a whole, by -5, for %s', (_, ops) => {
    const bench = new Bench()
    const prepared = bench.propose(multi(...ops))
    expect(prepared.txn).toEqual({ type: OpCode.error, err: ErrorCode.marshallingError })
    expect(prepared.header.type).toBe(OpCode.error)
    expect(prepared.digest).toBeNull()
    expect(bench.commit().err).toBe(ErrorCode.marshallingError)
    expect(bench.propose(create('/a')).txn.type).toBe(OpCode.create)
  })

  test.each([
    ['a null path of setData', set(null, ''), ErrorCode.badArguments],
    ['a null path of check', check(null), ErrorCode.badArguments],
    ['unknown flags of createTTL', create('/b', { type: 21, flags: 9 }), ErrorCode.badArguments],
    ['a TTL of 0', create('/b', { type: 21, flags: 5, ttl: 0n }), ErrorCode.badArguments],
  ])('by its op for %s', (_, op, err) => {
    const { results } = unpack(new Bench().run(multi(op)))
    expect(results).toMatchObject([{ type: -1, err }])
  })

  test('a second create of the same path is the one that fails', () => {
    const { results } = unpack(new Bench().run(multi(create('/a'), create('/a'))))
    expect(results.map(({ err }) => err)).toEqual([0, ErrorCode.nodeExists])
  })
})

describe('single writes', () => {
  test('a refused one is an error transaction with its own zxid and without digest', () => {
    const bench = new Bench()
    const prepared = bench.propose(remove('/none'))
    expect(prepared.header).toMatchObject({ type: -1, zxid: 1n, clientId: SESSION, cxid: 1 })
    expect(prepared.txn).toEqual({ type: -1, err: ErrorCode.noNode })
    expect(prepared.digest).toBeNull()
    const result = bench.commit()
    expect(result).toEqual({ type: -1, err: ErrorCode.noNode, path: null, stat: null, ops: null })
    expect(bench.tree.lastAppliedZxid).toBe(1n)
  })

  test('null paths', () => {
    const bench = new Bench()
    const errs = [create(null), remove(null), set(null, ''), setAcl(null, null)].map(
      (request) => bench.run(request).err,
    )
    expect(errs).toEqual([-5, -5, -8, -8])
    expect(bench.run(check('/')).err).toBe(ErrorCode.unimplemented)
  })

  test('sessions begin and end without touching the tree', () => {
    const bench = new Bench()
    const digest = bench.tree.digest()
    const prepared = bench.propose({ type: OpCode.createSession, timeOut: 4000 })
    expect(prepared.txn).toEqual({ type: OpCode.createSession, timeOut: 4000 })
    expect(prepared.digest).toBe(digest)
    expect(bench.commit().err).toBe(0)
  })

  test('transactions carry the new versions', () => {
    const bench = new Bench()
    bench.must(create('/a'))
    const txnOf = (request: Parameters<Bench['propose']>[0]): Txn => bench.propose(request).txn
    expect(txnOf(set('/a', 'x'))).toMatchObject({ version: 1 })
    expect(txnOf(setAcl('/a', [{ perms: 31, scheme: 'world', id: 'anyone' }]))).toMatchObject({
      version: 1,
    })
    expect((txnOf(multi(check('/a', 1))) as MultiTxn).txns).toMatchObject([{ version: 2 }])
  })

  test('deletion in a view with pending changes', () => {
    const bench = new Bench()
    bench.tree.loadZnode(row('/p', { storedCversion: 4 }))
    bench.propose(create('/p/x'))
    expect(bench.propose(remove('/p')).txn).toMatchObject({ err: ErrorCode.notEmpty })
    bench.propose(remove('/p/x'))
    expect(bench.propose(remove('/p/x')).txn).toMatchObject({ err: ErrorCode.noNode })
    bench.propose(remove('/p'))
    expect(bench.propose(create('/p/x')).txn).toMatchObject({ err: ErrorCode.noNode })
    expect(pathOf(bench.propose(create('/p')).txn)).toBe('/p')
    expect(pathOf(bench.propose(create('/p/s', { flags: 2 })).txn)).toBe('/p/s0000000000')
    expect(bench.commitAll().filter(({ err }) => err !== 0).length).toBe(3)
    expect(bench.tree.digestMismatches).toBe(0)
  })
})

function unpack(result: ReturnType<Bench['run']>) {
  const { ops, ...rest } = result
  return { ...rest, results: ops! }
}

function pathOf(txn: Txn): string {
  return txn.type === OpCode.create ? txn.path : `type ${txn.type}`
}
