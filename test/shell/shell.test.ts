import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type ZooKeeper } from '../../src/client-node/index.ts'
import { startTestServer, type TestServer } from '../../src/testing/index.ts'
import { type Printed, type TestShellOptions, TestShells } from './support/test-shell.ts'

const shells = new TestShells()
let server: TestServer
let zk: ZooKeeper

beforeAll(async () => {
  server = await startTestServer({ config: { extendedTypes: true } })
  zk = await connect(server.connectionString)
})

afterAll(async () => {
  await shells.close()
  await zk?.close()
  await server?.close()
})

async function run(...words: string[]): Promise<Printed> {
  return await shells.run(server.connectionString, words)
}

async function script(...lines: string[]): Promise<Printed> {
  return await shells.script(server.connectionString, lines)
}

async function json(lines: string[], options: TestShellOptions = {}): Promise<Printed> {
  return await shells.script(server.connectionString, lines, { isJson: true, ...options })
}

function values({ stdout }: Printed): unknown[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function errors({ stderr }: Printed): { code: string; message: string; path: string | null }[] {
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).error)
}

describe('with --json', () => {
  test('each command that succeeds prints one line, and nothing else is printed', async () => {
    const printed = await json([
      'create /json one',
      'create /json/a',
      'create -s /json/s- x',
      'ls /json',
      'ls -R /json',
      'get -s /json',
      'get /json/a',
      'stat /json/a',
      'getAcl /json',
      'whoami',
      'sync /json',
      'getAllChildrenNumber /json',
      'getEphemerals',
      'printwatches',
      'setquota -n 5 /json',
      'listquota /json',
      'delquota /json',
      'listquota /json',
      'deleteall /json',
    ])
    const stat = { version: 0, cversion: 0, ephemeralOwner: '0', dataLength: 0, numChildren: 0 }
    expect(printed.stderr).toBe('')
    expect(values(printed)).toEqual([
      { path: '/json' },
      { path: '/json/a' },
      { path: '/json/s-0000000001' },
      ['a', 's-0000000001'],
      ['/json', '/json/a', '/json/s-0000000001'],
      {
        ...{ path: '/json', data: 'b25l', text: 'one' },
        stat: expect.objectContaining({ numChildren: 2, czxid: expect.stringMatching(/^\d+$/) }),
      },
      { path: '/json/a', data: null, text: null },
      expect.objectContaining(stat),
      [{ scheme: 'world', id: 'anyone', perms: 'cdrwa' }],
      [{ scheme: 'ip', id: '127.0.0.1' }],
      null,
      2,
      [],
      { printwatches: true },
      { count: '5', bytes: '-1', countHardLimit: '-1', byteHardLimit: '-1' },
      {
        quota: { count: '5', bytes: '-1', countHardLimit: '-1', byteHardLimit: '-1' },
        stat: { count: '3', bytes: '4' },
      },
      { isChanged: true },
      null,
      { deleted: 3, isComplete: true },
    ])
  })

  test('bytes that are no text are base64 alone', async () => {
    await zk.create('/binary', new Uint8Array([0xff, 0x00]))
    expect(values(await json(['get /binary']))).toEqual([
      { path: '/binary', data: '/wA=', text: null },
    ])
  })

  test('an error is one line on standard error', async () => {
    const printed = await json(['get /nowhere', 'nosuch', 'get', 'get -q /', 'ls "/a'])
    expect(printed.stdout).toBe('')
    expect(errors(printed).map(({ code, path }) => [code, path])).toEqual([
      ['NO_NODE', '/nowhere'],
      ['COMMAND_NOT_FOUND', null],
      ['USAGE', null],
      ['USAGE', null],
      ['BAD_QUOTING', null],
    ])
    expect(errors(printed)[3]?.message).toBe('Unrecognized option: -q')
    expect(printed.exitCode).toBe(1)
  })

  test('events are lines of their own', async () => {
    await zk.create('/observed')
    const printed = await json(['addWatch /observed', 'set /observed x', 'removewatches /observed'])
    const [, event, , removal, result] = values(printed)
    expect(event).toEqual({
      event: { type: 'NodeDataChanged', path: '/observed', zxid: expect.stringMatching(/^\d+$/) },
    })
    expect(removal).toEqual({
      event: { type: 'PersistentWatchRemoved', path: '/observed', zxid: '-1' },
    })
    expect(result).toEqual({ removed: ['PersistentWatchRemoved'] })
  })
})

