import { execFile } from 'node:child_process'
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT } from '../tidy/source-files.ts'
import { APACHE, Folders } from './support.ts'

const PAGE = path.join(ROOT, 'docs', 'maintenance.md')
const PROGRAM = path.join(ROOT, 'dist', 'bin', 'zabkeeper.js')

const folders = new Folders()

beforeAll(async () => {
  const command = folders.at('zabkeeper')
  writeFileSync(command, `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`)
  chmodSync(command, 0o755)
  cpSync(APACHE, folders.at('apache'), { recursive: true })
  await run('zabkeeper import --from apache --to data')
})

afterAll(() => folders.discard())

/** Standard output, and behind it what was said on standard error. */
async function run(commands: string): Promise<string> {
  const env = { ...process.env, PATH: `${folders.base}:${process.env['PATH']}` }
  return await new Promise((resolve) => {
    execFile('sh', ['-c', commands], { cwd: folders.base, env }, (_, stdout, stderr) => {
      const errors = stderr.split('\n').filter((line) => /^(zabkeeper:|#) /.test(line))
      resolve(`${stdout}${errors.map((line) => `${line}\n`).join('')}`)
    })
  })
}

/** Each block of commands with the output that the page shows after it. */
function examples(): { commands: string; output: string }[] {
  const pattern = /^```sh\n((?:(?!^```)[\s\S])*?)^```\n\n```text\n([\s\S]*?)^```$/gm
  const page = readFileSync(PAGE, 'utf8')
  return [...page.matchAll(pattern)].map((match) => ({ commands: match[1]!, output: match[2]! }))
}

/** A line of the page as a pattern: `…` is anything. */
function matcher(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

test('the examples of the page do what it says', { timeout: 300_000 }, async () => {
  const all = examples()
  expect(all.length).toBeGreaterThan(8)
  for (const { commands, output } of all) {
    const lines = (await run(commands)).replaceAll(`${folders.base}/`, '').split('\n')
    expect(lines, commands).toEqual(
      output.split('\n').map((line) => expect.stringMatching(matcher(line))),
    )
  }
})
