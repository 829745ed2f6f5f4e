import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { until } from '../../support/index.ts'
import { CHROOT } from './properties.ts'
import type { World } from './world.ts'

/** So that two runs make the same: the first of each row is the leader to prefer. */
const ORDERS = '1:2:3,2:3:1,3:1:2'
const PAYMENTS = '1:2,2:3'
const ALICE = 'alice-secret'
const BOB = 'bob-secret'
const LINES = ['one', 'two', 'three', 'four', 'five']
const EXECUTED = { version: 1, partitions: [{ topic: 'payments', partition: 0, replicas: [3, 1] }] }

/** Everything that Kafka keeps in ZooKeeper is made, changed and looked at, with Kafka's own commands. */
export async function exerciseFeatures(world: World): Promise<void> {
  await makeEverything(world)
  await useAsAlice(world)
  await reassign(world)
  await electPreferred(world)
}

/** Starts the brokers; topics, configurations, credentials and ACLs are there then. */
export async function makeEverything(world: World): Promise<void> {
  await storeCredentials(world)
  await world.kafka.start()
  await makeTopics(world)
  await changeConfigurations(world)
  await restrict(world)
}

/** As administrators do before there is a broker: straight into ZooKeeper. */
async function storeCredentials(world: World): Promise<void> {
  await world.client.create(CHROOT)
  const where = ['--zookeeper', `${world.servers}${CHROOT}`]
  const scram = `SCRAM-SHA-256=[iterations=4096,password=${ALICE}]`
  const user = ['--entity-type', 'users', '--entity-name', 'alice']
  await world.kafka.tool('configs', ...where, '--alter', '--add-config', scram, ...user)
  const shown = await world.kafka.tool('configs', ...where, '--describe', ...user)
  expect(shown).toContain('SCRAM-SHA-256=salt=')
}

async function makeTopics(world: World): Promise<void> {
  await topics(world, '--create', '--topic', 'orders', '--replica-assignment', ORDERS)
  await topics(world, '--create', '--topic', 'payments', '--replica-assignment', PAYMENTS)
  await topics(world, '--create', '--topic', 'gone', '--replica-assignment', ORDERS)
  const more = `${PAYMENTS},3:1`
  await topics(
    ...[world, '--alter', '--topic', 'payments', '--partitions', '3'],
    ...['--replica-assignment', more],
  )
  await topics(world, '--delete', '--topic', 'gone')
  for (const where of ['brokers/topics/gone', 'config/topics/gone', 'admin/delete_topics/gone']) {
    const gone = `${CHROOT}/${where}`
    await until(`${gone} is deleted`, async () => (await world.client.exists(gone)) === null)
  }
  expect((await topics(world, '--list')).trim().split('\n').toSorted()).toEqual([
    'orders',
    'payments',
  ])
}

async function changeConfigurations(world: World): Promise<void> {
  const orders = ['--entity-type', 'topics', '--entity-name', 'orders']
  const added = 'retention.ms=7200000,max.message.bytes=65536'
  await configs(world, '--alter', '--add-config', added, ...orders)
  await configs(world, '--alter', '--delete-config', 'max.message.bytes', ...orders)
  const shown = await configs(world, '--describe', ...orders)
  expect(shown).toContain('retention.ms=7200000')
  expect(shown).not.toContain('max.message.bytes')

  const broker = ['--entity-type', 'brokers', '--entity-name', '2']
  await configs(world, '--alter', '--add-config', 'num.io.threads=6', ...broker)
  // Brokers hear of it through a sequential znode that they watch.
  await until('broker 2 has six threads', async () =>
    (await configs(world, '--describe', ...broker)).includes('num.io.threads=6'),
  )
  const all = ['--entity-type', 'brokers', '--entity-default']
  await configs(world, '--alter', '--add-config', 'log.cleaner.backoff.ms=10000', ...all)
  const quota = 'consumer_byte_rate=1048576,producer_byte_rate=1048576'
  const client = ['--entity-type', 'clients', '--entity-name', 'reports']
  await configs(world, '--alter', '--add-config', quota, ...client)
  const scram = `SCRAM-SHA-256=[iterations=4096,password=${BOB}]`
  const user = ['--entity-type', 'users', '--entity-name', 'bob']
  await configs(world, '--alter', '--add-config', scram, ...user)
}

