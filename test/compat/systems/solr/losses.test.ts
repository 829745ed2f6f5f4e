import { expect, test } from 'vitest'
import { SERVER_KIND } from '../../clients/support/index.ts'
import {
  type AskedProgram,
  findSystem,
  oddLines,
  readTree,
  skipWithoutSystem,
  until,
} from '../support/index.ts'
import { ROOT, shardsOf, wholeAgain, withSolr } from './support/index.ts'

const solr = findSystem('solr')
const REPLICAS = 4
/** Acknowledged documents after which a step has been seen to work. */
const MORE = 20

/*
 * A collection of two shards with two replicas each on three nodes, which is written to all the time. First servers of
 * ours fail, which nodes must not notice by more than a reconnect; then the overseer fails, then a node that leads shards.
 */
test.skipIf(skipWithoutSystem(solr))(
  'SolrCloud goes on while servers of ours are lost, and elects another overseer',
  { timeout: 1_800_000 },
  async () => {
    await withSolr(solr.found!, SERVER_KIND, async ({ ensemble, servers, solr: cloud, client }) => {
      expect(await client.ask('create rows small 2 2')).toBe('created')
      await wholeAgain(client, 'rows', REPLICAS)
      await client.ask('load rows')
      await moreDocuments(client)
      const before = await ephemeralOwners(servers)
      const overseer = await client.ask('overseer')

      for (let i = 0; i < 2; i++) {
        const leader = await ensemble.leader()
        expect(oddLines(ensemble)).toEqual([])
        const killedMs = Date.now()
        await leader.kill()
        await moreDocuments(client)
        expect(await client.ask(`create killed-${i} small 1 1`)).toBe('created')
        console.log(`leader killed: a collection is made after ${Date.now() - killedMs} ms`)
        await leader.start()
        await moreDocuments(client)
      }
      for (const member of ensemble.members) {
        expect(oddLines(ensemble)).toEqual([])
        await member.stop()
        await moreDocuments(client)
        await member.start()
        await ensemble.ready()
      }
      for (let i = 0; i < 2; i++) expect(await client.ask(`drop killed-${i}`)).toBe('dropped')
      expect(await ephemeralOwners(servers)).toEqual(before)
      expect(await client.ask('overseer')).toBe(overseer)
      expect(cloud.troubles).toEqual([])
      console.log(`servers lost: ${await client.ask('acknowledged')}`)

      const lost = cloud.nodes.find(({ name }) => overseer.includes(name))!
      await lost.program.kill()
      await until('another overseer is elected', async () => {
        const now = await client.ask('overseer').catch(() => overseer)
        return now !== overseer && cloud.nodes.some(({ name }) => now.includes(name))
      })
      await moreDocuments(client)
      expect(await client.ask('create after small 1 2')).toBe('created')
      lost.program.launch()
      await wholeAgain(client, 'rows', REPLICAS)
      console.log(`overseer lost: ${await client.ask('acknowledged')}`)

      const [first] = (await shardsOf(client, 'rows')).leaders
      const leading = cloud.nodes.find(({ name }) => name === first)!
      await leading.program.kill()
      await until('its shards have other leaders', async () => {
        const { live, leaders } = await shardsOf(client, 'rows')
        return !live.includes(first!) && !leaders.some((one) => one === 'none' || one === first)
      })
      await moreDocuments(client)
      leading.program.launch()
      await wholeAgain(client, 'rows', REPLICAS)

      const stopped = await client.ask('stop')
      const [, count] = /^acknowledged (\d+) repeated \d+$/.exec(stopped)!
      console.log(`leader of shards lost: ${stopped}`)
      expect(await client.ask(`check rows ${count}`)).toBe(`documents ${count} missing 0`)
      expect(oddLines(ensemble)).toEqual([])
    })
  },
)

async function acknowledged(client: AskedProgram): Promise<number> {
  return Number(/^acknowledged (\d+)/.exec(await client.ask('acknowledged'))![1])
}

async function moreDocuments(client: AskedProgram): Promise<void> {
  const before = await acknowledged(client)
  await until('more documents are added', async () => (await acknowledged(client)) >= before + MORE)
}

/** The ephemeral znodes of nodes and of the election, with their sessions. */
async function ephemeralOwners(servers: string): Promise<readonly string[]> {
  return [...(await readTree(servers, ROOT)).values()]
    .filter(({ stat }) => stat.ephemeralOwner !== 0n)
    .map(({ path, stat }) => `${path} ${stat.ephemeralOwner.toString(16)} ${stat.czxid}`)
}
