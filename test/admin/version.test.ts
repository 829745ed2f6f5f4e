import { expect, test } from 'vitest'
import { COMPATIBLE_WITH, RELEASED_ON, VERSION, VERSION_TEXT } from '../../src/admin/index.ts'
import { readText } from '../tidy/source-files.ts'

test('is the version of the package and of the newest release in the change log', () => {
  expect(JSON.parse(readText('package.json')).version).toBe(VERSION)
  const newest = /^## \[(\d[^\]]*)\] - (\S+)$/m.exec(readText('CHANGELOG.md'))
  expect([newest?.[1], newest?.[2]]).toEqual([VERSION, RELEASED_ON])
})

test('reads like a version of Apache ZooKeeper to the tools that parse it', () => {
  expect(VERSION_TEXT).toMatch(/^\d+\.\d+\.\d+-[^,]+, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/)
  // Metric collectors: the number in front.
  expect(/^(\d+)\.(\d+)\.(\d+)/.exec(VERSION_TEXT)?.[0]).toBe(COMPATIBLE_WITH)
})