describe('wrong words', () => {
  test.each([
    ['get', 'get [-s] [-w] [-b] [-x] path\n -b   Output data in base64 format\n'],
    ['set /a', 'set path data [-s] [-v version] [-b]\n -b         Supply data'],
    ['ls', 'ls [-s] [-w] [-R] path\n'],
    ['create -c -e /a', '-c cannot be combined with -s or -e. Containers cannot be'],
    ['create -t x /a', '-t argument must be a long value\n'],
    ['create -t 0 /a', 'ttl must be positive and cannot be larger than: 1099511627775\n'],
    ['set -v x /a 1', '-v must be a whole number from -2147483648 to 2147483647, not "x"\n'],
    ['set -b /a #', '-b needs data in base64, not "#"\n'],
    [
      'delete -v',
      'org.apache.commons.cli.MissingArgumentException: Missing argument for option: v',
    ],
    ['setquota -n 1 -b 2 /a', "The option 'b' was specified but an option from this group has"],
    ['setquota -n 0 /a', 'the num quota must be greater than zero\n'],
    ['setquota -b -1 /a', 'the bytes quota must be greater than or equal to zero\n'],
    ['setquota -n 1 /zookeeper/quota/a', 'cannot set a quota under the path: /zookeeper/quota\n'],
    ['setquota -n 1 /missing', '/missing does not exist.\n'],
    ['addWatch -m foo /a', 'addWatch [-m mode] path # optional mode is one of'],
    ['addWatch a', 'Path must start with / character\n'],
    ['ls /a/', 'Path must not end with / character\n'],
    ['ls /a//b', 'Invalid path string "/a//b" caused by empty node name specified @3\n'],
    ['ls /a/../b', 'Invalid path string "/a/../b" caused by relative paths not allowed @4\n'],
    ['setAcl / foo,world:anyone:r', 'foo does not have the form scheme:id:perm\n'],
    ['setAcl / world:anyone:q', 'Unknown perm type: q\n'],
    ['redo x', 'redo needs the number of a command in the history, not x\n'],
    ['redo 7', 'Command index out of range\n'],
    ['printwatches maybe', 'printwatches on|off\n'],
    ['reconfig', 'reconfig [-s] [-v version] [[-file path]'],
    ['reconfig -v x -remove 1', '-v must be followed by a long (configuration version)\n'],
    ['reconfig -file f -members m', "Can't use -file and -members together"],
    ['reconfig -file f -add m', "Can't use -file or -members together with -add or -remove"],
    ['reconfig -file f', 'Error processing f: it has no server.N=… line\n'],
    ['version now', 'version \n'],
    ['get "/a', 'The quote " at character 5 is not closed\n'],
  ])('%s', async (line, text) => {
    const { stdout, stderr, exitCode } = await script(line)
    expect(stderr).toContain(text)
    expect(stdout.replace(/\nWATCHER::\n\nWatchedEvent.*\n/, '')).toBe(
      `Connecting to ${server.connectionString}\n`,
    )
    expect(exitCode).toBe(1)
  })

  test('a command that does not exist ends with 127 and the list of those that do', async () => {
    const { stderr, exitCode } = await run('rmdir', '/a')
    expect(stderr).toMatch(/^ZooKeeper -server host:port .*\n\taddWatch/)
    expect(stderr).toMatch(/\nCommand not found: Command not found rmdir\n$/)
    expect(exitCode).toBe(127)
  })

  test('servers that cannot be understood are an error before anything is tried', async () => {
    await expect(shells.run('host:99999', ['ls', '/'])).rejects.toThrow(
      'connection string "host:99999" has port 99999',
    )
    const { stderr, exitCode } = await run('connect', 'a b')
    expect(stderr).toMatch(/^connection string "a b" has no host:port/)
    expect(exitCode).toBe(1)
  })
})

