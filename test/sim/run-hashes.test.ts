import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { drawPlan, runSimulation } from '../../src/sim/index.ts'
import { ROOT } from '../tidy/source-files.ts'

/*
 * Hashes of whole runs, which every engine must find alike. A change of what servers do, or when, changes them: then
 * ZABKEEPER_TRACE_HASHES=record npx vitest run test/sim/run-hashes.test.ts writes the new ones, and the change is
 * looked at on every supported version of Node.
 */
const FILE = path.join(ROOT, 'test/sim/testdata/trace-hashes.json')
const SEEDS = [1, 2, 3, 5, 8, 13]

function hashesOf(seeds: readonly number[]): Record<string, string> {
  return Object.fromEntries(
    seeds.map((seed) => [
      String(seed),
      runSimulation(drawPlan(seed, { operations: 200 })).traceHash,
    ]),
  )
}

test('the same run twice has the same trace', () => {
  expect(hashesOf(SEEDS.slice(0, 3))).toEqual(hashesOf(SEEDS.slice(0, 3)))
})

test('runs are the same on every version of Node', () => {
  const hashes = hashesOf(SEEDS)
  expect(new Set(Object.values(hashes)).size).toBe(SEEDS.length)
  if (process.env['ZABKEEPER_TRACE_HASHES'] === 'record') {
    writeFileSync(FILE, `${JSON.stringify(hashes, null, 2)}\n`)
  }
  expect(hashes).toEqual(JSON.parse(readFileSync(FILE, 'utf8')))
})
