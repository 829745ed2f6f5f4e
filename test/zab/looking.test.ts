import { describe, expect, test } from 'vitest'
import { makeZxid, type ServerId } from '../../src/base/index.ts'
import { HierarchicalQuorum } from '../../src/zab/quorum.ts'
import { type Server, World } from './harness.ts'

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)

function agreed(servers: readonly Server[]): boolean {
  const leader = servers[0]!.role?.leader ?? null
  return leader !== null && servers.every((server) => server.role?.leader === leader)
}

function elect(world: World, servers: readonly Server[] = world.servers, limitMs = 3000): number {
  const took = world.runUntil(() => agreed(servers), limitMs)
  if (took === Infinity) throw new Error(`no agreement:\n${world.traces.join('\n')}`)
  return took
}

function logEndsAt(server: Server, epoch: number, counter: number): void {
  const entries = []
  for (let i = 1; i <= counter; i += 1) {
    entries.push({ zxid: makeZxid(epoch, i), txn: new Uint8Array([i]) })
  }
  server.disk = { ...server.disk, acceptedEpoch: epoch, currentEpoch: epoch, entries }
}

describe.each(SEEDS)('election, seed %i', (seed) => {
  test('a fresh start elects the largest id, without waiting where all votes are there', () => {
    const world = new World({ seed, voters: 3 })
    world.startAll()
    expect(elect(world)).toBeLessThan(1000)
    expect(world.server(1).role?.leader).toBe(3)
  })

  test('the largest epoch wins, then the longest log', () => {
    const world = new World({ seed, voters: 5 })
    logEndsAt(world.server(1), 1, 9)
    logEndsAt(world.server(2), 2, 3)
    logEndsAt(world.server(3), 2, 2)
    world.startAll()
    elect(world)
    expect(world.server(5).role?.leader).toBe(2)
  })

  test('one that comes late joins whoever leads, whatever its own log', () => {
    const world = new World({ seed, voters: 3 })
    logEndsAt(world.server(3), 1, 9)
    world.start(world.server(1))
    world.start(world.server(2))
    elect(world, world.servers.slice(0, 2))
    world.start(world.server(3))
    world.runUntil(() => world.server(3).role?.leader === 2, 2000)
    expect(world.server(3).role?.leader).toBe(2)
  })

  test('an observer learns the leader and is never one', () => {
    const world = new World({ seed, voters: 3, observers: 2 })
    logEndsAt(world.server(4), 1, 3)
    world.startAll()
    elect(world)
    expect(world.server(1).role?.leader).toBe(3)
    expect([4, 5].map((sid) => world.server(sid).role?.role)).toEqual([3, 3])
  })

  test('a minority elects nobody; the rest of a partition does', () => {
    const world = new World({ seed, voters: 5 })
    for (const a of [4, 5]) for (const b of [1, 2, 3]) world.cut(a, b)
    world.startAll()
    elect(world, world.servers.slice(0, 3))
    expect(world.server(1).role?.leader).toBe(3)
    world.runFor(5000)
    expect([4, 5].map((sid) => world.server(sid).role?.role)).toEqual([0, 0])
  })
})

/** How long an established ensemble takes, in ms, until another leader serves. */
function failover(world: World, endLeader: (leader: Server) => void): number {
  world.startAll()
  world.runUntil(() => world.leader?.core?.isServing === true, 5000)
  world.runFor(1000)
  const old = world.leader!
  endLeader(old)
  const isReplaced = (): boolean => {
    const { leader } = world
    return leader !== null && leader !== old && leader.core?.isServing === true
  }
  return world.runUntil(isReplaced, 20_000)
}

/** A process that ends while its machine lives: everybody is told. */
function die(world: World, server: Server): void {
  for (const link of server.links.keys()) world.network.close(server, link)
  world.network.losePeers(server)
  world.crash(server)
}

describe.each([3, 5])('%i servers', (voters) => {
  test('do not wait for the vote of a leader that has died', () => {
    for (const seed of SEEDS) {
      const world = new World({ seed, voters })
      // Messages and writes take up to 10 ms each, about twelve one after the other.
      expect(failover(world, (old) => die(world, old))).toBeLessThan(200)
    }
  })

  test('wait for the vote of one that is only silent', () => {
    for (const seed of SEEDS) {
      const world = new World({ seed, voters })
      const cut = (old: Server): void => {
        for (const { sid } of world.servers) if (sid !== old.sid) world.cut(sid, old.sid)
      }
      expect(failover(world, cut)).toBeGreaterThan(200)
    }
  })
})

test('a server that was gone is waited for once it was heard again', () => {
  for (const seed of SEEDS) {
    const world = new World({ seed, voters: 5 })
    const fallsSilent = (old: Server): void => {
      const other = world.servers.find((server) => server !== old)!
      world.crash(other)
      world.runFor(1000)
      world.start(other)
      world.runFor(1000)
      for (const { sid } of world.servers) if (sid !== other.sid) world.cut(sid, other.sid)
      world.crash(old)
    }
    expect(failover(world, fallsSilent)).toBeGreaterThan(200)
  }
})

test('a server that weighs nothing votes but does not lead', () => {
  const sid = (n: number): ServerId => n as ServerId
  const groups = [{ id: 1, members: [sid(1), sid(2), sid(3)] }]
  const quorum = new HierarchicalQuorum(groups, new Map([[sid(3), 0]]))
  const world = new World({ seed: 1, voters: 3, quorum })
  world.startAll()
  elect(world, world.servers.slice(0, 2))
  expect(world.server(1).role?.leader).toBe(2)
})

test('servers that start one after the other, the last ones long after the first', () => {
  for (const seed of SEEDS) {
    const world = new World({ seed, voters: 5 })
    for (const server of world.servers) {
      world.start(server)
      world.runFor(world.random.next() * 4000)
    }
    elect(world)
  }
})
