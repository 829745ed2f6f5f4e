import { describe, expect, test } from 'vitest'
import { epochOf, formatHex, makeZxid } from '../../src/base/index.ts'
import { rescueEpoch } from '../../src/rescue/index.ts'
import { seedsOf } from './support/seeds.ts'
import { Stage } from './support/stage.ts'

/*
 * Two of three servers are lost, the third one is rescued and serves, and then the lost ones come back with what they
 * had: older, longer, of later epochs. `ZABKEEPER_RESCUE_SEEDS` sets the number of worlds, `ZABKEEPER_SEED` the first.
 */

const IDS = [1, 2, 3]
const SEED_OF_MERGED_HISTORIES = 7

/** What a world went through before the rescue. */
interface Loss {
  readonly stage: Stage
  readonly survivor: number
  readonly lost: readonly number[]
  /** Acknowledged while the survivor took part. */
  readonly kept: readonly string[]
}

/** Three servers, of which one misses what the others do; in the end nobody runs. */
function lose(seed: number): Loss {
  const stage = new Stage(seed, 3)
  const { random } = stage
  stage.start(IDS)
  stage.serving(IDS)
  const kept = stage.write(IDS, 'kept', 1 + random.below(20))
  const survivor = IDS[random.below(3)]!
  const lost = IDS.filter((id) => id !== survivor)
  stage.kill([survivor])
  stage.serving(lost)
  const elections = random.below(4)
  for (let round = 0; round <= elections; round++) {
    // The history of the lost is longer, or only of a later epoch, or both.
    if (random.below(3) > 0) stage.write(lost, `lost-${round}`, 1 + random.below(10))
    if (round === elections) break
    const victim = lost[random.below(2)]!
    stage.kill([victim])
    stage.start([victim], IDS)
    stage.serving(lost)
  }
  const leader = lost.find((id) => stage.server(id).core?.leader === id)
  if (leader !== undefined && random.below(2) === 0) {
    stage.writeUnheard(leader, 'unheard', 1 + random.below(5))
  }
  stage.kill(lost)
  return { stage, survivor, lost, kept }
}

/** As the command does it, with a process that may die on the way. */
function rescue({ stage, survivor }: Loss): number {
  const { random } = stage
  const facts = stage.inspect(survivor)
  const epoch = rescueEpoch(facts.acceptedEpoch, survivor)!
  let deaths = random.below(3)
  let isRaised = false
  while (deaths > 0 && !isRaised) {
    deaths--
    const how = random.below(2) === 0 ? 'crash' : 'powerLoss'
    isRaised = stage.raiseAndDie(survivor, epoch, 1 + random.below(30), how)
  }
  if (stage.inspect(survivor).currentEpoch !== epoch) stage.raise(survivor, epoch)
  return epoch
}

function has(stage: Stage, id: number, path: string): boolean {
  return stage.server(id).state.tree.find(path) !== undefined
}

function expectEqual(stage: Stage, ids: readonly number[]): void {
  stage.until(`${ids} are at one zxid`, () => {
    const zxids = ids.map((id) => stage.server(id).lastApplied)
    return zxids.every((zxid) => zxid === zxids[0])
  })
  const digests = ids.map((id) => stage.server(id).state.tree.digest())
  expect(new Set(digests).size).toBe(1)
}

function expectOnly(stage: Stage, ids: readonly number[], acknowledged: readonly string[]): void {
  for (const id of ids) {
    const missing = acknowledged.filter((path) => !has(stage, id, path))
    expect(missing, `server ${id}`).toEqual([])
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 10; i++) expect(has(stage, id, `/lost-${round}-${i}`)).toBe(false)
    }
    for (let i = 0; i < 5; i++) expect(has(stage, id, `/unheard-${i}`)).toBe(false)
  }
}

/** Lets the lost servers come back, one after another, as docs/runbooks/lost-quorum.md says. */
function comeBack({ stage, survivor, lost, kept }: Loss): void {
  const acknowledged = [...kept]
  stage.start([survivor])
  stage.serving([survivor])
  acknowledged.push(...stage.write([survivor], 'alone', 1 + stage.random.below(20)))
  expectOnly(stage, [survivor], acknowledged)
  stage.kill([survivor])

  const [second, third] = stage.random.below(2) === 0 ? lost : [...lost].reverse()
  const pair = [survivor, second!]
  stage.start(pair)
  stage.serving(pair)
  acknowledged.push(...stage.write(pair, 'pair', 1 + stage.random.below(20)))
  expectEqual(stage, pair)
  expectOnly(stage, pair, acknowledged)
  stage.kill(pair)

  const all = [survivor, second!, third!]
  stage.start(stage.random.below(2) === 0 ? all : [...all].reverse(), all)
  stage.serving(all)
  acknowledged.push(...stage.write(all, 'all', 1 + stage.random.below(20)))
  expectEqual(stage, all)
  expectOnly(stage, all, acknowledged)
}

describe('servers that come back after a rescue', () => {
  test.each(seedsOf('ZABKEEPER_RESCUE_SEEDS', 8))('bring nothing back, seed %i', (seed) => {
    const loss = lose(seed)
    const { stage, survivor } = loss
    const epoch = rescue(loss)
    const after = stage.inspect(survivor)
    expect(after).toMatchObject({ acceptedEpoch: epoch, currentEpoch: epoch })
    expect(formatHex(after.lastZxid)).toBe(formatHex(makeZxid(epoch, 0)))
    comeBack(loss)
    expect(epochOf(stage.server(survivor).lastApplied)).toBeLessThan(epoch + 10)
  })

  // Whoever thinks that the snapshot is more than is needed.
  test('would do so if only the epochs were raised', () => {
    const loss = lose(SEED_OF_MERGED_HISTORIES)
    const { stage, survivor } = loss
    stage.raiseEpochsOnly(survivor, rescueEpoch(stage.inspect(survivor).acceptedEpoch, survivor)!)
    expect(() => comeBack(loss)).toThrow()
  })
})
