import { describe, expect, test } from 'vitest'
import { CHECKERS, runCheckers } from '../../../src/sim/checkers/index.ts'
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
