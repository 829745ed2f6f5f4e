import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/base/index.ts'
import type { AclEntry, WriteOp, WriteRequest } from '../../src/wire/index.ts'
import { DataTree, OPEN_ACL, parentPath, type TreeCapture } from '../../src/znodes/index.ts'
import {
  Bench,
  CLOSE_SESSION,
  create,
  describeRow,
  multi,
  NO_EVENTS,
  OTHER_SESSION,
  Random,
  remove,
  row,
  rowsOf,
  SESSION,
  set,
  setAcl,
} from './support.ts'

const SEEDS = [1, 2, 3, 4, 20_240_601]

/** A capture and the tree as it was: what was given out so far has to be of that tree, and in the end all of it. */
class Watched {
  readonly capture: TreeCapture
  readonly #expected: Map<string, string>
  readonly #expectedAcls: Map<string, number>
  readonly #given = new Map<string, string>()
  readonly #acls = new Map<number, readonly AclEntry[]>()

  constructor(tree: DataTree) {
    this.#expected = rowsOf(tree)
    this.#expectedAcls = new Map()
    for (const znode of tree.znodes()) {
      if (znode.acl !== OPEN_ACL) this.#expectedAcls.set(JSON.stringify(znode.acl), 1)
    }
    this.capture = tree.beginCapture()
    expect(this.capture.zxid).toBe(tree.lastAppliedZxid)
    expect(this.capture.znodeCount).toBe(this.#expected.size)
    expect(this.capture.digest).toBe(tree.digest())
    expect(this.capture.systemDigest).toBe(tree.systemDigest())
  }

  get givenCount(): number {
    return this.#given.size
  }

  takeAcls(): void {
    for (let acl = this.capture.nextAcl(); acl !== null; acl = this.capture.nextAcl()) {
      expect(this.#acls.has(acl.id)).toBe(false)
      expect(acl.id).toBeGreaterThan(0)
      this.#acls.set(acl.id, acl.list)
    }
    expect(this.capture.nextAcl()).toBeNull()
    expect(this.#acls.size).toBe(this.capture.aclCount)
    const lists = new Set([...this.#acls.values()].map((list) => JSON.stringify(list)))
    for (const list of this.#expectedAcls.keys()) expect(lists).toContain(list)
  }

  /** False when there is no more. */
  step(): boolean {
    if (this.#acls.size < this.capture.aclCount) this.takeAcls()
    const given = this.capture.next()
    if (given === null) return false
    const { path, acl } = given
    if (this.#given.has(path)) expect.fail(`${path} is given twice`)
    if (path !== '/' && !this.#given.has(parentPath(path))) {
      expect.fail(`${path} comes before its parent`)
    }
    const aclId = this.capture.aclIdOf(given)
    const list = aclId === -1 ? OPEN_ACL : this.#acls.get(aclId)
    if (list !== acl) expect.fail(`${path} has ACL ${aclId}, which is another`)
    this.#given.set(path, describeRow(given))
    return true
  }

  finish(): void {
    while (this.step());
    expect(this.capture.next()).toBeNull()
    expect(new Map([...this.#given].sort(([a], [b]) => (a < b ? -1 : 1)))).toEqual(this.#expected)
    this.capture.end()
  }
}

function randomPath(random: Random): string {
  let path = ''
  for (let depth = random.int(4); depth >= 0; depth--) path += `/${'abcdefgh'[random.int(8)]}`
  return path
}

function randomOp(random: Random): WriteOp {
  const path = random.int(40) === 0 ? '/zookeeper/quota/a' : randomPath(random)
  const data = random.pick([null, '', 'x', 'some data'])
  const acl = [{ perms: 1 + random.int(31), scheme: 'world', id: 'anyone' }]
  switch (random.int(12)) {
    case 0:
    case 1:
    case 2:
      return create(path, { data, acl: random.pick([OPEN_ACL, acl]) })
    case 3:
      return create(path, { data, flags: random.pick([1, 2, 3]) })
    case 4:
      return create(path, { type: 19, flags: 4 })
    case 5:
      return create(path, { type: 21, flags: 5, ttl: 5000n, data })
    case 6:
      return create(`/zookeeper/quota/a/zookeeper_${random.pick(['limits', 'stats'])}`, {
        data: 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=-1',
      })
    case 7:
      return setAcl(path, acl)
    case 8:
      return set(path, data)
    default:
      return remove(path)
  }
}

function randomWrite(random: Random): { request: WriteRequest; sessionId: SessionId } {
  const sessionId = random.pick([SESSION, OTHER_SESSION])
  if (random.int(60) === 0) return { request: CLOSE_SESSION, sessionId }
  if (random.int(8) === 0) return { request: multi(randomOp(random), randomOp(random)), sessionId }
  return { request: randomOp(random), sessionId }
}

describe('random transactions', () => {
  test.each(SEEDS)('leave every capture as it was (seed %i)', (seed) => {
    const random = new Random(seed)
    const bench = new Bench({ isQuiet: true })
    const write = (): void => {
      const { request, sessionId } = randomWrite(random)
      bench.run(request, { sessionId })
    }
    for (let i = 0; i < 600; i++) write()
    let running: Watched[] = []
    let ended = 0
    let abandoned = 0
    for (let i = 0; i < 4000; i++) {
      const what = random.int(60)
      if (what === 0 && running.length < 3) {
        running.push(new Watched(bench.tree))
        running.at(-1)!.takeAcls()
      } else if (what === 1 && running.length > 0) {
        const watched = random.pick(running)
        if (random.int(4) === 0) {
          watched.capture.end()
          abandoned += 1
        } else {
          watched.finish()
          ended += 1
        }
        running = running.filter((other) => other !== watched)
      } else if (what < 30 && running.length > 0) {
        random.pick(running).step()
      } else {
        write()
      }
    }
    for (const watched of running) watched.finish()
    expect(ended).toBeGreaterThan(5)
    expect(abandoned).toBeGreaterThan(0)
    expect(bench.tree.digestMismatches).toBe(0)
  })

  test.each(SEEDS)('leave no ACL behind (seed %i)', (seed) => {
    const random = new Random(seed)
    const bench = new Bench({ isQuiet: true })
    const captures: TreeCapture[] = []
    for (let i = 0; i < 1500; i++) {
      bench.run(randomWrite(random).request)
      if (i % 100 === 0) captures.push(bench.tree.beginCapture())
      if (i % 130 === 0) captures.shift()?.end()
    }
    for (const capture of captures) capture.end()
    const used = new Set([...bench.tree.znodes()].map(({ acl }) => acl))
    used.delete(OPEN_ACL)
    expect(bench.tree.aclCount).toBe(used.size)
    expect(bench.tree.beginCapture().aclCount).toBe(used.size)
  })
})

describe('a capture', () => {
  /** `/p` with children a, b and c, which the walk visits in the order of `order`. */
  function siblings(): { bench: Bench; watched: Watched; order: string[] } {
    const bench = new Bench()
    for (const path of ['/p', '/p/a', '/p/b', '/p/c']) bench.must(create(path))
    const order: string[] = []
    for (let child = bench.at('/p').firstChild; child !== null; child = child.nextSibling) {
      order.push(child.path)
    }
    return { bench, watched: new Watched(bench.tree), order }
  }

  /** Gives out everything up to and with the znode before `path`. */
  function stepTo(watched: Watched, tree: DataTree, path: string): void {
    const other = tree.beginCapture()
    let count = 0
    while (other.next()!.path !== path) count += 1
    other.end()
    for (let i = 0; i < count; i++) watched.step()
  }

  test('goes on when the znode it stands at is deleted, and the next with it', () => {
    const { bench, watched, order } = siblings()
    stepTo(watched, bench.tree, order[0]!)
    for (const path of order) bench.must(remove(path))
    bench.must(remove('/p'))
    watched.finish()
  })

  test('goes on when the znode it stands at is a new one that is deleted', () => {
    const { bench, watched } = siblings()
    bench.must(create('/p/new'))
    stepTo(watched, bench.tree, '/p/new')
    bench.must(remove('/p/new'))
    watched.finish()
  })

  test('leaves out what is new, also at the path of what is gone', () => {
    const { bench, watched, order } = siblings()
    bench.must(remove(order[1]!))
    bench.must(create(order[1]!, { data: 'again' }))
    bench.must(create('/q'))
    bench.must(create('/q/r'))
    bench.must(set(order[1]!, 'and again'))
    bench.must(remove(order[1]!))
    watched.finish()
  })

  test('gives deleted parents before their deleted children', () => {
    const bench = new Bench()
    for (const path of ['/x', '/x/y', '/x/y/z']) bench.must(create(path, { data: path }))
    const watched = new Watched(bench.tree)
    bench.must(set('/x/y', 'changed before it goes'))
    for (const path of ['/x/y/z', '/x/y', '/x']) bench.must(remove(path))
    watched.finish()
  })

  test('keeps an ACL that nobody uses any more, and counts it no longer', () => {
    const bench = new Bench()
    const acl = [{ perms: 17, scheme: 'world', id: 'anyone' }]
    bench.must(create('/a', { acl }))
    bench.must(create('/b', { acl }))
    const watched = new Watched(bench.tree)
    watched.takeAcls()
    const before = bench.tree.aclCount
    bench.must(setAcl('/a', OPEN_ACL))
    bench.must(remove('/b'))
    expect(bench.tree.aclCount).toBe(before - 1)
    watched.finish()
    expect(bench.tree.aclCount).toBe(before - 1)
  })

  test('does not list an ACL that came later', () => {
    const bench = new Bench()
    const watched = new Watched(bench.tree)
    bench.must(create('/a', { acl: [{ perms: 3, scheme: 'world', id: 'anyone' }] }))
    watched.takeAcls()
    watched.finish()
  })

  test('is over when another tree is loaded, and says so', () => {
    const bench = new Bench()
    const capture = bench.tree.beginCapture()
    expect(capture.isOver).toBe(false)
    bench.tree.beginLoad()
    expect(capture.isOver).toBe(true)
    expect(() => capture.next()).toThrow('a capture that is over')
    expect(() => capture.nextAcl()).toThrow('a capture that is over')
    capture.end()
  })

  test('needs no more room after many znodes have come and gone', () => {
    const bench = new Bench()
    for (let i = 0; i < 50; i++) {
      for (const path of ['/a', '/b']) bench.must(create(path))
      for (const path of ['/a', '/b']) bench.must(remove(path))
    }
    for (const path of ['/a', '/b']) bench.must(create(path))
    const slots = [...bench.tree.znodes()].map(({ slot }) => slot)
    expect(slots.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('costs transactions nothing once it has ended', () => {
    const bench = new Bench()
    bench.must(create('/a', { data: 'before' }))
    const capture = bench.tree.beginCapture()
    capture.end()
    capture.end()
    bench.must(set('/a', 'after'))
    const next = new Watched(bench.tree)
    next.finish()
  })
})

describe('a tree that becomes another', () => {
  const OPTIONS = { extendedTypesEnabled: true }

  test('is the other, which is empty', () => {
    const bench = new Bench()
    const random = new Random(7)
    for (let i = 0; i < 500; i++) bench.run(randomWrite(random).request)
    const expected = rowsOf(bench.tree)
    const { znodeCount, dataBytes, ephemeralCount, aclCount } = bench.tree
    const facts = { znodeCount, dataBytes, ephemeralCount, aclCount, digest: bench.tree.digest() }
    const other = new DataTree(NO_EVENTS, OPTIONS)
    other.beginLoad()
    const source = bench.tree.beginCapture()
    for (let given = source.next(); given !== null; given = source.next()) other.loadZnode(given)
    source.end()

    const tree = new DataTree(NO_EVENTS, OPTIONS)
    const old = tree.beginCapture()
    const moved = other.beginCapture()
    tree.become(other)
    tree.endLoad(bench.zxid)
    expect(old.isOver && moved.isOver).toBe(true)
    expect(rowsOf(tree)).toEqual(expected)
    expect(tree).toMatchObject({ ...facts, digest: expect.anything() })
    expect(tree.digest()).toBe(facts.digest)
    expect(tree.changes.changeCount).toBe(0)
    expect(tree.sweepables.ttlCount).toBe(bench.tree.sweepables.ttlCount)
    expect(tree.sweepables.containerCount).toBeGreaterThan(0)
    expect(other.znodeCount).toBe(0)

    // It goes on like the original, captures included.
    const watched = new Watched(tree)
    watched.takeAcls()
    for (let i = 0; i < 500; i++) {
      const { header, txn, digest } = bench.propose(randomWrite(random).request)
      bench.commitAll()
      tree.apply(header, txn, digest)
    }
    expect(tree.digestMismatches).toBe(0)
    expect(rowsOf(tree)).toEqual(rowsOf(bench.tree))
    watched.finish()
  })

  test('has to read owners the same way', () => {
    const tree = new DataTree(NO_EVENTS, OPTIONS)
    const other = new DataTree(NO_EVENTS, { extendedTypesEnabled: false })
    expect(() => tree.become(other)).toThrow('same options')
  })
})

describe('a create of what exists', () => {
  test('sets its ACL and nothing else of it, also for the next checkpoint', () => {
    const tree = new DataTree(NO_EVENTS, { extendedTypesEnabled: true })
    tree.beginLoad()
    tree.loadZnode(row('/'))
    tree.loadZnode(
      row('/a', { acl: [{ perms: 0, scheme: 'world', id: 'anyone' }], data: 'x' as never }),
    )
    tree.endLoad(5n as never)
    const acl = [{ perms: 4, scheme: 'world', id: 'anyone' }]
    const header = { clientId: SESSION, cxid: 1, zxid: 6n as never, time: 9, type: 1 as const }
    tree.apply(header, {
      type: 1,
      path: '/a',
      data: 'y' as never,
      acl,
      ephemeral: false,
      parentCVersion: 1,
    })
    expect(describeRow(tree.find('/a')!)).toBe(describeRow(row('/a', { acl, data: 'x' as never })))
    tree.changes.beginCheckpoint()
    expect(
      tree.changes
        .next(10)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['/', '/a'])
  })
})
