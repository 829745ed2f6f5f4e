import { describe, expect, test } from 'vitest'
import { InvariantError, type SessionId, type Zxid } from '../../src/base/index.ts'
import { OpCode } from '../../src/wire/index.ts'
import {
  Bench,
  CLOSE_SESSION,
  create,
  OTHER_SESSION,
  remove,
  row,
  rowsOf,
  SESSION,
  set,
  setAcl,
} from './support.ts'

const READ_ONLY = [{ perms: 1, scheme: 'world', id: 'anyone' }]

describe('the tree of a new server', () => {
  const { tree } = new Bench()

  test('has four znodes with the stat of upstream', () => {
    expect([...rowsOf(tree).keys()]).toEqual([
      '/',
      '/zookeeper',
      '/zookeeper/config',
      '/zookeeper/quota',
    ])
    expect(tree.znodeCount).toBe(4)
    expect(tree.dataBytes).toBe(44)
    for (const znode of tree.znodes()) {
      const { czxid, mzxid, pzxid, ctime, mtime, version, dataLength, data } = znode
      expect([czxid, mzxid, pzxid]).toEqual([0n, 0n, 0n])
      expect([ctime, mtime, version, dataLength, data]).toEqual([0, 0, 0, 0, ''])
    }
  })

  test.each([
    ['/', -1, 1, 0, 31],
    ['/zookeeper', -2, 2, 0, 31],
    ['/zookeeper/quota', 0, 0, 0, 31],
    ['/zookeeper/config', 0, 0, -1, 1],
  ])(
    '%s has cversion %i, %i children, aversion %i',
    (path, cversion, children, aversion, perms) => {
      const znode = tree.find(path)!
      expect([znode.cversion, znode.numChildren, znode.aversion]).toEqual([
        cversion,
        children,
        aversion,
      ])
      expect(znode.acl).toEqual([{ perms, scheme: 'world', id: 'anyone' }])
    },
  )

  test('knows no other spelling of a path', () => {
    for (const path of ['', 'zookeeper', '/zookeeper/', '//', '/none']) {
      expect(tree.find(path)).toBeUndefined()
    }
  })
})

