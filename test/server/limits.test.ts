import { describe, expect, it } from 'vitest'
import { AddWatchMode } from '../../src/wire/index.ts'
import {
  addWatch,
  create,
  getData,
  ping,
  type Request,
  Stage,
  type StageOptions,
  setData,
  sync,
  type WireClient,
} from './support/index.ts'

const KIB = 1024

function times(count: number, request: (i: number) => Request): Request[] {
  return Array.from({ length: count }, (_, i) => request(i))
}

/** Clients that are connected and have not been closed after a while. */
function accepted(stage: Stage, clients: readonly WireClient[]): number {
  stage.runFor(100)
  return clients.filter(({ isClosed }) => !isClosed).length
}

describe('connections', () => {
  it('from one address are limited, and one that ends makes room', () => {
    const stage = Stage.open({ limits: { connectionsPerAddressMax: 3 } })
    const clients = times(5, () => ping).map(() => stage.client())
    expect(accepted(stage, clients)).toBe(3)
    expect(clients.filter(({ isClosed }) => isClosed).every((c) => c.received === 0)).toBe(true)
    expect(accepted(stage, [stage.client({}, 2)])).toBe(1)
    clients[0]!.destroy()
    stage.runFor(10)
    expect(accepted(stage, [stage.client(), stage.client()])).toBe(1)
  })

  it('in all are limited, and one that ends makes room', () => {
    const stage = Stage.open({ limits: { connectionsMax: 3 } })
    const clients = [1, 2, 3, 4, 5].map((machine) => stage.client({}, machine))
    expect(accepted(stage, clients)).toBe(3)
    clients.find(({ isClosed }) => !isClosed)!.destroy()
    stage.runFor(10)
    expect(accepted(stage, [stage.client(), stage.client()])).toBe(1)
  })

  it('are not limited by 0', () => {
    const stage = Stage.open({ limits: { connectionsMax: 0, connectionsPerAddressMax: 0 } })
    const clients = times(100, () => ping).map(() => stage.client())
    expect(accepted(stage, clients)).toBe(100)
  })
})

describe('a connection without a session', () => {
  it.each([
    ['nothing', []],
    ['a part of a length', [0, 0]],
    ['a part of a connect request', [0, 0, 0, 45, 0, 0, 0, 0]],
  ])('that has sent %s is closed after its time, and one with a session is not', (_, bytes) => {
    const stage = Stage.open()
    const client = stage.client({ isRaw: true })
    client.sendBytes(Uint8Array.from(bytes))
    const session = stage.session({ timeoutMs: 20_000 })
    stage.runFor(9000)
    expect(client.isClosed).toBe(false)
    stage.runFor(2000)
    expect(client.isClosed).toBe(true)
    expect(session.isClosed).toBe(false)
  })

  it('is not blamed for a slow disk', () => {
    const stage = Stage.open()
    stage.slowDisk(15_000)
    const client = stage.client({ timeoutMs: 20_000 })
    stage.runFor(14_000)
    expect(client.isClosed).toBe(false)
    stage.until(() => client.handshake !== null)
  })
})

/** What a server holds of clients at most, in requests and in bytes, while `until` does not hold. */
function watchOutstanding(
  stage: Stage,
  isDone: () => boolean,
): { requests: number; bytes: number } {
  const most = { requests: 0, bytes: 0 }
  stage.until(() => {
    const { requests, bytes } = stage.server.outstanding
    most.requests = Math.max(most.requests, requests)
    most.bytes = Math.max(most.bytes, bytes)
    return isDone()
  })
  return most
}

