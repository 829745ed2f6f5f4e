import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  drawPlan,
  formatScenario,
  parseScenario,
  runScenario,
  ScenarioError,
} from '../../src/sim/index.ts'
import { ROOT } from '../tidy/source-files.ts'

const FOLDER = path.join(ROOT, 'test/sim/scenarios')
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))

describe('scenarios', () => {
  test.each(FILES)('%s', (name) => {
    const scenario = parseScenario(readFileSync(path.join(FOLDER, name), 'utf8'))
    expect(scenario.story.length).toBeGreaterThan(40)
    const { faults } = runScenario(scenario)
    expect(faults, scenario.story).toEqual([])
  })

  test('expectations that are not met are faults', () => {
    const text = readFileSync(path.join(FOLDER, 'lone-voter.json'), 'utf8')
    const scenario = parseScenario(text)
    const expectations = { hits: ['flipBit'], min: { epoch: 100 }, max: { writes: 0 } } as const
    const { faults, facts } = runScenario({ ...scenario, expect: expectations })
    expect(faults).toEqual([
      { rule: 'expect', message: 'no flipBit made a difference' },
      { rule: 'expect', message: `writes is ${facts.writes}, at most 0 is expected` },
      { rule: 'expect', message: `epoch is ${facts.epoch}, at least 100 is expected` },
    ])
  })
})

describe('the form of a scenario', () => {
  test('a drawn plan comes back as it was', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const scenario = { story: 'as drawn', plan: drawPlan(seed), expect: { min: {}, max: {} } }
      expect(parseScenario(formatScenario(scenario))).toEqual(scenario)
    }
  })

  test.each([
    ['{', 'this is no JSON'],
    ['[]', 'the file must be an object'],
    ['{}', 'seed must be a number'],
    ['{"seed":1}', 'story must be a text'],
    ['{"seed":1,"story":"s","plot":1}', 'the file has no field plot; it may have story'],
    ['{"seed":1,"story":"s","plan":{"ensemble":{"voters":"3"}}}', 'plan.ensemble.voters must be'],
    ['{"seed":1,"story":"s","script":[{"atMs":1}]}', 'script: fault 1: action is not an object'],
    [
      '{"seed":1,"story":"s","script":[{"atMs":1,"action":{"kind":"crash","host":"s4"}}]}',
      'script: fault 1: host of crash is "s4", not the name of a machine',
    ],
    [
      '{"seed":1,"story":"s","script":[{"atMs":1,"action":{"kind":"pause","host":"@boss"}}]}',
      'script: fault 1: host of pause is "@boss", not the name of a machine',
    ],
    [
      '{"seed":1,"story":"s","script":[{"atMs":1,"action":{"kind":"partition","groups":["s1"]}}]}',
      'script: fault 1: groups of partition is ["s1"], not a list of lists of machines',
    ],
    ['{"seed":1,"story":"s","expect":{"max":{"wishes":3}}}', 'expect.max has no field wishes'],
  ])('%s is refused', (text, reason) => {
    expect(() => parseScenario(text)).toThrow(ScenarioError)
    expect(() => parseScenario(text)).toThrow(reason)
  })
})
