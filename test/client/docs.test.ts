import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../bench/servers/index.ts'
import * as client from '../../src/client-node/index.ts'
import { discardServer, startServer } from '../compat/clients/support/index.ts'
import { importsOf, readText, resolveImport } from '../tidy/source-files.ts'

const PAGE = readText('docs/client.md')

let server: ServerProcess

beforeAll(async () => {
  server = await startServer({ kind: 'zabkeeper' })
})

afterAll(async () => {
  await discardServer(server)
})

/** Every example with the output that follows it. */
const examples = [
  ...PAGE.matchAll(/^```js\n((?:(?!^```)[\s\S])*)^```\n\n```text\n([\s\S]*?)^```$/gm),
].map((match) => ({ code: match[1]!, output: match[2]! }))

describe('docs/client.md', () => {
  test('has an output for every example', () => {
    const all = [...PAGE.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
    // Functions for which no server is there.
    const exporting = all.filter((code) => /^export /m.test(code))
    for (const code of exporting) {
      expect(() => new Function(code.replace(/^import .*$|^export /gm, ''))).not.toThrow()
    }
    expect(examples.length).toBe(all.length - exporting.length)
    expect(examples.length).toBeGreaterThan(3)
  })

  test.each(examples)('example $#', async ({ code, output }) => {
    const lines: string[] = []
    const console = { log: (...words: unknown[]) => lines.push(`${words.join(' ')}\n`) }
    const body = code
      .replace(/^import (\{.*\}) from 'zabkeeper\/client'$/m, 'const $1 = client')
      .replace(/^import (\{.*\}) from '(node:\w+)'$/gm, "const $1 = process.getBuiltinModule('$2')")
      .replaceAll('localhost:2181', server.address)
    const run = Object.getPrototypeOf(async () => {}).constructor('client', 'console', body)
    await run(client, console)
    expect(lines.join('')).toBe(output)
  })

  test('lists the options and their defaults', () => {
    const rows = [...PAGE.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)]
    const shown = new Map(rows.map((row) => [row[1]!, row[2]!]))
    for (const [name, value] of Object.entries(client.DEFAULTS)) {
      const isOther = ['auth', 'driftMargin', 'sasl'].includes(name)
      if (!isOther) expect([name, shown.get(name)]).toEqual([name, String(value)])
    }
    expect(PAGE).toContain(`\`driftMargin\` | ${client.DEFAULTS.driftMargin} |`)
  })

  test('lists every method', () => {
    const methods = Object.getOwnPropertyNames(client.ZooKeeper.prototype)
    const getters = ['constructor', 'state', 'session', 'environment', 'onState'].concat([
      'watchCount',
      'inFlight',
      'waiting',
    ])
    const missing = methods
      .filter((name) => !getters.includes(name))
      .filter((name) => !PAGE.includes(`\`${name}(`))
    expect(missing).toEqual([])
  })

  test('lists every error class', () => {
    const classes = Object.keys(client).filter((name) => /^[A-Z].*Error$/.test(name))
    expect(classes.filter((name) => !PAGE.includes(`\`${name}\``))).toEqual([])
  })
})

test('the client loads no package and no part of a server', () => {
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
  visit('src/client-node/index.ts')
  expect(seen.size).toBeGreaterThan(30)
  expect(foreign).toEqual([])
  const folders = new Set([...seen].map((file) => file.split('/')[1]))
  expect([...folders].sort()).toEqual(['base', 'client', 'client-node', 'env', 'platform', 'wire'])
})
