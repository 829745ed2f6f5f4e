import { describe, test } from 'vitest'
import type { ServerKind } from '../../../bench/servers/index.ts'
import { cyclesOf } from '../torture/support/index.ts'
import { killInTurn, skipWithoutServers, withEnsemble } from './support/index.ts'

/** `ZABKEEPER_MIXED_KILLS` sets the number of kills in each ensemble. */
const KILLS = cyclesOf('ZABKEEPER_MIXED_KILLS', 2)

const [ours, old, recent] = ['zabkeeper', 'apache-3.8', 'apache-3.9'] as const

/** With equal logs the highest number leads: the last one begins, and leaders change in both directions. */
const ENSEMBLES: readonly (readonly ServerKind[])[] = [
  [old, old, ours],
  [recent, recent, ours],
  [ours, ours, old],
  [ours, ours, recent],
  [old, ours, recent],
]

describe('kills in mixed ensembles', () => {
  for (const kinds of ENSEMBLES) {
    const isSkipped = skipWithoutServers(...kinds)
    test.skipIf(isSkipped)(
      `${kinds.join(', ')}: ${KILLS} kills`,
      {
        timeout: 180_000 + KILLS * 60_000,
      },
      async () => {
        const members = kinds.map((kind) => ({ kind }))
        await withEnsemble({ members, config: ['snapCount=2000'] }, async (ensemble) => {
          await killInTurn(ensemble, KILLS)
        })
      },
    )
  }
})
