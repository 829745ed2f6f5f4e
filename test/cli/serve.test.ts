import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { VERSION, VERSION_TEXT } from '../../src/admin/index.ts'
import { EXIT } from '../../src/cli/index.ts'
import { exchange, leaveSession, Scratch } from './support/zabkeeper.ts'

let scratch: Scratch

beforeEach(() => {
  scratch = new Scratch()
})

afterEach(async () => {
  await scratch.discard()
})

function writeConfig(text: string): string {
  writeFileSync(path.join(scratch.folder, 'zoo.cfg'), text)
  return 'zoo.cfg'
}

describe('the command line', () => {
  test('--version', async () => {
    const ending = await scratch.run('--version').ended
    expect(ending).toMatchObject({ code: EXIT.ok.code, stdout: `${VERSION}\n`, stderr: '' })
  })

  test.each(['--help', '-h', 'help', 'serve --help', 'help serve'])(
    '%s explains itself',
    async (line) => {
      const ending = await scratch.run(...line.split(' ')).ended
      expect(ending).toMatchObject({ code: EXIT.ok.code, stderr: '' })
      expect(ending.stdout).toMatch(/^Usage: zabkeeper/)
      expect(ending.stdout).toContain('serve')
    },
  )

  test.each([
    [['frobnicate'], /unknown command/],
    [['serve', '--frobnicate'], /unknown option/],
    [['serve', '--port', '99999'], /whole number from 0 to 65535/],
    [['serve', '--port', 'x'], /whole number/],
    [['serve', '--tick-time', '0'], /whole number from 1/],
    [['serve', '--log-level', 'loud'], /Allowed choices/],
    [['serve', 'a.cfg', 'b.cfg'], /too many arguments/],
  ])('%j is refused', async (args, reason) => {
    const ending = await scratch.run(...args).ended
    expect(ending).toMatchObject({ code: EXIT.usage.code, stdout: '' })
    expect(ending.stderr).toMatch(reason)
    expect(existsSync(path.join(scratch.folder, 'data'))).toBe(false)
  })

  test('nothing at all shows the help', async () => {
    const ending = await scratch.run().ended
    expect(ending.code).toBe(EXIT.usage.code)
    expect(ending.stderr).toMatch(/^Usage: zabkeeper/)
  })
})