describe('stat arithmetic', () => {
  test('create: czxid = mzxid = pzxid, times from the header, counters 0; the parent gets cversion and pzxid', () => {
    const bench = new Bench()
    const result = bench.must(create('/a', { type: 15, data: 'abc' }), { timeMs: 77 })
    expect(result.path).toBe('/a')
    expect(result.stat).toEqual({
      czxid: 1n,
      mzxid: 1n,
      pzxid: 1n,
      ctime: 77,
      mtime: 77,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0n,
      dataLength: 3,
      numChildren: 0,
    })
    const root = bench.at('/')
    expect([root.cversion, root.numChildren, root.pzxid]).toEqual([0, 2, 1n])
    expect([root.mzxid, root.mtime, root.version]).toEqual([0n, 0, 0])
  })

  test('setData changes version, mzxid and mtime and nothing else', () => {
    const bench = new Bench()
    bench.must(create('/a'), { timeMs: 5 })
    const { stat } = bench.must(set('/a', 'xyz'), { timeMs: 9 })
    expect(stat).toMatchObject({ czxid: 1n, mzxid: 2n, pzxid: 1n, ctime: 5, mtime: 9, version: 1 })
    expect(stat).toMatchObject({ dataLength: 3, cversion: 0, aversion: 0 })
    expect(bench.at('/').pzxid).toBe(1n)
  })

  test('setACL changes aversion and nothing else', () => {
    const bench = new Bench()
    bench.must(create('/a'), { timeMs: 5 })
    const before = rowsOf(bench.tree).get('/a')!
    const { stat } = bench.must(setAcl('/a', READ_ONLY), { timeMs: 9 })
    expect(stat!.aversion).toBe(1)
    const after = rowsOf(bench.tree).get('/a')!
    expect(after).toBe(before.replace('anyone:31', 'anyone:1').replace('a0', 'a1'))
    expect(bench.at('/a').acl).toEqual(READ_ONLY)
  })

  test('cversion rises with creates and deletes of children, pzxid with both', () => {
    const bench = new Bench()
    bench.must(create('/a'))
    const a = bench.at('/a')
    const seen: unknown[] = []
    for (const op of [
      create('/a/x'),
      create('/a/y'),
      remove('/a/x'),
      create('/a/x'),
      remove('/a/y'),
    ]) {
      bench.must(op)
      seen.push([a.cversion, a.numChildren, a.pzxid, a.storedCversion])
    }
    expect(seen).toEqual([
      [1, 1, 2n, 1],
      [2, 2, 3n, 2],
      [3, 1, 4n, 2],
      [4, 2, 5n, 3],
      [5, 1, 6n, 3],
    ])
  })

  test('wire cversion wraps as an int32', () => {
    const bench = new Bench()
    bench.tree.loadZnode(row('/big', { storedCversion: 2_000_000_000 }))
    expect(bench.at('/big').cversion).toBe(4_000_000_000 - 2 ** 32)
  })

  test('versions wrap, -1 included', () => {
    const bench = new Bench()
    bench.tree.loadZnode(row('/max', { version: 2_147_483_647, aversion: 2_147_483_647 }))
    bench.tree.loadZnode(row('/minus2', { version: -2 }))
    bench.must(set('/max', '', 2_147_483_647))
    bench.must(setAcl('/max', READ_ONLY))
    bench.must(set('/minus2', ''))
    expect(bench.at('/max').version).toBe(-2_147_483_648)
    expect(bench.at('/max').aversion).toBe(-2_147_483_648)
    expect(bench.at('/minus2').version).toBe(-1)
    expect(bench.run(set('/minus2', '', -2)).err).toBe(-103)
  })

  test('null data and empty data stay apart', () => {
    const bench = new Bench()
    bench.must(create('/null', { data: null }))
    bench.must(create('/empty', { data: '' }))
    expect([bench.at('/null').data, bench.at('/empty').data]).toEqual([null, ''])
    bench.must(set('/empty', null))
    expect(bench.at('/empty').data).toBeNull()
  })

  test('the stored owner of a container or TTL node does not show', () => {
    const bench = new Bench()
    bench.must(create('/c', { type: 19, flags: 4 }))
    bench.must(create('/t', { type: 21, flags: 5, ttl: 1n }))
    bench.must(create('/e', { flags: 1 }))
    expect(bench.at('/c').storedOwner).toBe(-0x8000_0000_0000_0000n)
    expect(BigInt.asUintN(64, bench.at('/t').storedOwner)).toBe(0xff00_0000_0000_0001n)
    const owners = ['/c', '/t', '/e'].map((path) => bench.at(path).ephemeralOwner)
    expect(owners).toEqual([0n, 0n, SESSION])
  })

  test('without extended types a TTL is the id of a session', () => {
    const bench = new Bench({ extendedTypesEnabled: false })
    const owner = BigInt.asIntN(64, 0xff00_0000_0000_0001n) as SessionId
    bench.tree.loadZnode(row('/t', { storedOwner: owner }))
    expect(bench.at('/t').ephemeralOwner).toBe(owner)
    expect([...bench.tree.ephemeralsOf(owner)]).toEqual(['/t'])
  })

  test('a result does not change with the znode', () => {
    const bench = new Bench()
    bench.must(create('/a'))
    const first = bench.must(set('/a', 'x')).stat!
    bench.must(set('/a', 'xy'))
    expect([first.version, first.dataLength]).toEqual([1, 1])
  })
})