describe('words', () => {
  test('flags stand anywhere and together, values may begin with a hyphen', async () => {
    const { stderr, stdout } = await script(
      'create /flags x',
      'set /flags w -v -1',
      'get /flags -sw',
      'set -v=1 /flags y',
      'set /flags z -v2',
      'create -- /flags/-dash -s',
      'ls /flags',
    )
    expect(stderr).toBe('Created /flags\nCreated /flags/-dash\n')
    expect(stdout).toMatch(/\nw\ncZxid = 0x/)
    expect(stdout).toMatch(/type:NodeDataChanged path:\/flags zxid: \d+\n/)
    expect(stdout).toMatch(/\n\[-dash\]\n$/)
  })

  test('in quotes hold spaces, and may be empty', async () => {
    const { stdout } = await script(
      `create '/quoted "word"' ""`,
      `get '/quoted "word"' -s`,
      `create /quoted/'inside' "it's"`,
    )
    expect(stdout).toContain('\n\ncZxid')
    expect(stdout).toContain('dataLength = 0\n')
  })

  test('an empty line is nothing, and is not counted', async () => {
    const { stdout } = await script('', '   ', 'history')
    expect(stdout).toMatch(/\n0 - history\n$/)
  })
})

describe('watches', () => {
  test('an event is shown once, however many watches it belongs to', async () => {
    await zk.create('/twice')
    const { stdout } = await script(
      'get -w /twice',
      'stat -w /twice',
      'addWatch -m PERSISTENT /twice',
      'addWatch /twice',
      'set /twice x',
      'set /twice y',
      'ls -w /twice',
      'removewatches /twice -c',
      'removewatches /twice -d',
      'removewatches /twice -a',
      'set /twice z',
      'sync /twice',
    )
    const events = [...stdout.matchAll(/type:(\w+) path:\/twice/g)].map(([, type]) => type)
    expect(events).toEqual([
      'NodeDataChanged',
      'NodeDataChanged',
      'ChildWatchRemoved',
      'PersistentWatchRemoved',
    ])
  })

  test('are not shown while they are switched off', async () => {
    await zk.create('/silent')
    const { stdout } = await script('printwatches off', 'get -w /silent', 'set /silent x', 'close')
    expect(stdout).not.toContain('/silent')
    expect(stdout).not.toContain('Closed')
  })
})

describe('sessions', () => {
  test('end with the shell, unless they have ephemeral znodes', async () => {
    const before = server.sessions.length
    await run('ls', '/')
    expect(server.sessions).toHaveLength(before)
    await run('create', '-e', '/left', 'x')
    expect(server.sessions.flatMap(({ ephemerals }) => ephemerals)).toContain('/left')
  })

  test('close leaves a shell without one; connect makes another', async () => {
    const { stdout, exitCode } = await script('close', 'ls /', 'history', 'connect', 'whoami')
    expect(stdout).toMatch(/state:Closed .*\nNot connected\n0 - close\n[\s\S]*\nNot connected\n/)
    expect(stdout).toMatch(/state:SyncConnected[^\n]*\nAuth scheme: User\n/)
    expect(exitCode).toBe(0)
  })

  test('quit ends with the code of the command before it', async () => {
    expect((await script('get /nowhere', 'quit', 'ls /')).exitCode).toBe(1)
    expect((await script('exit')).exitCode).toBe(0)
  })

  test('redo runs a command of the history and is that command afterwards', async () => {
    const { stdout, stderr } = await script(
      'getAllChildrenNumber /zookeeper',
      'redo 0',
      'redo 1',
      'history',
      'redo 3',
    )
    expect(stderr).toBe('')
    expect(stdout.match(/^\d+$/gm)).toHaveLength(3)
    expect(stdout).toContain('1 - getAllChildrenNumber /zookeeper\n2 - getAll')
  })
})

