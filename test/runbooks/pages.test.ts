import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, readText } from '../tidy/source-files.ts'
import { missingLine, stepsOf } from './support/index.ts'

const names = readdirSync(path.join(ROOT, 'docs', 'runbooks'))
  .map((file) => file.replace(/\.md$/, ''))
  .filter((name) => name !== 'README')

describe.each(names)('docs/runbooks/%s.md', (name) => {
  test('is in the index', () => {
    expect(readText('docs/runbooks/README.md')).toContain(`| [${name}.md](${name}.md) |`)
  })

  test('has no command that its drill leaves out', () => {
    const drill = readText(`test/runbooks/${name}.test.ts`)
    const followed = [...drill.matchAll(/followAll\(PAGE, '([^']+)'\)/g)].map((match) => match[1])
    const sections = new Set(stepsOf(name).map(({ section }) => section))
    expect([...sections]).toEqual(followed)
  })
})

test('lines are compared without what differs from run to run', () => {
  const printed = 'a  0x100000a1, 12.5 ms\nb\nc 3\n'
  expect(missingLine(['a 0x2, 7 ms', '…', 'c 4'], printed)).toBeNull()
  expect(missingLine(['c 3', 'b'], printed)).toBe('b')
  expect(missingLine(['a 0x2, 7 s'], printed)).toBe('a 0x2, 7 s')
})
