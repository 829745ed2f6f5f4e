import { describe, expect, it } from 'vitest'
import { Play } from './support.ts'

describe('clients of a healthy server', () => {
  it.each([1, 2, 3])('find every promise kept (seed %d)', (seed) => {
    const { pool } = new Play(seed).run()
    expect(pool.violations).toEqual([])
    expect(pool.counters()).toMatchObject({ ambiguous: 0 })
    expect(pool.invoked).toBeGreaterThanOrEqual(1000)
  })

  it('do the same again with the same seed', () => {
    const [once, again, other] = [41, 41, 42].map((seed) =>
      new Play(seed, { opsTarget: 400 }).run(),
    )
    expect(again!.recorder.traceHash()).toBe(once!.recorder.traceHash())
    expect(other!.recorder.traceHash()).not.toBe(once!.recorder.traceHash())
  })
})