describe('sequential names', () => {
  test('count all creates below the parent, never the deletes', () => {
    const bench = new Bench()
    bench.must(create('/p'))
    expect(bench.must(create('/p/s', { flags: 2 })).path).toBe('/p/s0000000000')
    bench.must(create('/p/plain'))
    bench.must(remove('/p/plain'))
    bench.run(create('/p/s0000000000'))
    expect(bench.must(create('/p/e', { flags: 3 })).path).toBe('/p/e0000000002')
    expect(bench.must(create('/p/c', { type: 19, flags: 2 })).path).toBe('/p/c0000000003')
    expect(bench.must(create('/p/t', { type: 21, flags: 6, ttl: 1n })).path).toBe('/p/t0000000004')
    expect(bench.at('/p/e0000000002').ephemeralOwner).toBe(SESSION)
  })

  test('paths are validated with the number: /p/ and /p/. are good prefixes', () => {
    const bench = new Bench()
    bench.must(create('/p'))
    expect(bench.must(create('/p/', { flags: 2 })).path).toBe('/p/0000000000')
    expect(bench.must(create('/p/.', { flags: 2 })).path).toBe('/p/.0000000001')
    expect(bench.must(create('/', { flags: 2 })).path).toBe('/0000000001')
    expect(bench.run(create('/p//', { flags: 2 })).err, 'the parent /p/ does not exist').toBe(-101)
    expect(bench.run(create('//', { flags: 2 })).err, 'the parent / does').toBe(-8)
    expect(bench.run(create('/')).err).toBe(-110)
  })

  test.each([
    [-3, ['/p/s-000000003', '/p/s-000000002', '/p/s-000000001', '/p/s0000000000']],
    [2_147_483_645, ['/p/s2147483645', '/p/s2147483646', '/p/s2147483647']],
  ])('go on from %i as a signed int32', (storedCversion, expected) => {
    for (const inFlight of [false, true]) {
      const bench = new Bench()
      bench.tree.loadZnode(row('/p', { storedCversion }))
      const paths = expected.map(() => {
        const { txn } = bench.propose(create('/p/s', { flags: 2 }))
        if (!inFlight) bench.commitAll()
        return txn.type === OpCode.create ? txn.path : ''
      })
      bench.commitAll()
      expect(paths).toEqual(expected)
      expect(bench.tree.digestMismatches).toBe(0)
    }
  })

  test.each(['one by one', 'in flight'])('stick at 2^31 - 1, %s', (way) => {
    const bench = new Bench()
    bench.tree.loadZnode(row('/p', { storedCversion: 2_147_483_647 }))
    const errs = [0, 1, 2].map(() => {
      const { txn } = bench.propose(create('/p/s', { flags: 2 }))
      if (way === 'one by one') bench.commitAll()
      return txn.type === OpCode.error ? txn.err : 0
    })
    bench.commitAll()
    expect(errs).toEqual([0, -110, -110])
    const p = bench.at('/p')
    expect([p.storedCversion, p.numChildren, p.pzxid]).toEqual([2_147_483_647, 1, 0n])
    expect(bench.tree.digestMismatches).toBe(0)
    bench.must(remove('/p/s2147483647'))
    expect(bench.must(create('/p/s', { flags: 2 })).path).toBe('/p/s2147483647')
  })

  test('a transaction of an old server without counter adds one', () => {
    const bench = new Bench()
    const { header, txn } = bench.propose(create('/a'))
    bench.tree.apply(header, { ...txn, parentCVersion: -1 } as typeof txn)
    expect(bench.at('/').storedCversion).toBe(1)
  })
})

