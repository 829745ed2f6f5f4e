import { connect as connectSocket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { connectRequest, frame } from '../../bench/client/index.ts'
import * as client from '../../src/client-node/index.ts'
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../../src/testing/index.ts'

const open: TestServer[] = []
const clients: client.ZooKeeper[] = []

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options)
  open.push(server)
  return server
}

/** A client of the transport. */
async function connectTo(
  server: TestServer,
  transport: 'memory' | 'tcp',
): Promise<client.ZooKeeper> {
  if (transport === 'memory') return await server.connect()
  const zk = await client.connect(server.connectionString)
  clients.push(zk)
  return zk
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((zk) => zk.close()))
  await Promise.all(open.splice(0).map((server) => server.close()))
})

describe.each(['memory', 'tcp'] as const)('%s: a lost', (transport) => {
  test('reply leaves a write that was applied', async () => {
    const server = await start({ transport })
    const zk = await connectTo(server, transport)
    const fault = server.loseReply({ op: 'create', path: '/a' })
    await zk.create('/b')
    expect(fault.hasStruck).toBe(false)
    await expect(zk.create('/a')).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
      outcome: 'unknown',
    })
    expect(await fault.struck).toMatchObject({
      op: 'create',
      paths: ['/a'],
      sessionId: zk.session!.id,
      member: 1,
    })
    expect(await zk.exists('/a')).not.toBeNull()
  })

  test('request leaves nothing', async () => {
    const server = await start({ transport })
    const zk = await connectTo(server, transport)
    const fault = server.loseRequest({ op: 'create', path: /^\/a/ })
    await expect(zk.create('/a')).rejects.toMatchObject({ code: 'CONNECTION_LOSS' })
    expect(fault.hasStruck).toBe(true)
    expect(await zk.exists('/a')).toBeNull()
    // It happens once.
    await zk.create('/a')
  })

  test('handshake costs the client an attempt', async () => {
    const server = await start({ transport })
    const fault = server.loseReply({ op: 'connect' })
    const zk = await connectTo(server, transport)
    expect(fault.hasStruck).toBe(true)
    // The session of the first attempt is there; nobody knows of it.
    expect(server.sessions.length).toBe(2)
    expect(zk.state).toBe('connected')
  })
})

describe('requests in a stream', () => {
  test('are told apart, and those before get through', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    server.loseRequest({ op: 'create', skip: 2 })
    const calls = ['/a', '/b', '/c', '/d'].map((path) =>
      zk.create(path).then(
        () => 'created',
        (error) => error.outcome,
      ),
    )
    const outcomes = await server.advanceUntil(Promise.all(calls))
    // Replies of /a and /b may be lost with the connection; what the server has done tells.
    expect(outcomes.slice(2)).toEqual(['unknown', 'unknown'])
    const { children } = await server.advanceUntil(zk.getChildren('/'))
    expect(children.filter((name) => name.length === 1).sort()).toEqual(['a', 'b'])
  })

  test('get their own replies: the one before arrives', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    server.loseReply({ path: '/b' })
    const before = zk.create('/a')
    const lost = zk.create('/b').catch((error) => error.code)
    expect((await before).path).toBe('/a')
    expect(await lost).toBe('CONNECTION_LOSS')
  })

  test('get no part of a reply that is lost', async () => {
    // Networks cut what is sent at random places, in a quarter of all cases.
    for (let seed = 1; seed <= 40; seed++) {
      const server = await start({ seed })
      server.loseReply({ op: 'connect' })
      const socket = connectSocket(Number(server.connectionString.split(':')[1]), '127.0.0.1')
      let received = 0
      socket.on('data', (chunk) => {
        received += chunk.length
      })
      socket.on('error', () => {})
      socket.write(frame(connectRequest({ timeoutMs: 10_000 })))
      await new Promise((resolve) => socket.once('close', resolve))
      expect([seed, received]).toEqual([seed, 0])
    }
  })

  test('of one session are meant, if it is named', async () => {
    const server = await start({ clock: 'manual' })
    const [one, two] = [await server.connect(), await server.connect()]
    const fault = server.loseRequest({ sessionId: two.session!.id, op: 'create' })
    await one.create('/a')
    expect(fault.hasStruck).toBe(false)
    await expect(two.create('/b')).rejects.toMatchObject({ code: 'CONNECTION_LOSS' })
  })

  test('may be transactions, known by any of their paths', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    const fault = server.loseReply({ op: 'transaction', path: '/b' })
    await zk.transaction().create('/a').create('/c').commit()
    const lost = zk.transaction().setData('/a', 'x').create('/b').commit()
    await expect(lost).rejects.toMatchObject({ outcome: 'unknown' })
    expect((await fault.struck).paths).toEqual(['/a', '/b'])
    expect(await server.advanceUntil(zk.exists('/b'))).not.toBeNull()
  })

  test('are not lost after all', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    server.loseRequest().cancel()
    await zk.create('/a')
    expect(() => server.loseReply({ op: 'createNode' as 'create' })).toThrow(
      'no request is called createNode; there are connect, create,',
    )
  })

  test('wait for another reply when the connection breaks before', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    const fault = server.loseReply({ op: 'getData' })
    server.members[0]!.pause()
    const read = zk.getData('/zookeeper')
    await server.advance(0)
    server.connectionOf(zk)!.drop()
    server.members[0]!.resume()
    await server.advanceUntil(read)
    // The client has sent its read again, and again after the loss.
    expect(fault.hasStruck).toBe(true)
  })
})

