import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_COMMANDS } from '../../src/admin/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { readText } from '../tidy/source-files.ts'
import { type OpenAdmin, openAdmin, TOKEN } from './support.ts'

const PAGE = readText('docs/admin-http.md')
const EXAMPLES = [
  ...PAGE.matchAll(/^```sh\n((?:(?!^```)[\s\S])*)^```\n\n```text\n([\s\S]*?)^```$/gm),
]

let server: TestServer
let admin: OpenAdmin
let folder: string

beforeAll(async () => {
  server = await startTestServer({ transport: 'memory' })
  admin = await openAdmin(server.leader!.server!)
  folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-admin-docs-'))
})

afterAll(async () => {
  admin.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the examples of the page do what it shows', async () => {
  expect(EXAMPLES.length).toBe(7)
  for (const [, code, output] of EXAMPLES) {
    const script = code!.replaceAll('127.0.0.1:8080', `127.0.0.1:${admin.port}`)
    expect((await run(script)).trimEnd()).toBe(output!.trimEnd())
  }
})

test('every command is on the page', () => {
  for (const { name, aliases } of ADMIN_COMMANDS) {
    for (const word of [name, ...aliases]) expect(PAGE).toMatch(new RegExp(`\`${word}[?\`]`))
  }
})

/** The server is in this process, so that nothing may wait in it. */
function run(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, TOKEN }
    execFile('bash', ['-euc', script], { cwd: folder, env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${script}${stdout}${stderr}`))
    })
  })
}
