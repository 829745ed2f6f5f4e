import { setTimeout as sleep } from 'node:timers/promises'
import type { Ensemble, EnsembleMember } from '../../../../bench/servers/index.ts'
import type { Dice } from '../../torture/support/index.ts'
import { expectNoMismatches } from './equal-trees.ts'
import { Load } from './load.ts'
import { quantile } from './statistics.ts'

/** What each writer is to have answered before the next kill. */
const ANSWERS = 8

type Victim = 'follower' | 'leader'

/**
 * `kill -9` of leaders and followers in turn, under load: nothing that was acknowledged is lost,
 * repeated or read before its time, sessions live on at other servers, no server's tree has another digest than its
 * leader's, and all trees are equal in the end.
 */
export async function killInTurn(ensemble: Ensemble, kills: number): Promise<void> {
  const load = new Load(ensemble)
  const { dice } = load
  load.start()
  const gaps: Record<Victim, number[]> = { follower: [], leader: [] }
  await load.untilWritten(ANSWERS)
  for (let kill = 0; kill < kills; kill++) {
    const role = kill % 2 === 0 ? 'leader' : 'follower'
    const victim = await pick(ensemble, role, dice)
    load.takeGaps()
    await expectNoMismatches(ensemble)
    await victim.kill()
    await load.untilWritten(ANSWERS)
    gaps[role].push(...load.takeGaps())
    await sleep(dice.below(300))
    victim.launch()
    await victim.ready()
    await sleep(dice.below(300))
    load.expectNoFaults()
  }
  console.log(`${await load.finish()}, ${kills} kills`)
  for (const [role, samples] of Object.entries(gaps)) {
    if (samples.length === 0) continue
    const [p50, p99] = [0.5, 0.99].map((share) => Math.round(quantile(samples, share)))
    console.log(`write gap after the kill of a ${role}: p50 ${p50} ms, p99 ${p99} ms`)
  }
}

async function pick(ensemble: Ensemble, role: Victim, dice: Dice): Promise<EnsembleMember> {
  const leader = await ensemble.leader()
  if (role === 'leader') return leader
  return dice.pick(ensemble.members.filter((member) => member !== leader))
}