describe('a connection', () => {
  test('that is dropped is made again', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    const { id } = zk.session!
    const connection = server.connectionOf(zk)!
    connection.drop()
    expect(connection.isOpen).toBe(false)
    await server.advanceUntil(() => zk.state === 'suspended')
    await server.advanceUntil(() => zk.state === 'connected')
    expect(zk.session!.id).toBe(id)
    expect(server.connections.length).toBe(1)
  })

  test('can be slow', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    server.connectionOf(zk)!.delay(200, 'requests')
    server.connectionOf(zk)!.delay(100, 'replies')
    const began = server.nowMs
    await server.advanceUntil(zk.create('/a'))
    expect(server.nowMs - began).toBeCloseTo(300)
    server.connectionOf(zk)!.delay(0)
    await zk.create('/b')
    expect(server.nowMs - began).toBeCloseTo(300)
  })

  test('that is cut brings everything in its order when it is mended', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect()
    const connection = server.connectionOf(zk)!
    connection.cut('replies')
    const calls = Promise.all([zk.create('/a'), zk.create('/b'), zk.exists('/a')])
    await server.advance(100)
    const other = await server.connect()
    expect(await other.exists('/b')).not.toBeNull()
    connection.mend()
    expect((await calls)[2]).not.toBeNull()
    expect(zk.state).toBe('connected')
  })

  test('that is cut for longer is given up by the client, and nobody tells the server', async () => {
    const server = await start({ clock: 'manual' })
    const zk = await server.connect({ sessionTimeoutMs: 6000 })
    const cut = server.connectionOf(zk)!
    cut.cut()
    await server.advanceUntil(() => zk.state === 'suspended')
    await server.advanceUntil(() => zk.state === 'connected')
    expect(server.connectionOf(zk)).not.toBe(cut)
    await zk.create('/a')
  })

  test('with a server that stands still is left', async () => {
    const server = await start({ clock: 'manual', servers: 3 })
    const zk = await server.connect({ sessionTimeoutMs: 6000 })
    const { member } = server.connectionOf(zk)!
    server.members[member - 1]!.pause()
    expect(server.members[member - 1]!.state).toBe('paused')
    const call = zk.exists('/')
    await server.advanceUntil(call)
    expect(server.connectionOf(zk)!.member).not.toBe(member)
    server.members[member - 1]!.resume()
    await server.advanceUntil(server.untilServing())
  })
})

