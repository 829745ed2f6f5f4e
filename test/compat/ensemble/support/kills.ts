import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Ensemble, EnsembleMember } from '../../../../bench/servers/index.ts'
import { type Dice, newDice } from '../../torture/support/index.ts'
import { RegisterReader, RegisterWriter } from './registers.ts'
import { quantile } from './statistics.ts'
import { differencesBetween } from './tree-dump.ts'

const WRITERS = 6
const DEPTH = 4

/** A snapshot of Apache's may hold more than the digest that it states: found when it is loaded, before anything is sent. */
const OWN_SNAPSHOT = /^.*\[main\] WARN .*DataTree - Message:Digests are not matching/gm

type Victim = 'follower' | 'leader'

/**
 * `kill -9` of leaders and followers in turn, under load: nothing that was acknowledged is lost, repeated or read before
 * its time, sessions live on at other servers, no server's tree has another digest than its leader's, and all trees are
 * equal in the end.
 */
export async function killInTurn(ensemble: Ensemble, kills: number): Promise<void> {
  const dice = newDice()
  const writers = Array.from(
    { length: WRITERS },
    (_, i) => new RegisterWriter(`/r${i}`, ensemble.ports, dice, DEPTH),
  )
  const registers = writers.map(({ register }) => register)
  // A leader of Apache's answers syncs of its own clients without waiting for what others know to be committed.
  const isOurs = (port: number): boolean =>
    ensemble.members.some((member) => member.port === port && member.kind === 'zabkeeper')
  const readers = [1, 2].map(() => new RegisterReader(registers, ensemble.ports, dice, isOurs))
  const load = [...writers, ...readers]
  for (const one of load) one.start()
  const gaps: Record<Victim, number[]> = { follower: [], leader: [] }
  await untilWritten(writers)
  for (let kill = 0; kill < kills; kill++) {
    const role = kill % 2 === 0 ? 'leader' : 'follower'
    const victim = await pick(ensemble, role, dice)
    for (const writer of writers) writer.takeGap()
    await expectNoMismatches(ensemble)
    await victim.kill()
    await untilWritten(writers)
    gaps[role].push(...writers.map((writer) => writer.takeGap()))
    await sleep(dice.below(300))
    victim.launch()
    await victim.ready()
    await sleep(dice.below(300))
    expect(registers.map(({ fault }) => fault).filter((fault) => fault !== null)).toEqual([])
  }
  await Promise.all(load.map(async (one) => await one.stop()))
  const acknowledged = registers.reduce((sum, register) => sum + register.acknowledged, 0)
  const reads = registers.reduce((sum, register) => sum + register.reads, 0)
  const kinds = ensemble.members.map(({ kind }) => kind).join(', ')
  console.log(`${kinds}, seed ${dice.seed}: ${kills} kills, ${acknowledged} writes, ${reads} reads`)
  for (const [role, samples] of Object.entries(gaps)) {
    if (samples.length === 0) continue
    const [p50, p99] = [0.5, 0.99].map((share) => Math.round(quantile(samples, share)))
    console.log(`write gap after the kill of a ${role}: p50 ${p50} ms, p99 ${p99} ms`)
  }
  expect(load.map(({ client }) => client.expired)).toEqual(load.map(() => 0))
  await expectEqualTrees(ensemble)
  for (const { client } of load) await client.close()
}

async function pick(ensemble: Ensemble, role: Victim, dice: Dice): Promise<EnsembleMember> {
  const leader = await ensemble.leader()
  if (role === 'leader') return leader
  return dice.pick(ensemble.members.filter((member) => member !== leader))
}

/** Waits until each writer has had answers to writes that it makes from now on. */
async function untilWritten(writers: readonly RegisterWriter[]): Promise<void> {
  const waits = writers.map(async (writer) => await writer.untilWritten(2 * DEPTH))
  const failed = (await Promise.allSettled(waits)).filter(({ status }) => status === 'rejected')
  if (failed.length > 0) {
    throw new Error(writers.map((writer) => writer.describe()).join('\n'))
  }
}

/** All servers hold the same znodes, with the same Stat and ACL, and have never found another digest than the leader. */
export async function expectEqualTrees(ensemble: Ensemble): Promise<void> {
  expect(await differencesBetween(ensemble.ports)).toEqual([])
  await expectNoMismatches(ensemble)
}

async function expectNoMismatches(ensemble: Ensemble): Promise<void> {
  for (const member of ensemble.members) {
    if (!member.running || member.kind === 'zabkeeper') continue
    const count = Number(await member.monitor('zk_digest_mismatches_count'))
    const atStart = member.wholeOutput.match(OWN_SNAPSHOT)?.length ?? 0
    expect(count - atStart).toBe(0)
  }
}
