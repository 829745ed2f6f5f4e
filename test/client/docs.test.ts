import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../bench/servers/index.ts'
import * as client from '../../src/client-node/index.ts'
import { discardServer, startServer } from '../compat/clients/support/index.ts'
import { examplesIn, outputOf } from '../tidy/doc-examples.ts'
import { loadedWith, readText } from '../tidy/source-files.ts'

const PAGE = readText('docs/client.md')

let server: ServerProcess

beforeAll(async () => {
  server = await startServer({ kind: 'zabkeeper' })
})

afterAll(async () => {
  await discardServer(server)
})

const examples = examplesIn(PAGE)

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
    expect(await outputOf(code.replaceAll('localhost:2181', server.address), { client })).toBe(
      output,
    )
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
  const { files, foreign } = loadedWith('src/client-node/index.ts')
  expect(files.size).toBeGreaterThan(30)
  expect(foreign).toEqual([])
  const folders = new Set([...files].map((file) => file.split('/')[1]))
  expect([...folders].sort()).toEqual(['base', 'client', 'client-node', 'env', 'platform', 'wire'])
})
