import { expect } from 'vitest'
import type { Ensemble } from '../../../../bench/servers/index.ts'
import { differencesBetween } from './tree-dump.ts'

/**
 * A snapshot of Apache's may hold more than the digest that it states: found when it is loaded, before anything is sent.
 * The first time has a line of its own, those that follow have one together.
 */
const OWN_SNAPSHOT =
  /^.*\[main\] WARN .*DataTree - (?:\[(\d+) times\] )?Message: ?Digests are not matching/gm

/** All servers hold the same znodes, with the same Stat and ACL, and have never found another digest than the leader. */
export async function expectEqualTrees(ensemble: Ensemble): Promise<void> {
  expect(await differencesBetween(ensemble.members)).toEqual([])
  await expectNoMismatches(ensemble)
}

/** No server has found its tree to have another digest than its leader's. */
export async function expectNoMismatches(ensemble: Ensemble): Promise<void> {
  for (const member of ensemble.members) {
    if (!member.running || member.kind === 'zabkeeper') continue
    const count = Number(await member.monitor('zk_digest_mismatches_count'))
    const atStart = [...member.wholeOutput.matchAll(OWN_SNAPSHOT)].map(([, times]) =>
      Number(times ?? 1),
    )
    expect(count - atStart.reduce((sum, times) => sum + times, 0)).toBe(0)
  }
}
