import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import {
  discardServer,
  Program,
  type ProgramResult,
  skipWithout,
  startServer,
  zkCli,
} from './support/index.ts'

const peer = zkCli()
const LIMIT = { timeoutMs: 120_000 }

/** What stays of a transcript when library noise, watch events, times and zxids are taken out. */
function transcript(stdout: string): string[] {
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(WATCHER::|WatchedEvent )/.test(line))
    .filter((line) => !/^(Connecting to|Welcome to|JLine support)/.test(line))
    .map((line) => line.replace(/^([cmp]Zxid) = 0x[0-9a-f]+$/, '$1 = #'))
    .map((line) => line.replace(/^([cm]time) = .*$/, '$1 = #'))
}

function events(stdout: string): string[] {
  return [...stdout.matchAll(/^WatchedEvent state:(\w+) type:(\w+) path:(\S+)/gm)].map(
    ([, state, type, path]) => `${state} ${type} ${path}`,
  )
}

function created(stderr: string): string[] {
  return stderr.split('\n').filter((line) => !line.startsWith('SLF4J') && line.trim() !== '')
}

/** A printed list; the order of ephemerals is the server's own. */
function names(list: string | undefined): string[] {
  return (list ?? '').slice(1, -1).split(', ').sort()
}

function stat(fields: Readonly<Record<string, string | number>>): string[] {
  const all = {
    ...{ cZxid: '#', ctime: '#', mZxid: '#', mtime: '#', pZxid: '#', cversion: 0 },
    ...{ dataVersion: 0, aclVersion: 0, ephemeralOwner: '0x0', dataLength: 0, numChildren: 0 },
    ...fields,
  }
  return Object.entries(all).map(([name, value]) => `${name} = ${value}`)
}