async function restrict(world: World): Promise<void> {
  const add = ['--add', '--allow-principal', 'User:alice']
  await acls(
    ...[world, ...add, '--operation', 'Read', '--operation', 'Write', '--operation', 'Describe'],
    ...['--topic', 'orders'],
  )
  const prefixed = ['--resource-pattern-type', 'prefixed']
  await acls(world, ...add, '--operation', 'Read', '--group', 'team-', ...prefixed)
  await acls(world, ...add, '--operation', 'IdempotentWrite', '--cluster')
  const guest = ['--allow-principal', 'User:guest', '--operation', 'Read', '--topic', 'payments']
  await acls(world, '--add', ...guest)
  await acls(world, '--remove', '--force', ...guest)
  const shown = await acls(world, '--list')
  expect(shown).toContain('principal=User:alice')
  expect(shown).toContain('name=team-, patternType=PREFIXED')
  expect(shown).not.toContain('User:guest')
}

/** What is stored counts: alice may, bob may not, and with a wrong password nobody comes in. */
async function useAsAlice(world: World): Promise<void> {
  const alice = login(world, 'alice', ALICE)
  const topic = ['--topic', 'orders', '--bootstrap-server', world.kafka.securedBootstrap]
  const send = [...topic, '--producer.config', alice, '--sync']
  // Each broker hears of credentials and ACLs in its own time; until then it refuses.
  await until('alice may write', async () => {
    const { output } = await world.kafka.tryTool('consoleProducer', send, `${LINES.join('\n')}\n`)
    return !/Authorization|Authentication/i.test(output)
  })
  const receive = [...topic, '--group', 'team-orders', '--from-beginning', '--timeout-ms', '15000']
  const read = async (file: string): Promise<string> => {
    const args = [...receive, '--consumer.config', file]
    return (await world.kafka.tryTool('consoleConsumer', args)).output
  }
  await until('alice reads all', async () => {
    const lines = new Set((await read(alice)).split('\n'))
    return LINES.every((line) => lines.has(line))
  })
  await until('bob comes in and may not', async () =>
    (await read(login(world, 'bob', BOB))).includes('TopicAuthorizationException'),
  )
  expect(await read(login(world, 'alice', 'wrong'))).toContain('SaslAuthenticationException')
}

function login(world: World, user: string, password: string): string {
  const module = 'org.apache.kafka.common.security.scram.ScramLoginModule'
  const lines = [
    'security.protocol=SASL_PLAINTEXT',
    'sasl.mechanism=SCRAM-SHA-256',
    `sasl.jaas.config=${module} required username="${user}" password="${password}";`,
  ]
  mkdirSync(path.join(world.folder, user), { recursive: true })
  const file = path.join(world.folder, user, `${password}.properties`)
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

async function reassign(world: World): Promise<void> {
  const file = path.join(world.folder, 'reassignment.json')
  writeFileSync(file, JSON.stringify(EXECUTED))
  const plan = ['--bootstrap-server', world.kafka.bootstrap, '--reassignment-json-file', file]
  await world.kafka.tool('reassign', ...plan, '--execute')
  await until('payments-0 is at its new brokers', async () =>
    (await world.kafka.tool('reassign', ...plan, '--verify')).includes(
      'Reassignment of partition payments-0 is completed.',
    ),
  )
  const shown = await topics(world, '--describe', '--topic', 'payments')
  expect(shown).toMatch(/Partition: 0\s+Leader: [13]\s+Replicas: 3,1/)
}

/** A broker goes and comes back: it leads nothing, until it is asked to. */
async function electPreferred(world: World): Promise<void> {
  await inSync(world)
  await world.kafka.broker(1).program.stop()
  await until('nobody is led by broker 1', async () => !(await leaders(world)).includes(1))
  await world.kafka.broker(1).start()
  await inSync(world)
  expect(await leaders(world)).not.toContain(1)
  const where = ['--bootstrap-server', world.kafka.bootstrap]
  const kind = ['--election-type', 'preferred', '--all-topic-partitions']
  await world.kafka.tool('leaderElection', ...where, ...kind)
  await until('the preferred lead', async () => (await leaders(world)).join() === '1,2,3')
}

/** Who leads the partitions of `orders`. */
async function leaders(world: World): Promise<readonly number[]> {
  const shown = await topics(world, '--describe', '--topic', 'orders')
  return [...shown.matchAll(/\tLeader: (\d+)/g)].map((match) => Number(match[1]))
}

async function inSync(world: World): Promise<void> {
  await until('every partition is whole', async () => {
    const missing = await topics(world, '--describe', '--under-replicated-partitions')
    return missing.trim() === ''
  })
}

export async function topics(world: World, ...args: readonly string[]): Promise<string> {
  return await world.kafka.tool('topics', '--bootstrap-server', world.kafka.bootstrap, ...args)
}

export async function configs(world: World, ...args: readonly string[]): Promise<string> {
  return await world.kafka.tool('configs', '--bootstrap-server', world.kafka.bootstrap, ...args)
}

export async function acls(world: World, ...args: readonly string[]): Promise<string> {
  return await world.kafka.tool('acls', '--bootstrap-server', world.kafka.bootstrap, ...args)
}
