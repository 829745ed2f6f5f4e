import { describe, expect, test } from 'vitest'
import { missingServer, type ServerKind } from '../../../../bench/servers/index.ts'
import { findSystem, oddLines, skipWithoutSystem, until, watchCounts } from '../support/index.ts'
import { nameOf, ROOT, treeShape, wholeAgain, withSolr } from './support/index.ts'

const solr = findSystem('solr')
const KINDS: readonly ServerKind[] = ['zabkeeper', 'apache-3.8']
const DOCUMENTS = 100

interface Found {
  readonly kind: ServerKind
  readonly tree: readonly string[]
  readonly watches: readonly string[]
}

/*
 * The same things done with collections on servers of ours and on Apache's. What Solr has then stored in ZooKeeper must
 * be the same, and the same must be watched.
 */
describe.skipIf(skipWithoutSystem(solr))('collections of Solr', { timeout: 1_200_000 }, () => {
  const found: Found[] = []

  test.for(KINDS)('are made, split, aliased, reloaded and dropped on %s', async (kind, context) => {
    context.skip(missingServer(kind) !== null)
    await withSolr(solr.found!, kind, async ({ ensemble, servers, solr: cloud, client }) => {
      const ask = async (command: string): Promise<string> => await client.ask(command)
      expect(await ask('create rows small 2 2')).toBe('created')
      await wholeAgain(client, 'rows', 4)
      await ask('load rows')
      await until('documents are added', async () => {
        return Number(/\d+/.exec(await ask('acknowledged'))![0]) >= DOCUMENTS
      })
      const [, count] = /^acknowledged (\d+) repeated 0$/.exec(await ask('stop'))!
      expect(await ask(`check rows ${count}`)).toBe(`documents ${count} missing 0`)

      expect(await ask('split rows shard1')).toBe('split')
      await until('the halves take over', async () => {
        return (await ask('slices rows')) === 'active shard1_0,shard1_1,shard2'
      })
      expect(await ask(`check rows ${count}`)).toBe(`documents ${count} missing 0`)
      expect(await ask('alias other rows')).toBe('aliased')
      expect(await ask(`check other ${count}`)).toBe(`documents ${count} missing 0`)
      expect(await ask('reload rows')).toBe('reloaded')
      expect(await ask('create gone small 1 3')).toBe('created')
      expect(await ask('drop gone')).toBe('dropped')

      await wholeAgain(client, 'rows', 8)
      await until('the overseer has nothing left to do', async () => {
        const tree = await treeShape(servers, `${ROOT}/overseer`)
        return !tree.some((line) => /\/(?:queue|queue-work|collection-queue-work)\//.test(line))
      })
      found.push({
        kind,
        tree: await treeShape(servers, ROOT),
        watches: await watchCounts(ensemble, nameOf),
      })
      expect(cloud.troubles).toEqual([])
      expect(oddLines(ensemble)).toEqual([])
    })
  })

  test('leave the same znodes and watches on both', (context) => {
    const [ours, apaches] = found
    context.skip(apaches === undefined)
    expect(ours!.tree.filter((line) => line.startsWith(`${ROOT}/live_nodes/NODE`))).toHaveLength(3)
    expect(ours!.tree).toEqual(apaches!.tree)
    expect(ours!.watches.length).toBeGreaterThan(0)
    expect(ours!.watches).toEqual(apaches!.watches)
  })
})
