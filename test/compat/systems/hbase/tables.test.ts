import { describe, expect, test } from 'vitest'
import { missingServer, type ServerKind } from '../../../../bench/servers/index.ts'
import { findSystem, oddLines, skipWithoutSystem, until, watchCounts } from '../support/index.ts'
import { nameOf, treeShape, withHBase } from './support/index.ts'

const hbase = findSystem('hbase')
const KINDS: readonly ServerKind[] = ['zabkeeper', 'apache-3.8']
const ROWS = 3000

interface Found {
  readonly kind: ServerKind
  readonly tree: readonly string[]
  readonly watches: readonly string[]
}

/*
 * The same things done with tables on servers of ours and on Apache's. What HBase has then stored in ZooKeeper and
 * watches there must be the same, znode by znode.
 */
describe.skipIf(skipWithoutSystem(hbase))('tables of HBase', { timeout: 1_200_000 }, () => {
  const found: Found[] = []

  test.for(KINDS)('are made, written, split, disabled and dropped on %s', async (kind, context) => {
    context.skip(missingServer(kind) !== null)
    await withHBase(hbase.found!, kind, async ({ ensemble, servers, hbase, client }) => {
      const ask = async (command: string): Promise<string> => await client.ask(command)
      expect(await ask('create first 4')).toBe('regions 4')
      expect(await ask(`put first 0 ${ROWS}`)).toBe(`put ${ROWS}`)
      expect(await ask('get first 77')).toBe('value-77')
      expect(await ask(`check first ${ROWS}`)).toBe(`rows ${ROWS} missing 0`)

      expect(await ask('split first 10')).toBe('asked')
      await until('the region is split', async () => {
        return (await ask('regions first')) === 'regions 5 online 5'
      })
      expect(await ask(`check first ${ROWS}`)).toBe(`rows ${ROWS} missing 0`)

      expect(await ask('disable first')).toBe('disabled true')
      await expect(ask('get first 77')).rejects.toThrow('TableNotEnabledException')
      expect(await ask('enable first')).toBe('enabled true')
      expect(await ask(`check first ${ROWS}`)).toBe(`rows ${ROWS} missing 0`)

      expect(await ask('create second 2')).toBe('regions 2')
      expect(await ask('disable second')).toBe('disabled true')
      expect(await ask('drop second')).toBe('exists false')

      await hbase.settled(client)
      found.push({
        kind,
        tree: await treeShape(servers, '/hbase'),
        watches: await watchCounts(ensemble, nameOf),
      })
      expect(hbase.troubles).toEqual([])
      expect(oddLines(ensemble)).toEqual([])
    })
  })

  test('leave the same znodes and watches on both', (context) => {
    const [ours, apaches] = found
    context.skip(apaches === undefined)
    expect(ours!.tree.some((line) => line.startsWith('/hbase/table/first persistent'))).toBe(true)
    expect(ours!.tree).toEqual(apaches!.tree)
    expect(ours!.watches).toContain('/hbase/acl 4')
    expect(ours!.watches).toEqual(apaches!.watches)
  })
})