describe('requests that wait for the disk', () => {
  const SLOW = { latencyMsMin: 10, latencyMsMax: 10 }

  it('of one connection are no more than the limit, and all are answered in the end', () => {
    const stage = Stage.open({ disk: SLOW, limits: { outstandingPerConnectionMax: 10 } })
    const client = stage.session()
    const sent = client.send(...times(100, (i) => create(`/a${i}`)))
    const most = watchOutstanding(stage, () => client.unanswered.length === 0)
    expect(most.requests).toBe(10)
    expect(sent.every(({ reply }) => reply!.err === 0)).toBe(true)
    expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
  })

  it('of one connection have no more bytes than the limit and one request', () => {
    const limits = { outstandingBytesPerConnectionMax: 10 * KIB }
    const stage = Stage.open({ disk: SLOW, limits })
    const client = stage.session()
    client.send(...times(50, (i) => create(`/a${i}`, 'x'.repeat(3 * KIB))))
    const most = watchOutstanding(stage, () => client.unanswered.length === 0)
    expect(most.bytes).toBeGreaterThan(10 * KIB)
    expect(most.bytes).toBeLessThan(14 * KIB)
    expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
  })

  it.each<[string, StageOptions['limits'], number]>([
    ['number', { outstandingMax: 10 }, 13],
    ['bytes', { outstandingBytesMax: 600 }, 15],
  ])('of all connections are limited by %s, but each gets one', (_, limits, max) => {
    const stage = Stage.open({ disk: SLOW, limits: limits! })
    const clients = [1, 2, 3, 4].map((machine) => stage.session({}, machine))
    for (const [n, client] of clients.entries()) {
      client.send(...times(50, (i) => create(`/c${n}-${10 + i}`, '1234')))
    }
    const late = stage.session({}, 5)
    const most = watchOutstanding(stage, () => clients.some((c) => c.unanswered.length === 0))
    expect(most.requests).toBeGreaterThanOrEqual(8)
    expect(most.requests).toBeLessThanOrEqual(max)
    expect(stage.call(late, getData('/')).err).toBe(0)
    watchOutstanding(stage, () => clients.every((c) => c.unanswered.length === 0))
    expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
  })

  it.each<[string, StageOptions['limits']]>([
    ['number', { outstandingMax: 20 }],
    ['bytes', { outstandingBytesMax: 20_000 }],
  ])('of clients that ask and go are limited by %s too', (_, limits) => {
    const stage = Stage.open({ limits: limits! })
    let client = stage.session({ timeoutMs: 20_000 })
    const errors: number[] = []
    stage.slowDisk(5000)
    for (let i = 0; i < 60; i++) {
      client.send(create(`/a${i}`, 'x'.repeat(1000)), sync('/'))
      stage.runFor(10)
      client.destroy()
      errors.push(...client.messages.map((m) => (m.kind === 'reply' ? m.err : 0)))
      client = stage.session({ ...client.credentials(), timeoutMs: 20_000 })
      const { requests, bytes } = stage.server.outstanding
      expect(requests).toBeLessThanOrEqual(42)
      expect(bytes).toBeLessThan(43_000)
    }
    expect(errors.filter((err) => err === -1).length).toBeGreaterThanOrEqual(10)
    stage.slowDisk(1)
    stage.until(() => stage.server.outstanding.requests === 0)
    expect(stage.call(client, create('/after')).err).toBe(0)
  })

  it('count while their client has gone', () => {
    const stage = Stage.open({ disk: SLOW })
    const client = stage.session()
    client.send(create('/a'), getData('/a'), sync('/a'))
    stage.until(() => stage.server.outstanding.requests === 3)
    client.destroy()
    stage.until(() => stage.server.connections.size === 0)
    expect(stage.server.outstanding.requests).toBe(1)
    stage.runFor(100)
    expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
  })
})

/** What the connections hold of output at most, as their sockets and buffers say. */
function watchUnsent(stage: Stage, isDone: () => boolean): number {
  let most = 0
  stage.until(() => {
    for (const connection of stage.server.connections) {
      most = Math.max(most, connection.unsentBytes)
    }
    return isDone()
  })
  return most
}

