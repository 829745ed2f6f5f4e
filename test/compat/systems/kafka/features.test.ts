import { expect, test } from 'vitest'
import { freePorts, type ServerKind } from '../../../../bench/servers/index.ts'
import { expectEqualTrees, skipWithoutServers } from '../../ensemble/support/index.ts'
import { findSystem, oddLines, readTree, skipWithoutSystem, watchCounts } from '../support/index.ts'
import { BROKERS, exerciseFeatures, normalised, troubles, withKafka } from './support/index.ts'

/*
 * What Kafka keeps in ZooKeeper: topics, configurations, credentials, ACLs, reassignments, elections. The same commands on
 * three servers of ours and on three of Apache's leave the same tree, and the same watches.
 */
const kafka = findSystem('kafka')
const isSkipped = skipWithoutSystem(kafka) || skipWithoutServers('zabkeeper', 'apache-3.9')

test.skipIf(isSkipped)(
  'Kafka makes on ours the tree that it makes on Apache 3.9',
  { timeout: 3_600_000 },
  async () => {
    // They are part of the tree.
    const ports = await freePorts(2 * BROKERS)
    const ours = await treeOn('zabkeeper', ports)
    const apaches = await treeOn('apache-3.9', ports)
    expect(ours).toEqual(apaches)
    console.log(`${ours.length} lines about znodes and watches, the same on both`)
  },
)

async function treeOn(kind: ServerKind, ports: readonly number[]): Promise<readonly string[]> {
  let found: readonly string[] = []
  await withKafka({ install: kafka.found!, kind, ports }, async (world) => {
    await exerciseFeatures(world)
    expect(oddLines(world.ensemble)).toEqual([])
    expect(troubles(world.kafka)).toEqual([])
    const watches = await watchCounts(world.ensemble, (path) => path)
    found = [...normalised(await readTree(world.servers, '/kafka')), ...watches]
    await expectEqualTrees(world.ensemble)
  })
  return found
}
