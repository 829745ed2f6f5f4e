import { describe, expect, it } from 'vitest'
import type { ServerId, SessionId } from '../../../src/base/index.ts'
import {
  type Answer,
  type Call,
  type ClientHost,
  type Operation,
  type ServerTarget,
  SimClient,
  type SimClientOptions,
} from '../../../src/sim/clients/index.ts'
import type { HistoryEvent } from '../../../src/sim/history.ts'
import { SimDisk, SimWorld } from '../../../src/sim/index.ts'
import { AddWatchMode, EventType, OpCode } from '../../../src/wire/index.ts'
import { create, del, Stage, setData } from '../../server/support/index.ts'
import { FakeServer } from './fake-server.ts'
import { SERVER } from './support.ts'

/** A client alone in a world, and what it told. */
class Solo implements ClientHost {
  readonly world: SimWorld
  readonly client: SimClient
  readonly history: HistoryEvent[] = []
  readonly violations: string[] = []
  readonly events: (readonly [number, string])[] = []
  readonly ended: SessionId[] = []
  readonly answers: (Answer | null)[] = []
  #connections = 0

  constructor(world: SimWorld, options: Partial<SimClientOptions> = {}) {
    this.world = world
    const env = world.startProcess('10.1.0.1', new SimDisk().open)
    const defaults: SimClientOptions = {
      number: 1,
      name: '1',
      servers: [SERVER],
      timeoutMs: 3000,
      backoffMsMax: 500,
      firstXid: 1,
      usesOldSetWatches: false,
      auths: [],
    }
    this.client = new SimClient(env, { ...defaults, ...options }, this)
    this.client.start()
  }

  get nowMs(): number {
    return this.world.nowMs
  }

  /** Sends in one write; what comes back is in `answers`. */
  send(...operations: readonly Operation[]): void {
    for (const operation of operations) this.client.request(operation, this)
    this.client.flush()
  }

  /** Sends and waits for the answer. */
  call(operation: Operation): Answer | null {
    const count = this.answers.length
    this.send(operation)
    this.world.events.runUntilDone(() => this.answers.length > count)
    return this.answers[count]!
  }

  untilReady(): this {
    expect(this.world.events.runUntilDone(() => this.client.isReady)).toBe(true)
    return this
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.nowMs + ms)
  }

  of<K extends HistoryEvent['kind']>(kind: K): Extract<HistoryEvent, { kind: K }>[] {
    return this.history.filter((event) => event.kind === kind) as never
  }

  onReply(call: Call): void {
    this.answers.push(call.answer)
  }

  append(event: HistoryEvent): void {
    this.history.push(event)
  }

  nextConnection(): number {
    this.#connections += 1
    return this.#connections
  }

  onSessionMade(): void {}

  onReady(): void {}

  onSessionEnded(_client: number, sessionId: SessionId): void {
    this.ended.push(sessionId)
  }

  onWatchEvent(_client: number, type: number, path: string): void {
    this.events.push([type, path])
  }

  onViolation(_client: number, rule: string): void {
    this.violations.push(rule)
  }
}

const read = (path: string, watch = false): Operation => ({ type: OpCode.getData, path, watch })

