import { describe, expect, test } from 'vitest'
import { SERVER_KIND } from '../../clients/support/index.ts'
import { findSystem, oddLines, readTree, skipWithoutSystem, until } from '../support/index.ts'
import { type HBaseClient, type HBaseServer, type HBaseWorld, withHBase } from './support/index.ts'

const hbase = findSystem('hbase')
const REGIONS = 6
/** Acknowledged rows after which a step has been seen to work. */
const MORE = 30

describe.skipIf(skipWithoutSystem(hbase))('HBase under load', { timeout: 1_800_000 }, () => {
  test('goes on without a region server and with another master', async () => {
    await withHBase(hbase.found!, SERVER_KIND, async (world) => {
      const { client, hbase: cluster, ensemble } = world
      await startLoad(client)

      for (const lost of cluster.regionServers) {
        await lost.program.kill()
        await until('the region server is missed', async () => {
          const { live, dead } = await client.status()
          return dead.includes(lost.port) && !live.includes(lost.port)
        })
        await until('its regions are somewhere else', async () => {
          return (await client.ask('regions rows')) === `regions ${REGIONS} online ${REGIONS}`
        })
        await moreRows(client)
        lost.program.launch()
        await cluster.settled(client)
      }

      for (let i = 0; i < 2; i++) {
        const active = serverAt(cluster.masters, (await client.status()).master)
        const backup = cluster.masters.find((one) => one !== active)!
        await active.program.kill()
        await until('the other master leads', async () => {
          // A master that is not ready refuses to say; the client gives up after some tries.
          return (await client.status().catch(() => null))?.master === backup.port
        })
        await moreRows(client)
        expect(await client.ask(`create made-${i} 2`)).toBe('regions 2')
        active.program.launch()
        await cluster.settled(client)
      }

      expect(cluster.troubles).toEqual([])

      // One that stands still is given up, and finds that out when it goes on.
      const still = cluster.regionServers[0]!
      still.program.signal('SIGSTOP')
      await until('the region server is given up', async () => {
        return (await client.status()).dead.includes(still.port)
      })
      still.program.signal('SIGCONT')
      await until('it ends by itself', () => !still.program.running)
      expect(cluster.troubles.join('\n')).toContain('ABORTING region server')
      await moreRows(client)
      still.program.launch()
      await cluster.settled(client)

      await expectNothingLost(client)
      expect(oddLines(ensemble)).toEqual([])
    })
  })

  test('does not notice that servers of ours are killed and restarted', async () => {
    await withHBase(hbase.found!, SERVER_KIND, async (world) => {
      const { client, hbase: cluster, ensemble } = world
      await startLoad(client)
      const owners = await ephemeralOwners(world)
      expect(owners).toHaveLength(4)

      for (let i = 0; i < 3; i++) {
        const leader = await ensemble.leader()
        expect(oddLines(ensemble)).toEqual([])
        const killedMs = Date.now()
        await leader.kill()
        expect(await client.ask(`create killed-${i} 2`)).toBe('regions 2')
        console.log(`leader killed: a table is made after ${Date.now() - killedMs} ms`)
        await leader.start()
        await moreRows(client)
      }
      for (const member of ensemble.members) {
        expect(oddLines(ensemble)).toEqual([])
        await member.stop()
        await moreRows(client)
        await member.start()
        await ensemble.ready()
        expect(await client.ask(`disable killed-${member.id - 1}`)).toBe('disabled true')
        expect(await client.ask(`drop killed-${member.id - 1}`)).toBe('exists false')
      }

      // All at once: sessions outlive their servers.
      expect(oddLines(ensemble)).toEqual([])
      await ensemble.kill()
      await moreRows(client)
      await ensemble.start()
      expect(await client.ask('create last 2')).toBe('regions 2')

      await cluster.settled(client)
      expect(await ephemeralOwners(world)).toEqual(owners)
      await expectNothingLost(client)
      expect(cluster.troubles).toEqual([])
      expect(oddLines(ensemble)).toEqual([])
    })
  })
})

async function startLoad(client: HBaseClient): Promise<void> {
  expect(await client.ask(`create rows ${REGIONS}`)).toBe(`regions ${REGIONS}`)
  await client.ask('load rows')
  await moreRows(client)
}

async function moreRows(client: HBaseClient): Promise<void> {
  const before = await client.acknowledged()
  await until('more rows are written', async () => (await client.acknowledged()) >= before + MORE)
}

/** Ends the load. Each row was asked for once: there is none more than was acknowledged. */
async function expectNothingLost(client: HBaseClient): Promise<void> {
  const [, count] = /^acknowledged (\d+)$/.exec(await client.ask('stop'))!
  console.log(`${count} rows acknowledged`)
  expect(await client.ask(`check rows ${count}`)).toBe(`rows ${count} missing 0`)
}

/** Each ephemeral znode of HBase with its session: a master and a region server that come back have others. */
async function ephemeralOwners({ servers }: HBaseWorld): Promise<readonly string[]> {
  const znodes = [...(await readTree(servers, '/hbase')).values()]
  return znodes
    .filter(({ stat }) => stat.ephemeralOwner !== 0n)
    .map(({ path, stat }) => `${path} ${stat.ephemeralOwner.toString(16)} ${stat.czxid}`)
}

function serverAt(servers: readonly HBaseServer[], port: string): HBaseServer {
  const server = servers.find((one) => one.port === port)
  if (server === undefined) throw new Error(`no server has port ${port}`)
  return server
}
