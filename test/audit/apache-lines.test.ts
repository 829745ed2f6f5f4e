import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type AclEntry, CreateMode, OpCode, Perms } from '../../src/wire/index.ts'
import {
  auth,
  create,
  createOp,
  del,
  deleteOp,
  multi,
  type Request,
  raw,
  Stage,
  setAcl,
  setData,
  setDataOp,
  write,
} from '../server/support/index.ts'

/** What Apache ZooKeeper 3.8.0 wrote while the same was done there; level and line only. */
const APACHE = readFileSync(path.join(import.meta.dirname, 'testdata/apache-3.8.0.txt'), 'utf8')
  .trimEnd()
  .split('\n')

const ALL: AclEntry = { perms: Perms.all, scheme: 'world', id: 'anyone' }
const EPHEMERAL = { flags: CreateMode.ephemeral }
const SEQUENTIAL = { flags: CreateMode.persistentSequential }
const EPHEMERAL_SEQUENTIAL = { flags: CreateMode.ephemeralSequential }
const CONTAINER = { flags: CreateMode.container, type: OpCode.createContainer }
const CLOSE = raw(OpCode.closeSession)
const RECONFIG = write({
  type: OpCode.reconfig,
  joiningServers: 'server.2=localhost:2:3;4',
  leavingServers: null,
  newMembers: null,
  curConfigId: -1n,
})

function entry(perms: number, scheme: string, id: string): AclEntry {
  return { perms, scheme, id }
}

/** A session for each number, opened when it is first used, and what it asks for. */
const SCRIPT: readonly (readonly [session: number, ...requests: Request[]])[] = [
  [0, create('/app'), create('/app/config'), setData('/app/config', 'x')],
  [0, ...Array.from({ length: 10 }, () => create('/app/item-', '', SEQUENTIAL))],
  [0, create('/app/eph-a', '', EPHEMERAL)],
  [1, create('/app/eph-b', '', EPHEMERAL)],
  [2, create('/app/eph-d-', '', EPHEMERAL_SEQUENTIAL)],
  [1, auth('digest', 'bob:secret'), create('/app/secure')],
  [0, multi(createOp('/app/t1'), setDataOp('/app/config', 'y'))],
  [8, create('/cli')],
  [9, create('/cli')],
  [10, create('/cli/nodata')],
  [11, create('/cli/s-', '', SEQUENTIAL)],
  [12, create('/cli/e', '', EPHEMERAL)],
  [13, create('/cli/es-', '', EPHEMERAL_SEQUENTIAL)],
  [14, create('/cli/cont', '', CONTAINER)],
  [17, create('/cli/acl', '', { acl: [entry(Perms.read, 'world', 'anyone')] })],
  [19, create('/cli/acl3', '', { acl: [entry(Perms.read, 'bad', 'scheme')] })],
  [20, create('/x/y/z')],
  [31, setData('/cli', 'x')],
  [33, setData('/cli', 'x', 99)],
  [34, setData('/cli/acl', 'x')],
  [38, setAcl('/cli', [ALL, entry(Perms.read, 'ip', '127.0.0.1')])],
  [39, setAcl('/cli', [ALL])],
  [41, setAcl('/cli', [entry(0, 'world', 'anyone')])],
  [13, CLOSE],
  [12, CLOSE],
  [70, RECONFIG],
  [71, del('/cli')],
  [72, del('/cli/nodata')],
  [74, del('/missing')],
  [77, create('/i'), create('/i/eph', '', EPHEMERAL), create('/i/es-', '', EPHEMERAL_SEQUENTIAL)],
  [77, create('/i/c1'), setData('/i', 'x'), setData('/i/c1', 'x'), create('/i/c1/deep')],
  [77, auth('digest', 'bob:secret'), create('/i/sec')],
  [77, setAcl('/i/c1', [entry(Perms.read, 'auth', 'x')]), setData('/i', 'x')],
  [77, create('/i/quo ted'), create("/i/'single'")],
  [77, del('/i/c1/deep', 99), del('/i/c1/deep'), del('/i')],
  [77, multi(deleteOp('/i/eph'), deleteOp('/i/c1/deep'))],
  [77, CLOSE],
  [79, create('/pty'), create('/pty'), del('/pty')],
]

/** Lines with their sessions numbered in order of appearance. */
function comparable(lines: readonly string[]): string[] {
  const sessions = new Map<string, number>()
  return lines.map((line) =>
    line.replace(/session=(0x[\da-f]+)/, (_, id: string) => {
      if (!sessions.has(id)) sessions.set(id, sessions.size)
      return `session=${sessions.get(id)}`
    }),
  )
}

test('the lines are those of Apache ZooKeeper for the same operations', () => {
  const lines: string[] = []
  const sink = {
    write: (isFailure: boolean, line: string): void => {
      lines.push(`${isFailure ? 'ERROR' : 'INFO'} ${line}`)
    },
  }
  const stage = Stage.open({ audit: { sink, userName: 'root' } })
  stage.server.auditor?.serverStarted()
  const sessions = new Map<number, ReturnType<Stage['session']>>()
  for (const [number, ...requests] of SCRIPT) {
    const client = sessions.get(number) ?? stage.session()
    sessions.set(number, client)
    stage.callAll(client, ...requests)
  }
  stage.server.auditor?.serverStopping()
  const address = /ip=(\S+)/.exec(lines[1]!)![1]!
  expect(comparable(lines.map((line) => line.replaceAll(address, '127.0.0.1')))).toEqual(
    comparable(APACHE),
  )
})

test('what upstream leaves out or lets through is told, and cannot begin another line', () => {
  const lines: string[] = []
  const sink = { write: (_: boolean, line: string): void => void lines.push(line) }
  const stage = Stage.open({ audit: { sink, userName: 'root' }, config: { extendedTypes: true } })
  const client = stage.session()
  stage.callAll(
    client,
    auth('digest', 'eve\tresult=success\nx:pw'),
    create('/ttl', '', { flags: CreateMode.persistentWithTTL, type: OpCode.createTTL, ttl: 1000n }),
    multi(createOp('/s-', '', SEQUENTIAL), createOp('/c', '', CONTAINER)),
    create('/bad\npath'),
  )
  expect(lines.map((line) => line.replace(/^.*?\toperation/, 'operation'))).toEqual([
    'operation=create\tznode=/ttl\tznode_type=persistent_with_ttl\tresult=success',
    'operation=create\tznode=/s-0000000001\tznode_type=persistent_sequential\tresult=success',
    'operation=create\tznode=/c\tznode_type=container\tresult=success',
    'operation=create\tznode=/bad\\u000apath\tznode_type=persistent\tresult=failure',
  ])
  expect(lines[0]).toContain('\tuser=eve\\u0009result=success\\u000ax,')
})
