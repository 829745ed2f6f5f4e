import { describe, expect, it } from 'vitest'
import type { Limits } from '../../src/config/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { Actor, create, Stage, setData, Truth } from './support/index.ts'

/** Small enough that segments roll, checkpoints are made and old segments go in every life. */
const BUSY_STORAGE: Partial<Limits> = {
  logSegmentBytes: 24 * 1024,
  checkpointTxns: 40,
  diskReserveBytes: 16 * 1024,
  diskFreeBytesMin: 16 * 1024,
}

interface Lives {
  readonly stage: Stage
  readonly truth: Truth
  readonly actors: readonly Actor[]
  readonly random: SimRandom
}

function begin(seed: number): Lives {
  const stage = new Stage({
    seed,
    limits: BUSY_STORAGE,
    disk: { latencyMsMin: 0, latencyMsMax: 4 },
  })
  const truth = new Truth()
  stage.onLaunch = (server) => truth.follow(server)
  const random = new SimRandom(seed)
  const actors = ['a', 'b', 'c'].map((name) => new Actor(name, stage, truth, random.fork()))
  return { stage, truth, actors, random }
}

/** Lets clients work until the power goes, which may be before the server serves. */
function liveUntilCrash({ stage, actors, random }: Lives): void {
  const { disk } = stage
  if (random.oneIn(3)) disk.crashAtStep = disk.steps + 1 + random.below(40)
  let isServing = false
  stage.launch(() => {
    isServing = true
  })
  if (random.oneIn(6)) stage.runFor(random.below(300) / 10)
  else stage.until(() => isServing || disk.isDown || stage.fatal !== null)
  for (let turn = random.below(80); turn > 0 && isServing && !disk.isDown; turn--) {
    actors[random.below(actors.length)]!.act()
    stage.runFor(random.below(40) / 10)
  }
  expect(stage.fatal).toBeNull()
  stage.crash()
  disk.crashAtStep = Number.POSITIVE_INFINITY
  stage.runFor(random.below(20) / 10)
}

describe('power cuts', { timeout: 120_000 }, () => {
  it('lose nothing that was answered, in 300 lives with clients that go on', () => {
    const lives = begin(20_261_121)
    const { stage, truth, actors } = lives
    let checkpoints = 0
    for (let life = 0; life < 300; life++) {
      liveUntilCrash(lives)
      if (life % 3 !== 0) continue
      // Every transaction applied before was answered or could have been: all must be there again.
      const before = truth.last
      stage.start()
      expect(stage.server.lastApplied, `life ${life}`).toBeGreaterThanOrEqual(before)
      expect(stage.server.state.tree.digestMismatches, `life ${life}`).toBe(0)
      for (const path of ['/p0', '/p1', '/p2', '/p3', '/p4']) {
        const expected = truth.valueAt(path, truth.last)
        const found = stage.server.state.tree.find(path)
        expect(found === undefined ? null : found.data, `life ${life}`).toBe(expected)
      }
      if (stage.server.recovery!.checkpointZxid !== null) checkpoints += 1
      stage.crash()
    }
    expect(truth.last).toBeGreaterThan(1000n)
    expect(checkpoints).toBeGreaterThan(50)
    const ids = actors.flatMap(({ sessionIds }) => sessionIds)
    expect(ids.length).toBeGreaterThan(20)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('leave a write that was on its way done or not done, and not in between', () => {
    const outcomes = new Map<string, number>()
    for (let seed = 1; seed <= 60; seed++) {
      const stage = Stage.open({ seed, disk: { latencyMsMin: 2, latencyMsMax: 6 } })
      const client = stage.session()
      stage.call(client, create('/a', 'old'))
      client.send(setData('/a', 'x'.repeat(3000)), create('/b'))
      stage.runFor(seed / 10)
      const isAnswered = client.unanswered.length < 2
      stage.crash()
      stage.start()
      const { tree } = stage.server.state
      const length = tree.find('/a')!.dataLength
      expect([3, 3000], `seed ${seed}`).toContain(length)
      if (isAnswered) expect(length, `seed ${seed}`).toBe(3000)
      if (length === 3) expect(tree.find('/b'), `seed ${seed}`).toBeUndefined()
      const outcome = `${isAnswered ? 'answered' : 'not answered'}, ${length}`
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    expect([...outcomes.keys()].sort()).toEqual([
      'answered, 3000',
      'not answered, 3',
      'not answered, 3000',
    ])
  })
})
