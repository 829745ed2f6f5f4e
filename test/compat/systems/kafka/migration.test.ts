import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Ensemble, ServerKind } from '../../../../bench/servers/index.ts'
import {
  expectEqualTrees,
  expectNoMismatches,
  skipWithoutServers,
} from '../../ensemble/support/index.ts'
import { findSystem, oddLines, skipWithoutSystem } from '../support/index.ts'
import {
  controllerEpoch,
  NOTHING_WRONG,
  registrations,
  topics,
  troubles,
  withKafka,
} from './support/index.ts'

/*
 * docs/migrating.md, with Kafka: brokers on three servers of Apache's, which are replaced one by one by ours and back
 * while records are produced and consumed, topics made, changed and deleted.
 */
const kafka = findSystem('kafka')

describe.each(['apache-3.8', 'apache-3.9'] as const)('Kafka on %s', (kind) => {
  test.skipIf(skipWithoutSystem(kafka) || skipWithoutServers('zabkeeper', kind))(
    'is moved to servers of ours and back at work',
    { timeout: 3_600_000 },
    async () => {
      await withKafka({ install: kafka.found!, kind }, async (world) => {
        await world.kafka.start()
        await topics(world, '--create', '--topic', 'orders', '--partitions', '6')
        const traffic = world.traffic('orders', 6, 500)
        const churn = world.churn()
        await Promise.all([traffic.more(), churn.more()])
        const before = await registrations(world.client)
        const epoch = await controllerEpoch(world.client)
        expect(before).toHaveLength(3)

        for (const next of ['zabkeeper', kind] as const) {
          traffic.mark()
          for (const id of await followersFirst(world.ensemble)) {
            await replace(world.ensemble, id, next, async () => {
              await Promise.all([traffic.more(), churn.more()])
            })
          }
          expect(world.ensemble.members.map((member) => member.kind)).toEqual([next, next, next])
          console.log(`now ${next}: longest pause of producing ${traffic.gapMs} ms`)
          expect(await registrations(world.client)).toEqual(before)
          expect(await controllerEpoch(world.client)).toBe(epoch)
        }

        await churn.finish(world.servers)
        const { acknowledged, total, groupRepeated, ...count } = await traffic.finish()
        const rounds = `${churn.rounds} topics made, changed and deleted`
        console.log(`${acknowledged} records acknowledged, ${groupRepeated} read again; ${rounds}`)
        expect(count).toEqual(NOTHING_WRONG)
        expect(total).toBe(acknowledged)
        expect(troubles(world.kafka)).toEqual([])
        await expectEqualTrees(world.ensemble)
      })
    },
  )
})

/** The order of the page: the leader last. */
async function followersFirst(ensemble: Ensemble): Promise<readonly number[]> {
  const leader = await ensemble.leader()
  const others = ensemble.members.filter(({ id }) => id !== leader.id)
  return [...others, leader].map(({ id }) => id)
}

/** Stops one server and starts the other kind in its place, with an empty folder, while all others serve. */
async function replace(
  ensemble: Ensemble,
  id: number,
  kind: ServerKind,
  atWork: () => Promise<void>,
): Promise<void> {
  const member = ensemble.member(id)
  await ensemble.ready()
  expect(oddLines(ensemble)).toEqual([])
  await member.stop()
  await atWork()
  member.kind = kind
  rmSync(member.dataDir, { recursive: true, force: true })
  await member.start()
  await atWork()
  await expectNoMismatches(ensemble)
}
