import { describe, expect, test } from 'vitest'
import { InputKind, Role } from '../../src/zab/index.ts'
import { World, type WorldOptions } from './harness.ts'

function allServe(world: World): boolean {
  return world.servers.every((server) => server.core?.isServing === true)
}

function running(options: Omit<WorldOptions, 'seed' | 'voters'>): World {
  const world = new World({ seed: 5, voters: 3, ...options })
  world.keepTraces = true
  world.startAll()
  expect(world.runUntil(() => allServe(world), 60_000)).toBeLessThan(60_000)
  return world
}

describe('observers at the same time', () => {
  /** How many observers the leader brought up to date at once, at most; all lack the same entries. */
  function mostAtOnce(core: NonNullable<WorldOptions['core']>): [most: number, world: World] {
    const world = running({ observers: 5, core, networkMs: 40 })
    const observers = world.servers.slice(3)
    for (const observer of observers) world.crash(observer)
    // What is not needed leaves memory with the next write.
    for (let i = 0; i < 4; i += 1) {
      world.propose(world.leader!)
      world.runFor(500)
    }
    for (const observer of observers) world.start(observer)
    let most = 0
    const isDone = (): boolean => {
      const views = world.leader?.core?.learnerViews ?? []
      const busy = views.filter(
        (view) => view.role === 'observer' && view.state === 'synchronizing',
      )
      most = Math.max(most, busy.length)
      return allServe(world)
    }
    expect(world.runUntil(isDone, 60_000)).toBeLessThan(60_000)
    return [most, world]
  }

  test('are as many as want to', () => {
    const [most, world] = mostAtOnce({})
    expect(most).toBeGreaterThan(1)
    expect(world.traces.filter((line) => line.includes('others'))).toEqual([])
  })

  test('are limited for differences, and the others come again', () => {
    const [, world] = mostAtOnce({ diffSyncsMax: 1 })
    expect(world.traces.some((line) => /DIFF/.test(line))).toBe(true)
    expect(closes(world)).toContainEqual(
      expect.stringMatching(/^server \d: 1 others are brought up to date now$/),
    )
  })

  test('are limited for snapshots, and the others come again', () => {
    const [, world] = mostAtOnce({ snapSyncsMax: 1, historyEntries: 1 })
    expect(closes(world)).toContainEqual(
      expect.stringMatching(/^server \d: 1 others get a snapshot now$/),
    )
  })

  test('followers never wait', () => {
    const world = running({ core: { diffSyncsMax: 1, snapSyncsMax: 1 } })
    expect(closes(world).join()).not.toMatch(/others/)
  })

  function closes(world: World): string[] {
    return world.history.flatMap((event) => (event.kind === 'close' ? [event.reason] : []))
  }
})

test('an observer that has lost its leader waits, one that starts does not', () => {
  const world = running({ observers: 1, timing: { observerDelayMs: 100_000 } })
  const observer = world.servers[3]!
  const lines = (): number => world.traces.filter((line) => / s4 looking, round/.test(line)).length
  expect(lines()).toBe(1)
  world.crash(world.leader!)
  expect(world.runUntil(() => observer.role?.role === Role.LOOKING, 20_000)).toBeLessThan(20_000)
  const lostMs = world.nowMs
  expect(world.runUntil(() => lines() === 2, 100_000)).toBeLessThan(100_000)
  expect(world.nowMs - lostMs).toBeGreaterThan(1000)
  expect(world.runUntil(() => observer.core?.isServing === true, 20_000)).toBeLessThan(20_000)
})

test.each([
  [null, 10],
  [3000, 15],
])(
  'with %s ms to connect in, a leader that does not answer is dialled at least %i times',
  (connectMs, tries) => {
    const world = running({ timing: { connectMs, connectRetryMs: 100 } })
    const follower = world.servers.find((server) => server !== world.leader)!
    let dials = 0
    world.network.dial = (from, link) => {
      if (from === follower) dials += 1
      world.after(1, () => world.input(from, { kind: InputKind.LINK_CLOSED, link }))
    }
    world.crash(follower)
    world.start(follower)
    const isLookingAgain = (): boolean => dials > 0 && follower.core?.leader === null
    expect(world.runUntil(isLookingAgain, 20_000)).toBeLessThan(20_000)
    if (connectMs === null) expect(dials).toBe(tries)
    else expect(dials).toBeGreaterThanOrEqual(tries)
  },
)
