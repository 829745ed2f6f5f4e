import { describe, expect, test } from 'vitest'
import * as client from '../../src/client-node/index.ts'
import * as testing from '../../src/testing/index.ts'
import { OPTION_NAMES } from '../../src/testing/options.ts'
import { importsOf, readText, resolveImport } from '../tidy/source-files.ts'

const PAGE = readText('docs/testing.md')

/** Every example with the output that follows it. */
const examples = [...PAGE.matchAll(/^```js\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].map(
  (match) => ({ code: match[1]!, output: match[2]! }),
)

describe('docs/testing.md', () => {
  test('has an output for every example', () => {
    expect(examples.length).toBe([...PAGE.matchAll(/^```js$/gm)].length)
    expect(examples.length).toBeGreaterThan(3)
  })

  test.each(examples)('example $#', async ({ code, output }) => {
    const lines: string[] = []
    const console = { log: (...words: unknown[]) => lines.push(`${words.join(' ')}\n`) }
    const body = code
      .replace(/^import (\{.*\}) from 'zabkeeper\/client'$/m, 'const $1 = client')
      .replace(/^import (\{.*\}) from 'zabkeeper\/testing'$/m, 'const $1 = testing')
    const run = Object.getPrototypeOf(async () => {}).constructor(
      'client',
      'testing',
      'console',
      body,
    )
    await run(client, testing, console)
    expect(lines.join('')).toBe(output)
  })

  test('names every method of a test server', async () => {
    const server = await testing.startTestServer({ transport: 'memory' })
    const members = Object.getOwnPropertyNames(Object.getPrototypeOf(server))
    const inner = ['constructor', 'open']
    const missing = members
      .filter((name) => !inner.includes(name))
      .filter((name) => !PAGE.includes(`server.${name}`) && !PAGE.includes(`\`${name}\``))
    await server.close()
    expect(missing).toEqual([])
  })

  test('lists the options', () => {
    const names = [...PAGE.matchAll(/^\| `(\w+)` \| `?[\w ]+`? \| /gm)].map((row) => row[1]!)
    expect(names.sort()).toEqual([...OPTION_NAMES].sort())
  })
})

test('a test server loads no package', () => {
  const seen = new Set<string>()
  const foreign: string[] = []
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const specifier of importsOf(file)) {
      const target = resolveImport(file, specifier)
      if (target !== null) visit(target)
      else if (!specifier.startsWith('node:')) foreign.push(`${file} imports ${specifier}`)
    }
  }
  visit('src/testing/index.ts')
  expect(seen.size).toBeGreaterThan(100)
  expect(foreign).toEqual([])
})
