import { describe, expect, test } from 'vitest'
import { InputKind } from '../../src/zab/inputs.ts'
import { ZabChecker } from './checkers.ts'
import { majorityOf } from './cluster.ts'
import { type Server, World } from './harness.ts'

function checkHistory(world: World): void {
  new ZabChecker(majorityOf(world.voters.length)).check(world.history)
}

function allServe(world: World, servers: readonly Server[] = world.servers): boolean {
  return world.leader !== null && servers.every((server) => server.core?.isServing === true)
}

describe('connectivity (O20)', () => {
  const pairs: [number, number][] = []
  for (let a = 1; a <= 5; a += 1) for (let b = a + 1; b <= 5; b += 1) pairs.push([a, b])

  function cutAsIn(world: World, graph: number): boolean {
    const degree = [0, 0, 0, 0, 0, 0]
    pairs.forEach(([a, b], i) => {
      if ((graph & (1 << i)) === 0) world.cut(a, b)
      else {
        degree[a]! += 1
        degree[b]! += 1
      }
    })
    return Math.max(...degree) >= 2
  }

  test('every graph of five servers serves within 3 s if one of them reaches a majority', () => {
    let slowest = 0
    let served = 0
    for (let graph = 0; graph < 1024; graph += 1) {
      const world = new World({ seed: graph, voters: 5 })
      const can = cutAsIn(world, graph)
      world.startAll()
      const commits = (): boolean => (world.leader?.applied.zxid ?? 0n) > 0n
      const took = world.runUntil(
        () => {
          if (world.leader !== null) world.propose(world.leader)
          return commits()
        },
        can ? 3000 : 1500,
      )
      if (can && took === Infinity) throw new Error(`graph ${graph.toString(2)} does not serve`)
      if (!can) expect(took).toBe(Infinity)
      if (!can) continue
      served += 1
      slowest = Math.max(slowest, took)
    }
    expect(served).toBeGreaterThan(900)
    expect(slowest).toBeLessThan(3000)
  })

  test('a running ensemble that is cut to a star or a chain serves again within 3 s', () => {
    const star = (hub: number): [number, number][] => [1, 2, 3, 4, 5].map((leaf) => [hub, leaf])
    const chain: [number, number][] = [
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ]
    for (const kept of [star(1), star(3), star(5), chain]) {
      for (let seed = 1; seed <= 10; seed += 1) {
        const world = new World({ seed, voters: 5 })
        world.startAll()
        world.runUntil(() => allServe(world), 3000)
        for (const [a, b] of pairs) {
          if (!kept.some(([x, y]) => (x === a && y === b) || (x === b && y === a))) world.cut(a, b)
        }
        // The leader notices by its limits that it has lost the others; that time is not counted.
        world.runFor(4000)
        const before = world.servers.map((server) => server.applied.zxid)
        const grows = (): boolean => {
          for (const server of world.servers) world.propose(server)
          const grown = world.servers.filter((one, i) => one.applied.zxid > before[i]!)
          return grown.length >= 3
        }
        if (world.runUntil(grows, 3000) === Infinity) throw new Error(`seed ${seed}, ${kept}`)
        world.heal()
        world.runUntil(() => allServe(world), 10_000)
        expect(allServe(world)).toBe(true)
        checkHistory(world)
      }
    }
  })
})

describe.each([1, 2, 3, 4, 5])('leader, seed %i', (seed) => {
  function running(voters: number, core = {}): World {
    const world = new World({ seed, voters, core })
    world.startAll()
    world.runUntil(() => allServe(world), 3000)
    return world
  }

  test('with a hung disk hands over within 2 s, and does not lead until it works again (O24)', () => {
    const world = running(3)
    const old = world.leader!
    old.isDiskHung = true
    world.propose(old)
    const moved = world.runUntil(() => world.leader !== null && world.leader !== old, 2000)
    expect(moved).toBeLessThan(2000)
    world.runFor(5000)
    expect(old.role?.role).toBe(0)
    world.heal()
    world.runUntil(() => allServe(world), 5000)
    world.runFor(1000)
    expect(new Set(world.servers.map((server) => server.applied.hash)).size).toBe(1)
    checkHistory(world)
  })

  test('at the end of the counter every transaction gets a zxid, in the next epoch', () => {
    const world = running(3, { lastCounter: 10 })
    let accepted = 0
    let waited = 0
    while (accepted < 45) {
      if (world.leader !== null && world.propose(world.leader) !== null) accepted += 1
      else waited += 10
      world.runFor(10)
      expect(waited).toBeLessThan(10_000)
    }
    world.runFor(2000)
    checkHistory(world)
    const applied = world.history.filter((event) => event.kind === 'apply' && event.sid === 1)
    expect(applied).toHaveLength(45)
    expect(waited / 4).toBeLessThan(1000)
  })

  test('confirms that it leads by the answers of a quorum, not when it is cut off', () => {
    const world = running(3)
    const leader = world.leader!
    world.input(leader, { kind: InputKind.CONFIRM, token: 7 })
    world.input(leader, { kind: InputKind.CONFIRM, token: 8 })
    expect(world.confirmations).toEqual([])
    world.runUntil(() => world.confirmations.length === 2, 500)
    expect(world.confirmations).toEqual([7, 8])
    for (const server of world.servers) if (server !== leader) world.cut(leader.sid, server.sid)
    world.input(leader, { kind: InputKind.CONFIRM, token: 9 })
    world.runFor(10_000)
    expect(world.confirmations).toEqual([7, 8])
    expect(world.refusals).toEqual([9])
  })

  test('without a quorum steps down; a follower that is cut off alone changes nothing', () => {
    const world = running(5)
    const leader = world.leader!
    const others = world.servers.filter((server) => server !== leader)
    for (const server of world.servers)
      if (server !== others[0]) world.cut(server.sid, others[0]!.sid)
    world.runFor(6000)
    expect(world.leader).toBe(leader)
    for (const server of others) world.cut(leader.sid, server.sid)
    world.runFor(6000)
    expect(leader.core?.isServing).toBe(false)
    expect(world.leader).not.toBe(leader)
  })

  test('a follower whose acks stop is dropped, even if it answers pings', () => {
    const world = running(3)
    const slow = world.servers.find((server) => server !== world.leader)!
    slow.isDiskHung = true
    for (let i = 0; i < 20; i += 1) {
      world.propose(world.leader!)
      world.runFor(200)
    }
    expect(slow.core?.isServing).toBe(false)
    expect(world.leader).not.toBe(null)
  })
})

test('after a failed write nothing is promised any more', () => {
  const world = new World({ seed: 1, voters: 3 })
  world.startAll()
  world.runUntil(() => allServe(world), 3000)
  const leader = world.leader!
  world.input(leader, { kind: InputKind.PERSIST_FAILED, reason: 'EIO' })
  expect(leader.core?.isServing).toBe(false)
  const before = world.history.length
  world.runFor(5000)
  expect(world.leader).not.toBe(leader)
  const said = world.history
    .slice(before)
    .filter(
      (event) => event.sid === leader.sid && (event.kind === 'vote' || event.kind === 'packet'),
    )
  expect(said).toEqual([])
})
