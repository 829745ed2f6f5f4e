import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Ensemble, EnsembleMember, Mode } from '../../../bench/servers/index.ts'
import { Load, SlowDisk, skipWithoutServers, withEnsemble } from './support/index.ts'

/*
 * One of three servers of ours stands still, or its disk does, under load. Nothing tells the others: its connections
 * stay open. Sessions live on, nothing that was acknowledged is lost, and the server comes back by itself.
 */

const isSkipped = skipWithoutServers('zabkeeper')
const hasNoStrace = !SlowDisk.isPossible()
if (hasNoStrace) console.warn('skipped: strace is missing (Debian: apt-get install strace)')

const LIMITS = { timeout: 300_000 }
/** What each writer is to have answered while the fault lasts, and after it. */
const ANSWERS = 20
const NOTICE_MS = 90_000
const HUNG_MS = 100_000
const SLOW_MS = 200

interface Scene {
  readonly ensemble: Ensemble
  readonly load: Load
  readonly leader: EnsembleMember
  readonly follower: EnsembleMember
}

async function stage(what: string, play: (scene: Scene) => Promise<void>): Promise<void> {
  const members = [1, 2, 3].map(() => ({ kind: 'zabkeeper' as const }))
  await withEnsemble({ members }, async (ensemble) => {
    const load = new Load(ensemble)
    load.start()
    await load.untilWritten(ANSWERS)
    const leader = await ensemble.leader()
    const follower = load.dice.pick(ensemble.members.filter((one) => one !== leader))
    load.takeGaps()
    await play({ ensemble, load, leader, follower })
    await ensemble.ready()
    await load.untilWritten(ANSWERS)
    const gap = Math.round(Math.max(...load.takeGaps()))
    console.log(`${await load.finish()}, longest gap with ${what}: ${gap} ms`)
  })
}

/** At first a leader that has stood still does not know that it leads no more. */
async function untilMode(member: EnsembleMember, mode: Mode): Promise<void> {
  const limit = Date.now() + NOTICE_MS
  while ((await member.mode()) !== mode) {
    if (Date.now() > limit) throw new Error(`server ${member.id} is no ${mode}`)
    await sleep(20)
  }
}

describe.skipIf(isSkipped)('a server that stands still', () => {
  test('the leader', LIMITS, async () => {
    await stage('a leader that stands still', async ({ ensemble, load, leader }) => {
      leader.signal('SIGSTOP')
      await load.untilWritten(ANSWERS, NOTICE_MS)
      // It cannot have answered them.
      expect(await ensemble.leader()).not.toBe(leader)
      leader.signal('SIGCONT')
      await untilMode(leader, 'follower')
    })
  })

  test('a follower', LIMITS, async () => {
    await stage('a follower that stands still', async ({ load, leader, follower }) => {
      follower.signal('SIGSTOP')
      await load.untilWritten(ANSWERS, NOTICE_MS)
      // Longer than its leader waits for it.
      await sleep(7000)
      await load.untilWritten(ANSWERS)
      // Nobody sent it these: at first it does not know that it follows no more, and to have them it has to come back.
      const missed = await leader.zxid()
      follower.signal('SIGCONT')
      await follower.reach(missed)
      await follower.ready()
      expect(await leader.role()).toBe('leader')
    })
  })
})

describe.skipIf(isSkipped || hasNoStrace)('a disk that hangs', () => {
  test("the leader's", LIMITS, async () => {
    await stage("the leader's disk hung", async ({ load, leader }) => {
      const disk = await SlowDisk.attach(leader.pid, HUNG_MS)
      await disk.used()
      await load.untilWritten(ANSWERS, NOTICE_MS)
      disk.heal()
    })
  })

  test("a follower's", LIMITS, async () => {
    await stage("a follower's disk hung", async ({ load, leader, follower }) => {
      const disk = await SlowDisk.attach(follower.pid, HUNG_MS)
      await disk.used()
      await load.untilWritten(ANSWERS, NOTICE_MS)
      disk.heal()
      expect(await leader.role()).toBe('leader')
    })
  })
})

describe.skipIf(isSkipped || hasNoStrace)(`a disk that takes ${SLOW_MS} ms for a write`, () => {
  test("the leader's", LIMITS, async () => {
    await stage("the leader's disk slow", async ({ load, leader }) => {
      const disk = await SlowDisk.attach(leader.pid, SLOW_MS)
      await disk.used()
      await load.untilWritten(ANSWERS, NOTICE_MS)
      disk.heal()
      // Slow is not dead: nobody is voted out for it.
      expect(await leader.role()).toBe('leader')
    })
  })

  test("a follower's", LIMITS, async () => {
    await stage("a follower's disk slow", async ({ load, leader, follower }) => {
      const disk = await SlowDisk.attach(follower.pid, SLOW_MS)
      await disk.used()
      await load.untilWritten(ANSWERS, NOTICE_MS)
      disk.heal()
      expect(await leader.role()).toBe('leader')
    })
  })
})
