import { describe, test } from 'vitest'
import type { MemberSpec } from '../../../bench/servers/index.ts'
import { exerciseAll, skipWithoutServers, withEnsemble } from './support/index.ts'

/* Everything clients can ask for, in ensembles in which ours has each of the roles beside each version of Apache. */

const ours: MemberSpec = { kind: 'zabkeeper' }

describe.each(['apache-3.8', 'apache-3.9'] as const)('with %s', (kind) => {
  const isSkipped = skipWithoutServers('zabkeeper', kind)
  const apache: MemberSpec = { kind }
  const ensembles: readonly (readonly [name: string, members: readonly MemberSpec[]])[] = [
    ['ours follows', [ours, apache, apache]],
    ['ours leads', [apache, apache, ours]],
    ['ours observes', [{ ...ours, role: 'observer' }, apache, apache]],
    ['ours leads an observer', [{ ...apache, role: 'observer' }, ours, ours]],
  ]
  test.skipIf(isSkipped).each(ensembles)('%s', { timeout: 240_000 }, async (_, members) => {
    await withEnsemble({ members }, async (ensemble) => {
      await ensemble.makeLead(3)
      await exerciseAll(ensemble)
    })
  })
})
