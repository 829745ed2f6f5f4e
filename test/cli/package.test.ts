import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VERSION } from '../../src/admin/index.ts'
import { ROOT } from '../tidy/source-files.ts'
import { type Ending, exchange, Run, Scratch } from './support/zabkeeper.ts'

/** npm as this test was started with, or the one on the path. */
const NPM = process.env['npm_execpath']

let scratch: Scratch
let project: string

function npm(args: readonly string[], cwd: string): Run {
  return NPM === undefined
    ? new Run(args, { cwd, command: 'npm' })
    : new Run([NPM, ...args], { cwd, command: process.execPath })
}

async function succeed(run: Run): Promise<Ending> {
  const ending = await run.ended
  expect(ending.code, ending.stdout + ending.stderr).toBe(0)
  return ending
}

describe('the package', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    scratch = new Scratch()
    project = path.join(scratch.folder, 'project')
    mkdirSync(project)
    writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }')
    // What is in dist is what gets tested; building it again is not this test's business.
    const packing = ['pack', '--ignore-scripts', '--pack-destination', scratch.folder]
    await succeed(npm(packing, ROOT))
    const tarball = readdirSync(scratch.folder).find((name) => name.endsWith('.tgz'))!
    expect(tarball).toBe(`zabkeeper-${VERSION}.tgz`)
    const installing = ['install', '--prefer-offline', '--no-audit', '--no-fund', `../${tarball}`]
    await succeed(npm(installing, project))
  }, 120_000)

  afterAll(async () => {
    await scratch.discard()
  })

  test('brings the program, types, documents and licence, and no sources or tests', () => {
    const installed = path.join(project, 'node_modules', 'zabkeeper')
    expect(readdirSync(installed).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist',
      'docs',
      'package.json',
    ])
    expect(readdirSync(path.join(installed, 'dist')).sort()).toEqual(['bin', 'src'])
    const program = readFileSync(path.join(installed, 'dist/bin/zabkeeper.js'), 'utf8')
    expect(program).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  test('npx zabkeeper serve answers in an empty folder', async () => {
    const args = ['exec', '--offline', '--', 'zabkeeper', 'serve', '--port', '0']
    const run = npm([...args, '--host', '127.0.0.1', '--log-format', 'json'], project)
    expect(await exchange(await run.port(), 'ruok')).toBe('imok')
    // npm does not pass the signal on to the server, but its end is noticed.
    run.signal('SIGTERM')
    await run.says(/"msg":"stopped"/)
    await run.ended
    expect(readdirSync(path.join(project, 'data')).sort()).toEqual(['checkpoint', 'log'])
  })

  test('can be imported: a server inside another program', async () => {
    const file = path.join(project, 'embedded.js')
    writeFileSync(file, EMBEDDED)
    const { stdout } = await succeed(new Run([file], { cwd: project, command: process.execPath }))
    expect(stdout).toMatch(/^listening on \d+\nstopped\n$/)
  })

  describe('as a client', () => {
    const NAMES = 'ZkError ZooKeeper connect'
    const esm = (specifier: string): string =>
      `import { connect, ZkError, ZooKeeper } from '${specifier}'
       console.log([ZkError, ZooKeeper, connect].map(({ name }) => name).join(' '))`

    async function run(folder: string, file: string, text: string): Promise<string> {
      writeFileSync(path.join(folder, file), text)
      const options = { cwd: folder, command: process.execPath }
      return (await succeed(new Run([file], options))).stdout
    }

    test('is imported and required', async () => {
      expect(await run(project, 'client.mjs', esm('zabkeeper/client'))).toBe(`${NAMES}\n`)
      const text = `
        const { connect, ZkError, ZooKeeper } = require('zabkeeper/client')
        console.log([ZkError, ZooKeeper, connect].map(({ name }) => name).join(' '))
        import('zabkeeper/client').then((same) => console.log(same.ZkError === ZkError))`
      expect(await run(project, 'client.cjs', text)).toBe(`${NAMES}\ntrue\n`)
    })

    test('needs no package: its own folders are all it loads', async () => {
      const alone = path.join(scratch.folder, 'alone')
      const target = path.join(alone, 'node_modules', 'zabkeeper')
      const installed = path.join(project, 'node_modules', 'zabkeeper')
      for (const part of ['package.json', ...CLIENT_FOLDERS.map((name) => `dist/${name}`)]) {
        cpSync(path.join(installed, part), path.join(target, part), { recursive: true })
      }
      writeFileSync(path.join(alone, 'package.json'), '{ "private": true }')
      expect(await run(alone, 'client.mjs', esm('zabkeeper/client'))).toBe(`${NAMES}\n`)
    })
  })
})

/** What the client is made of. */
const CLIENT_FOLDERS = ['base', 'env', 'wire', 'client', 'client-node', 'platform'].map(
  (name) => `src/${name}`,
)

const EMBEDDED = `
import { createFourLetterWords, defaultConfig, KeeperServer, openPlatform, readProcess } from 'zabkeeper'

const platform = openPlatform({ log: { level: 'error' } })
const config = defaultConfig({ clientHost: '127.0.0.1', clientPort: 0, dataDir: 'embedded-data' })
const fourLetterWords = createFourLetterWords(config.fourLetterWhitelist, readProcess)
const server = new KeeperServer(
  platform,
  { config, fourLetterWords, metrics: platform.metrics },
  {
    onServing: () => {
      console.log('listening on ' + server.address.port)
      server.stop((error) => console.log(error === null ? 'stopped' : error.message))
    },
    onFatal: (error) => {
      throw error
    },
  },
)
server.start()
`
