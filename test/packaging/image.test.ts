import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/servers/index.ts'
import { PROGRAM } from '../cli/support/zabkeeper.ts'
import { listFiles, ROOT, readText } from '../tidy/source-files.ts'

const TEXT = readText('packaging/Dockerfile').replace(/ *\\\n */g, ' ')

interface Instruction {
  readonly name: string
  readonly words: readonly string[]
}

/** The instructions of the stages, in their order; each stage begins with FROM. */
const instructions = TEXT.split('\n')
  .filter((line) => /^[A-Z]/.test(line))
  .map((line): Instruction => {
    const [name = '', ...words] = line.split(' ')
    return { name, words }
  })
const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'))

/** The words of an instruction of the last stage that are written as a JSON list. */
function listOf(name: string): string[] {
  const words = lastStage.find((instruction) => instruction.name === name)?.words ?? []
  return JSON.parse(words.slice(words.findIndex((word) => word.startsWith('['))).join(' '))
}

describe('the Dockerfile', () => {
  const copied = instructions
    .filter(({ name, words }) => name === 'COPY' && !words[0]!.startsWith('--from'))
    .flatMap(({ words }) => words.slice(0, -1))

  test('copies what is there, and the file of exceptions lets in just that', () => {
    expect(copied.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([])
    const exceptions = readText('packaging/Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    expect(exceptions.sort()).toEqual([...new Set(copied)].sort())
  })

  test('copies all that a build compiles and reads', () => {
    const { include } = JSON.parse(readText('tsconfig.build.json'))
    expect(copied).toEqual(expect.arrayContaining([...include, 'scripts', 'package-lock.json']))
    const reading = listFiles('scripts').filter((file) => /build\.mjs$|prepare\.mjs$/.test(file))
    expect(reading.length).toBe(2)
  })

  test('takes from the build what the package publishes as code', () => {
    const { files, bin } = JSON.parse(readText('package.json'))
    const taken = lastStage
      .filter(({ words }) => words[0] === '--from=build')
      .map(({ words }) => words[1]!.replace('/build/', ''))
    const code = files.filter((name: string) => name.startsWith('dist/'))
    expect(taken.sort()).toEqual([...code, 'node_modules', 'package.json'].sort())
    expect(TEXT).toContain(`/opt/zabkeeper/${bin.zabkeeper} /usr/local/bin/zabkeeper`)
  })

  test('runs as the user of the official image, with its ports and volumes', () => {
    const wordsOf = (name: string): readonly string[] | undefined =>
      lastStage.find((instruction) => instruction.name === name)?.words
    expect(wordsOf('USER')).toEqual(['1000:1000'])
    expect(wordsOf('EXPOSE')).toEqual(['2181', '2888', '3888', '8080', '7000'])
    expect(listOf('VOLUME')).toEqual(['/data', '/datalog'])
    expect(TEXT).toMatch(/install -d -o 1000 -g 1000 \/conf \/data \/datalog \/logs/)
  })
})

const RETRIES = Number(/^HEALTHCHECK .*--retries=(\d+)/m.exec(TEXT)![1])

/** The image's commands as processes, with the environment of a container whose folders are elsewhere. */
describe('the commands of the image', () => {
  let folder: string
  let environment: NodeJS.ProcessEnv
  let port: number

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-image-'))
    symlinkSync(PROGRAM, path.join(folder, 'zabkeeper'))
    port = await freePort()
    environment = {
      PATH: `${folder}:${process.env['PATH']}`,
      ZOO_CONF_DIR: path.join(folder, 'conf'),
      ZOO_DATA_DIR: path.join(folder, 'data'),
      ZOO_DATA_LOG_DIR: path.join(folder, 'datalog'),
      ZOO_MY_ID: '7',
      ZOO_SERVERS: `server.7=127.0.0.1:2888:3888;127.0.0.1:${port}`,
      ZOO_ADMINSERVER_ENABLED: 'false',
      ZABKEEPER_SERVERS: `127.0.0.1:${port}`,
    }
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  test('make a server that the health check finds well, and that ends when it is told to', async () => {
    const [entry = '', ...words] = [...listOf('ENTRYPOINT'), ...listOf('CMD')]
    const check = listOf('HEALTHCHECK')
    const server = spawn(entry, words, {
      env: environment,
      cwd: folder,
      stdio: ['ignore', 'pipe', 2],
    })
    const ended = new Promise<number | null>((resolve) => server.on('close', resolve))
    const serves = new Promise<boolean>((resolve) => {
      let output = ''
      server.stdout!.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (/"msg":"serving"/.test(output)) resolve(true)
      })
      void ended.then(() => resolve(false))
    })
    try {
      const unwell = await run(check)
      // It was not up yet, or it was: the check says so in its exit code.
      expect([0, 1]).toContain(unwell.code)
      expect(await serves).toBe(true)
      // As often as the image says: one that takes too long on a busy machine does not count yet.
      let well = await run(check)
      for (let retries = 1; retries < RETRIES && well.code !== 0; retries++) well = await run(check)
      expect(well.output).toMatch(/ is healthy: standalone, /)
      expect(well.code).toBe(0)
      expect(readFileSync(path.join(folder, 'data', 'myid'), 'utf8')).toBe('7\n')
    } finally {
      server.kill('SIGTERM')
    }
    expect(await ended).toBe(0)
    expect((await run(check)).code).toBe(1)
  })

  async function run(words: readonly string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(words[0]!, words.slice(1), { env: environment, cwd: folder })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    return await new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, output }))
    })
  }
})
