import { expect, test } from 'vitest'
import { differencesBetween } from '../../ensemble/support/index.ts'
import { findSystem, oddLines, skipWithoutSystem, until } from '../support/index.ts'
import {
  acls,
  CHROOT,
  configs,
  controllerOf,
  KraftController,
  makeEverything,
  NOTHING_WRONG,
  type Phase,
  type Traffic,
  topics,
  type World,
  withKafka,
} from './support/index.ts'

/*
 * The way that Kafka goes from ZooKeeper to KRaft, with servers of ours: a controller of the new kind takes over all that
 * is stored, writes to both for a while, and in the end the servers are shut down, while records are produced all the time.
 */
const kafka = findSystem('kafka')
const COMPLETED = 'Completed migration of metadata from ZooKeeper to KRaft'

test.skipIf(skipWithoutSystem(kafka))(
  'Kafka moves from servers of ours to KRaft at work',
  { timeout: 3_600_000 },
  async () => {
    await withKafka({ install: kafka.found!, kind: 'zabkeeper' }, async (world) => {
      const { ensemble, client } = world
      await makeEverything(world)
      const traffic = world.traffic('orders', 3, 300)
      await traffic.more()

      const controller = await KraftController.make(world, kafka.found!)
      await controller.start()
      await restartAll(world, controller, 'migrating', traffic)
      await controller.program.ready('it has all from ZooKeeper', () =>
        controller.program.log.includes(COMPLETED),
      )
      expect(await controllerOf(client)).toBe(controller.place.id)

      // From here on it writes to both. It does so through a loss of our leader.
      const leader = await ensemble.leader()
      await leader.kill()
      await topics(world, '--create', '--topic', 'late', '--partitions', '3')
      // A broker that has not heard of the topic yet says that there is none.
      await until('the new topic has a configuration', async () => {
        const where = ['--bootstrap-server', world.kafka.bootstrap]
        const added = ['--alter', '--add-config', 'retention.ms=3600000', ...LATE]
        return (await world.kafka.tryTool('configs', [...where, ...added])).code === 0
      })
      await until('the new topic is in ZooKeeper, too', async () =>
        (await dataOf(world, '/config/topics/late')).includes('"retention.ms":"3600000"'),
      )
      expect(await dataOf(world, '/brokers/topics/late')).toContain('"partitions"')
      await leader.start()
      // The controller notes its position in ZooKeeper all the time: looked at between two of its writes.
      await until('all servers hold the same', async () => {
        return (await differencesBetween(ensemble.members)).length === 0
      })
      expect(oddLines(ensemble)).toEqual([])

      await restartAll(world, controller, 'kraft', traffic)
      controller.configure('kraft')
      await controller.program.stop()
      await controller.start()
      await client.close()
      await ensemble.kill()
      await traffic.more()
      await expectEverything(world)

      const { acknowledged, total, groupRepeated, ...count } = await traffic.finish()
      console.log(`${acknowledged} records acknowledged, ${groupRepeated} read again by the group`)
      expect(count).toEqual(NOTHING_WRONG)
      expect(total).toBe(acknowledged)
    })
  },
)

const LATE = ['--entity-type', 'topics', '--entity-name', 'late']

async function restartAll(
  world: World,
  controller: KraftController,
  phase: Phase,
  traffic: Traffic,
): Promise<void> {
  for (const broker of world.kafka.brokers) {
    await until('every partition is whole', async () => {
      const missing = await topics(world, '--describe', '--under-replicated-partitions')
      return missing.trim() === ''
    })
    broker.configure(phase, controller.place)
    await broker.program.stop()
    await broker.start()
    await traffic.more()
  }
}

async function dataOf(world: World, path: string): Promise<string> {
  const where = `${CHROOT}${path}`
  if ((await world.client.exists(where)) === null) return ''
  return String((await world.client.getData(where)).data)
}

/** What was made while there was ZooKeeper is all there without it. */
async function expectEverything(world: World): Promise<void> {
  const names = (await topics(world, '--list')).trim().split('\n')
  expect(names.toSorted()).toEqual(['__consumer_offsets', 'late', 'orders', 'payments'])
  const described = async (type: string, name: string): Promise<string> =>
    await configs(world, '--describe', '--entity-type', type, '--entity-name', name)
  expect(await described('topics', 'orders')).toContain('retention.ms=7200000')
  expect(await described('topics', 'late')).toContain('retention.ms=3600000')
  expect(await described('brokers', '2')).toContain('num.io.threads=6')
  expect(await described('clients', 'reports')).toContain('consumer_byte_rate=1048576')
  for (const user of ['alice', 'bob']) {
    expect(await described('users', user)).toContain('SCRAM-SHA-256=iterations=4096')
  }
  const allowed = await acls(world, '--list')
  expect(allowed).toContain('principal=User:alice')
  expect(allowed).toContain('name=team-, patternType=PREFIXED')
}
