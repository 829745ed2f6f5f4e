import { expect, test } from 'vitest'
import { DEFAULT_ELECTION_PORT_LIMITS, DEFAULT_LEARNER_PORT_LIMITS } from '../../src/peer/index.ts'
import { DEFAULT_CORE_LIMITS } from '../../src/zab/index.ts'
import { readText } from '../tidy/source-files.ts'

const UNITS = new Map([
  [undefined, 1],
  ['KiB', 1024],
  ['MiB', 1024 * 1024],
])

/** Bounds that something outside can reach; the others are times that the protocol itself keeps. */
const BOUND = /(Max|introductionTimeoutMs|^history.*|^diskDiffBytes|^max.*)$/

function boundsOf(part: string, limits: object): [string, unknown][] {
  return Object.entries(limits)
    .filter(([name]) => BOUND.test(name) && !/^(retryMs|tries)/.test(name))
    .map(([name, value]) => [`${part}.${name}`, value])
}

test('limits.md lists the limits between servers', () => {
  const rows = readText('docs/limits.md').matchAll(/^\| `(\w+\.\w+)` \| (\d+)(?: ([KM]iB))? \|/gm)
  const listed = [...rows].map((row) => [row[1]!, Number(row[2]) * UNITS.get(row[3])!] as const)
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries([
      ...boundsOf('election', DEFAULT_ELECTION_PORT_LIMITS),
      ...boundsOf('learner', DEFAULT_LEARNER_PORT_LIMITS),
      ...boundsOf('zab', DEFAULT_CORE_LIMITS),
    ]),
  )
})
