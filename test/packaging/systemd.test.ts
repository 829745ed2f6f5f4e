import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { EXIT } from '../../src/cli/index.ts'
import { connect } from '../../src/client-node/index.ts'
import { PROGRAM } from '../cli/support/zabkeeper.ts'
import { readText } from '../tidy/source-files.ts'
import { runTool, skipWithoutTool } from './support/tools.ts'

const UNIT = readText('packaging/systemd/zabkeeper.service')
const isSkipped = skipWithoutTool('systemd-analyze', '--version')

function settingOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT)?.[1] ?? ''
}

/** Lets `use` have the unit as it would be installed here: systemd looks whether the program is there. */
function withUnit(use: (file: string) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-unit-'))
  const file = path.join(folder, 'zabkeeper.service')
  writeFileSync(file, UNIT.replace('/usr/local/bin/zabkeeper', PROGRAM))
  try {
    use(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test.skipIf(isSkipped)('systemd understands the unit', () => {
  withUnit((file) => {
    const { status, stderr } = runTool('systemd-analyze', ['verify', '--man=no', file])
    expect([status, stderr]).toEqual([0, ''])
  })
})

test.skipIf(isSkipped)('and holds what it may do for little', () => {
  withUnit((file) => {
    const threshold = ['--offline=yes', '--threshold=25', file]
    const { status, stdout } = runTool('systemd-analyze', ['security', ...threshold])
    expect([status, /exposure level for .*/.exec(stdout)?.[0]]).toEqual([
      0,
      expect.stringContaining('OK'),
    ])
  })
})

const cannotTrace = isSkipped || skipWithoutTool('strace', '-V')

test.skipIf(cannotTrace)('its filter lets through what a server asks of the system', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-calls-'))
  try {
    const trace = path.join(folder, 'trace')
    await serveTraced(folder, trace)
    const lines = readFileSync(trace, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)
    const used = new Set([...lines].map((line) => line[1]!))
    expect(used.size).toBeGreaterThan(30)
    const allowed = callsOf(['@default', ...settingOf('SystemCallFilter').split(' ')])
    expect([...used].filter((call) => !allowed.has(call))).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** A start, a session with a write, and a stop. */
async function serveTraced(folder: string, trace: string): Promise<void> {
  const program = [process.execPath, PROGRAM, 'serve', '--port', '0', '--host', '127.0.0.1']
  const words = ['-f', '-qq', '-o', trace, ...program, '--log-format', 'json', '-d', 'data']
  const server = spawn('strace', words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => server.on('close', resolve))
  const { pid, port } = await new Promise<{ pid: number; port: number }>((resolve, reject) => {
    let output = ''
    server.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const [, pid, port] = /"pid":(\d+).*"clientPort":(\d+).*"msg":"serving"/.exec(output) ?? []
      if (port !== undefined) resolve({ pid: Number(pid), port: Number(port) })
    })
    void ended.then(() => reject(new Error(`it ended: ${output}`)))
  })
  const client = await connect(`127.0.0.1:${port}`)
  await client.create('/a')
  await client.close()
  process.kill(pid, 'SIGTERM')
  expect(await ended).toBe(0)
}

/** System calls of groups, which may have groups in them. */
function callsOf(words: readonly string[]): Set<string> {
  const { stdout } = runTool('systemd-analyze', ['syscall-filter', '--no-pager'])
  const groups = new Map<string, string[]>()
  for (const part of stdout.split(/\n(?=@)/)) {
    const [name = '', ...lines] = part.split('\n').map((line) => line.trim())
    groups.set(
      name,
      lines.filter((line) => /^@?\w[\w-]*$/.test(line)),
    )
  }
  const inside = (word: string): string[] =>
    word.startsWith('@') ? (groups.get(word) ?? []).flatMap(inside) : [word]
  return new Set(words.flatMap(inside))
}

test('it starts what the package installs, with words that there are', () => {
  const [program = '', ...words] = settingOf('ExecStart').split(' ')
  const { bin } = JSON.parse(readText('package.json'))
  expect(Object.keys(bin)).toContain(path.basename(program))
  expect(words).toEqual(['serve', '/etc/zookeeper/conf/zoo.cfg', '--log-format', 'text'])
  const { stdout } = runTool(process.execPath, [PROGRAM, 'serve', '--help'])
  expect(stdout).toContain('--log-format')
})

test('it does not restart where that does not help', () => {
  const useless = [EXIT.usage, EXIT.dataFolder, EXIT.dataDamaged].map(({ code }) => String(code))
  expect(settingOf('RestartPreventExitStatus').split(' ')).toEqual(useless)
})

test('its user is the one that is made for it', () => {
  const [kind, name] = readText('packaging/systemd/zabkeeper.sysusers')
    .split('\n')
    .find((line) => !line.startsWith('#'))!
    .split(' ')
  expect([kind, name]).toEqual(['u', settingOf('User')])
})
