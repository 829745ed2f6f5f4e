// npm test: installs and builds what is missing, then the whole check: strict compile, purity compile, lint, tests.
// npm test -- <vitest arguments>: only the tests they choose.
// The last line on standard output is always `N passed, N failed`.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { at, prepare, step, succeeds } from './lib/prepare.mjs'

const RESULTS = at('.cache', 'test-results.json')
const chosen = process.argv.slice(2)

prepare()
const checks = chosen.length > 0 ? [] : runChecks()
const tests = runTests()
const passed = tests.passed + checks.filter((isGood) => isGood).length
const failed = tests.failed + checks.filter((isGood) => !isGood).length
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

function runChecks() {
  return [
    ['strict compile', 'typescript/bin/tsc', '-p', 'tsconfig.json'],
    ['compile of the pure folders', 'typescript/bin/tsc', '-p', 'tsconfig.pure.json'],
    ['format and lint', '@biomejs/biome/bin/biome', 'check', '.'],
  ].map(([title, program, ...args]) => {
    step(title)
    return succeeds(process.execPath, [at('node_modules', program), ...args])
  })
}

function runTests() {
  step('tests')
  mkdirSync(at('.cache'), { recursive: true })
  rmSync(RESULTS, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`]
  const isGood = succeeds(process.execPath, [
    at('node_modules', 'vitest', 'vitest.mjs'),
    'run',
    ...reporters,
    ...chosen,
  ])
  const counts = readCounts()
  // A file that does not even load has no tests to count.
  return isGood || counts.failed > 0 ? counts : { ...counts, failed: 1 }
}

function readCounts() {
  try {
    const results = JSON.parse(readFileSync(RESULTS, 'utf8'))
    return { passed: results.numPassedTests, failed: results.numFailedTests }
  } catch {
    return { passed: 0, failed: 1 }
  }
}