describe('a server that cannot be reached', () => {
  const NOBODY = '127.0.0.1:1'

  test('fails the command with the reason, long before the time is over', async () => {
    const { stdout, stderr, exitCode } = await shells.run(NOBODY, ['ls', '/a'])
    expect(stdout).toBe('Connecting to 127.0.0.1:1\n')
    expect(stderr).toMatch(
      /^KeeperErrorCode = ConnectionLoss for \/a \(.*127\.0\.0\.1:1.*ECONNREFUSED.*\)\n$/,
    )
    expect(exitCode).toBe(1)
  })

  test('does not matter when another one can be', async () => {
    const { stdout } = await shells.run(`${NOBODY},${server.connectionString}`, ['whoami'])
    expect(stdout).toContain('Auth scheme: User')
  })

  test('is noticed within the time that was given', async () => {
    // It accepts connections and says nothing.
    const paused = await startTestServer()
    paused.members[0]!.pause()
    const { stderr, exitCode } = await shells.run(paused.connectionString, ['ls', '/'], {
      timeoutMs: 300,
    })
    expect(stderr).toMatch(/^KeeperErrorCode = ConnectionLoss for \/ \(.* does not answer\)\n$/)
    expect(exitCode).toBe(1)
    await paused.close()
  })

  test('answers again: the session goes on', async () => {
    const restarted = await startTestServer()
    const [member] = restarted.members
    const { stdout } = await shells.script(restarted.connectionString, [
      'create -e /kept x',
      async () => {
        member!.kill()
        await member!.start()
      },
      'getEphemerals',
    ])
    expect(stdout).toMatch(/state:Disconnected [\s\S]*state:SyncConnected .*\n\[\/kept\]\n$/)
    await restarted.close()
  })
})

test('a chroot is the root of every path', async () => {
  await zk.create('/base')
  const { stdout, stderr } = await shells.script(`${server.connectionString}/base`, [
    'create /a x',
    'ls -R /',
    'addWatch /',
    'set /a y',
  ])
  expect(stderr).toBe('Created /a\n')
  expect(stdout).toContain('\n/\n/a\n')
  expect(stdout).toContain('type:NodeDataChanged path:/a ')
  expect(stdout).toContain(`Connecting to ${server.connectionString}/base`)
})

test('deleteall of many znodes goes in several transactions', async () => {
  await zk.create('/many')
  await Promise.all(Array.from({ length: 250 }, (_, n) => zk.create(`/many/${n}`)))
  const { stderr, exitCode } = await run('deleteall', '/many', '-b', '100')
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  expect(await zk.exists('/many')).toBeNull()
})

test('deleteall says when something is left', async () => {
  await zk.create('/partly')
  await zk.create('/partly/locked')
  await zk.create('/partly/locked/child')
  await zk.setAcl('/partly/locked', [{ perms: 1, scheme: 'world', id: 'anyone' }])
  const { stderr, exitCode } = await run('deleteall', '/partly')
  expect(stderr).toBe('Failed to delete some node(s) in the subtree!\n')
  expect(exitCode).toBe(1)
  expect(await zk.exists('/partly/locked/child')).not.toBeNull()
})

test('get -x shows sixteen bytes a row', async () => {
  await zk.create('/hex', new Uint8Array([...Array(17).keys()].map((n) => n + 0x5e)))
  const { stdout } = await run('get', '-x', '/hex')
  expect(stdout).toContain(
    '|00000000| 5e 5f 60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d |^_`abcdefghijklm|\n' +
      '|00000010| 6e                                              |n               |\n',
  )
})

test('times are in the time zone of the shell, as Java writes them', async () => {
  const { stdout } = await shells.run(server.connectionString, ['stat', '/zookeeper'], {
    timeZone: 'America/New_York',
  })
  expect(stdout).toContain('ctime = Wed Dec 31 19:00:00 EST 1969\n')
})
