import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Ensemble, EnsembleMember } from '../../../bench/servers/index.ts'
import { cyclesOf, type Dice, newDice } from '../torture/support/index.ts'
import {
  differencesBetween,
  quantile,
  RegisterReader,
  RegisterWriter,
  skipWithoutServers,
  withEnsemble,
} from './support/index.ts'

/*
 * kill -9 of leaders and followers in turn, under load: nothing that was acknowledged is lost, repeated or read before
 * its time, sessions live on at other servers, and all trees are equal in the end. `ZABKEEPER_ENSEMBLE_KILLS` sets the
 * number of kills.
 */
const KILLS = cyclesOf('ZABKEEPER_ENSEMBLE_KILLS', 6)
const WRITERS = 6
const DEPTH = 4

const isSkipped = skipWithoutServers('zabkeeper')

test.skipIf(isSkipped)(
  `three servers of ours, ${KILLS} kills`,
  {
    timeout: 120_000 + KILLS * 60_000,
  },
  async () => {
    const members = [1, 2, 3].map(() => ({ kind: 'zabkeeper' as const }))
    const config = ['snapCount=2000', 'preAllocSize=1024']
    await withEnsemble({ members, config }, async (ensemble) => {
      await killInTurn(ensemble, KILLS)
    })
  },
)

async function killInTurn(ensemble: Ensemble, kills: number): Promise<void> {
  const dice = newDice()
  const writers = Array.from(
    { length: WRITERS },
    (_, i) => new RegisterWriter(`/r${i}`, ensemble.ports, dice, DEPTH),
  )
  const registers = writers.map(({ register }) => register)
  const readers = [1, 2].map(() => new RegisterReader(registers, ensemble.ports, dice))
  const load = [...writers, ...readers]
  for (const one of load) one.start()
  const gaps: Record<'follower' | 'leader', number[]> = { follower: [], leader: [] }
  await untilWritten(writers)
  for (let kill = 0; kill < kills; kill++) {
    const role = kill % 2 === 0 ? 'leader' : 'follower'
    const victim = await pick(ensemble, role, dice)
    for (const writer of writers) writer.takeGap()
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
  console.log(`seed ${dice.seed}: ${kills} kills, ${acknowledged} writes, ${reads} reads`)
  for (const [role, samples] of Object.entries(gaps)) {
    if (samples.length === 0) continue
    const [p50, p99] = [0.5, 0.99].map((share) => Math.round(quantile(samples, share)))
    console.log(`write gap after the kill of a ${role}: p50 ${p50} ms, p99 ${p99} ms`)
  }
  expect(load.map(({ client }) => client.expired)).toEqual(load.map(() => 0))
  expect(await differencesBetween(ensemble.ports)).toEqual([])
  for (const { client } of load) await client.close()
}

async function pick(
  ensemble: Ensemble,
  role: 'follower' | 'leader',
  dice: Dice,
): Promise<EnsembleMember> {
  const leader = await ensemble.leader()
  if (role === 'leader') return leader
  return dice.pick(ensemble.members.filter((member) => member !== leader))
}

/** Waits until each writer has had answers to writes that it makes from now on. */
async function untilWritten(writers: readonly RegisterWriter[]): Promise<void> {
  await Promise.all(writers.map(async (writer) => await writer.untilWritten(2 * DEPTH)))
}
