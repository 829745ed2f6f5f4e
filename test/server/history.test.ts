import { describe, expect, it } from 'vitest'
import { SimRandom } from '../../src/sim/index.ts'
import { Actor, Stage, type StageOptions, Truth } from './support/index.ts'

interface Outcome {
  readonly answers: number
  readonly events: number
  readonly txns: bigint
  /** Everything that happened in the world, as a number to compare. */
  readonly executed: number
}

function run(seed: number, steps: number, options: StageOptions = {}): Outcome {
  const stage = new Stage({ seed, ...options })
  const truth = new Truth()
  stage.onLaunch = (server) => truth.follow(server)
  stage.start()
  const random = new SimRandom(seed)
  const actors = ['a', 'b', 'c', 'd', 'e'].map(
    (name) => new Actor(name, stage, truth, random.fork()),
  )
  for (let i = 0; i < steps; i++) {
    actors[random.below(actors.length)]!.act()
    stage.runFor(random.below(30) / 10)
    if (random.oneIn(500)) stage.runFor(8000)
  }
  stage.runFor(20_000)
  expect(stage.server.state.tree.digestMismatches).toBe(0)
  expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
  expect(stage.server.connections.size).toBe(0)
  expect(stage.server.watches.watchCount()).toBe(0)
  return {
    answers: actors.reduce((sum, { answers }) => sum + answers, 0),
    events: actors.reduce((sum, { eventsSeen }) => sum + eventsSeen, 0),
    txns: truth.last,
    executed: stage.world.events.executed,
  }
}

describe('a random history', { timeout: 120_000 }, () => {
  it.each([11, 12, 13, 14])('keeps what clients are promised (seed %d)', (seed) => {
    const { answers, events, txns } = run(seed, 2000)
    // It must have had something to check.
    expect(answers).toBeGreaterThan(2000)
    expect(events).toBeGreaterThan(100)
    expect(txns).toBeGreaterThan(1000n)
  })

  it.each([21, 22])('also with a slow disk and little allowed at a time (seed %d)', (seed) => {
    const { answers } = run(seed, 1500, {
      disk: { latencyMsMin: 0, latencyMsMax: 30 },
      limits: {
        outstandingPerConnectionMax: 4,
        outstandingMax: 10,
        outputHighWaterBytes: 1500,
        outputBytesMax: 20_000,
      },
      network: { windowBytes: 500, latencyMsMax: 4 },
    })
    expect(answers).toBeGreaterThan(1000)
  })

  it('is the same when it is run again', () => {
    expect(run(31, 500)).toEqual(run(31, 500))
  })
})