describe.skipIf(skipWithout(peer))('zkCli.sh', { timeout: 180_000 }, () => {
  let server: ServerProcess

  beforeAll(async () => {
    server = await startServer()
  })

  afterAll(async () => {
    await discardServer(server)
  })

  /**
   * Events have a thread of their own in zkCli: it may be late, and `quit` does not wait for it. It has caught up when
   * it has printed what it is given last, the end of the session.
   */
  async function session(...commands: string[]): Promise<ProgramResult> {
    const program = new Program(peer.found ?? '', ['-server', server.address], LIMIT)
    for (const command of [...commands, 'close']) program.writeLine(command)
    await program.waitFor(/WatchedEvent state:Closed .*\n/)
    program.writeLine('quit')
    return await program.finished()
  }

  test('creates, reads, writes and deletes', async () => {
    const result = await session(
      'create /data hello',
      'get /data',
      'set /data world',
      'set -v 0 /data nope',
      'create -s /data/seq- s',
      'create -s /data/seq- s',
      'create -c /data/container',
      'get -s /data',
      'ls -s /data',
      'delete -v 7 /data',
      'delete /data',
      'get /data/none',
      'deleteall /data',
      'stat /data',
    )
    expect(transcript(result.stdout)).toEqual([
      'hello',
      'world',
      ...stat({ cversion: 3, dataVersion: 1, dataLength: 5, numChildren: 3 }),
      '[container, seq-0000000000, seq-0000000001]',
      ...stat({ cversion: 3, dataVersion: 1, dataLength: 5, numChildren: 3 }),
    ])
    expect(created(result.stderr)).toEqual([
      'Created /data',
      'version No is not valid : /data',
      'Created /data/seq-0000000000',
      'Created /data/seq-0000000001',
      'Created /data/container',
      'version No is not valid : /data',
      'Node not empty: /data',
      'Node does not exist: /data/none',
      'Node does not exist: /data',
    ])
  })

  test('is told what happens to watched znodes', async () => {
    const result = await session(
      'create /watched x',
      'get -w /watched',
      'set /watched y',
      'set /watched z',
      'ls -w /watched',
      'create /watched/child',
      'create /watched/child2',
      'stat -w /watched/none',
      'create /watched/none',
      'addWatch -m PERSISTENT_RECURSIVE /watched',
      'set /watched/child a',
      'delete /watched/child',
      'create /watched/child b',
      'removewatches /watched',
      'set /watched/child c',
      'sync /watched',
    )
    expect(events(result.stdout)).toEqual([
      'SyncConnected None null',
      'SyncConnected NodeDataChanged /watched',
      'SyncConnected NodeChildrenChanged /watched',
      'SyncConnected NodeCreated /watched/none',
      'SyncConnected NodeDataChanged /watched/child',
      'SyncConnected NodeDeleted /watched/child',
      'SyncConnected NodeCreated /watched/child',
      'SyncConnected PersistentWatchRemoved /watched',
      'Closed None null',
    ])
    expect(transcript(result.stdout)).toContain('Sync is OK')
  })

  test('owns ephemerals, which go with its session', async () => {
    const during = await session(
      'create /owner',
      'create -e /owner/mine a',
      'create -e -s /owner/turn- b',
      'getEphemerals /owner',
      'getAllChildrenNumber /owner',
      'create /owner/mine/child',
    )
    const [ephemerals, count] = transcript(during.stdout)
    expect(names(ephemerals)).toEqual(['/owner/mine', '/owner/turn-0000000001'])
    expect(count).toBe('2')
    expect(created(during.stderr)).toContain('Ephemerals cannot have children: /owner/mine/child')
    const after = await session('ls /owner')
    expect(transcript(after.stdout)).toEqual(['[]'])
  })

  test('authenticates by digest and changes ACLs', async () => {
    const result = await session(
      'addauth digest user:pass',
      'create /secret hidden auth:user:pass:cdrwa',
      'getAcl /secret',
      'setAcl /secret auth:user:pass:rwa',
      'getAcl -s /secret',
      'get /secret',
      'whoami',
    )
    const hash = 'user:smGaoVKd/cQkjm7b88GyorAUz20='
    expect(transcript(result.stdout)).toEqual([
      ...[`'digest,'${hash}`, ': cdrwa'],
      ...[`'digest,'${hash}`, ': rwa'],
      ...stat({ aclVersion: 1, dataLength: 6 }),
      'hidden',
      'Auth scheme: User',
      'ip: 127.0.0.1',
      'digest: user',
    ])
    const stranger = await session('get /secret', 'set /secret x', 'getAcl /secret')
    expect(transcript(stranger.stdout)).toEqual([])
    expect(created(stranger.stderr)).toEqual(
      ['get', 'set', 'getAcl'].map(() => 'Insufficient permission : /secret'),
    )
  })

  test('keeps quotas', async () => {
    const result = await session(
      'create /limited',
      'setquota -n 10 /limited',
      'create /limited/child 12345',
      'listquota /limited',
      'delquota /limited',
      'listquota /limited',
    )
    const lines = transcript(result.stdout)
    expect(lines.filter((line) => line.startsWith('Output quota'))).toHaveLength(1)
    expect(lines.find((line) => line.startsWith('Output quota'))).toContain('count=10,bytes=-1')
    expect(lines).toContain('Output stat for /limited count=2,bytes=5')
    expect(created(result.stderr)).toContain('quota for /limited does not exist.')
  })

  test('finds its session again after the server restarts', async () => {
    const program = new Program(peer.found ?? '', ['-server', server.address], LIMIT)
    program.writeLine('create -e /survivor kept')
    await program.waitFor('Created /survivor')
    await server.kill()
    await server.start()
    // Commands fail while the client has no connection. It may have one before the server is known to be started here,
    // and may say late that it had the first.
    await program.waitFor(/state:SyncConnected.*state:Disconnected.*state:SyncConnected/s)
    program.writeLine('getEphemerals')
    await program.waitFor('[/survivor]')
    program.writeLine('quit')
    expect((await program.finished()).code).toBe(0)
    expect(transcript((await session('ls /survivor')).stdout)).toEqual([])
  })
})
