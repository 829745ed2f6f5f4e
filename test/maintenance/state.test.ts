import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { snapshotFileBytes } from '../../src/apache-files/index.ts'
import type { Zxid } from '../../src/base/index.ts'
import {
  compareTrees,
  type LoadedState,
  loadState,
  reportState,
  stateJson,
  stateText,
} from '../../src/maintenance/index.ts'
import { APACHE, Folders, flipBit, Writer, zxid } from './support.ts'

const folders = new Folders()

beforeAll(async () => {
  const writer = await Writer.open(folders.at('ours'))
  await writer.fill(30)
  await writer.checkpoint()
  await writer.create('/zookeeper/quota/app', '')
  await writer.create('/zookeeper/quota/app/zookeeper_limits', 'count=10,bytes=-1')
  for (let i = 0; i < 5; i++) await writer.create(`/app/child${i}`, 'x'.repeat(i * 100))
  await writer.close()
  writeFileSync(
    folders.at('snapshot.26'),
    Buffer.concat([...snapshotFileBytes(writer.state, 1000)]),
  )
})

afterAll(() => folders.discard())

async function load(where: string, upTo: Zxid | null = null): Promise<LoadedState> {
  return await loadState(where, null, upTo, () => {})
}

describe('what a state is made of', () => {
  test('of a folder of ours: checkpoint and log', async () => {
    const loaded = await load(folders.at('ours'))
    expect(loaded).toMatchObject({ baseZxid: zxid(33), remarks: [] })
    const { tree } = reportState(loaded, 2, 3)
    expect(tree).toMatchObject({
      znodes: 13,
      ephemerals: 1,
      depths: [1, 2, 8, 1, 1],
      subtrees: [
        { path: '/app', znodes: 7, dataBytes: 503 + 9 + 1000 },
        { path: '/app/child4', znodes: 1, dataBytes: 400 },
        { path: '/app/child3', znodes: 1, dataBytes: 300 },
      ],
      biggest: [
        { path: '/app', bytes: 503 },
        { path: '/app/child4', bytes: 400 },
        { path: '/app/child3', bytes: 300 },
      ],
      widest: [
        { path: '/app', children: 6 },
        { path: '/', children: 2 },
        { path: '/zookeeper', children: 2 },
      ],
      quotas: [{ path: '/app', limits: 'count=10,bytes=-1', stats: null }],
    })
    const text = stateText(reportState(loaded, 2, 3))
    expect(text).toMatch('zxid      0x28 (the state of 0x21 and the log after it)')
    expect(text).toMatch(/1\.5 KiB {2}7 znodes {2}\/app\n/)
    expect(JSON.parse(stateJson(reportState(loaded, 1, 1)))).toMatchObject({
      zxid: '0x28',
      sessions: 1,
      subtrees: [{ path: '/app' }],
      owners: [{ session: '0x100000000001', ephemerals: 1 }],
    })
  })

  test('at an earlier transaction, but none before the checkpoint', async () => {
    const { state } = await load(folders.at('ours'), zxid(36))
    expect(state.lastApplied).toBe(zxid(36))
    expect(state.tree.find('/app/child0')).toBeDefined()
    expect(state.tree.find('/app/child1')).toBeUndefined()
    await expect(load(folders.at('ours'), zxid(32))).rejects.toThrow('has states from 0x21 on only')
  })

  test('while its server uses the folder', async () => {
    const writer = await Writer.open(folders.copy('ours', 'busy'))
    await writer.set('/app', 31)
    await writer.checkpoint()
    await writer.set('/app', 32)
    const { state } = await load(folders.at('busy'))
    expect(state.tree.digest()).toBe(writer.state.tree.digest())
    await writer.close()
  })

  test('of folders and files of an Apache ZooKeeper, packed ones too', async () => {
    const { state, remarks } = await load(APACHE)
    expect([state.lastApplied, state.tree.znodeCount, remarks]).toEqual([zxid(0x21, 2), 62, []])
    const file = await load(folders.at('snapshot.26'))
    expect(file.state.tree.znodeCount).toBe(13)
    const packed = folders.at('snapshot.27.gz')
    writeFileSync(packed, gzipSync(Buffer.concat([...snapshotFileBytes(file.state, 1000)])))
    expect((await load(packed)).state.tree.digest()).toBe(file.state.tree.digest())
    flipBit(folders.at('snapshot.26'), 300)
    await expect(load(folders.at('snapshot.26'))).rejects.toThrow('is no whole snapshot')
    await expect(load(path.join(APACHE, 'myid'))).rejects.toThrow('is no snapshot by its name')
  })
})

test('two states are compared znode by znode', async () => {
  const left = (await load(folders.at('ours'))).state.tree
  const writer = await Writer.open(folders.copy('ours', 'other'))
  expect(compareTrees(left.znodes(), writer.state.tree.znodes())).toEqual([])
  await writer.set('/app', 31)
  await writer.create('/app/child9', '')
  await writer.create('/more', 'new')
  await writer.close()
  const right = (await load(folders.at('other'))).state.tree
  const found = compareTrees(left.znodes(), right.znodes())
  expect(found.map(({ path: where, kind }) => [where, kind])).toEqual([
    ['/', 'stat'],
    ['/app', 'data'],
    ['/app/child9', 'right only'],
    ['/more', 'right only'],
  ])
  const mirrored = compareTrees(right.znodes(), left.znodes())
  expect(mirrored.map(({ kind }) => kind)).toEqual(['stat', 'data', 'left only', 'left only'])
})
