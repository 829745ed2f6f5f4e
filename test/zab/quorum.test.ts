import { describe, expect, test } from 'vitest'
import { makeZxid, NO_ZXID, type ServerId, type Zxid } from '../../src/base/index.ts'
import { HierarchicalQuorum, MajorityQuorum, type QuorumVerifier } from '../../src/zab/quorum.ts'

const sid = (n: number): ServerId => n as ServerId
const sids = (...numbers: number[]): Set<ServerId> => new Set(numbers.map(sid))

function subsets(voters: readonly ServerId[]): Set<ServerId>[] {
  const all: Set<ServerId>[] = []
  for (let mask = 0; mask < 1 << voters.length; mask += 1) {
    all.push(new Set(voters.filter((_, i) => (mask & (1 << i)) !== 0)))
  }
  return all
}

const nine = new HierarchicalQuorum(
  [
    { id: 1, members: [sid(1), sid(2), sid(3)] },
    { id: 2, members: [sid(4), sid(5), sid(6)] },
    { id: 3, members: [sid(7), sid(8), sid(9)] },
  ],
  new Map(),
)
const weighted = new HierarchicalQuorum(
  [
    { id: 1, members: [sid(1), sid(2), sid(3)] },
    { id: 2, members: [sid(4), sid(5)] },
    { id: 3, members: [sid(6)] },
  ],
  new Map([
    [sid(1), 3],
    [sid(4), 0],
    [sid(6), 0],
  ]),
)
const verifiers: [string, QuorumVerifier][] = [
  ['majority of 1', new MajorityQuorum(sids(1))],
  ['majority of 2', new MajorityQuorum(sids(1, 2))],
  ['majority of 3', new MajorityQuorum(sids(3, 1, 2))],
  ['majority of 4', new MajorityQuorum(sids(1, 2, 3, 4))],
  ['majority of 5', new MajorityQuorum(sids(1, 2, 3, 4, 5))],
  ['three groups of three', nine],
  ['weights', weighted],
]

describe.each(verifiers)('%s', (_, verifier) => {
  const all = subsets(verifier.voters)
  const quorums = all.filter((set) => verifier.containsQuorum(set))

  test('everybody together is a quorum, nobody is not', () => {
    expect(verifier.containsQuorum(new Set(verifier.voters))).toBe(true)
    expect(verifier.containsQuorum(new Set())).toBe(false)
  })

  test('any two quorums share a server', () => {
    for (const a of quorums) {
      for (const b of quorums) {
        if (![...a].some((server) => b.has(server))) {
          throw new Error(`${[...a]} and ${[...b]} are both quorums`)
        }
      }
    }
  })

  test('a server more never turns a quorum into none, and strangers count for nothing', () => {
    for (const set of all) {
      const stranger = new Set([...set, sid(77), sid(-1)])
      expect(verifier.containsQuorum(stranger)).toBe(verifier.containsQuorum(set))
      if (!verifier.containsQuorum(set)) continue
      for (const server of verifier.voters) {
        expect(verifier.containsQuorum(new Set([...set, server]))).toBe(true)
      }
    }
  })

  test('the agreed zxid is the largest that a quorum has reached', () => {
    let seed = 11
    for (let round = 0; round < 300; round += 1) {
      const reached = new Map<ServerId, Zxid>()
      for (const server of [...verifier.voters, sid(77)]) {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        if (seed % 5 !== 0) reached.set(server, makeZxid(1 + (seed & 1), (seed >> 8) % 4))
      }
      const good = [...reached.values()].filter((zxid) =>
        verifier.containsQuorum(
          new Set([...reached].filter(([, other]) => other >= zxid).map(([server]) => server)),
        ),
      )
      const best = good.reduce((a, b) => (a > b ? a : b), NO_ZXID)
      expect(verifier.agreedZxid(reached)).toBe(best)
    }
  })
})

test('groups and weights of the documentation', () => {
  expect(nine.containsQuorum(sids(1, 2, 4, 5))).toBe(true)
  expect(nine.containsQuorum(sids(1, 2, 3, 4, 7))).toBe(false)
  expect(weighted.containsQuorum(sids(1, 5))).toBe(true)
  expect(weighted.containsQuorum(sids(2, 3, 5))).toBe(false)
  expect(weighted.weightOf(sid(4))).toBe(0)
  expect(weighted.weightOf(sid(1))).toBe(3)
  expect(weighted.isVoter(sid(6))).toBe(true)
})

test('what can never decide is refused', () => {
  expect(() => new MajorityQuorum([])).toThrow('at least one voter')
  expect(
    () => new HierarchicalQuorum([{ id: 1, members: [sid(1)] }], new Map([[sid(1), 0]])),
  ).toThrow('weighs 0')
  expect(
    () =>
      new HierarchicalQuorum(
        [
          { id: 1, members: [sid(1)] },
          { id: 2, members: [sid(1)] },
        ],
        new Map(),
      ),
  ).toThrow('two groups')
})
