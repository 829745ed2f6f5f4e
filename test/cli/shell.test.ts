import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type ZooKeeper } from '../../src/client-node/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { Program, type ProgramResult, runProgram } from '../compat/clients/support/programs.ts'
import { readTestdata, shape } from '../shell/support/recorded.ts'
import { PROGRAM, Scratch } from './support/zabkeeper.ts'

const scratch = new Scratch()
let server: TestServer
let zk: ZooKeeper

beforeAll(async () => {
  server = await startTestServer({ config: { extendedTypes: true } })
  zk = await connect(server.connectionString)
})

afterAll(async () => {
  await zk?.close()
  await server?.close()
  await scratch.discard()
})

/** `zabkeeper cli` with these words and this standard input. */
async function cli(words: readonly string[], input: string = ''): Promise<ProgramResult> {
  return await runProgram(process.execPath, [PROGRAM, 'cli', ...words], { input })
}

describe('zabkeeper cli', { timeout: 120_000 }, () => {
  test('runs a script from standard input, as zkCli does', async () => {
    const { output, code } = await cli(
      ['-server', server.connectionString, '-timeout', '60000'],
      readTestdata('piped.input'),
    )
    const head = readTestdata('piped-3.9.3.txt').split('\n').slice(0, 7).join('\n')
    expect(shape(output).startsWith(shape(head))).toBe(true)
    expect(output).toMatch(/state:Closed type:None path:null zxid: -1\nNot connected\n$/)
    expect(code).toBe(0)
  })

  test('runs one command; results and messages go where those of zkCli go', async () => {
    const made = await cli(['-server', server.connectionString, 'create', '-s', '/cli-', 'a b'])
    expect(made.stderr).toMatch(/^Created \/cli-\d{10}\n$/)
    expect(made.stdout).toMatch(/^Connecting to [\d.:]+\n\nWATCHER::\n\nWatchedEvent [^\n]*\n$/)
    expect(made.code).toBe(0)
  })

  test('takes the flags of zkCli and of our other commands', async () => {
    const words = ['--json', '-r', '-waitforconnection', '--session-timeout', '9000']
    const { stdout, code } = await cli([...words, '-s', server.connectionString, 'get', '-s', '/'])
    expect(JSON.parse(stdout)).toMatchObject({ path: '/', stat: { ephemeralOwner: '0' } })
    expect(code).toBe(0)
  })

  test.each([
    { words: ['get', '/missing'], code: 1, says: /^Node does not exist: \/missing\n$/ },
    { words: ['nosuch'], code: 127, says: /Command not found: Command not found nosuch\n$/ },
    { words: ['-x', 'ls', '/'], code: 2, says: /unknown option '-x'/ },
    { words: ['-timeout', 'soon', 'ls', '/'], code: 2, says: /whole number/ },
    { words: ['-server'], code: 2, says: /^zabkeeper: no argument found for option -server\n$/ },
    { words: ['-server', 'a:b', 'ls', '/'], code: 2, says: /^zabkeeper: connection string "a:b"/ },
    {
      words: ['-client-configuration', '/nosuch', 'ls', '/'],
      code: 2,
      says: /^zabkeeper: Error while processing ENOENT.*'\/nosuch'\n$/,
    },
  ])('$words ends with $code', async ({ words, code, says }) => {
    const flags = words.includes('-server') ? [] : ['--servers', server.connectionString]
    const result = await cli([...flags, ...words])
    expect(result.stderr).toMatch(says)
    expect(result.code).toBe(code)
  })

  test('says why no server can be reached, in one line', async () => {
    const nobody = await cli(['-server', '127.0.0.1:1', '-timeout', '20000', 'ls', '/'])
    expect(nobody.stderr).toMatch(
      /^KeeperErrorCode = ConnectionLoss for \/ \(.*ECONNREFUSED.*\)\n$/,
    )
    expect(nobody.code).toBe(1)
    const waited = await cli(['-server', '127.0.0.1:1', '-timeout', '300', '-waitforconnection'])
    expect(waited.stdout).toMatch(/state:Closed type:None path:null zxid: -1\n$/)
    expect(waited.stderr).toMatch(
      /^KeeperErrorCode = ConnectionLoss \(no server within 300 ms: .*\)\n$/,
    )
    expect(waited.code).toBe(1)
  })

  test('follows a configuration of the Java client', async () => {
    const file = path.join(scratch.folder, 'client.cfg')
    writeFileSync(file, 'zookeeper.request.timeout=9000\nzookeeper.sasl.client=false\n')
    const flags = ['-client-configuration', file, '-server', server.connectionString]
    const { stderr, code } = await cli([...flags, 'whoami'])
    expect(stderr).toBe(`zabkeeper: ${file}: not used here: zookeeper.sasl.client\n`)
    expect(code).toBe(0)
  })

  test('ends quietly when nobody reads on', async () => {
    const script = `"${process.execPath}" "${PROGRAM}" cli -server ${server.connectionString}`
    const command = `yes 'ls /' | head -100 | ${script} | head -1`
    const { stdout, stderr } = await runProgram('sh', ['-c', command])
    expect(stdout).toBe(`Connecting to ${server.connectionString}\n`)
    expect(stderr).toBe('')
  })
})

