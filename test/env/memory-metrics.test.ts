import { expect, test } from 'vitest'
import { MemoryMetrics } from '../../src/env/index.ts'

test('counters add up, also downwards', () => {
  const metrics = new MemoryMetrics()
  metrics.count('bytes', 5)
  metrics.count('bytes', 7)
  metrics.count('other', -1)
  expect([...metrics.counters]).toEqual([
    ['bytes', 12],
    ['other', -1],
  ])
})

test('a summary knows count, sum and extremes', () => {
  const metrics = new MemoryMetrics()
  for (const value of [4, -2, 9, 1]) metrics.observe('fsynctime', value)
  metrics.observe('once', 3)
  expect(metrics.summaries.get('fsynctime')).toMatchObject({ count: 4, sum: 12, min: -2, max: 9 })
  expect(metrics.summaries.get('once')).toMatchObject({ count: 1, sum: 3, min: 3, max: 3 })
  metrics.reset()
  expect(metrics.summaries.size + metrics.counters.size).toBe(0)
})
