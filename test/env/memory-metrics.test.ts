import { describe, expect, test } from 'vitest'
import { MemoryMetrics } from '../../src/env/index.ts'

test('counters add up', () => {
  const metrics = new MemoryMetrics()
  metrics.count('watch_bytes', 5)
  metrics.counter('watch_bytes').add(7)
  metrics.count('commit_count', 1)
  expect([...metrics.counters]).toEqual([
    ['watch_bytes', 12],
    ['commit_count', 1],
  ])
})

test('what is kept goes on after a reset', () => {
  const metrics = new MemoryMetrics()
  const counter = metrics.counter('commit_count')
  const summary = metrics.summary('fsynctime')
  const ofApp = metrics.summarySet('read_per_namespace').of('app')
  counter.add(3)
  summary.observe(3)
  ofApp.observe(40)
  metrics.reset()
  expect(metrics.counters.get('commit_count')).toBe(0)
  expect(metrics.summaries.get('fsynctime')).toMatchObject({ count: 0, sum: 0, min: 0, max: 0 })
  expect(metrics.summaries.get('fsynctime')!.quantile(0.5)).toBeNaN()
  counter.add(1)
  summary.observe(5)
  ofApp.observe(7)
  expect(metrics.counters.get('commit_count')).toBe(1)
  expect(metrics.summaries.get('fsynctime')).toMatchObject({ count: 1, sum: 5, min: 5, max: 5 })
  expect(metrics.summarySets.get('read_per_namespace')!.get('app')!.max).toBe(7)
})

test('labels are told apart, and a thousand of them are kept', () => {
  const metrics = new MemoryMetrics()
  const reads = metrics.summarySet('read_per_namespace')
  const refusals = metrics.counterSet('quota_exceeded_error_per_namespace')
  for (let i = 0; i < 1200; i += 1) reads.of(`n${i}`).observe(i)
  for (const label of ['a', 'b', 'a']) refusals.of(label).add(1)
  const seen = metrics.summarySets.get('read_per_namespace')!
  expect(seen.size).toBe(1000)
  expect(seen.get('n999')).toMatchObject({ count: 1, sum: 999 })
  expect([...metrics.counterSets.get('quota_exceeded_error_per_namespace')!]).toEqual([
    ['a', 2],
    ['b', 1],
  ])
})

describe('a distribution', () => {
  function observed(values: readonly number[]) {
    const metrics = new MemoryMetrics()
    for (const value of values) metrics.observe('readlatency', value)
    return metrics.summaries.get('readlatency')!
  }

  test('knows count, sum and extremes; two clocks that disagree make no time negative', () => {
    const summary = observed([4, -2, 9.5, 1])
    expect(summary).toMatchObject({ count: 4, sum: 14.5, min: 0, max: 9.5 })
  })

  test('tells small whole numbers exactly', () => {
    const summary = observed(Array.from({ length: 32 }, (_, i) => 31 - i))
    expect([0, 0.5, 0.9, 0.99, 1].map((q) => summary.quantile(q))).toEqual([0, 15, 28, 31, 31])
  })

  test.each([33, 100, 1023, 1024, 65_537, 1_000_003, 2 ** 31 - 2])(
    'tells %d with an error of at most 1/32',
    (value) => {
      // Among others, so that it is not told by the exact extremes.
      const told = observed([0, value, 2 ** 31]).quantile(0.5)
      expect(Math.abs(told - value) / value).toBeLessThanOrEqual(1 / 32)
    },
  )

  test('of random values is off by at most 1/32 at every quantile', () => {
    let state = 12_345
    const values = Array.from({ length: 20_000 }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((state / 2 ** 31) ** 4 * 100_000)
    })
    const summary = observed(values)
    const sorted = values.toSorted((a, b) => a - b)
    for (const q of [0.01, 0.25, 0.5, 0.9, 0.99, 0.999]) {
      const exact = sorted[Math.ceil(q * sorted.length) - 1]!
      expect(Math.abs(summary.quantile(q) - exact)).toBeLessThanOrEqual(exact / 32)
    }
  })

  test('takes what is beyond all bounds', () => {
    const summary = observed([1, 2 ** 40, 2 ** 50])
    expect(summary).toMatchObject({ max: 2 ** 50, min: 1 })
    expect(summary.quantile(0.5)).toBe(2 ** 31 - 2 ** 26 + 2 ** 25 - 1)
  })
})