describe('a session', () => {
  it('is kept by pings alone', () => {
    const stage = Stage.open()
    const solo = new Solo(stage.world).untilReady()
    const { sessionId } = solo.client
    solo.runFor(60_500)
    expect(solo.client.sessionId).toBe(sessionId)
    expect(solo.client.counters).toMatchObject({ connects: 1, disconnects: 0 })
    expect(solo.of('invoke').length).toBeGreaterThanOrEqual(55)
    expect(solo.of('return')).toHaveLength(solo.of('invoke').length)
  })

  it('goes on after the server was killed, on another connection', () => {
    const stage = Stage.open()
    const solo = new Solo(stage.world).untilReady()
    const { sessionId } = solo.client
    solo.send(read('/'), { type: OpCode.setData, path: '/', data: null, version: -1 })
    stage.kill()
    solo.runFor(100)
    expect(solo.answers).toEqual([null, null])
    expect(solo.client.counters).toMatchObject({ ambiguous: 1, lostReads: 1 })
    stage.start()
    solo.untilReady()
    expect(solo.client.sessionId).toBe(sessionId)
    expect(solo.of('connect').map(({ connection, outcome }) => [connection, outcome])).toEqual([
      [1, 'accepted'],
      [2, 'accepted'],
    ])
    expect(solo.of('disconnect')).toMatchObject([{ connection: 1, sessionId }])
    expect(solo.violations).toEqual([])
  })

  it('expires when its client is silent, and is followed by another', () => {
    const stage = Stage.open()
    const solo = new Solo(stage.world).untilReady()
    const { sessionId } = solo.client
    solo.call({ type: OpCode.exists, path: '/no', watch: true })
    solo.client.isSilent = true
    solo.runFor(3000 + 2 * 1000 + 100)
    solo.client.speak()
    solo.untilReady()
    expect(solo.ended).toEqual([sessionId])
    expect(solo.client.sessionId).not.toBe(sessionId)
    expect(solo.client.watches.isEmpty).toBe(true)
    expect(solo.client.counters.expirations).toBe(1)
    expect(solo.of('connect').map(({ outcome }) => outcome)).toContain('expired')
  })

  it('that was closed is tried once more, and refused', () => {
    const stage = Stage.open()
    const solo = new Solo(stage.world).untilReady()
    const { sessionId } = solo.client
    expect(solo.call({ type: OpCode.closeSession })).toMatchObject({ err: 0 })
    solo.world.events.runUntilDone(() => solo.ended.length > 0)
    solo.untilReady()
    expect(
      solo.of('connect').map(({ askedSessionId, outcome }) => [askedSessionId, outcome]),
    ).toEqual([
      [0n, 'accepted'],
      [sessionId, 'expired'],
      [0n, 'accepted'],
    ])
    expect(solo.client.counters.expirations).toBe(0)
    expect(solo.violations).toEqual([])
  })

  it('goes on elsewhere, and takes no more writes where it was left', () => {
    const stage = Stage.open()
    const solo = new Solo(stage.world).untilReady()
    const { sessionId } = solo.client
    solo.client.leave()
    solo.untilReady()
    solo.runFor(100)
    expect(solo.client.sessionId).toBe(sessionId)
    expect(solo.of('disconnect')).toMatchObject([{ connection: 1 }])
    expect(solo.violations).toEqual([])
  })

  it('is looked for on every server of the list', () => {
    const stage = Stage.open()
    const dead: ServerTarget[] = [2, 3, 4].map((id) => ({
      server: id as ServerId,
      host: '10.0.0.1',
      port: 2181 + id,
    }))
    for (let i = 0; i < 5; i += 1) {
      const solo = new Solo(stage.world, { servers: [...dead, SERVER] }).untilReady()
      expect(solo.client.target.server).toBe(1)
    }
  })
})

