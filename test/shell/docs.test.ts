import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMANDS } from '../../src/shell/index.ts'
import { splitWords } from '../../src/shell/words.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { readText } from '../tidy/source-files.ts'
import { TestShells } from './support/test-shell.ts'

const shells = new TestShells()
let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})

afterAll(async () => {
  await shells.close()
  await server?.close()
})

const HEAD = /^Connecting to .*\n(?:\nWATCHER::\n\nWatchedEvent state:SyncConnected .*\n)?/

/** The commands in the page's examples, and what they print. */
function examples(): { readonly command: string; readonly output: string }[] {
  const blocks = readText('docs/shell.md').matchAll(/```text\n([\s\S]*?)```/g)
  return [...blocks].flatMap(([, block]) =>
    block!
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const end = text.indexOf('\n')
        return { command: text.slice(0, end), output: text.slice(end + 1) }
      }),
  )
}

test('the examples of docs/shell.md print what the page says', async () => {
  const found = examples()
  expect(found.length).toBeGreaterThan(10)
  for (const { command, output } of found) {
    const words = splitWords(command)
    expect(words.slice(0, 2)).toEqual(['zabkeeper', 'cli'])
    const isJson = words[2] === '--json'
    const printed = await shells.run(server.connectionString, words.slice(isJson ? 3 : 2), {
      isJson,
    })
    expect([command, printed.output.replace(HEAD, '')]).toEqual([command, output])
  }
})

test('docs/shell.md names every command', () => {
  const page = readText('docs/shell.md')
  const missing = [...COMMANDS.keys()].filter((name) => !page.includes(`\`${name}`))
  expect(missing).toEqual([])
})
