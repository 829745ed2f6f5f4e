import { describe, expect, test } from 'vitest'
import { CHECKERS, runCheckers } from '../../../src/sim/checkers/index.ts'
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
