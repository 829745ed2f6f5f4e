import { expect, test } from 'vitest'
import { negotiateTimeout } from '../../src/session/index.ts'

test.each([
  [10_000, 10_000],
  [4000, 4000],
  [3999, 4000],
  [40_000, 40_000],
  [40_001, 40_000],
  [2_147_483_647, 40_000],
  [0, 4000],
  [-1, 4000],
  [-2_147_483_648, 4000],
])('a wish of %d ms gives %d ms', (requested, negotiated) => {
  expect(negotiateTimeout(requested, 4000, 40_000)).toBe(negotiated)
})
