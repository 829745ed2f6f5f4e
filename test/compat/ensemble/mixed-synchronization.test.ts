import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Op, readBody, WireClient } from '../../../bench/client/index.ts'
import type { Ensemble, MemberSpec } from '../../../bench/servers/index.ts'
import {
  expectEqualTrees,
  type SyncKind,
  skipWithoutServers,
  synchronizations,
  withEnsemble,
  writeUncommitted,
  writeZnodes,
} from './support/index.ts'

/* DIFF, SNAP and TRUNC between ours and each version of Apache, both ways. */

const NO_NODE = -101
const ours: MemberSpec = { kind: 'zabkeeper' }
/** Larger than what a leader of Apache's keeps in memory for learners. */
const MANY = 700

describe.each(['apache-3.8', 'apache-3.9'] as const)('with %s', (kind) => {
  const isSkipped = skipWithoutServers('zabkeeper', kind)
  const apache: MemberSpec = { kind }

  test.skipIf(isSkipped).each([
    // Ours reads old entries from its disk for a learner; rolling.test.ts has its snapshots.
    ['ours leads it', [apache, ours, ours], 'DIFF'],
    ['it leads ours', [ours, apache, apache], 'SNAP'],
  ] as const)('a learner comes back, %s', { timeout: 240_000 }, async (_, members, afterMany) => {
    // Little logs and frequent snapshots: what a learner lacks is soon not in the log any more.
    const config = ['snapCount=200', 'preAllocSize=64']
    await withEnsemble({ members, config }, async (ensemble) => {
      await ensemble.makeLead(3)
      await writeZnodes(ensemble.ports[0]!, '/before', 5)
      await comeBack(ensemble, '/few', 20, 'DIFF')
      await comeBack(ensemble, '/many', MANY, afterMany)
      await ensemble.member(1).kill()
      rmSync(ensemble.member(1).dataDir, { recursive: true })
      await comeBack(ensemble, '/wiped', 20, afterMany)
      await comeBack(ensemble, '/after', 5, 'DIFF')
    })
  })

  test.skipIf(isSkipped).each([
    ['ours was the leader', [apache, apache, ours]],
    ['ours lead then', [ours, ours, apache]],
  ] as const)('what no quorum had is taken back, %s', { timeout: 240_000 }, async (_, members) => {
    // Little logs, because they are searched; long ticks: the leader is to wait for followers that stand still.
    const config = ['preAllocSize=64']
    await withEnsemble({ members, tickTime: 2000, config }, async (ensemble) => {
      await ensemble.makeLead(3)
      await writeZnodes(ensemble.ports[0]!, '/before', 10)
      const old = await writeUncommitted(ensemble, '/lost')
      const others = ensemble.members.filter((member) => member !== old)
      for (const member of others) member.launch()
      await ensemble.ready()
      await old.start()
      expect((await synchronizations(ensemble, old)).at(-1)).toBe('TRUNC')
      await writeZnodes(old.port, '/after', 10)
      const client = await WireClient.open({ port: old.port })
      expect((await client.request(Op.exists, readBody('/lost0', false))).err).toBe(NO_NODE)
      await client.close()
      await expectEqualTrees(ensemble)
    })
  })
})

/** Server 1 goes, misses some writes, and comes back; its folder may be gone. */
async function comeBack(
  ensemble: Ensemble,
  root: string,
  count: number,
  kind: SyncKind,
): Promise<void> {
  const learner = ensemble.member(1)
  await learner.kill()
  await writeZnodes(ensemble.member(3).port, root, count)
  await learner.start()
  expect((await synchronizations(ensemble, learner)).at(-1)).toBe(kind)
  await expectEqualTrees(ensemble)
}
