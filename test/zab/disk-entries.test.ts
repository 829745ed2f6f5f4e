import { expect, test } from 'vitest'
import { makeZxid, type Zxid } from '../../src/base/index.ts'
import { InputKind, type LinkId } from '../../src/zab/inputs.ts'
import type { Entry } from '../../src/zab/messages.ts'
import { PacketKind } from '../../src/zab/messages.ts'
import { ZabChecker } from './checkers.ts'
import { majorityOf } from './cluster.ts'
import { type Server, World } from './harness.ts'

const txnOf = (world: World, zxid: Zxid): Entry => {
  for (const event of world.history) {
    if (event.kind === 'broadcast' && event.zxid === zxid) return { zxid, txn: event.txn }
  }
  throw new Error(`nobody proposed ${zxid}`)
}

/** Server 1 ends at 1:5, the leader's memory begins after 1:20 or so, and its disk is being read. */
function reading(options: { window?: number } = {}): {
  world: World
  leader: Server
  link: LinkId
} {
  const world = new World({
    seed: 1,
    voters: 3,
    readsDisk: true,
    core: { historyEntries: options.window ?? 3 },
  })
  world.keepTraces = true
  world.startAll()
  world.runUntil(() => world.servers.every((one) => one.core?.isServing === true), 4000)
  const leader = world.leader!
  const propose = (count: number): void => {
    for (let i = 0; i < count; i += 1) world.propose(leader)
    world.runFor(300)
  }
  propose(5)
  world.crash(world.server(1))
  propose(20)
  propose(5)
  leader.diskMs = 600
  world.start(world.server(1))
  world.runUntil(() => world.traces.some((line) => line.includes('log on disk to')), 2000)
  const view = leader.core!.learnerViews.find((learner) => learner.sid === 1)!
  expect(view.state).toBe('synchronizing')
  return { world, leader, link: view.link }
}

function sent(world: World, kind: number): number {
  return world.history.filter(
    (event) => event.kind === 'packet' && event.packet.kind === kind && event.to === 1,
  ).length
}

function finish(world: World): void {
  const done = (): boolean => {
    const { hash } = world.server(1).applied
    return world.servers.every((one) => one.core?.isServing === true && one.applied.hash === hash)
  }
  expect(world.runUntil(done, 8000)).toBeLessThan(8000)
  new ZabChecker(majorityOf(3)).check(world.history)
}

test('what is proposed while the disk is read is neither missed nor trimmed', () => {
  const { world, leader } = reading({ window: 20 })
  const snapshots = sent(world, PacketKind.SNAP)
  for (let i = 0; i < 40; i += 1) {
    world.propose(leader)
    world.runFor(10)
  }
  leader.diskMs = 5
  finish(world)
  expect(world.counts.get('log on disk: read')).toBe(1)
  expect(sent(world, PacketKind.SNAP)).toBe(snapshots)
})

test('a claim on the window ends when it has grown too much: then there is a snapshot', () => {
  const { world, leader } = reading()
  for (let i = 0; i < 12; i += 1) {
    for (let j = 0; j < 10; j += 1) world.propose(leader)
    world.runFor(40)
  }
  leader.diskMs = 5
  finish(world)
  expect(sent(world, PacketKind.SNAP)).toBe(1)
})

const at = (counter: number): Zxid => makeZxid(1, counter)

test.each([
  ['a hole within', 5, [6, 8]],
  ['a hole before the memory', 5, [6, 7]],
  ['a floor behind the learner', 4, [6, 7]],
  ['nothing', 5, []],
  ['a floor after the learner', 7, [8, 9]],
])('an answer with %s leads to a snapshot, and nothing of it is sent', (_, floor, counters) => {
  const { world, leader, link } = reading()
  const before = sent(world, PacketKind.DIFF) + sent(world, PacketKind.TRUNC)
  const entries = counters.map((counter) => txnOf(world, at(counter)))
  world.input(leader, { kind: InputKind.ENTRIES_READY, link, floor: at(floor), entries })
  finish(world)
  expect(sent(world, PacketKind.SNAP)).toBe(1)
  expect(sent(world, PacketKind.DIFF) + sent(world, PacketKind.TRUNC)).toBe(before)
})

test('an answer for nobody, or for somebody who does not wait, is ignored', () => {
  const { world, leader, link } = reading()
  const input = { kind: InputKind.ENTRIES_READY, floor: at(5), entries: [] }
  world.input(leader, { ...input, link: (link + 1000) as LinkId })
  world.input(world.server(1), { ...input, link })
  leader.diskMs = 5
  finish(world)
  world.input(leader, { ...input, link })
  world.input(leader, { kind: InputKind.ENTRIES_FAILED, link, reason: 'late' })
  world.propose(leader)
  finish(world)
  expect(sent(world, PacketKind.SNAP)).toBe(0)
})

test('what was purged is not asked for', () => {
  const { world, leader } = reading()
  finish(world)
  world.crash(world.server(1))
  for (let i = 0; i < 10; i += 1) world.propose(leader)
  world.runFor(300)
  for (let i = 0; i < 10; i += 1) world.propose(leader)
  world.runFor(300)
  world.checkpoint(leader)
  world.purge(leader, Infinity)
  world.start(world.server(1))
  finish(world)
  expect(sent(world, PacketKind.SNAP)).toBe(1)
})
