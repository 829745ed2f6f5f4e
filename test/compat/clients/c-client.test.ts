import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import {
  cCli,
  cCompiler,
  discardServer,
  Program,
  passedSteps,
  runProgram,
  skipWithout,
  startServer,
} from './support/index.ts'

const cli = cCli()
const compiler = await cCompiler()
let server: ServerProcess

beforeAll(async () => {
  server = await startServer()
})

afterAll(async () => {
  await discardServer(server)
})

/** What cli_mt prints for a sync of the root. */
const SYNCED = '[/]: rc = 0\n\tname = /\n'

describe.skipIf(skipWithout(cli))('cli_mt', { timeout: 180_000 }, () => {
  /**
   * What the program prints for each command: all but times, zxids and durations. It does not wait for replies by
   * itself, and quits without them; and a reply is printed in several parts by a thread of its own, while another takes
   * the next command. So each command is followed by a sync of the root, whose last line comes when all else is there.
   */
  async function session(commands: readonly string[]): Promise<string[]> {
    const program = new Program(cli.found ?? '', ['-h', server.address], { timeoutMs: 150_000 })
    await program.waitFor(/Got a new session id.*\n/)
    const from = program.output.indexOf('\n', program.output.indexOf('Got a new session id')) + 1
    for (const command of commands) {
      const before = program.output.length
      program.writeLine(command)
      await program.waitFor(/rc = |Error -/, before)
      program.writeLine('sync /')
      await program.waitFor(SYNCED, before)
    }
    const end = program.output.length
    program.writeLine('quit')
    await program.finished()
    return program.output
      .slice(from, end)
      .replaceAll(SYNCED, '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^([cm]time\s*=|[cm]zxid=|time = )/.test(line))
  }

  test('creates, reads and writes', async () => {
    const lines = await session([
      'create /cli',
      'set /cli hello',
      'get /cli',
      'get /nothing',
      'set /cli again 0',
      'create2 /cli/two',
      'ls /cli',
      'sync /cli',
      'delete /cli/two',
      'delete /cli/two',
    ])
    expect(lines).toEqual([
      'Creating [/cli] node (mode: 0)',
      ...['[/cli]: rc = 0', 'name = /cli'],
      ...['/cli: rc = 0 Stat:', 'version=1\taversion=0', 'ephemeralOwner = 0'],
      ...['/cli: rc = 0', 'value_len = 5', 'hello', 'Stat:'],
      ...['version=1\taversion=0', 'ephemeralOwner = 0'],
      ...['/nothing: rc = -101', 'Stat:', 'null'],
      'Watcher CHANGED_EVENT state = CONNECTED_STATE for path /cli',
      ...['/cli: rc = 0 Stat:', 'version=2\taversion=0', 'ephemeralOwner = 0'],
      'Creating [/cli/two] node (mode: 0)',
      ...['[/cli/two]: rc = 0', 'name = /cli/two', 'version=0\taversion=0', 'ephemeralOwner = 0'],
      ...['/cli: rc = 0', 'two'],
      ...['[/cli]: rc = 0', 'name = /cli'],
      'Watcher CHILD_EVENT state = CONNECTED_STATE for path /cli',
      '/cli/two: rc = 0',
      '/cli/two: rc = -101',
    ])
  })

  test('makes ephemeral, sequential and container znodes', async () => {
    const lines = await session([
      'create /modes',
      'create +e /modes/e',
      'create +s /modes/s-',
      'create +es /modes/es-',
      'create +c /modes/c',
    ])
    expect(lines.filter((line) => line.startsWith('name = '))).toEqual([
      'name = /modes',
      'name = /modes/e',
      'name = /modes/s-0000000001',
      'name = /modes/es-0000000002',
      'name = /modes/c',
    ])
    const after = await session(['ls /modes'])
    expect(after.slice(1, 3).sort()).toEqual(['c', 's-0000000001'])
  })

  test('is told what happens to watched znodes', async () => {
    const lines = await session([
      'wexists /seen',
      'create /seen',
      'get /seen',
      'set /seen x',
      'ls /seen',
      'create /seen/child',
      'delete /seen/child',
    ])
    expect(lines.filter((line) => line.startsWith('Watcher'))).toEqual([
      'Watcher CREATED_EVENT state = CONNECTED_STATE for path /seen',
      'Watcher CHANGED_EVENT state = CONNECTED_STATE for path /seen',
      'Watcher CHILD_EVENT state = CONNECTED_STATE for path /seen',
    ])
  })
})

describe.skipIf(skipWithout(compiler))('the C library', { timeout: 180_000 }, () => {
  let folder: string

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-c-'))
  })

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  test('makes every request', async () => {
    const program = path.join(folder, 'session')
    const source = path.join(import.meta.dirname, 'c/session.c')
    const flags = ['-O1', '-Wall', '-DTHREADED', '-o', program, source, '-lzookeeper_mt']
    const built = await runProgram(compiler.found ?? '', flags)
    expect(built.code, built.output).toBe(0)
    const { code, output } = await runProgram(program, [server.address])
    expect(passedSteps(output), output).toEqual([
      'data',
      'sequential and ephemeral',
      'watches',
      'multi',
      'acls',
      'takeover',
    ])
    expect(code).toBe(0)
  })
})
