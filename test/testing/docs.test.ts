import { describe, expect, test } from 'vitest'
import * as client from '../../src/client-node/index.ts'
import * as testing from '../../src/testing/index.ts'
import { OPTION_NAMES } from '../../src/testing/options.ts'
import { examplesIn, outputOf } from '../tidy/doc-examples.ts'
import { loadedWith, readText } from '../tidy/source-files.ts'

const PAGE = readText('docs/testing.md')

const examples = examplesIn(PAGE)

describe('docs/testing.md', () => {
  test('has an output for every example', () => {
    expect(examples.length).toBe([...PAGE.matchAll(/^```js$/gm)].length)
    expect(examples.length).toBeGreaterThan(3)
  })

  test.each(examples)('example $#', async ({ code, output }) => {
    expect(await outputOf(code, { client, testing })).toBe(output)
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
  const { files, foreign } = loadedWith('src/testing/index.ts')
  expect(files.size).toBeGreaterThan(100)
  expect(foreign).toEqual([])
})
