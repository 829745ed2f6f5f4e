import { describe, expect, test } from 'vitest'
import { CreateFlag, createBody, Op, WireClient } from '../../../bench/client/index.ts'
import type { MemberSpec, ServerKind } from '../../../bench/servers/index.ts'
import { expectEqualTrees, skipWithoutServers, withEnsemble } from './support/index.ts'

/*
 * Servers with two addresses, of which the first is nobody's (a network that is down): nobody can listen there, and
 * nobody is reached there. All the same each server is found by the others, those of the original too.
 */

/** Reserved for ever (RFC 1112): nobody answers, nobody refuses. */
const NOWHERE = ['240.0.0.1', '240.0.0.2', '240.0.0.3'] as const
const CONFIG = [
  'zookeeper.multiAddress.enabled=true',
  'zookeeper.multiAddress.reachabilityCheckTimeoutMs=200',
]

function members(kinds: readonly ServerKind[]): MemberSpec[] {
  return kinds.map((kind, i) => ({ kind, hostsBefore: [NOWHERE[i % 3]!] }))
}

describe.each<readonly [ServerKind, ServerKind, ServerKind]>([
  ['zabkeeper', 'zabkeeper', 'zabkeeper'],
  ['apache-3.8', 'zabkeeper', 'apache-3.8'],
  ['zabkeeper', 'apache-3.8', 'zabkeeper'],
])('%s, %s, %s', (...kinds) => {
  const isSkipped = skipWithoutServers(...kinds)
  test.skipIf(isSkipped)('find each other', { timeout: 240_000 }, async () => {
    await withEnsemble({ members: members(kinds), config: CONFIG }, async (ensemble) => {
      for (const leader of [3, 2]) {
        await ensemble.makeLead(leader)
        for (const { id, port } of ensemble.members) {
          const client = await WireClient.open({ port })
          const path = `/from${id}-under${leader}`
          const made = await client.request(Op.create, createBody(path, '', CreateFlag.persistent))
          expect(made.err).toBe(0)
          await client.close()
        }
      }
      await expectEqualTrees(ensemble)
    })
  })
})