const SCRIPT = '/usr/bin/script'
const TAB = '\t'
const UP = '\x1b[A'
const CTRL_C = '\x03'
const CTRL_U = '\x15'

/** A terminal in front of `zabkeeper cli`. */
class Typist {
  readonly #program: Program
  #seen = 0

  constructor(history: string) {
    const words = ['cli', '-server', server.connectionString, '--history-file', history]
    const command = [process.execPath, PROGRAM, ...words].map((word) => `'${word}'`).join(' ')
    this.#program = new Program(SCRIPT, ['-q', '-e', '-c', command, '/dev/null'], {
      env: { TERM: 'xterm' },
      timeoutMs: 100_000,
    })
  }

  type(keys: string): void {
    this.#seen = this.#program.output.length
    this.#program.writeLine(keys, '')
  }

  /** Waits for it behind what there was when something was typed last. */
  async sees(text: string | RegExp): Promise<void> {
    await this.#program.waitFor(text, this.#seen)
  }

  async finished(): Promise<ProgramResult> {
    return await this.#program.finished()
  }
}

describe.skipIf(!existsSync(SCRIPT))('in a terminal', { timeout: 120_000 }, () => {
  test('there is a prompt, completion, history, and events between the lines', async () => {
    await zk.create('/typed')
    await zk.create('/typed/apple', 'red')
    const history = path.join(scratch.folder, 'history')
    const typist = new Typist(history)
    await typist.sees(`[zk: ${server.connectionString}(CONNECTED) 0] `)

    // Keys that come together are taken for pasted text, in which a tab is a tab.
    typist.type('ge')
    await typist.sees('ge')
    typist.type(TAB)
    await typist.sees('t')
    typist.type(TAB)
    await typist.sees(/getAcl\s+getAllChildrenNumber/)
    typist.type(`${CTRL_U}ls /typed/${TAB}`)
    await typist.sees('apple')
    typist.type('\r')
    await typist.sees('(CONNECTED) 1] ')

    typist.type('get -w /typed/apple\r')
    await typist.sees(/red\r\n[\s\S]*\(CONNECTED\) 2\] /)
    typist.type('half a li')
    await typist.sees('half a li')
    await zk.setData('/typed/apple', 'green')
    await typist.sees(/type:NodeDataChanged path:\/typed\/apple[\s\S]*\(CONNECTED\) 2\] half a li/)

    typist.type(CTRL_C)
    await typist.sees(/\^C[\s\S]*\(CONNECTED\) 2\] /)
    typist.type(`${UP}\r`)
    await typist.sees(/green\r\n[\s\S]*\(CONNECTED\) 3\] /)
    typist.type('addauth digest user:password\r')
    await typist.sees('(CONNECTED) 4] ')
    typist.type('quit\r')
    expect((await typist.finished()).code).toBe(0)

    expect(readFileSync(history, 'utf8')).toBe(
      'ls /typed/apple\nget -w /typed/apple\nget -w /typed/apple\nquit\n',
    )
    expect(statSync(history).mode & 0o777).toBe(0o600)

    const again = new Typist(history)
    await again.sees('(CONNECTED) 0] ')
    again.type(`${UP}${UP}\r`)
    await again.sees('green')
    await again.sees('(CONNECTED) 1] ')
    // On an empty line it is the end.
    again.type(CTRL_C)
    expect((await again.finished()).code).toBe(0)
  })
})