describe('a session', () => {
  test('that is expired is gone at every server, with what it owned', async () => {
    const server = await start({ clock: 'manual', servers: 3 })
    const machine = server.machine()
    const zk = await machine.connect()
    const other = await server.connect()
    await zk.create('/e', '', { mode: 'ephemeral' })
    const { id, signal } = zk.session!
    expect(server.sessions.find((session) => session.id === id)?.ephemerals).toEqual(['/e'])
    await server.expireSession(zk)
    expect(server.sessions.map((session) => session.id)).toEqual([other.session!.id])
    await other.sync('/e')
    expect(await other.exists('/e')).toBeNull()
    await server.advanceUntil(() => zk.session !== null && zk.session.id !== id)
    expect(signal.aborted).toBe(true)
    await expect(server.expireSession(id)).rejects.toThrow('there is no session')
  })

  test('of a client that cannot be reached ends without a word', async () => {
    const server = await start({ clock: 'manual' })
    const machine = server.machine()
    const zk = await machine.connect()
    machine.cut()
    await server.expireSession(zk)
    expect(zk.state).toBe('connected')
    expect(zk.session!.signal.aborted).toBe(false)
    machine.mend()
    await server.advanceUntil(() => zk.state === 'lost')
  })
})

describe('an ensemble', () => {
  test('elects another leader when one is cut off', async () => {
    const server = await start({ clock: 'manual', servers: 3 })
    const old = server.leader!
    const zk = await server.connect()
    server.partition([old.id])
    await server.advanceUntil(() => server.leader !== null && server.leader.id !== old.id)
    await server.advanceUntil(() => !old.isServing)
    expect(server.isServing).toBe(false)
    await server.advanceUntil(zk.create('/a').catch(() => zk.create('/a')))
    server.heal()
    await server.advanceUntil(server.untilServing())
    expect(old.isLeader).toBe(false)
    expect(server.members.map(({ server: one }) => one!.lastApplied)).toEqual(
      Array(3).fill(server.leader!.server!.lastApplied),
    )
    expect(() => server.partition([4])).toThrow('there is no server 4, only 1 to 3')
  })

  test('does nothing without a majority', async () => {
    const server = await start({ clock: 'manual', servers: 3 })
    server.partition([1], [2], [3])
    await server.advanceUntil(() => server.leader === null)
    await expect(server.expireSession(1n)).rejects.toThrow('no server leads')
    await server.advance(10_000)
    expect(server.leader).toBeNull()
  })

  test('goes on while its servers are stopped and started, in real time too', async () => {
    const server = await start({ servers: 3, config: { tickTimeMs: 200 } })
    const zk = await client.connect(server.connectionString)
    clients.push(zk)
    for (const member of server.members) {
      await member.stop()
      expect(member.state).toBe('stopped')
      let outcome = ''
      while (outcome !== 'created') {
        outcome = await zk.create(`/${member.id}`).then(
          () => 'created',
          (error) => (error.code === 'NODE_EXISTS' ? 'created' : error.code),
        )
        expect(outcome).toMatch(/^(created|CONNECTION_LOSS)$/)
      }
      await member.start()
      await expect(member.start()).rejects.toThrow('is running')
    }
    await server.untilServing()
    expect(await zk.getAllChildrenNumber('/')).toBeGreaterThanOrEqual(3)
  })

  test('shows at its ports which servers are stopped', async () => {
    const server = await start({ servers: 3 })
    server.members[0]!.kill()
    const one = client.connect(server.addressOf(1), { connectTimeoutMs: 500 })
    await expect(one).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
    const others = `${server.addressOf(2)},${server.addressOf(3)}`
    clients.push(await client.connect(others))
  })
})

test('four-letter words are answered over TCP', async () => {
  const server = await start({ servers: 3 })
  const [host, port] = server.addressOf(server.leader!.id).split(':')
  const ask = async (word: string): Promise<string> =>
    await new Promise((resolve, reject) => {
      let answer = ''
      const socket = connectSocket(Number(port), host, () => socket.end(word))
      socket.on('data', (chunk) => {
        answer += chunk.toString()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(answer))
    })
  expect(await ask('ruok')).toBe('imok')
  expect(await ask('srvr')).toMatch(/^Mode: leader$/m)
  expect(await ask('what')).toBe('')
})
