import { expect, test } from 'vitest'
import { findSystem, oddLines, skipWithoutSystem, until } from '../support/index.ts'
import {
  controllerEpoch,
  controllerOf,
  NOTHING_WRONG,
  registrations,
  topics,
  troubles,
  type World,
  withKafka,
} from './support/index.ts'

const kafka = findSystem('kafka')

/*
 * Brokers on three servers of ours, with a producer and a consumer group at work all the time, and topics made, changed
 * and deleted. First servers fail, which brokers must not notice by more than a reconnect; then the controller fails,
 * which the others must notice.
 */
const ORDERS = ['--topic', 'orders']

test.skipIf(skipWithoutSystem(kafka))(
  'Kafka goes on while servers of ours are lost, and finds another controller',
  { timeout: 1_800_000 },
  async () => {
    await withKafka({ install: kafka.found!, kind: 'zabkeeper' }, async (world) => {
      const { ensemble, client } = world
      await world.kafka.start()
      await topics(world, '--create', ...ORDERS, '--partitions', '6')
      const traffic = world.traffic('orders', 6, 500)
      const churn = world.churn()
      await Promise.all([traffic.more(), churn.more()])
      const before = await registrations(client)
      const epoch = await controllerEpoch(client)
      expect(before).toHaveLength(3)

      // The leader, by kill -9, three times.
      for (let i = 0; i < 3; i++) {
        const leader = await ensemble.leader()
        traffic.mark()
        expect(oddLines(ensemble)).toEqual([])
        await leader.kill()
        await Promise.all([traffic.more(), churn.more()])
        await leader.start()
        await Promise.all([traffic.more(), churn.more()])
        console.log(`leader ${leader.id} killed: longest pause of producing ${traffic.gapMs} ms`)
      }
      // All servers, one after the other.
      for (const member of ensemble.members) {
        await ensemble.ready()
        expect(oddLines(ensemble)).toEqual([])
        await member.stop()
        await Promise.all([traffic.more(), churn.more()])
        await member.start()
        await Promise.all([traffic.more(), churn.more()])
      }
      // All at once: the records go on without them, and the sessions with them.
      await Promise.all(ensemble.members.map(async (member) => await member.kill()))
      await traffic.more()
      await ensemble.start()
      await Promise.all([traffic.more(), churn.more()])
      expect(await registrations(client)).toEqual(before)
      expect(await controllerEpoch(client)).toBe(epoch)
      expect(troubles(world.kafka)).toEqual([])

      const controller = (await controllerOf(client))!
      traffic.mark()
      await world.kafka.broker(controller).program.kill()
      await until('another controller', async () => {
        const now = await controllerOf(client)
        return now !== null && now !== controller
      })
      expect(await controllerEpoch(client)).toBe(epoch + 1)
      await traffic.more()
      console.log(`controller killed: longest pause of producing ${traffic.gapMs} ms`)
      await world.kafka.broker(controller).start()
      await Promise.all([traffic.more(), churn.more()])
      expect(await registrations(client)).toHaveLength(3)

      await standStill(world, controller === 1 ? 2 : 1)
      await Promise.all([traffic.more(), churn.more()])
      await churn.finish(world.servers)

      const { acknowledged, total, groupRepeated, ...count } = await traffic.finish()
      const rounds = `${churn.rounds} topics made, changed and deleted`
      console.log(`${acknowledged} records acknowledged, ${groupRepeated} read again; ${rounds}`)
      expect(count).toEqual(NOTHING_WRONG)
      expect(total).toBe(acknowledged)
      expect(oddLines(ensemble)).toEqual([])
    })
  },
)

/** A broker that does not run until its session has expired: it finds that out, and comes back with another. */
async function standStill(world: World, id: number): Promise<void> {
  const { program } = world.kafka.broker(id)
  const before = await registrations(world.client)
  program.signal('SIGSTOP')
  await until(`broker ${id} is gone`, async () => (await registrations(world.client)).length === 2)
  program.signal('SIGCONT')
  await until(`broker ${id} is back`, async () => (await registrations(world.client)).length === 3)
  const after = await registrations(world.client)
  expect(after.filter((one) => before.includes(one))).toHaveLength(2)
  await until('every partition of it is whole', async () => {
    const missing = await topics(world, '--describe', '--under-replicated-partitions', ...ORDERS)
    return missing.trim() === ''
  })
}
