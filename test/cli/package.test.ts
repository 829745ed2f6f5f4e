import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
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

  test('brings the program, types, documents, licence and what installs it, and no sources or tests', () => {
    const installed = path.join(project, 'node_modules', 'zabkeeper')
    expect(readdirSync(installed).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist',
      'docs',
      'package.json',
      'packaging',
    ])
    expect(readdirSync(path.join(installed, 'dist')).sort()).toEqual(['bin', 'recipes', 'src'])
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
    const files = readdirSync(path.join(project, 'data')).sort()
    expect(files).toEqual(['checkpoint', 'events.jsonl', 'log'])
  })

  test('can be imported: a server inside another program', async () => {
    const file = path.join(project, 'embedded.js')
    writeFileSync(file, EMBEDDED)
    const { stdout } = await succeed(new Run([file], { cwd: project, command: process.execPath }))
    expect(stdout).toMatch(/^listening on \d+\nstopped\n$/)
  })

  describe('as a library', () => {
    const load = (statements: string): string =>
      `${statements}
       console.log([connect, Mutex, startTestServer].map(({ name }) => name).join(' '))`
    const ESM = load(
      [
        "import { connect } from 'zabkeeper/client'",
        "import { Mutex } from 'zabkeeper/recipes'",
        "import { startTestServer } from 'zabkeeper/testing'",
      ].join('\n'),
    )
    const CJS = load(
      [
        "const { connect, ZkError } = require('zabkeeper/client')",
        "const { Mutex } = require('zabkeeper/recipes')",
        "const { startTestServer } = require('zabkeeper/testing')",
        "import('zabkeeper/client').then((same) => console.log(same.ZkError === ZkError))",
      ].join('\n'),
    )
    const NAMES = 'connect Mutex startTestServer\n'

    async function run(folder: string, file: string, text: string): Promise<string> {
      writeFileSync(path.join(folder, file), text)
      const options = { cwd: folder, command: process.execPath }
      return (await succeed(new Run([file], options))).stdout
    }

    test('is imported and required', async () => {
      expect(await run(project, 'library.mjs', ESM)).toBe(NAMES)
      expect(await run(project, 'library.cjs', CJS)).toBe(`${NAMES}true\n`)
    })

    test('is packed alone: a lock without a server and without any dependency', async () => {
      const alone = path.join(scratch.folder, 'alone')
      mkdirSync(alone)
      writeFileSync(path.join(alone, 'package.json'), '{ "private": true }')
      const packing = new Run([path.join(ROOT, 'scripts/pack-client.mjs'), alone], {
        cwd: alone,
        command: process.execPath,
      })
      await succeed(packing)
      const tarball = `zabkeeper-client-${VERSION}.tgz`
      await succeed(npm(['install', '--offline', '--no-audit', '--no-fund', tarball], alone))
      const { stdout } = await succeed(npm(['ls', '--all', '--parseable'], alone))
      const installed = path.join(alone, 'node_modules', 'zabkeeper-client')
      expect(stdout.trim().split('\n')).toEqual([alone, installed])
      expect(readdirSync(path.join(installed, 'src')).sort()).toEqual(CLIENT_FOLDERS)
      const server = await scratch.serve()
      const text = LOCKING.replace('localhost:2181', `127.0.0.1:${server.port}`)
        .replace('zabkeeper/client', 'zabkeeper-client')
        .replace('zabkeeper/recipes', 'zabkeeper-client/recipes')
      expect(await run(alone, 'locking.mjs', text)).toBe('locked with a token\n')
    })

    test.each(['nodenext', 'bundler'])('has types for %s', async (resolution) => {
      const types = path.join(ROOT, 'node_modules', '@types')
      const module = resolution === 'bundler' ? 'preserve' : resolution
      const compilerOptions = {
        ...{ module, moduleResolution: resolution, target: 'es2023', strict: true, noEmit: true },
        ...{
          exactOptionalPropertyTypes: true,
          lib: ['es2023'],
          types: ['node'],
          typeRoots: [types],
        },
      }
      const config = { compilerOptions, files: ['locking.mts'] }
      writeFileSync(path.join(project, `${resolution}.json`), JSON.stringify(config))
      writeFileSync(path.join(project, 'locking.mts'), LOCKING)
      const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
      const options = { cwd: project, command: process.execPath }
      await succeed(new Run([tsc, '-p', `${resolution}.json`], options))
    })
  })
})

/** What the client is made of; of platform the sockets. */
const CLIENT_FOLDERS = ['base', 'client', 'client-node', 'env', 'platform', 'wire']

const LOCKING = `
import { connect } from 'zabkeeper/client'
import { Mutex } from 'zabkeeper/recipes'

const zk = await connect('localhost:2181')
const grant = await new Mutex(zk, '/locks/one').acquire()
console.log(grant.fencingToken > 0n ? 'locked with a token' : 'no token')
await grant.release()
await zk.close()
`

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
