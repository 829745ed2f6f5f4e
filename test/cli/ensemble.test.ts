import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePorts } from '../../bench/servers/index.ts'
import { EXIT } from '../../src/cli/index.ts'
import { exchange, leaveSession, type Run, Scratch } from './support/zabkeeper.ts'

let scratch: Scratch

beforeEach(() => {
  scratch = new Scratch()
})

afterEach(async () => {
  await scratch.discard()
})

function writeFolder(id: number, servers: readonly string[]): string {
  mkdirSync(path.join(scratch.folder, `data${id}`))
  writeFileSync(path.join(scratch.folder, `data${id}`, 'myid'), `${id}\n`)
  const text = `tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=data${id}\n${servers.join('\n')}\n`
  writeFileSync(path.join(scratch.folder, `${id}.cfg`), text)
  return `${id}.cfg`
}

interface Started {
  readonly run: Run
  readonly port: number
  /** Its role, once it serves clients. */
  readonly role: string
}

async function startAll(files: readonly string[]): Promise<Started[]> {
  const runs = files.map((file) => {
    const args = ['--port', '0', '--host', '127.0.0.1', '--log-format', 'json']
    return scratch.run('serve', file, ...args)
  })
  return Promise.all(
    runs.map(async (run) => {
      const role = (await run.says(/"role":"(\w+)","serving":true/))[1]!
      return { run, port: await run.port(), role }
    }),
  )
}

test('three participants and an observer serve from their zoo.cfg and myid, and show their parts', async () => {
  const ports = await freePorts(8)
  const servers = [1, 2, 3, 4].map((id) => {
    const role = id === 4 ? ':observer' : ''
    return `server.${id}=127.0.0.1:${ports[2 * id - 2]}:${ports[2 * id - 1]}${role}`
  })
  const started = await startAll([1, 2, 3, 4].map((id) => writeFolder(id, servers)))
  const roles = started.map(({ role }) => role)
  expect(roles.slice(0, 3).sort()).toEqual(['following', 'following', 'leading'])
  expect(roles[3]).toBe('observing')
  for (const { port } of started) {
    expect(await exchange(port, 'ruok')).toBe('imok')
    await leaveSession(port)
  }
  const leader = started.find(({ role }) => role === 'leading')!
  const srvr = await exchange(leader.port, 'srvr')
  // Four sessions; which epoch it is says how many elections there have been.
  expect(srvr).toMatch(/^Zxid: 0x[1-9a-f]00000004$/m)
  expect(srvr).toMatch(/^Mode: leader$/m)
  expect(srvr).toMatch(/^Proposal sizes last\/min\/max: (\d+)\/(\d+)\/(\d+)$/m)
  expect(await exchange(leader.port, 'mntr')).toMatch(/^zk_quorum_size\t3$/m)
  expect(await exchange(started[3]!.port, 'srvr')).toMatch(/^Mode: observer$/m)
  const conf = await exchange(started[1]!.port, 'conf')
  expect(conf).toContain(`\nserverId=2\ninitLimit=10\nsyncLimit=5\nelectionAlg=3\n`)
  expect(conf).toMatch(
    new RegExp(
      `membership: \\n.*\\nserver\\.2=127\\.0\\.0\\.1:${ports[2]}:${ports[3]}:participant\\n`,
    ),
  )
  for (const { run } of started) run.signal('SIGTERM')
  for (const { run } of started) expect((await run.ended).code).toBe(EXIT.ok.code)
})

/** A list of one server, with a peer port that another program has. */
async function startBlocked(what: 'quorum' | 'election'): Promise<Blocked> {
  const [quorum, election] = await freePorts(2)
  const port = (what === 'quorum' ? quorum : election)!
  const blocker = createServer()
  await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve))
  const file = writeFolder(1, [
    'standaloneEnabled=false',
    'electionPortBindRetry=1',
    `server.1=127.0.0.1:${quorum}:${election}`,
  ])
  const args = ['--port', '0', '--host', '127.0.0.1', '--log-format', 'json']
  return { run: scratch.run('serve', file, ...args), port, blocker }
}

interface Blocked {
  readonly run: Run
  readonly port: number
  readonly blocker: Server
}

test('an election port that is taken ends the start, and the message names it', async () => {
  const { run, port, blocker } = await startBlocked('election')
  const ending = await run.ended
  blocker.close()
  expect(ending.code).toBe(EXIT.electionPort.code)
  expect(ending.stdout).toMatch(`cannot listen on 127.0.0.1:${port}: another program`)
})

test('a quorum port that is taken is named in the log, and taken when it is free', async () => {
  const { run, port, blocker } = await startBlocked('quorum')
  await run.says(new RegExp(`cannot listen on 127.0.0.1:${port}: another program.*tried again`))
  await new Promise((resolve) => blocker.close(resolve))
  await canConnect(port)
  run.signal('SIGTERM')
  expect((await run.ended).code).toBe(EXIT.ok.code)
})

/** Tries until somebody listens. */
async function canConnect(port: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.on('error', () => setTimeout(() => void canConnect(port).then(resolve), 50))
  })
}
