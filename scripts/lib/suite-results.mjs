// What foreign test suites report, as one line a test: `passed NAME`, `failed NAME` or `skipped NAME`.
//   suite-results.mjs junit FILE    from an XML report
//   suite-results.mjs go FILE       from the log of `go test -v`
//   suite-results.mjs cargo FILE    from the log of `cargo test`
//   suite-results.mjs table FOLDER KNOWN SUITE...   the table of all FOLDER/SUITE.SERVER.results, and the differences;
//                                   ends with 1 if there is one that is not explained in the file KNOWN
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const OURS = 'zabkeeper'

const [command, file, ...rest] = process.argv.slice(2)
const formats = { junit: fromJunit, go: fromGo, cargo: fromCargo }
if (command === 'table') process.exitCode = table(file, rest[0], rest.slice(1))
else console.log(formats[command](readFileSync(file, 'utf8')).join('\n'))

function fromJunit(text) {
  const cases = text.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)
  return [...cases].map(([, attributes, , body = '']) => {
    const name = `${attribute(attributes, 'classname')}.${attribute(attributes, 'name')}`
    if (/<(failure|error)\b/.test(body)) return `failed ${name}`
    return `${body.includes('<skipped') ? 'skipped' : 'passed'} ${name}`
  })
}

function attribute(attributes, name) {
  return new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? '?'
}

/** A later run of the same test counts. One that has begun and not ended took the process with it, or was cut off. */
function fromGo(text) {
  const words = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' }
  const ended = [...text.matchAll(/^\s*--- (PASS|FAIL|SKIP): (\S+)/gm)]
  const results = new Map(ended.map(([, word, name]) => [name, words[word]]))
  for (const [, name] of text.matchAll(/^=== RUN +(\S+)/gm)) {
    if (!results.has(name)) results.set(name, 'failed')
  }
  return [...results].map(([name, word]) => `${word} ${name}`)
}

function fromCargo(text) {
  const words = { ok: 'passed', FAILED: 'failed', ignored: 'skipped' }
  const ended = text.matchAll(/^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)/gm)
  // A later run of the same test counts.
  const results = new Map([...ended].map(([, name, word]) => [name, words[word]]))
  return [...results].map(([name, word]) => `${word} ${name}`)
}

function table(folder, knownFile, suites) {
  const known = readKnown(knownFile)
  const unexplained = []
  const rows = suites.flatMap((suite) => {
    const results = readResults(folder, suite)
    unexplained.push(...differences(suite, results, known))
    return [...results].map(([server, tests]) => row(suite, server, tests))
  })
  console.log(
    ['| suite | server | passed | failed | skipped |', '|---|---|---|---|---|', ...rows].join('\n'),
  )
  for (const line of unexplained) console.log(`not explained: ${line}`)
  return unexplained.length === 0 ? 0 : 1
}

/** Server to test to word. */
function readResults(folder, suite) {
  const names = readdirSync(folder).filter(
    (name) => name.startsWith(`${suite}.`) && name.endsWith('.results'),
  )
  return new Map(
    names.sort().map((name) => {
      const lines = readFileSync(path.join(folder, name), 'utf8').split('\n').filter(Boolean)
      const tests = new Map(
        lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.split(' ')[0]]),
      )
      return [name.slice(suite.length + 1, -'.results'.length), tests]
    }),
  )
}

function row(suite, server, tests) {
  const count = (word) => [...tests.values()].filter((each) => each === word).length
  return `| ${suite} | ${server} | ${count('passed')} | ${count('failed')} | ${count('skipped')} |`
}

/** Tests that an Apache ZooKeeper passes and ours does not; each is printed with its reason if it has one. */
function differences(suite, results, known) {
  const ours = results.get(OURS)
  if (ours === undefined) return []
  const unexplained = []
  for (const [server, tests] of results) {
    if (server === OURS) continue
    for (const [test, word] of tests) {
      if (word !== 'passed' || ours.get(test) === 'passed') continue
      const line = `${suite}: ${test} passes with ${server}, ${ours.get(test) ?? 'not run'} with ${OURS}`
      const reason = known.find((each) => each.suite === suite && test.includes(each.part))?.reason
      if (reason === undefined) unexplained.push(line)
      else console.log(`explained: ${line}: ${reason}`)
    }
  }
  return unexplained
}

/** Lines of suite, part of a test's name, reason, with tabs between them. */
function readKnown(knownFile) {
  if (!existsSync(knownFile)) return []
  const lines = readFileSync(knownFile, 'utf8').split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [suite, part, reason] = line.split('\t')
      return { suite, part, reason }
    })
}
