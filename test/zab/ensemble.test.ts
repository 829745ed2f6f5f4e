import { describe, expect, test } from 'vitest'
import { type Server, World } from './harness.ts'

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)

function serving(world: World, servers: readonly Server[] = world.servers): boolean {
  return world.leader !== null && servers.every((server) => server.core?.isServing === true)
}

function serve(world: World, servers: readonly Server[] = world.servers, limitMs = 4000): number {
  const took = world.runUntil(() => serving(world, servers), limitMs)
  if (took === Infinity) throw new Error(`not serving:\n${world.traces.join('\n')}`)
  return took
}

function same(servers: readonly Server[]): boolean {
  const [first] = servers
  return servers.every((server) => server.applied.hash === first!.applied.hash)
}

describe.each(SEEDS)('ensemble, seed %i', (seed) => {
  test('starts, serves, and applies everywhere what was proposed', () => {
    const world = new World({ seed, voters: 3, observers: 1 })
    world.keepTraces = true
    world.startAll()
    serve(world)
    for (let i = 0; i < 20; i += 1) world.propose(world.leader!)
    world.runFor(2000)
    expect(world.server(1).applied.zxid).toBe((1n << 32n) + 20n)
    expect(same(world.servers)).toBe(true)
  })

  test('the leader crashes, the others go on, it comes back', () => {
    const world = new World({ seed, voters: 3 })
    world.keepTraces = true
    world.startAll()
    serve(world)
    for (let i = 0; i < 20; i += 1) world.propose(world.leader!)
    world.runFor(world.random.next() * 60)
    const old = world.leader!
    world.crash(old)
    const rest = world.servers.filter((server) => server !== old)
    serve(world, rest, 6000)
    for (let i = 0; i < 5; i += 1) world.propose(world.leader!)
    world.runFor(500)
    world.start(old)
    serve(world)
    world.runFor(1000)
    expect(same(world.servers)).toBe(true)
  })
})
