import { expect, test } from 'vitest'
import { newTree } from './support.ts'

test('the empty tree has the digest of upstream', () => {
  const tree = newTree()
  expect(tree.digest()).toBe(1371985504n)
})
