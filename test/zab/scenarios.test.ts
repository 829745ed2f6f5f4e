import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runScenario } from './scenario.ts'

const FOLDER = fileURLToPath(new URL('testdata', import.meta.url))
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))

test.each(FILES)('%s', (name) => {
  const text = readFileSync(`${FOLDER}/${name}`, 'utf8')
  expect(text, 'the header names what it is about').toMatch(/^# (ZOOKEEPER-\d+|O\d+|Race \d+)/)
  for (let seed = 1; seed <= 5; seed += 1) runScenario(`${text}\nset seed ${seed}`)
})

test('docs/zab.md names every scenario, and none that is not there', () => {
  const docs = readFileSync(fileURLToPath(new URL('../../docs/zab.md', import.meta.url)), 'utf8')
  const named = [...docs.matchAll(/`([a-z0-9-]+\.txt)`/g)].map(([, name]) => name)
  expect([...new Set(named)].sort()).toEqual([...FILES].sort())
})

test.each([
  ['no such command', 'explode 1', 'no such command: explode'],
  ['an expectation that is not so', 'expect serving 1', 'it is not so'],
  ['a condition that never comes', 'start 1\nuntil serving 1 within 500', 'not so after 500 ms'],
])('a script fails with line and reason: %s', (_, text, reason) => {
  expect(() => runScenario(text)).toThrow(reason)
  expect(() => runScenario(text)).toThrow('line ')
})