describe('a server', () => {
  test('without a file keeps its data in ./data, answers, and stops on SIGTERM', async () => {
    const { run, port } = await scratch.serve()
    expect(await exchange(port, 'ruok')).toBe('imok')
    expect(await exchange(port, 'srvr')).toMatch(`Zookeeper version: ${VERSION_TEXT}\n`)
    expect(await exchange(port, 'conf')).toMatch(`dataDir=${scratch.folder}/data\n`)
    run.signal('SIGTERM')
    const ending = await run.ended
    expect(ending).toMatchObject({ code: EXIT.ok.code, stderr: '' })
    expect(ending.stdout).toMatch(/"reason":"SIGTERM".*"stopping"/)
    const files = readdirSync(path.join(scratch.folder, 'data')).sort()
    expect(files).toEqual(['checkpoint', 'events.jsonl', 'log'])
  })

  test('starts again where it stopped, also after SIGKILL', async () => {
    const first = await scratch.serve()
    first.run.signal('SIGINT')
    expect((await first.run.ended).code).toBe(EXIT.ok.code)
    const second = await scratch.serve()
    expect(second.run.stdout).toMatch(/after clean stop/)
    await leaveSession(second.port)
    await second.run.kill()
    const third = await scratch.serve()
    expect(third.run.stdout).toMatch(/"sessions":1,"zxid":"0x1","recovered":"after unclean stop/)
    expect(await exchange(third.port, 'ruok')).toBe('imok')
  })

  test('reads a zoo.cfg, and flags win over it', async () => {
    const file = writeConfig(
      'dataDir=elsewhere\nclientPort=1\ntickTime=100\n4lw.commands.whitelist=conf,dmup\nmyKey=1\n',
    )
    const { run, port } = await scratch.serve(file, '--tick-time', '250')
    const conf = await exchange(port, 'conf')
    expect(conf).toContain(`dataDir=${scratch.folder}/elsewhere\n`)
    expect(conf).toContain('tickTime=250\n')
    expect(conf).toContain('maxSessionTimeout=5000\n')
    expect(await exchange(port, 'ruok')).toBe(
      'ruok is not executed because it is not in the whitelist.\n',
    )
    expect(run.stdout).toMatch(/"msg":"zoo\.cfg: keys without effect: unknown: myKey"/)
    expect(run.stdout).toMatch(/zoo\.cfg: 4lw\.commands\.whitelist: there is no such word: dmup/)
  })

  test('prints a banner for people', async () => {
    const args = ['--port', '0', '--host', '127.0.0.1', '--log-format', 'text']
    const run = scratch.run('serve', ...args)
    await run.says(/ready after \d+ ms\n/)
    // The admin server may have said something before.
    const lines = run.stdout.slice(run.stdout.indexOf('zabkeeper ')).split('\n')
    expect(lines[0]).toBe(`zabkeeper ${VERSION} (speaks as ZooKeeper 3.9.3)`)
    expect(lines[1]).toMatch(/^ {2}mode {6}standalone, pid \d+$/)
    expect(lines[2]).toMatch(/^ {2}clients {3}port \d+ on 127\.0\.0\.1, tick 2000 ms$/)
    expect(lines[3]).toBe('  config    built-in defaults')
    expect(lines[4]).toBe(`  data      ${scratch.folder}/data`)
    expect(lines[5]).toMatch(/^ {2}state {5}\d+ znodes, 0 sessions, zxid 0x0$/)
    expect(lines[6]).toMatch(/^ {2}recovery {2}new, empty data folder; ready after \d+ ms$/)
  })

  test('closes a connection whose first frame is absurd, and serves on', async () => {
    const { port } = await scratch.serve()
    expect(await exchange(port, 'GET / HTTP/1.1\r\n\r\n')).toBe('')
    expect(await exchange(port, Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toBe('')
    expect(await exchange(port, 'ruok')).toBe('imok')
  })
})

describe('a start that must not be', () => {
  test.each([
    [
      'clientPort=2181\ndataDir=d\ntickTime=abc',
      /^zabkeeper: zoo\.cfg:3: tickTime: 'abc' must be a whole number\n$/,
    ],
    ['clientPort=2181', /^zabkeeper: zoo\.cfg: dataDir: is missing/],
    [
      'clientPort=2181\ndataDir=d\nsecureClientPort=2281',
      /zoo\.cfg:3: secureClientPort: this protection/,
    ],
    [
      'clientPort=2181\ndataDir=d\nserver.1=a:1:2\nserver.2=b:1:2',
      /zoo\.cfg: myid: is missing: .* file d\/myid\. Write there which one of 1, 2 this/,
    ],
  ])('%j ends with code 2 and one line', async (text, message) => {
    const ending = await scratch.run('serve', writeConfig(text)).ended
    expect(ending).toMatchObject({ code: EXIT.usage.code, stdout: '' })
    expect(ending.stderr).toMatch(message)
    expect(ending.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(existsSync(path.join(scratch.folder, 'd'))).toBe(false)
  })

  test('a file that is missing, or is a folder', async () => {
    const missing = await scratch.run('serve', 'none.cfg').ended
    expect(missing).toMatchObject({ code: EXIT.usage.code })
    expect(missing.stderr).toMatch(/^zabkeeper: none\.cfg: no such file/)
    const folder = await scratch.run('serve', '.').ended
    expect(folder).toMatchObject({ code: EXIT.usage.code })
    expect(folder.stderr).toMatch(/is a folder/)
  })

  test('the port is taken', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const address = blocker.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const args = ['--host', '127.0.0.1', '--port', String(port), '--log-format', 'json']
    const ending = await scratch.run('serve', ...args).ended
    blocker.close()
    expect(ending.code).toBe(EXIT.failure.code)
    expect(ending.stdout).toMatch(`port ${port} is taken by another process`)
  })

  test('a second server on the same folder', async () => {
    await scratch.serve()
    const args = ['--port', '0', '--host', '127.0.0.1', '--log-format', 'json']
    const ending = await scratch.run('serve', ...args).ended
    expect(ending.code).toBe(EXIT.dataFolder.code)
    expect(ending.stdout).toMatch(/"level":"error"/)
    expect(ending.stdout).toMatch(`${scratch.folder}/data`)
  })

  test('a missing data folder that must not be created', async () => {
    const file = writeConfig('clientPort=2181\ndataDir=absent\ndatadir.autocreate=false\n')
    const ending = await scratch.run('serve', file, '--log-format', 'json').ended
    expect(ending.code).toBe(EXIT.dataFolder.code)
    expect(ending.stdout).toMatch(/absent does not exist/)
    expect(existsSync(path.join(scratch.folder, 'absent'))).toBe(false)
  })

  test('a data folder that is a file', async () => {
    writeFileSync(path.join(scratch.folder, 'data'), 'precious')
    const ending = await scratch.run('serve', '--port', '0', '--log-format', 'json').ended
    expect(ending.code).toBe(EXIT.dataFolder.code)
    expect(ending.stdout).toMatch(/data is to be the data folder, but it is a file/)
  })

  test.skipIf(process.getuid?.() === 0)('a data folder that may not be written', async () => {
    mkdirSync(path.join(scratch.folder, 'data'))
    chmodSync(path.join(scratch.folder, 'data'), 0o500)
    const ending = await scratch.run('serve', '--port', '0', '--log-format', 'json').ended
    expect(ending.code).toBe(EXIT.dataFolder.code)
  })
})
