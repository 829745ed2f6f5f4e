import { expect, test } from 'vitest'
import { findSystem, oddLines, readTree, skipWithoutSystem, until } from '../support/index.ts'
import { withHBase } from './support/index.ts'

const hbase = findSystem('hbase')
const QUEUES = '/hbase/replication/rs'

/*
 * Two HBases on one ensemble, each with its own root. What the first one has still to send is in znodes of each region
 * server, written before an answer is given; when a region server dies, another takes over its queue in one `multi`.
 */
test.skipIf(skipWithoutSystem(hbase))(
  'HBase replicates all rows, over the loss of a region server and of a leader of ours',
  { timeout: 1_800_000 },
  async () => {
    await withHBase(hbase.found!, 'zabkeeper', async ({ ensemble, servers, another, ...world }) => {
      const { hbase: source, client } = world
      const peer = await another({ masters: 1, regionServers: 1, znode: '/hbase-peer' })
      await peer.start()
      const peerClient = peer.client()
      try {
        await peer.settled(peerClient)
        for (const one of [client, peerClient]) await one.ask('create rows 4')
        expect(await client.ask(`peer far ${peer.key}`)).toBe('added')
        expect(await client.ask('peers')).toBe('peers 1')

        const queues = async (): Promise<readonly string[]> =>
          [...(await readTree(servers, QUEUES)).keys()].filter((path) => path !== QUEUES)
        await client.ask('load rows')
        const arrived = async (): Promise<void> => {
          const count = await client.acknowledged()
          await until('rows arrive at the peer', async () => {
            return (await peerClient.ask(`check rows ${count}`)).endsWith(' missing 0')
          })
        }
        await arrived()
        const [lost] = source.regionServers
        expect((await queues()).some((path) => path.includes(`,${lost!.port},`))).toBe(true)

        await lost!.program.kill()
        await until('its queue is taken over and worked off', async () => {
          return !(await queues()).some((path) => path.includes(`,${lost!.port},`))
        })
        await arrived()

        const leader = await ensemble.leader()
        expect(oddLines(ensemble)).toEqual([])
        await leader.kill()
        await arrived()
        await leader.start()

        const [, count] = /^acknowledged (\d+)$/.exec(await client.ask('stop'))!
        await arrived()
        expect(await peerClient.ask(`check rows ${count}`)).toBe(`rows ${count} missing 0`)
        console.log(`${count} rows replicated`)
        expect([...source.troubles, ...peer.troubles]).toEqual([])
        expect(oddLines(ensemble)).toEqual([])
      } finally {
        peerClient.kill()
      }
    })
  },
)