describe('a client that does not read', () => {
  const VALUE = 'x'.repeat(10 * KIB)
  const LIMITS = { outputHighWaterBytes: 100 * KIB, outputBytesMax: 400 * KIB }

  it('is not read either, and gets everything once it reads', () => {
    const stage = Stage.open({ limits: LIMITS })
    const client = stage.session({ timeoutMs: 20_000 })
    stage.call(client, create('/a', VALUE))
    client.pause()
    client.send(...times(500, () => getData('/a')))
    const untilMs = stage.nowMs + 1000
    const most = watchUnsent(stage, () => stage.nowMs > untilMs)
    expect(most).toBeGreaterThan(90 * KIB)
    expect(most).toBeLessThan(120 * KIB)
    expect([...stage.server.connections].every(({ isReading }) => !isReading)).toBe(true)
    client.resume()
    stage.until(() => client.unanswered.length === 0)
    expect([...stage.server.connections].every(({ isReading }) => isReading)).toBe(true)
  })

  it('costs no more when all it asks waits behind one write', () => {
    const stage = Stage.open({ limits: LIMITS, disk: { latencyMsMin: 50, latencyMsMax: 50 } })
    const client = stage.session({ timeoutMs: 20_000 })
    stage.call(client, create('/a', VALUE))
    client.pause()
    client.send(setData('/a', VALUE), ...times(500, () => getData('/a')))
    const untilMs = stage.nowMs + 1000
    const most = watchUnsent(stage, () => stage.nowMs > untilMs)
    expect(most).toBeGreaterThan(90 * KIB)
    expect(most).toBeLessThan(120 * KIB)
    client.resume()
    stage.until(() => client.unanswered.length === 0)
  })

  it('is cut when a write behind what it asked lets no more waiting happen', () => {
    const stage = Stage.open({ limits: LIMITS, disk: { latencyMsMin: 50, latencyMsMax: 50 } })
    const client = stage.session({ timeoutMs: 20_000 })
    stage.call(client, create('/a', VALUE))
    client.pause()
    client.send(
      setData('/a', VALUE),
      ...times(200, () => getData('/a')),
      setData('/a', VALUE),
      create('/late'),
    )
    const most = watchUnsent(stage, () => stage.server.connections.size === 0)
    expect(most).toBeLessThan(420 * KIB)
    // It is the connection that ends, not the write.
    stage.runFor(100)
    expect(stage.server.state.tree.find('/late')).toBeDefined()
    expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
  })

  it('gets one reply that is longer than the limit, with events behind it', () => {
    const stage = Stage.open({ limits: LIMITS })
    const [writer, client] = [stage.session(), stage.session({ timeoutMs: 20_000 })]
    stage.call(writer, create('/big', 'x'.repeat(600 * KIB)))
    stage.call(client, addWatch('/big', AddWatchMode.persistentRecursive))
    client.pause()
    client.send(getData('/big'))
    for (let i = 0; i < 5; i++) stage.call(writer, create(`/big/${i}`))
    expect(stage.server.connections.size).toBe(2)
    client.resume()
    stage.until(() => client.unanswered.length === 0)
    expect(client.isClosed).toBe(false)
  })

  it('is cut when events keep coming', () => {
    const stage = Stage.open({ limits: LIMITS })
    const [writer, client] = [stage.session(), stage.session({ timeoutMs: 20_000 })]
    const path = `/${'p'.repeat(5 * KIB)}`
    stage.call(writer, create(path))
    stage.call(client, addWatch('/', AddWatchMode.persistentRecursive))
    client.pause()
    for (let i = 0; i < 200; i++) stage.call(writer, setData(path, String(i)))
    expect(stage.server.connections.size).toBe(1)
    expect(stage.server.watches.watchCount()).toBe(0)
    client.resume()
    stage.until(() => client.isClosed)
  })

  it.each([
    ['of reads', () => getData('/a')],
    ['behind a write', () => setData('/a', VALUE)],
  ])('expires when its time is over: silence of its own making counts (%s)', (_, first) => {
    const stage = Stage.open({ limits: LIMITS })
    const client = stage.session({ timeoutMs: 4000 })
    stage.call(client, create('/a', VALUE))
    client.pause()
    client.send(first(), ...times(500, () => getData('/a')))
    for (let i = 0; i < 12; i++) {
      client.send(ping)
      stage.runFor(500)
    }
    expect(stage.server.state.sessions.size).toBe(0)
  })

  it('gets little time for its last replies', () => {
    const stage = Stage.open({ limits: { ...LIMITS, closeFlushTimeoutMs: 3000 } })
    const client = stage.session({ timeoutMs: 4000 })
    // One that has just come must not delay the look at those that close.
    const dawdler = stage.client({ isRaw: true })
    stage.until(() => dawdler.isOpen)
    stage.call(client, create('/a', VALUE))
    client.pause()
    client.send(...times(500, () => getData('/a')))
    stage.until(() => stage.server.state.sessions.size === 0)
    stage.client({ isRaw: true })
    stage.runFor(2900)
    expect([...stage.server.connections].length).toBeGreaterThan(0)
    const before = stage.server.connections.size
    stage.runFor(200)
    expect(stage.server.connections.size).toBe(before - 1)
  })
})
