import { test } from 'vitest'
import { cyclesOf } from '../torture/support/index.ts'
import { killInTurn, skipWithoutServers, withEnsemble } from './support/index.ts'

/** `ZABKEEPER_ENSEMBLE_KILLS` sets the number of kills. */
const KILLS = cyclesOf('ZABKEEPER_ENSEMBLE_KILLS', 6)

const isSkipped = skipWithoutServers('zabkeeper')

test.skipIf(isSkipped).each([3, 5])(
  `%i servers of ours, ${KILLS} kills`,
  {
    timeout: 120_000 + KILLS * 60_000,
  },
  async (count) => {
    const members = Array.from({ length: count }, () => ({ kind: 'zabkeeper' as const }))
    const config = ['snapCount=2000', 'preAllocSize=1024']
    await withEnsemble({ members, config }, async (ensemble) => {
      await killInTurn(ensemble, KILLS)
    })
  },
)
