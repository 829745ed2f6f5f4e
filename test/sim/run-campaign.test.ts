import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Campaign, drawPlan, runSimulation } from '../../src/sim/index.ts'
import { Scratch } from '../cli/support/zabkeeper.ts'

/*
 * The built program, because its workers take all cores. ZABKEEPER_SIM_SEEDS=1..100000 makes it a campaign; the
 * numbers are printed.
 */
const SEEDS = process.env['ZABKEEPER_SIM_SEEDS'] ?? '1..2000'
const OPERATIONS = process.env['ZABKEEPER_SIM_OPERATIONS'] ?? '125'

let scratch: Scratch

beforeAll(() => {
  scratch = new Scratch()
})

afterAll(async () => {
  await scratch.discard()
})

describe('zabkeeper sim', () => {
  test(`seeds ${SEEDS} pass`, { timeout: 24 * 3_600_000 }, async () => {
    const run = scratch.run('sim', '--seeds', SEEDS, '--operations', OPERATIONS)
    const { code, stdout, stderr } = await run.ended
    process.stdout.write(stdout)
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toMatch(/\n\d+ passed, 0 failed\n$/)
  })

  test('prints the same trace twice, and where a seed is found again', async () => {
    const [one, two] = await Promise.all([
      scratch.run('sim', '--seed', '11', '--operations', '50', '--trace').ended,
      scratch.run('sim', '--seed', '11', '--operations', '50', '--trace').ended,
    ])
    expect(one.code).toBe(0)
    expect(one.stdout).toBe(two.stdout)
    expect(one.stdout).toMatch(/server 1 {3}votes for/)
    expect(one.stdout).toMatch(/\n1 passed, 0 failed\n$/)
  })

  test('--twice compares the traces of two runs', async () => {
    const { code, stdout } = await scratch.run('sim', '--seeds', '3..4', '--twice').ended
    expect(stdout).toMatch(/\n2 passed, 0 failed\n$/)
    expect(code).toBe(0)
  })

  test.each([
    [[], 'one of --seed, --seeds, --scenario is needed'],
    [['--seeds', '5..1'], 'The second number must not be the smaller one.'],
    [['--seeds', '5'], 'It must be two numbers, as in 1..100.'],
    [['--seed', '1', '--seeds', '1..2'], '--seed and --seeds exclude each other'],
    [['--seeds', '1..2', '--trace'], '--trace and --shrink need one --seed'],
    [['--scenario', 'missing.json'], 'ENOENT'],
  ])('%j is refused', async (args, reason) => {
    const { code, stderr } = await scratch.run('sim', ...args).ended
    expect(stderr).toContain(reason)
    expect(code).toBe(2)
  })
})

describe('a campaign', () => {
  test('counts what failed and sums up the rest', () => {
    const campaign = new Campaign()
    const result = runSimulation(drawPlan(1, { operations: 20 }))
    campaign.add(result)
    campaign.add({ ...result, faults: [{ rule: 'A1', message: 'two leaders' }] })
    expect(campaign.failures.map(({ seed }) => seed)).toEqual([1])
    expect(campaign.events).toBe(2 * result.events)
    expect(campaign.summary(1000).at(-1)).toBe('1 passed, 1 failed')
    expect(campaign.progress(10, 1000)).toMatch(/^2 of 10 runs, .* 1 failed$/)
  })
})