describe('closing a session', () => {
  test('deletes its ephemerals, those on their way too, but not those deleted or taken over on their way', () => {
    const bench = new Bench()
    bench.must(create('/p'))
    for (const name of ['a', 'b', 'c']) bench.must(create(`/p/${name}`, { flags: 1 }))
    bench.must(create('/p/other', { flags: 1 }), { sessionId: OTHER_SESSION })
    bench.propose(remove('/p/a'))
    bench.propose(create('/p/d', { flags: 1 }))
    bench.propose(create('/p/e', { flags: 1 }))
    bench.propose(remove('/p/e'))
    bench.propose(remove('/p/b'))
    bench.propose(create('/p/b', { flags: 1 }), { sessionId: OTHER_SESSION })
    bench.propose(remove('/p/c'))
    bench.propose(create('/p/c', { flags: 1 }))
    bench.propose(set('/p/d', 'later'))
    const { txn } = bench.propose(CLOSE_SESSION)
    expect(txn.type === OpCode.closeSession && [...txn.paths!].sort()).toEqual(['/p/c', '/p/d'])
    bench.propose(create('/p/d'))
    const results = bench.commitAll()
    expect(results.every(({ err }) => err === 0)).toBe(true)
    expect(bench.tree.childNames(bench.at('/p')).sort()).toEqual(['b', 'd', 'other'])
    expect(bench.tree.ephemeralsOf(SESSION).size).toBe(0)
    expect([...bench.tree.ephemeralsOf(OTHER_SESSION)].sort()).toEqual(['/p/b', '/p/other'])
    expect(bench.tree.ephemeralCount).toBe(2)
    expect(bench.tree.digestMismatches).toBe(0)
  })

  test('finds an ephemeral whose first state is applied while a later one is on its way', () => {
    const bench = new Bench()
    bench.propose(create('/e', { flags: 1 }))
    bench.propose(remove('/e'))
    bench.propose(create('/e', { flags: 1 }))
    bench.commit()
    const { txn } = bench.propose(CLOSE_SESSION)
    expect(txn).toEqual({ type: OpCode.closeSession, paths: ['/e'] })
    bench.commitAll()
    expect(bench.tree.find('/e')).toBeUndefined()
    expect(bench.propose(CLOSE_SESSION).txn).toEqual({ type: OpCode.closeSession, paths: [] })
  })

  test('one zxid for all, events for each, parents count every delete', () => {
    const bench = new Bench()
    bench.must(create('/p'))
    bench.must(create('/p/a', { flags: 1 }))
    bench.must(create('/p/b', { flags: 1 }))
    bench.events.length = 0
    bench.must(CLOSE_SESSION)
    expect(bench.events).toEqual(['deleted /p/a in /p at 4', 'deleted /p/b in /p at 4'])
    expect([bench.at('/p').pzxid, bench.at('/p').cversion]).toEqual([4n, 4])
  })

  test('without a list, from an old server, everything the session has goes', () => {
    const bench = new Bench()
    bench.must(create('/a', { flags: 1 }))
    bench.must(create('/b', { flags: 1 }))
    const header = { clientId: SESSION, cxid: 0, zxid: 9n as Zxid, time: 1, type: -11 }
    bench.tree.apply(header, { type: OpCode.closeSession, paths: null })
    expect(bench.tree.znodeCount).toBe(4)
    bench.must(create('/c', { flags: 1 }), { sessionId: OTHER_SESSION })
    bench.tree.apply(
      { ...header, clientId: OTHER_SESSION },
      { type: OpCode.closeSession, paths: [] },
    )
    expect(bench.tree.znodeCount, 'what the list forgot goes as well').toBe(4)
  })
})

describe('transactions that make no sense on this tree', () => {
  test.each([
    [
      'create below nothing',
      { type: 1, path: '/x/y', data: null, acl: [], ephemeral: false, parentCVersion: 1 },
      -101,
    ],
    [
      'create again',
      { type: 1, path: '/a', data: null, acl: [], ephemeral: false, parentCVersion: 9 },
      -110,
    ],
    ['delete nothing', { type: 2, path: '/x' }, -101],
    ['delete below nothing', { type: 2, path: '/x/y' }, -101],
    ['delete the root', { type: 2, path: '/' }, -101],
    ['set nothing', { type: 5, path: '/x', data: null, version: 1 }, -101],
    ['setACL of nothing', { type: 7, path: '/x', acl: [], version: 1 }, -101],
  ] as const)('%s: an error, and the digest still fits the content', (_, txn, err) => {
    const bench = new Bench()
    bench.must(create('/a'))
    const header = { clientId: SESSION, cxid: 0, zxid: 5n as Zxid, time: 1, type: txn.type }
    expect(bench.tree.apply(header, txn).err).toBe(err)
    expect(bench.tree.digest()).toBe(reload(bench).digest())
    expect(bench.tree.lastAppliedZxid).toBe(5n)
    if (err === -110) expect(bench.at('/').storedCversion, 'as upstream, while replaying').toBe(9)
  })
})

