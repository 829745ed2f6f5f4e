import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { cyclesOf } from '../torture/support/index.ts'
import { Load, SessionOwner, skipWithoutServers, withEnsemble } from './support/index.ts'

/** `ZABKEEPER_ROLLING_RESTARTS` sets how often each server is restarted. */
const ROUNDS = cyclesOf('ZABKEEPER_ROLLING_RESTARTS', 2)
const SESSIONS = 10
const ANSWERS = 8

const isSkipped = skipWithoutServers('zabkeeper')

/** One server after another is stopped as an operator stops it, and started again, under load. */
test.skipIf(isSkipped)(
  `three servers of ours, ${ROUNDS} rolling restarts, no session expires`,
  { timeout: 120_000 + ROUNDS * 120_000 },
  async () => {
    const members = [1, 2, 3].map(() => ({ kind: 'zabkeeper' as const }))
    const config = ['snapCount=2000', 'preAllocSize=1024']
    await withEnsemble({ members, config }, async (ensemble) => {
      const load = new Load(ensemble)
      load.start()
      const owners = Array.from(
        { length: SESSIONS },
        (_, i) => new SessionOwner(`/o${i}`, ensemble.members, load.dice),
      )
      for (const owner of owners) await owner.start()
      await load.untilWritten(ANSWERS)
      load.takeGaps()
      for (let round = 0; round < ROUNDS; round++) {
        for (const member of ensemble.members) {
          await member.stop()
          await load.untilWritten(ANSWERS)
          await member.start()
          await ensemble.ready()
          load.expectNoFaults()
          for (const owner of owners) await owner.check()
          await sleep(load.dice.below(100))
        }
      }
      const gap = Math.round(Math.max(...load.takeGaps()))
      for (const owner of owners) await owner.finish()
      console.log(`${await load.finish()}, ${ROUNDS} rolling restarts, longest gap ${gap} ms`)
    })
  },
)
