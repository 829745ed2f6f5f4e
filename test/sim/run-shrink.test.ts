import { describe, expect, test } from 'vitest'
import {
  type FaultScript,
  parseScenario,
  type RunPlan,
  runScenario,
  shrinkPlan,
} from '../../src/sim/index.ts'

/** Thirty faults, of which one is a power cut everywhere. */
function longScript(): FaultScript {
  const script: FaultScript[number][] = []
  for (let i = 0; i < 29; i += 1) {
    const [from, to] = i % 2 === 0 ? ['s1', 's2'] : ['s2', 's3']
    script.push({ atMs: 1000 + 200 * i, action: { kind: 'reset', from, to } })
  }
  script.push({ atMs: 5100, action: { kind: 'blackout', hosts: ['s1', 's2', 's3'] } })
  return script.toSorted((a, b) => a.atMs - b.atMs)
}

function planOf(script: FaultScript): RunPlan {
  const file = {
    story: 'three servers',
    seed: 7,
    plan: { durationMs: 8000, clients: { opsTarget: 100 } },
    script,
  }
  return parseScenario(JSON.stringify(file)).plan
}

/** Broken by whatever ends a process. */
const NOBODY_DIES = { max: { deaths: 0 } }

function shrink(plan: RunPlan, budgetMs: number, nowMs: () => number = () => 0): RunPlan {
  return shrinkPlan(plan, 'expect', { nowMs, budgetMs, expect: NOBODY_DIES })
}

describe('shrinking', () => {
  test('leaves the one fault that matters, fewer requests and a shorter time', () => {
    const plan = planOf(longScript())
    const shrunk = shrink(plan, 1)
    expect(shrunk.script.map(({ action }) => action.kind)).toEqual(['blackout'])
    expect(shrunk.durationMs).toBeLessThan(plan.durationMs)
    expect(shrunk.clients.opsTarget).toBeLessThan(20)
    expect(shrunk.clients.clients).toBe(1)
    const { faults } = runScenario({ story: '', plan: shrunk, expect: NOBODY_DIES })
    expect(faults.map(({ rule }) => rule)).toContain('expect')
  })

  test('ends when its time is over, with the best so far', () => {
    let now = 0
    const plan = planOf(longScript())
    const shrunk = shrink(plan, 3, () => {
      now += 1
      return now
    })
    expect(now).toBeLessThan(30)
    expect(shrunk.script.length).toBeGreaterThan(1)
  })

  test('leaves a plan alone that does not fail', () => {
    const plan = planOf([])
    expect(shrinkPlan(plan, 'expect', { nowMs: () => 0 })).toEqual(plan)
  })
})