test('pzxid never goes back', () => {
  const bench = new Bench()
  bench.must(create('/a'))
  bench.must(create('/b'))
  const header = { clientId: SESSION, cxid: 0, zxid: 1n as Zxid, time: 1, type: 2 }
  bench.tree.apply(header, { type: OpCode.delete, path: '/a' })
  expect(bench.at('/').pzxid).toBe(2n)
})

describe('loading', () => {
  test('gives the same tree', () => {
    const bench = new Bench()
    bench.must(create('/a'))
    bench.must(create('/a/e', { flags: 1, acl: READ_ONLY }))
    bench.must(create('/c', { type: 19, flags: 4 }))
    bench.must(create('/t', { type: 21, flags: 5, ttl: 7n }))
    bench.must(create('/zookeeper/quota/a'))
    bench.must(create('/zookeeper/quota/a/zookeeper_limits', { data: 'count=1' }))
    bench.must(create('/zookeeper/quota/a/zookeeper_stats'))
    const { tree } = bench
    const loaded = reload(bench)
    expect(rowsOf(loaded)).toEqual(rowsOf(tree))
    expect(loaded.digest()).toBe(tree.digest())
    expect(loaded.systemDigest()).toBe(tree.systemDigest())
    expect(loaded.znodeCount).toBe(tree.znodeCount)
    expect(loaded.dataBytes).toBe(tree.dataBytes)
    expect(loaded.lastAppliedZxid).toBe(tree.lastAppliedZxid)
    expect([...loaded.ephemeralsOf(SESSION)]).toEqual(['/a/e'])
    expect([loaded.sweepables.containerCount, loaded.sweepables.ttlCount]).toEqual([1, 1])
    expect(loaded.hasQuotas).toBe(true)
    expect(loaded.changes.changeCount).toBe(0)
  })

  test('a child before its parent, or a path twice, breaks a rule', () => {
    const { tree } = new Bench()
    tree.beginLoad()
    expect(() => tree.endLoad(1n as Zxid)).toThrow(InvariantError)
    tree.loadZnode(row('/'))
    expect(() => tree.loadZnode(row('/a/b'))).toThrow(
      'the parent of znode /a/b is loaded before it',
    )
    tree.loadZnode(row('/a'))
    expect(() => tree.loadZnode(row('/a'))).toThrow('znode /a is loaded once')
    tree.endLoad(3n as Zxid)
    expect([tree.znodeCount, tree.lastAppliedZxid]).toEqual([2, 3n])
  })
})

test('descendants are counted below any znode', () => {
  const { tree, ...bench } = new Bench()
  expect(tree.descendantCount(tree.find('/')!)).toBe(3)
  expect(tree.descendantCount(tree.find('/zookeeper')!)).toBe(2)
  expect(bench).toBeDefined()
})

test('equal lists are kept once, and forgotten with their last znode', () => {
  const bench = new Bench()
  const list = (perms: number) => [{ perms, scheme: 'world', id: 'anyone' }]
  const before = bench.tree.aclCount
  bench.must(create('/a', { acl: list(17) }))
  bench.must(create('/b', { acl: list(17) }))
  expect(bench.at('/a').acl).toBe(bench.at('/b').acl)
  expect(bench.tree.aclCount).toBe(before + 1)
  bench.must(setAcl('/a', list(19)))
  expect(bench.tree.aclCount).toBe(before + 2)
  bench.must(setAcl('/a', list(17)))
  expect(bench.tree.aclCount).toBe(before + 1)
  bench.must(remove('/a'))
  bench.must(remove('/b'))
  expect(bench.tree.aclCount).toBe(before)
})

function reload(bench: Bench): Bench['tree'] {
  const { tree } = new Bench()
  tree.beginLoad()
  const rows = [...bench.tree.znodes()].sort((a, b) => (a.path < b.path ? -1 : 1))
  for (const znode of rows) tree.loadZnode(znode)
  tree.endLoad(bench.tree.lastAppliedZxid)
  return tree
}
