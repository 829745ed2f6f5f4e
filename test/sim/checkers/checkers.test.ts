import { describe, expect, test } from 'vitest'
import { makeZxid, type ServerId, type Zxid } from '../../../src/base/index.ts'
import { CHECKERS, runCheckers } from '../../../src/sim/checkers/index.ts'
import { HistoryBuilder } from './history-builder.ts'
import { tellLongHistory } from './long-history.ts'
import { MUTANTS } from './mutants.ts'
import { tellStory } from './story.ts'

const IDS = [
  ...numbered('A', 18),
  ...numbered('D', 5),
  ...numbered('C', 10),
  ...numbered('W', 7),
  ...numbered('E', 8),
  'E10',
  ...numbered('L', 5),
]

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i + 1}`)
}

test('every invariant has its checker, and every checker a mutant', () => {
  expect(CHECKERS.map(({ id }) => id).sort()).toEqual([...IDS].sort())
  expect([...new Set(MUTANTS.map(({ id }) => id))].sort()).toEqual([...IDS].sort())
})

test('a healthy history passes every checker', () => {
  expect(runCheckers(tellStory(), CHECKERS)).toEqual([])
})

test('long healthy histories pass every checker', () => {
  for (let seed = 1; seed <= 3; seed += 1) {
    expect(runCheckers(tellLongHistory(seed, 1000), CHECKERS), `seed ${seed}`).toEqual([])
  }
})

test('a violation names the checker, what is wrong and the event', () => {
  const { make } = MUTANTS.find(({ id }) => id === 'A12')!
  const history = make()
  const [violation] = runCheckers(history, CHECKERS)
  expect(history[violation!.at]!.kind).toBe('ack')
  expect(violation!.message).toMatch(
    /^A12 \(ack implies durable\): 0x\d+ is acked, but not durable .* \[\d+\.000 ms {2}server 2 .*acks 0x\d+ in epoch 1\]$/,
  )
})

test('whether voters are a quorum can be said', () => {
  const isQuorum = (members: ReadonlySet<number>): boolean => members.size === 4
  const violations = runCheckers(tellStory(), CHECKERS, { isQuorum })
  expect(violations.map(({ id }) => id)).toEqual(['A17'])
})

describe('E2: what a leader could know of a session that a learner heard 7 s before it ends', () => {
  type Fault = readonly [name: string, server: number, fromMs: number, toMs: number]

  /** Times of faults count from the sign of life, at server 1; ticks take 2 s, the timeout 8 s. */
  function verdict(...faults: readonly Fault[]): readonly string[] {
    const world = new HistoryBuilder([1, 2, 3], [])
    world.elect(3, [1, 2])
    const { sessionId } = world.connect(1, 1, 8000)
    world.advance(20_000)
    const heardMs = world.nowMs
    const events = faults.flatMap(([name, server, fromMs, toMs]) => [
      { kind: 'faultBegin' as const, name, server: server as ServerId, atMs: heardMs + fromMs },
      { kind: 'faultEnd' as const, name, server: server as ServerId, atMs: heardMs + toMs },
    ])
    events.sort((a, b) => a.atMs - b.atMs)
    for (const event of events) if (event.atMs < heardMs) world.push(event)
    world.touch(1, sessionId)
    for (const event of events) if (event.atMs >= heardMs) world.push(event)
    world.advance(7000)
    world.expire(sessionId)
    return runCheckers(
      world.events,
      CHECKERS.filter(({ id }) => id === 'E2'),
    ).map(({ id }) => id)
  }

  const cases: readonly { what: string; violations: number; faults: readonly Fault[] }[] = [
    { what: 'nothing goes wrong', violations: 1, faults: [] },
    { what: 'it stands still up to the end', violations: 0, faults: [['pause', 1, 100, 6000]] },
    {
      what: 'it stands still again before it can report',
      violations: 0,
      faults: [
        ['pause', 1, 100, 3000],
        ['pause', 1, 4900, 5100],
      ],
    },
    { what: 'it has time to report then', violations: 1, faults: [['pause', 1, 100, 3000]] },
    { what: 'it has reported before', violations: 1, faults: [['pause', 1, 2500, 6500]] },
    { what: 'another one stands still', violations: 1, faults: [['pause', 2, 100, 6000]] },
    { what: 'the leader stands still', violations: 1, faults: [['pause', 3, 100, 6000]] },
    {
      what: 'it stands still when that leader asks at last',
      violations: 0,
      faults: [
        ['pause', 3, 100, 3000],
        ['pause', 1, 2900, 6500],
      ],
    },
    { what: 'so does its machine', violations: 0, faults: [['net-suspend', 3, 100, 2000]] },
    { what: 'so it did long ago', violations: 1, faults: [['net-suspend', 3, -1000, -900]] },
    { what: 'TCP still waits', violations: 0, faults: [['net-suspend', 3, -5000, -2000]] },
    {
      what: 'what was lost in one fault was lost in the next',
      violations: 0,
      faults: [
        ['net-suspend', 3, -5000, -3000],
        ['net-suspend', 2, -1500, -1400],
      ],
    },
  ]
  test.each(cases)('$what', ({ violations, faults }) => {
    expect(verdict(...faults)).toHaveLength(violations)
  })
})

test('D3: a log is cut below a snapshot, unless that was lost when the server died', () => {
  const verdict = (place: 'crash' | 'truncate'): readonly string[] => {
    const events = tellStory()
    const cut = events.find((event) => event.kind === 'truncate')!
    const { incarnation, server, zxid } = cut
    const at = events.findIndex((event) => event.kind === place && event.server === server)
    const { atMs } = events[at]!
    const snapshot = { zxid: (zxid + 1n) as Zxid, digest: 1n }
    events.splice(at, 0, { kind: 'snapshot', atMs, server, incarnation, ...snapshot })
    return runCheckers(
      events,
      CHECKERS.filter(({ id }) => id === 'D3'),
    ).map(({ id }) => id)
  }
  expect(verdict('truncate')).toEqual(['D3'])
  expect(verdict('crash')).toEqual([])
})

test.each(['pause', 'net-suspend'])('L5: a leader that stands still (%s) is not blamed', (name) => {
  const verdict = (standstill: 'before' | 'during'): readonly string[] => {
    const world = new HistoryBuilder([1, 2, 3], [])
    world.elect(3, [1, 2])
    const server = world.leader
    const fault = (kind: 'faultBegin' | 'faultEnd', what: string): void =>
      world.push({ kind, atMs: world.nowMs, name: what, server })
    fault('faultBegin', name)
    if (standstill === 'before') fault('faultEnd', name)
    fault('faultBegin', 'disk-hang')
    world.push({ kind: 'append', ...world.of(3), token: 99, zxid: makeZxid(1, 1), hash: 7 })
    world.advance(20_000)
    fault('faultEnd', 'disk-hang')
    return runCheckers(
      world.events,
      CHECKERS.filter(({ id }) => id === 'L5'),
    ).map(({ id }) => id)
  }
  expect(verdict('before')).toEqual(['L5'])
  expect(verdict('during')).toEqual([])
})

describe('each mutant is caught by its checker, and by no other', () => {
  for (const { id, what, make } of MUTANTS) {
    test(`${id}: ${what}`, () => {
      const violations = runCheckers(make(), CHECKERS)
      expect(
        violations.map((violation) => violation.id),
        violations[0]?.message,
      ).toEqual([id])
      expect(violations[0]!.message).toContain(`${id} (`)
    })
  }
})
