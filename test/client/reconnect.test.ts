import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ConnectionLossError,
  type Session,
  SessionLostError,
  type StateChange,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { ClientStage } from './support/client-stage.ts'

let stage: ClientStage
let zk: ZooKeeper
let session: Session
let states: string[]

beforeEach(async () => {
  stage = new ClientStage()
  zk = await stage.connect()
  session = zk.session!
  states = []
  zk.onState(({ state }: StateChange) => states.push(state))
})

afterEach(async () => {
  await stage.close()
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('a broken connection', () => {
  test('is made again, with the same session', async () => {
    await stage.run(zk.create('/e', '', { mode: 'ephemeral' }))
    stage.breakConnections()
    expect(await stage.run(zk.exists('/e'))).toMatchObject({ ephemeralOwner: session.id })
    expect(states).toEqual(['suspended', 'connected'])
    expect(zk.session).toBe(session)
    expect(session.signal.aborted).toBe(false)
  })

  test('leaves open what became of a write whose answer is lost, here: applied', async () => {
    stage.deafen(true)
    const write = stage.fails(zk.create('/a'))
    await stage.runFor(100)
    stage.breakConnections()
    stage.deafen(false)
    const error = await write
    expect(error).toBeInstanceOf(ConnectionLossError)
    expect(error).toMatchObject({ outcome: 'unknown', retryable: true, op: 'create', path: '/a' })
    expect(await stage.run(zk.exists('/a'))).not.toBeNull()
  })

  test('and here: not applied', async () => {
    stage.isolate(true)
    const write = stage.fails(zk.create('/a'))
    await stage.runFor(100)
    stage.breakConnections()
    stage.isolate(false)
    expect(await write).toMatchObject({ code: 'CONNECTION_LOSS', outcome: 'unknown' })
    expect(await stage.run(zk.exists('/a'))).toBeNull()
  })

  test('costs a read nothing but time', async () => {
    await stage.run(zk.create('/a', 'x'))
    stage.deafen(true)
    const reads = Promise.all([zk.getData('/a'), zk.getChildren('/'), zk.exists('/b')])
    await stage.runFor(100)
    stage.breakConnections()
    stage.deafen(false)
    const [data, children, missing] = await stage.run(reads)
    expect(text(data.data)).toBe('x')
    expect(children.children).toContain('a')
    expect(missing).toBeNull()
  })

  test('does not touch a write that had not been sent', async () => {
    stage.isolate(true)
    stage.breakConnections()
    await stage.until(() => zk.state === 'suspended')
    const write = zk.create('/a')
    stage.isolate(false)
    expect((await stage.run(write)).path).toBe('/a')
  })

  test('a server that falls silent is left within two thirds of the session timeout', async () => {
    const beganMs = stage.nowMs
    stage.isolate(true)
    await stage.until(() => zk.state === 'suspended')
    expect(stage.nowMs - beganMs).toBeLessThanOrEqual((session.timeoutMs * 2) / 3 + 1)
    expect(session.signal.aborted).toBe(false)
  })

  test('a restarted server has its clients back', async () => {
    await stage.run(zk.create('/e', '', { mode: 'ephemeral' }))
    stage.stage.kill()
    await stage.until(() => zk.state === 'suspended')
    stage.stage.launch()
    expect(await stage.run(zk.exists('/e'))).not.toBeNull()
    expect(zk.session?.id).toBe(session.id)
  })
})

describe('the session', () => {
  test('pings keep it', async () => {
    await stage.run(zk.create('/e', '', { mode: 'ephemeral' }))
    await stage.runFor(60_000)
    expect(zk.session).toBe(session)
    expect(states).toEqual([])
  })

  test('its local bound is never later than the end at the server', async () => {
    const other = await stage.connect({}, '', stage.process('10.0.1.2'))
    await stage.run(zk.create('/e', '', { mode: 'ephemeral' }))
    const watch = await stage.run(other.watch('/e'))
    stage.isolate(true)
    let lostAtMs = Number.POSITIVE_INFINITY
    session.signal.addEventListener('abort', () => {
      lostAtMs = stage.nowMs
    })
    const { value } = await stage.run(watch.next())
    expect(value).toMatchObject({ type: 'deleted', path: '/e' })
    expect(lostAtMs).toBeLessThan(stage.nowMs)
    expect(states).toEqual(['suspended', 'lost'])
    expect(session.remainingMs).toBe(0)
    expect(session.signal.reason).toBeInstanceOf(SessionLostError)
    stage.isolate(false)
    await stage.until(() => zk.state === 'connected')
    expect(zk.session?.id).not.toBe(session.id)
  })

  test('thought lost and still there, it is taken up again as another stretch', async () => {
    await stage.run(zk.create('/e', '', { mode: 'ephemeral' }))
    stage.stage.kill()
    await stage.until(() => zk.state === 'lost')
    expect(zk.session).toBeNull()
    stage.stage.launch()
    await stage.until(() => zk.state === 'connected')
    expect(zk.session).not.toBe(session)
    expect(zk.session?.id).toBe(session.id)
    expect(await stage.run(zk.exists('/e'))).toMatchObject({ ephemeralOwner: session.id })
  })

  test('a loss fails what waits, and what belongs to it', async () => {
    stage.isolate(true)
    stage.breakConnections()
    await stage.until(() => zk.state === 'suspended')
    const waiting = stage.fails(zk.create('/a'))
    const error = await waiting
    expect(error).toBeInstanceOf(SessionLostError)
    expect(error).toMatchObject({ outcome: 'not-applied', retryable: true })
    stage.isolate(false)
    const pinned = await stage.fails(zk.create('/a', '', { session }))
    expect(pinned).toMatchObject({ code: 'SESSION_LOST', outcome: 'not-applied' })
    expect(await stage.run(zk.exists('/a'))).toBeNull()
  })

  test('without renewSession the client closes with it', async () => {
    const env = stage.process('10.0.1.2')
    const other = await stage.connect({ renewSession: false }, '', env)
    stage.isolate(true, '10.0.1.2')
    await stage.until(() => other.state === 'closed')
    expect(await stage.fails(other.exists('/'))).toMatchObject({ code: 'CLOSED' })
  })

  test('a server with an empty tree is not refused for ever', async () => {
    await stage.run(zk.create('/a'))
    const fresh = new ClientStage()
    expect(fresh.stage.disk).not.toBe(stage.stage.disk)
    stage.stage.crash()
    await stage.until(() => zk.state === 'lost')
    stage.stage.launch(undefined, stage.stage.world.startProcess('10.0.0.1', fresh.stage.disk.open))
    await stage.until(() => zk.state === 'connected')
    expect(zk.session?.id).not.toBe(session.id)
  })
})

test('a client in a process that stood still learns of the loss when it wakes', async () => {
  stage.env.timers.freeze()
  await stage.runFor(20_000)
  expect(session.remainingMs).toBe(0)
  stage.env.timers.thaw()
  await stage.until(() => session.signal.aborted)
  await stage.until(() => zk.state === 'connected')
  expect(zk.session?.id).not.toBe(session.id)
})