describe('watches', () => {
  it('are set again on the next connection, and told what they missed', () => {
    const stage = Stage.open()
    const writer = stage.session({ timeoutMs: 20_000 })
    stage.callAll(writer, create('/data'), create('/child'), create('/gone'), create('/same'))
    const solo = new Solo(stage.world, { timeoutMs: 10_000 }).untilReady()
    solo.call(read('/data', true))
    solo.call(read('/same', true))
    solo.call(read('/gone', true))
    solo.call({ type: OpCode.exists, path: '/new', watch: true })
    solo.call({ type: OpCode.getChildren2, path: '/child', watch: true })
    solo.call({ type: OpCode.addWatch, path: '/data', mode: AddWatchMode.persistent })
    solo.call({ type: OpCode.addWatch, path: '/child', mode: AddWatchMode.persistentRecursive })
    expect(solo.of('watchSet').map(({ mode, path }) => `${mode} ${path}`)).toEqual([
      'data /data',
      'data /same',
      'data /gone',
      'exists /new',
      'child /child',
      'persistent /data',
      'persistentRecursive /child',
    ])
    // Frozen, so that it misses what happens meanwhile; then its connection is broken.
    solo.client.isSilent = true
    stage.world.network.disconnect('10.1.0.1')
    solo.runFor(10)
    stage.callAll(writer, setData('/data', '1'), create('/child/x'), del('/gone'), create('/new'))
    solo.client.speak()
    solo.world.events.runUntilDone(() => solo.of('return').at(-1)?.xid === -8)
    expect(solo.events.toSorted()).toEqual([
      [EventType.nodeCreated, '/new'],
      [EventType.nodeDeleted, '/gone'],
      [EventType.nodeDataChanged, '/data'],
      [EventType.nodeChildrenChanged, '/child'],
    ])
    expect(solo.of('watchEvent').every(({ zxid }) => zxid === null)).toBe(true)
    const again = solo.of('watchSet').slice(7)
    expect(again.map(({ mode, path }) => `${mode} ${path}`)).toEqual([
      'data /same',
      'persistent /data',
      'persistentRecursive /child',
    ])
    solo.events.length = 0
    stage.callAll(writer, setData('/same', '1'), setData('/data', '2'), create('/child/x/y'))
    solo.runFor(10)
    expect(solo.events).toEqual([
      [EventType.nodeDataChanged, '/same'],
      [EventType.nodeDataChanged, '/data'],
      [EventType.nodeCreated, '/child/x/y'],
    ])
    expect(solo.violations).toEqual([])
  })

  it('of the standard kinds are set with the old request where the client wants it', () => {
    const stage = Stage.open()
    const solo = new Solo(stage.world, { usesOldSetWatches: true }).untilReady()
    solo.call(read('/', true))
    solo.client.move()
    solo.untilReady()
    expect(solo.of('invoke').at(-1)?.request.type).toBe(OpCode.setWatches)
    solo.call({ type: OpCode.addWatch, path: '/', mode: AddWatchMode.persistent })
    solo.client.move()
    solo.untilReady()
    expect(solo.of('invoke').at(-1)?.request.type).toBe(OpCode.setWatches2)
  })
})

describe('a server that does not keep its promises', () => {
  function duel(options: Partial<SimClientOptions> = {}): { fake: FakeServer; solo: Solo } {
    const world = new SimWorld(3)
    const fake = new FakeServer(world.startProcess('10.0.0.1', new SimDisk().open).network, 2181)
    const solo = new Solo(world, options).untilReady()
    return { fake, solo }
  }
  const SYNC: Operation = { type: OpCode.delete, path: '/', version: -1 }

  it.each([
    ['answers another request', /C2: a reply with xid/, { zxid: 9n, xid: 12345 }],
    ['goes back in time', /C3: a reply of zxid 0x4 after 0x5/, { zxid: 4n }],
    ['writes twice at one zxid', /C2: a write of zxid 0x5 after 0x5/, { zxid: 5n }],
  ])('%s', (_name, rule, second) => {
    const { fake, solo } = duel()
    solo.call(SYNC)
    fake.reply = () => second
    solo.send(SYNC)
    solo.runFor(50)
    expect(solo.violations.join()).toMatch(rule)
  })

  it('answers with a body that is none', () => {
    const { solo } = duel()
    solo.send(read('/'))
    solo.runFor(50)
    expect(solo.violations.join()).toMatch(/C6: a reply cannot be read/)
  })

  it('takes up a session that it has closed', () => {
    const { fake, solo } = duel()
    solo.call({ type: OpCode.closeSession })
    fake.connection.destroy()
    solo.runFor(2000)
    expect(solo.violations.join()).toMatch(/E6/)
  })

  it('takes a write from a connection that the session has left', () => {
    const { solo } = duel()
    solo.client.leave()
    solo.untilReady()
    solo.runFor(50)
    expect(solo.violations.join()).toMatch(/E7/)
  })

  it('is left when it does not answer', () => {
    const { fake, solo } = duel()
    fake.reply = () => null
    solo.send(SYNC)
    solo.runFor(2500)
    expect(solo.client.counters).toMatchObject({ readTimeouts: 1, ambiguous: 1 })
    expect(fake.connects.map(({ sessionId }) => sessionId)).toEqual([0n, 77n])
  })

  it('is told the last zxid that was seen', () => {
    const { solo, fake } = duel()
    solo.call(SYNC)
    solo.client.move()
    solo.untilReady()
    expect(fake.connects.at(-1)?.lastZxidSeen).toBe(5n)
  })
})
