import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Zxid } from '../../src/base/index.ts'
import { decodeTxnEntry, OpCode } from '../../src/wire/index.ts'
import { DigestSum, znodeDigest } from '../../src/znodes/digest.ts'
import { DataTree } from '../../src/znodes/index.ts'
import { Bench, create, NO_EVENTS, remove, row, set } from './support.ts'

test('the empty tree has the digest of upstream', () => {
  const { tree } = new Bench()
  expect(tree.digest()).toBe(1371985504n)
  expect(znodeDigest(row('/')) >>> 0).toBe(68323592)
  expect(znodeDigest(row('/zookeeper')) >>> 0).toBe(1303661912)
})

test('transactions logged by Apache ZooKeeper 3.8 give the digests logged with them', () => {
  const entries = readFileSync(new URL('./apache-txns.hex', import.meta.url), 'utf8').trim()
  const tree = new DataTree(NO_EVENTS, { extendedTypesEnabled: true })
  const types = new Set<number>()
  for (const line of entries.split('\n')) {
    const bytes = new Uint8Array(Buffer.from(line, 'hex'))
    const { header, txn, digest } = decodeTxnEntry(bytes, 0, bytes.length)
    types.add(txn.type)
    tree.apply(header, txn, digest!.treeDigest)
    expect(tree.digest(), `after ${header.zxid.toString(16)}`).toBe(digest!.treeDigest)
  }
  expect(tree.digestMismatches).toBe(0)
  expect(tree.lastAppliedZxid).toBe(0x1_0000_0015n)
  const { create, create2, createContainer, createTTL, setData, setACL, createSession } = OpCode
  const all = [create, create2, createContainer, createTTL, setData, setACL, createSession]
  for (const type of [...all, OpCode.multi]) expect(types).toContain(type)
})

test('a sum of digests wraps as an int64', () => {
  const sum = new DigestSum()
  let exact = 0n
  for (const digest of [-1, -1, 5, 0, -2_147_483_648, 2_147_483_647]) {
    sum.add(digest)
    exact += BigInt(digest >>> 0)
    expect(sum.toBigInt()).toBe(exact)
    expect(sum.equals(exact)).toBe(true)
    expect(sum.equals(exact + 1n)).toBe(false)
  }
  for (const digest of [-1, -1, -1, -1, -1]) {
    sum.subtract(digest)
    exact -= BigInt(digest >>> 0)
    expect(sum.toBigInt()).toBe(BigInt.asIntN(64, exact))
    expect(sum.equals(BigInt.asIntN(64, exact))).toBe(true)
  }
  expect(exact).toBeLessThan(0n)
})

test('path, data, stat and owner all count; the ACL and null against empty data do not', () => {
  const plain = row('/a')
  const others = [
    row('/b'),
    row('/a', { data: 'x' as never }),
    row('/a', { czxid: 1n as Zxid }),
    row('/a', { mzxid: 1n as Zxid }),
    row('/a', { pzxid: 1n as Zxid }),
    row('/a', { ctime: 1 }),
    row('/a', { mtime: 1 }),
    row('/a', { mtime: 0x1_0000_0000 }),
    row('/a', { version: 1 }),
    row('/a', { storedCversion: 1 }),
    row('/a', { aversion: -1 }),
    row('/a', { storedOwner: -1n }),
  ]
  const digests = [plain, ...others].map(znodeDigest)
  expect(new Set(digests).size).toBe(digests.length)
  expect(znodeDigest(row('/a', { acl: [] }))).toBe(znodeDigest(plain))
  expect(znodeDigest(row('/a', { data: null }))).toBe(znodeDigest(plain))
})

test('znodes below /zookeeper/ have a digest of their own', () => {
  const bench = new Bench()
  const { tree } = bench
  const [digest, system] = [tree.digest(), tree.systemDigest()]
  bench.must(create('/zookeeper/quota/a'))
  expect(tree.digest()).toBe(digest)
  expect(tree.systemDigest()).not.toBe(system)
  bench.must(set('/zookeeper/quota/a', 'x'))
  bench.must(create('/zookeeper/x'))
  expect(tree.digest(), 'the cversion of /zookeeper counts').not.toBe(digest)
  expect(tree.digestMismatches).toBe(0)
})

test('a wrong digest in a transaction is counted and nothing else', () => {
  const bench = new Bench()
  const { header, txn, digest } = bench.propose(create('/a'))
  expect(bench.tree.apply(header, txn, digest! + 1n).err).toBe(0)
  expect(bench.tree.digestMismatches).toBe(1)
  expect(bench.tree.firstMismatchZxid).toBe(1n)
})

test('the digest is that of the content, whatever the way to it', () => {
  const bench = new Bench()
  const before = bench.tree.digest()
  bench.must(create('/zookeeper/quota/a'))
  bench.must(remove('/zookeeper/quota/a'))
  expect(bench.tree.digest()).toBe(before)
})
