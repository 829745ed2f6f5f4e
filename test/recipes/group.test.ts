import { afterEach, beforeEach, expect, test } from 'vitest'
import { Group, type GroupLayout } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { type Member, RecipeStage } from './support/recipe-stage.ts'

let stage: RecipeStage
let a: Member
let b: Member

beforeEach(async () => {
  stage = new RecipeStage()
  a = await stage.member()
  b = await stage.member()
})

afterEach(async () => {
  await stage.finish()
})

const ids = (group: Group): string[] => group.members.map(({ id }) => id).sort()

test.each([
  ['curator', /^\/g\/one$/, 'data of one'],
  ['kazoo', /^\/g\/[0-9a-f]{32}__party__$/, 'one'],
  ['kazoo-shallow', /^\/g\/[0-9a-f]{32}-one$/, 'one'],
] as const)('members in the layout %s', async (layout, path, data) => {
  const here = await stage.run(Group.open(a.zk, '/g', { layout }))
  const there = await stage.run(Group.open(b.zk, '/g', { layout }))
  expect([here.members, here.isCurrent, here.path]).toEqual([[], true, '/g'])
  const one = await stage.run(here.join('one', { data: 'data of one' }))
  await stage.run(there.join('two'))
  await stage.within(1000, 'both are seen', () => here.members.length + there.members.length === 4)
  expect([ids(here), ids(there)]).toEqual([
    ['one', 'two'],
    ['one', 'two'],
  ])
  expect(stage.ephemerals().find((name) => name.includes('one') || layout === 'kazoo')).toMatch(
    path,
  )
  const member = there.members.find(({ id }) => id === 'one')!
  expect(new TextDecoder().decode(member.data)).toBe(data)
  expect([one.id, one.isPresent]).toEqual(['one', true])
  await stage.run(one.leave())
  await stage.within(1000, 'one has left', () => there.members.length === 1)
  await stage.run(there.close())
  await stage.within(1000, 'two has left', () => here.members.length === 0)
  await stage.run(here.close())
})

test('who joins and leaves is told', async () => {
  const group = await stage.run(Group.open(a.zk, '/g'))
  const told: string[][] = []
  const reading = (async () => {
    for await (const members of group) told.push(members.map(({ id }) => id).sort())
  })()
  const membership = await stage.run(group.join('one'))
  const others = await stage.run(Group.open(b.zk, '/g'))
  await stage.run(others.join('two'))
  await stage.run(membership.setData('x'))
  await stage.run(membership.leave())
  await stage.runFor(100)
  await stage.run(group.close())
  await stage.run(reading)
  expect(told[0]).toEqual([])
  expect(told).toContainEqual(['one', 'two'])
  expect(told.at(-1)).toEqual(['two'])
  await stage.run(others.close())
})

test('a lost session: out of the group, and in it again, once', async () => {
  const here = await stage.run(Group.open(a.zk, '/g', { layout: 'kazoo' }))
  const there = await stage.run(Group.open(b.zk, '/g', { layout: 'kazoo' }))
  await stage.run(here.join('one'))
  await stage.runFor(100)
  const seen = new Set<number>()
  const reading = (async () => {
    for await (const members of there) seen.add(members.length)
  })()
  await stage.expire(a)
  await stage.within(20_000, 'it is back', () => here.isCurrent && here.members.length === 1)
  await stage.runFor(100)
  await stage.run(there.close())
  await stage.run(reading)
  expect([...seen].sort()).toEqual([0, 1])
  await stage.run(here.close())
})

test('what is no id, and a group that may not be read', async () => {
  const group = await stage.run(Group.open(a.zk, '/g', { layout: 'curator' }))
  expect(await stage.fails(group.join('a/b'))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await stage.fails(group.join(''))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  const gone = stage.fails(group.join('x', { signal: AbortSignal.abort() }))
  expect(await gone).toMatchObject({ code: 'ABORTED' })
  await stage.run(group.close())
})

test.each(['curator', 'kazoo'] as const)('every request lost (%s)', async (layout: GroupLayout) => {
  await everyLoss({
    members: 1,
    play: async (scene, [victim]) => {
      const group = await scene.run(Group.open(victim!.zk, '/g', { layout }))
      const membership = await scene.run(group.join('one'))
      await scene.within(5000, 'it is in', () => group.members.length === 1)
      await scene.run(membership.leave())
      await scene.within(5000, 'it is out', () => group.members.length === 0)
      await scene.run(group.close())
    },
  })
})
