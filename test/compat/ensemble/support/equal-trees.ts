import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Ensemble, EnsembleMember } from '../../../../bench/servers/index.ts'
import { ownMismatches } from './own-mismatches.ts'
import { differencesBetween } from './tree-dump.ts'

/** How long an Apache server may take to log what it has counted. */
const LOG_MS = 30_000

/** All servers hold the same znodes, with the same Stat and ACL, and have never found another digest than the leader. */
export async function expectEqualTrees(ensemble: Ensemble): Promise<void> {
  await ensemble.settle()
  expect(await differencesBetween(ensemble.members)).toEqual([])
  await expectNoMismatches(ensemble)
}

/** No server has found its tree to have another digest than its leader's. */
export async function expectNoMismatches(ensemble: Ensemble): Promise<void> {
  for (const member of ensemble.members) {
    if (!member.running || member.kind === 'zabkeeper') continue
    const limit = Date.now() + LOG_MS
    // The log tells most of them when the next digest is right.
    while ((await mismatchesOf(member)) !== 0 && Date.now() < limit) await sleep(100)
    expect(await mismatchesOf(member), member.wholeOutput).toBe(0)
  }
}

async function mismatchesOf(member: EnsembleMember): Promise<number> {
  const counted = Number(await member.monitor('zk_digest_mismatches_count'))
  return counted - ownMismatches(member.wholeOutput)
}
