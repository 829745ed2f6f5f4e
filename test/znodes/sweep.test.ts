import { expect, test } from 'vitest'
import { sweepCandidates } from '../../src/znodes/index.ts'
import { Bench, create, remove, set } from './support.ts'

const ALL = { neverUsedMaxMs: 0, max: 1000, examineMax: 10_000 }

test('containers: empty ones that were used, or were never used for long', () => {
  const bench = new Bench()
  const at = { timeMs: 1000 }
  for (const name of ['used', 'full', 'fresh']) {
    bench.must(create(`/${name}`, { type: 19, flags: 4 }), at)
  }
  bench.must(create('/used/x'), at)
  bench.must(remove('/used/x'), at)
  bench.must(create('/full/x'), at)
  bench.must(create('/plain'), at)
  expect(sweepCandidates(bench.tree, 1001, ALL)).toEqual(['/used'])
  expect(sweepCandidates(bench.tree, 1e12, ALL), 'never used is for ever').toEqual(['/used'])
  const limited = { ...ALL, neverUsedMaxMs: 500 }
  expect(sweepCandidates(bench.tree, 1500, limited)).toEqual(['/used'])
  expect(sweepCandidates(bench.tree, 1501, limited).sort()).toEqual(['/fresh', '/used'])
  bench.must({ type: 20, path: '/used' })
  expect(sweepCandidates(bench.tree, 1001, ALL)).toEqual([])
  expect(bench.tree.sweepables.containerCount).toBe(2)
})

test('TTL nodes: the clock starts anew with setData, not with children, who keep it', () => {
  const bench = new Bench()
  bench.must(create('/t', { type: 21, flags: 5, ttl: 100n }), { timeMs: 1000 })
  expect(sweepCandidates(bench.tree, 1100, ALL)).toEqual([])
  expect(sweepCandidates(bench.tree, 1101, ALL)).toEqual(['/t'])
  bench.must(set('/t', 'x'), { timeMs: 1050 })
  expect(sweepCandidates(bench.tree, 1150, ALL)).toEqual([])
  bench.must(create('/t/x'), { timeMs: 1100 })
  expect(sweepCandidates(bench.tree, 9999, ALL)).toEqual([])
  bench.must(remove('/t/x'), { timeMs: 9999 })
  expect(sweepCandidates(bench.tree, 9999, ALL)).toEqual(['/t'])
  expect(bench.run({ type: 20, path: '/t' }).err).toBe(0)
  expect(bench.tree.sweepables.ttlCount).toBe(0)
})

test('the longest TTL does not lose a bit', () => {
  const bench = new Bench()
  const ttl = 2 ** 40 - 1
  bench.must(create('/t', { type: 21, flags: 5, ttl: BigInt(ttl) }), { timeMs: 0 })
  expect(sweepCandidates(bench.tree, ttl, ALL)).toEqual([])
  expect(sweepCandidates(bench.tree, ttl + 1, ALL)).toEqual(['/t'])
})

test('a round in small steps finds every candidate once', () => {
  const bench = new Bench({ isQuiet: true })
  const paths = Array.from({ length: 2000 }, (_, i) => `/t${i}`)
  for (const path of paths) {
    bench.must(create(path, { type: 21, flags: 5, ttl: 1n }), { timeMs: 0 })
  }
  const found: string[] = []
  let calls = 0
  do {
    found.push(...sweepCandidates(bench.tree, 10, { ...ALL, examineMax: 100 }))
    calls += 1
  } while (!bench.tree.sweepables.isRoundOver)
  expect(found.sort()).toEqual(paths.sort())
  expect(calls).toBeGreaterThan(10)
  expect(sweepCandidates(bench.tree, 10, { ...ALL, max: 7 })).toHaveLength(7)
})
