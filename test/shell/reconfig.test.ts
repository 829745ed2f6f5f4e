import { expect, test } from 'vitest'
import { NoAuthError, type Stat, type ZooKeeper } from '../../src/client-node/index.ts'
import { Shell } from '../../src/shell/index.ts'

const MEMBERS = 'server.1=10.0.0.1:2888:3888:participant;10.0.0.1:2181\nversion=300000002'
const STAT: Stat = {
  ...{ czxid: 0n, mzxid: 0x3_0000_0002n, pzxid: 0n, ctime: 0n, mtime: 0n, version: -1 },
  ...{ cversion: 0, aversion: -1, ephemeralOwner: 0n, dataLength: MEMBERS.length, numChildren: 0 },
}

type Change = Parameters<ZooKeeper['reconfig']>[0]

/** A shell in front of an ensemble that takes every change, and the changes it was asked for. */
async function reconfig(
  line: string,
  failure: Error | null = null,
): Promise<{ stdout: string; stderr: string; changes: Change[] }> {
  let [stdout, stderr] = ['', '']
  const changes: Change[] = []
  const zk = {
    reconfig: async (change: Change) => {
      changes.push(change)
      if (failure !== null) throw failure
      return { data: Buffer.from(MEMBERS), stat: STAT }
    },
    close: async () => {},
  }
  const shell = new Shell({
    servers: 'ensemble',
    connection: {},
    open: async () => zk as unknown as ZooKeeper,
    streams: {
      out: (text) => {
        stdout += text
      },
      err: (text) => {
        stderr += text
      },
    },
    announce: () => {},
    isJson: false,
    timeZone: 'UTC',
    readFile: () => '# ours\nserver.2 = b:2888:3888;2181\nserver.1=a:2888:3888;2181\nversion=1\n',
  })
  shell.start()
  await shell.runLine(line)
  await shell.leave()
  return { stdout, stderr, changes }
}

test('a committed configuration is printed as zkCli prints it', async () => {
  const { stdout, stderr } = await reconfig('reconfig -s -remove 4')
  expect(stdout).toMatch(
    /^Connecting to ensemble\nCommitted new configuration:\nserver\.1=10\.0\.0\.1:2888:3888:participant;10\.0\.0\.1:2181\nversion=300000002\ncZxid = 0x0\n/,
  )
  expect(stderr).toBe('')
})

test.each<[line: string, change: Change]>([
  ['reconfig -remove 4', { leaving: '4', fromConfig: -1n }],
  [
    'reconfig -v 300000002 -add server.4=H:1:2;3 -add server.5=I:1:2;3 -remove 1,2',
    { joining: 'server.4=h:1:2;3,server.5=i:1:2;3', leaving: '1,2', fromConfig: 0x3_0000_0002n },
  ],
  ['reconfig -members server.1=a:1:2;3', { members: 'server.1=a:1:2;3', fromConfig: -1n }],
  [
    'reconfig -file dynamic.cfg',
    { members: 'server.2=b:2888:3888;2181,server.1=a:2888:3888;2181', fromConfig: -1n },
  ],
])('%s', async (line, change) => {
  expect((await reconfig(line)).changes).toEqual([change])
})

test('who may not is told so in the words of zkCli', async () => {
  const failure = new NoAuthError('NO_AUTH', 'reconfig: the ACL does not allow it', {
    op: 'reconfig',
  })
  const { stderr } = await reconfig('reconfig -remove 4', failure)
  expect(stderr).toBe('Insufficient permission : \n')
})
