import { afterEach, beforeEach, expect, test } from 'vitest'
import { PersistentNode } from '../../recipes/index.ts'
import type { ZooKeeper } from '../../src/client/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage
let member: Member
let other: ZooKeeper

beforeEach(async () => {
  stage = new RecipeStage()
  member = await stage.member()
  other = (await stage.member()).zk
})

afterEach(async () => {
  await stage.finish()
})

async function dataAt(path: string): Promise<string> {
  const { data } = await stage.run(other.getData(path))
  return new TextDecoder().decode(data)
}

test('is there, with what is missing above it, and comes back when it is deleted', async () => {
  const node = await stage.run(PersistentNode.open(member.zk, '/a/b/n', 'one'))
  expect([node.path, node.isPresent, stage.ephemerals()]).toEqual(['/a/b/n', true, ['/a/b/n']])
  await stage.run(other.delete('/a/b/n'))
  await stage.until(() => !node.isPresent)
  expect(await stage.run(node.present())).toBe('/a/b/n')
  await stage.run(node.setData('two'))
  await stage.run(other.delete('/a/b/n'))
  await stage.runFor(1000)
  expect(await dataAt('/a/b/n')).toBe('two')
  await stage.run(node.close())
  expect([node.path, stage.ephemerals()]).toEqual([null, []])
  expect(await stage.fails(node.present())).toMatchObject({ code: 'CLOSED' })
})

test('comes back after its session was lost', async () => {
  const node = await stage.run(PersistentNode.open(member.zk, '/n', 'x'))
  const { id } = member.zk.session!
  stage.isolate(true, member.host)
  await stage.until(() => member.zk.state === 'lost')
  expect([node.isPresent, node.path]).toEqual([false, null])
  await stage.runFor(8000)
  expect(stage.ephemerals()).toEqual([])
  stage.isolate(false, member.host)
  await stage.run(node.present())
  const stat = await stage.run(other.exists('/n'))
  expect(stat!.ephemeralOwner).toBe(member.zk.session!.id)
  expect(stat!.ephemeralOwner).not.toBe(id)
  await stage.run(node.close())
})

test('a znode of another session is left alone, its end waited for (B2)', async () => {
  const { stat } = await stage.run(other.create('/n', 'theirs', { mode: 'ephemeral' }))
  const late = stage.fails(PersistentNode.open(member.zk, '/n', 'ours', { timeoutMs: 2000 }))
  expect(await late).toMatchObject({ code: 'TIMEOUT' })
  const opening = PersistentNode.open(member.zk, '/n', 'ours')
  await stage.runFor(3000)
  expect(await stage.run(other.exists('/n'))).toEqual(stat)
  await stage.run(other.delete('/n'))
  const node = await stage.run(opening)
  expect(await dataAt('/n')).toBe('ours')
  await stage.run(node.close())
})

test('two of them at one path: the second waits for the first', async () => {
  const first = await stage.run(PersistentNode.open(member.zk, '/n', 'first'))
  const opening = PersistentNode.open(other, '/n', 'second')
  await stage.runFor(3000)
  expect(await dataAt('/n')).toBe('first')
  await stage.run(first.close())
  const second = await stage.run(opening)
  await stage.runFor(1000)
  expect(await dataAt('/n')).toBe('second')
  await stage.run(second.close())
})

test('a lost session that the client takes up again keeps its znode', async () => {
  const node = await stage.run(PersistentNode.open(member.zk, '/n', 'x'))
  const stat = await stage.run(other.exists('/n'))
  // The server hears pings, so that the session lives on; the client hears nothing.
  stage.deafen(true, member.host)
  await stage.until(() => member.zk.state === 'lost')
  stage.deafen(false, member.host)
  await stage.run(node.present())
  expect(await stage.run(other.exists('/n'))).toEqual(stat)
  await stage.run(node.close())
})

test('protected: names of its own, one znode a session', async () => {
  const options = { isProtected: true, mode: 'ephemeral-sequential' } as const
  const node = await stage.run(PersistentNode.open(member.zk, '/d/n-', 'x', options))
  expect(node.path).toMatch(/^\/d\/_c_[0-9a-f-]{36}-n-0000000000$/)
  await stage.run(other.delete(node.path!))
  await stage.until(() => !node.isPresent)
  await stage.run(node.present())
  expect(stage.ephemerals()).toEqual([node.path])
  await stage.run(node.close())
})

test('what cannot be created is no znode: an error', async () => {
  await stage.run(
    other.create('/closed', '', { acl: [{ perms: 1, scheme: 'world', id: 'anyone' }] }),
  )
  const refused = await stage.fails(PersistentNode.open(member.zk, '/closed/n'))
  expect(refused).toMatchObject({ code: 'NO_AUTH' })
  const bad = await stage.fails(PersistentNode.open(member.zk, 'no path'))
  expect(bad).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(
    await stage.fails(PersistentNode.open(member.zk, '/n', '', { timeoutMs: -1 })),
  ).toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
})

test('given up before it is there: nothing is left (B9)', async () => {
  for (const delayMs of [0, 0.5, 1, 1.5, 2, 2.5, 3, 4]) {
    const abort = new AbortController()
    const opening = PersistentNode.open(member.zk, '/x/y/n', 'x', { signal: abort.signal })
    const settled = opening.then(
      (node) => node.close(),
      (error) => expect(error).toMatchObject({ code: 'ABORTED' }),
    )
    await stage.runFor(delayMs)
    abort.abort()
    await stage.run(settled)
    await stage.runFor(100)
    expect(stage.ephemerals()).toEqual([])
  }
})

test('closed while its session is lost: it goes, also when the session comes back (B8)', async () => {
  const node = await stage.run(PersistentNode.open(member.zk, '/n', 'x'))
  stage.deafen(true, member.host)
  await stage.until(() => member.zk.state === 'lost')
  await stage.run(node.close())
  stage.deafen(false, member.host)
  await stage.within(5000, 'it is gone', () => stage.ephemerals().length === 0)
})

test('ends with its client', async () => {
  const node = await stage.run(PersistentNode.open(member.zk, '/n', 'x'))
  await stage.run(member.zk.close())
  expect(await stage.fails(node.present())).toMatchObject({ code: 'CLOSED' })
  await stage.run(node.close())
  expect(stage.ephemerals()).toEqual([])
})

test.each([false, true])(
  'every request lost, before or after it is applied; protected: %s',
  async (isProtected) => {
    const plays = await everyLoss({
      members: 1,
      play: async (scene, [victim]) => {
        const { zk } = victim!
        const node = await scene.run(PersistentNode.open(zk, '/d/n', 'one', { isProtected }))
        expect(scene.ephemerals().length).toBe(1)
        await scene.run(node.setData('two'))
        const path = await scene.run(node.present())
        const { data } = await scene.run(zk.getData(path))
        expect(new TextDecoder().decode(data)).toBe('two')
        await scene.run(zk.delete(path).catch(() => {}))
        await scene.runFor(500)
        await scene.run(node.present())
        expect(scene.ephemerals().length).toBe(1)
        await scene.run(node.close())
        expect(scene.ephemerals()).toEqual([])
      },
    })
    expect(plays).toBeGreaterThan(10)
  },
)
