import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { connect, NoNodeError, type ZooKeeper } from '../../../src/client-node/index.ts'
import { postgres } from '../../examples/support/postgres.ts'
import { kazoo, skipWithout } from '../clients/support/index.ts'
import { withEnsemble } from '../ensemble/support/index.ts'
import { CLUSTER, PatroniNode, patroni, TTL_MS } from './support/index.ts'

const ENSEMBLE = Array.from({ length: 3 }, () => ({ kind: 'zabkeeper' as const }))
// Of a machine with other things to do.
const START_MS = 180_000
const FAILOVER_MS = TTL_MS + 100_000

const WHERE_IT_IS = 'select pg_is_in_recovery(), timeline_id from pg_control_checkpoint()'

const database = await postgres()
const isSkipped = [await patroni(), database, await kazoo()].some(skipWithout)

test.skipIf(isSkipped)(
  'Patroni keeps its leader while the ensemble elects one, and replaces it when it is lost',
  { timeout: 600_000 },
  async () => {
    await withEnsemble({ members: ENSEMBLE }, async (ensemble) => {
      const servers = ensemble.ports.map((port) => `127.0.0.1:${port}`)
      const client = await connect(servers.join(','))
      const nodes: PatroniNode[] = []
      try {
        for (const name of ['pg1', 'pg2']) {
          nodes.push(await PatroniNode.start(name, database.found ?? '', servers))
        }
        const first = await inStep(client, nodes)
        const leader = nodes.find(({ name }) => name === first.name)!
        const replica = nodes.find(({ name }) => name !== first.name)!
        expect(await leader.query(WHERE_IT_IS)).toEqual(['f|1'])
        expect(await replica.query('select pg_is_in_recovery()')).toEqual(['t'])
        await leader.query('create table entries (n int); insert into entries values (1)')

        const ensembleLeader = await ensemble.leader()
        await ensembleLeader.kill()
        await ensemble.ready()
        const { czxid } = (await client.create('/elected')).stat
        // Patroni's leader writes its position through the new leader of the ensemble.
        await until(START_MS, 'the position of the leader', async () => {
          await leader.query('insert into entries select max(n) + 1 from entries')
          return (await client.getData(`${CLUSTER}/status`)).stat.mzxid > czxid
        })
        expect(await leaderKey(client)).toEqual(first)
        expect(await leader.query(WHERE_IT_IS)).toEqual(['f|1'])
        await ensembleLeader.start()

        expect(await inStep(client, nodes)).toEqual(first)
        const [written] = (await leader.query(
          'insert into entries select generate_series(1001, 2000); select count(*), sum(n) from entries',
        ))!
        await leader.kill()
        await until(FAILOVER_MS, 'a new leader', async () => {
          const [isReplica] = (await replica.query('select pg_is_in_recovery()')) ?? []
          return isReplica === 'f' && (await leaderKey(client))?.name === replica.name
        })
        expect((await leaderKey(client))!.session).not.toBe(first.session)
        expect(await replica.query('select count(*), sum(n) from entries')).toEqual([written])
        await replica.query('insert into entries values (3000); checkpoint')
        expect(await replica.query(WHERE_IT_IS)).toEqual(['f|2'])
      } catch (error) {
        throw new Error(`${error}\n${nodes.map(({ output }) => output).join('\n')}`, {
          cause: error,
        })
      } finally {
        for (const node of nodes) await node.discard()
        await client.close()
      }
    })
  },
)

interface LeaderKey {
  readonly name: string
  readonly session: bigint
}

/** Who leads by what is stored, null when nobody does. */
async function leaderKey(client: ZooKeeper): Promise<LeaderKey | null> {
  try {
    const { data, stat } = await client.getData(`${CLUSTER}/leader`)
    return { name: String(data), session: stat.ephemeralOwner }
  } catch (error) {
    if (error instanceof NoNodeError) return null
    throw error
  }
}

/** Waits until somebody leads and the other node has all that is acknowledged, and both know. */
async function inStep(client: ZooKeeper, nodes: readonly PatroniNode[]): Promise<LeaderKey> {
  let leader: LeaderKey | null = null
  await until(START_MS, 'a leader and a synchronous replica', async () => {
    leader = await leaderKey(client)
    if (leader === null || (await client.exists(`${CLUSTER}/sync`)) === null) return false
    const { name } = leader
    const other = nodes.find((node) => node.name !== name)!
    const sync = JSON.parse(String((await client.getData(`${CLUSTER}/sync`)).data))
    if (sync.leader !== name || sync.sync_standby !== other.name) return false
    const streams = 'select application_name, state, sync_state from pg_stat_replication'
    const rows = await nodes.find((node) => node.name === name)!.query(streams)
    return rows?.join() === `${other.name}|streaming|sync`
  })
  return leader!
}

async function until(limitMs: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + limitMs
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`${what} has not come within ${limitMs} ms`)
    await sleep(200)
  }
}
