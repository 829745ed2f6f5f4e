import { afterEach, beforeEach, expect, test } from 'vitest'
import { Mutex } from '../../recipes/index.ts'
import { EnsembleStage } from './support/ensemble-stage.ts'

const PATH = '/locks/x'

let stage: EnsembleStage

beforeEach(() => {
  stage = new EnsembleStage(1)
})

afterEach(async () => {
  await stage.finish()
})

test('B7: a follower that is cut off and still answers does not keep a grant alive too long', async () => {
  await stage.until(() => stage.ensemble.isWhole)
  const leader = stage.ensemble.leader!
  const follower = stage.ensemble.members.find((member) => member !== leader)!
  const a = await stage.memberOf([follower.host.address])
  const b = await stage.memberOf([leader.host.address])
  // Whenever it is cut off: between any two pings of the holder.
  for (const afterMs of [1000, 1500, 2000, 2500]) {
    const grant = await stage.run(new Mutex(a.zk, PATH).acquire())
    const waiting = new Mutex(b.zk, PATH).acquire()
    await stage.runFor(afterMs)
    let toldAtMs = Number.POSITIVE_INFINITY
    grant.signal.addEventListener('abort', () => {
      toldAtMs = stage.nowMs
    })
    stage.cutOff(follower.host.address)
    const next = await stage.run(waiting)
    expect(toldAtMs).toBeLessThan(stage.nowMs)
    await stage.run(next.release())
    await stage.run(grant.release())
    await stage.heal()
  }
})
