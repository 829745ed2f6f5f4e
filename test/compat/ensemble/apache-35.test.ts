import { describe, test } from 'vitest'
import type { MemberSpec } from '../../../bench/servers/index.ts'
import { killInTurn, skipWithoutServers, withEnsemble } from './support/index.ts'

/* The oldest line that speaks the same peer protocol: no digests, no protocol version 2 on the election port. */

const ours: MemberSpec = { kind: 'zabkeeper' }
const apache: MemberSpec = { kind: 'apache-3.5' }

const ENSEMBLES: readonly (readonly [name: string, members: readonly MemberSpec[]])[] = [
  ['follows one of ours', [apache, ours, ours]],
  ['leads us', [ours, ours, apache]],
  ['is led by ours among its own', [apache, apache, ours]],
]

describe('a server of Apache 3.5', () => {
  const isSkipped = skipWithoutServers('zabkeeper', 'apache-3.5')
  test.skipIf(isSkipped).each(ENSEMBLES)('%s', { timeout: 240_000 }, async (_, members) => {
    await withEnsemble({ members, config: ['snapCount=2000'] }, async (ensemble) => {
      await killInTurn(ensemble, 4)
    })
  })
})
