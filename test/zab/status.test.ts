import { expect, test } from 'vitest'
import { makeZxid } from '../../src/base/index.ts'
import { World } from './harness.ts'

function running(lastCounter = 0xffff_fffe): World {
  const world = new World({ seed: 3, voters: 3, observers: 1, core: { lastCounter } })
  world.startAll()
  const isReady = (): boolean => world.servers.every((server) => server.core?.isServing === true)
  expect(world.runUntil(isReady, 5000)).toBeLessThan(5000)
  return world
}

test('nextZxid is what propose assigns, and null exactly when propose refuses', () => {
  const world = running(5)
  const leader = world.leader!
  for (let counter = 1; counter <= 5; counter += 1) {
    expect(leader.core?.nextZxid).toBe(makeZxid(1, counter))
    expect(world.propose(leader)).toBe(makeZxid(1, counter))
  }
  expect(leader.core?.nextZxid).toBe(null)
  expect(world.propose(leader)).toBe(null)
  for (const server of world.servers) {
    if (server === leader) continue
    expect(server.core?.nextZxid).toBe(null)
    expect(world.propose(server)).toBe(null)
  }
})

test('a server tells its leader, epoch and learners', () => {
  const world = running()
  const leader = world.leader!
  for (const server of world.servers) {
    expect(server.core?.leader).toBe(leader.sid)
    expect(server.core?.epoch).toBe(1)
    expect(server.core?.acceptedEpoch).toBe(1)
    expect(server.core?.isVoter).toBe(server.sid !== 4)
    expect(server.core?.ensemble.quorum.voters).toEqual([1, 2, 3])
    expect(server.core?.learnerViews.length).toBe(server === leader ? 3 : 0)
  }
  const views = new Map(leader.core?.learnerViews.map((view) => [view.sid, view]))
  for (const server of world.servers) {
    if (server === leader) continue
    const role = server.sid === 4 ? 'observer' : 'follower'
    const isVoter = server.sid !== 4
    expect(views.get(server.sid)).toMatchObject({ role, isVoter, state: 'synced' })
  }
  for (const server of world.servers) if (server !== leader) world.crash(server)
  world.runUntil(() => leader.core?.leader === null, 5000)
  expect(leader.core?.leader).toBe(null)
  expect(leader.core?.epoch).toBe(1)
  expect(leader.core?.nextZxid).toBe(null)
})
