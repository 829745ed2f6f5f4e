import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../bench/servers/index.ts'
import * as recipes from '../../recipes/index.ts'
import { RecipeError } from '../../recipes/index.ts'
import * as client from '../../src/client-node/index.ts'
import { discardServer, startServer } from '../compat/clients/support/index.ts'
import { examplesIn, outputOf } from '../tidy/doc-examples.ts'
import { importsOf, listFiles, readText, resolveImport } from '../tidy/source-files.ts'

const PAGE = readText('docs/recipes.md')

let server: ServerProcess

beforeAll(async () => {
  server = await startServer({ kind: 'zabkeeper' })
})

afterAll(async () => {
  await discardServer(server)
})

const examples = examplesIn(PAGE)

describe('docs/recipes.md', () => {
  test('has an output for every example', () => {
    expect(examples.length).toBe([...PAGE.matchAll(/^```js$/gm)].length)
    expect(examples.length).toBeGreaterThan(3)
  })

  test.each(examples)('example $#', async ({ code, output }) => {
    expect(
      await outputOf(code.replaceAll('localhost:2181', server.address), { client, recipes }),
    ).toBe(output)
  })

  test('has a section for every recipe', () => {
    const headings = [...PAGE.matchAll(/^## (.*)$/gm)].map((match) => match[1]!).join(' ')
    const classes = Object.entries(recipes)
      .filter(([, value]) => typeof value === 'function' && /^class\b/.test(String(value)))
      .map(([name]) => name)
      .filter((name) => !['LockOwner', 'RecipeError', 'ServiceView'].includes(name))
    expect(classes.length).toBeGreaterThan(8)
    expect(classes.filter((name) => !headings.includes(name))).toEqual([])
  })

  test('lists every code of a RecipeError', () => {
    const source = readText('recipes/base/errors.ts')
    const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map((match) => match[1]!)
    expect(codes.length).toBeGreaterThan(7)
    expect(codes.filter((code) => !PAGE.includes(`\`${code}\``))).toEqual([])
    expect(new RecipeError('RELEASED', '/p', 'why').message).toBe('/p: why')
  })
})

test('recipes load no package, nothing of Node and no part of a server', () => {
  const files = listFiles('recipes')
  expect(files.length).toBeGreaterThan(20)
  const foreign = files.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => resolveImport(file, specifier) === null)
      .map((specifier) => `${file} imports ${specifier}`),
  )
  expect(foreign).toEqual([])
})

test('recipes take time and chance from the client', () => {
  const ambient =
    // A date that is made of a number or a text takes no time from anywhere.
    /\b(Date(?!\.parse\(|\((?!\)))|Math\.random|performance|console|process|Buffer|setTimeout|setInterval|setImmediate|queueMicrotask)\b(?!:)/
  const found = listFiles('recipes').filter((file) => {
    const code = readText(file).replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'[^'\n]*'/g, '')
    return ambient.test(code)
  })
  expect(found).toEqual([])
})
