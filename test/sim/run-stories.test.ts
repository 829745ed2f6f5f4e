import { describe, expect, test } from 'vitest'
import { makeZxid } from '../../src/base/index.ts'
import type { Operation } from '../../src/sim/clients/index.ts'
import { createOp } from '../../src/sim/clients/roots.ts'
import { parseScenario, runSimulation } from '../../src/sim/index.ts'
import { type ByteString, CreateMode, ErrorCode, OpCode } from '../../src/wire/index.ts'
import { Theatre } from './theatre.ts'

/* Scenes that need a client at a certain place at a certain moment. */

function create(
  path: string,
  data: string = '',
  flags: CreateMode = CreateMode.persistent,
): Operation {
  return createOp(path, data, flags) as Operation
}

function setData(path: string, data: string): Operation {
  return { type: OpCode.setData, path, data: data as ByteString, version: -1 }
}

function getData(path: string, watch: boolean = false): Operation {
  return { type: OpCode.getData, path, watch }
}

const OK = { err: ErrorCode.ok }
/** The reference model begins with nothing. */
const OF_MODEL = ['D1', 'D4']

describe('counters at their edge', () => {
  test('a log that ends four zxids before the end of its epoch is followed by the next epoch', () => {
    const theatre = new Theatre().startAt(makeZxid(1, 0xffff_fffa), 5).open()
    const actor = theatre.actor(theatre.ensemble.members)
    let gapMs = 0
    for (let i = 0; i < 20; i += 1) {
      const sinceMs = theatre.nowMs
      expect(actor.ask(create(`/n${i}`))).toMatchObject(OK)
      gapMs = Math.max(gapMs, theatre.nowMs - sinceMs)
    }
    expect(gapMs).toBeLessThan(1000)
    for (let i = 0; i < 20; i += 1) expect(actor.readSynced(`/n${i}`)).toMatchObject(OK)
    expect(actor.ended).toEqual([])
    theatre.close({}, OF_MODEL)
  })

  test('ZOOKEEPER-4706: sequence numbers reach 2^31 - 1', () => {
    const theatre = new Theatre().startAt(makeZxid(1, 10), 0x7fff_fffb).open()
    const actor = theatre.actor(theatre.ensemble.members)
    const names: (string | null | undefined)[] = []
    for (let i = 0; i < 5; i += 1) {
      names.push(actor.ask(create('/seq/n', '', CreateMode.persistentSequential)).path)
    }
    expect(names).toEqual([
      '/seq/n2147483643',
      '/seq/n2147483644',
      '/seq/n2147483645',
      '/seq/n2147483646',
      '/seq/n2147483647',
    ])
    // The number stays where it is: refused, and not given twice or below zero.
    const beyond = actor.ask(create('/seq/n', '', CreateMode.persistentSequential))
    expect(beyond.err).toBe(ErrorCode.nodeExists)
    expect(actor.ask(create('/elsewhere'))).toMatchObject(OK)
    theatre.close({}, OF_MODEL)
  })
})

describe('clients that move', () => {
  test('a write is under way while its client goes to another server', () => {
    const theatre = new Theatre({ tickTimeMs: 500 }).open()
    const [a, b] = theatre.followers
    const actor = theatre.actor([a!, b!])
    expect(actor.ask(create('/moved'))).toMatchObject(OK)
    let answered = 0
    let unanswered = 0
    for (let step = 0; step < 40; step += 1) {
      const { sessionId } = actor.client!
      const before = actor.ask(getData('/moved')).stat!.version
      const first = actor.send(setData('/moved', `first ${step}`))
      theatre.runFor(step / 8)
      actor.client!.move()
      expect(actor.ask(setData('/moved', `second ${step}`))).toMatchObject(OK)
      const after = actor.readSynced('/moved')
      expect(after.data).toBe(`second ${step}`)
      const writes = after.stat!.version - before
      expect([1, 2]).toContain(writes)
      if (first.answer === null) unanswered += 1
      else answered += 1
      if (first.answer !== null) expect(writes).toBe(2)
      expect(actor.client!.sessionId).toBe(sessionId)
    }
    // Both have happened, or the test looks at one case only.
    expect(answered).toBeGreaterThan(5)
    expect(unanswered).toBeGreaterThan(5)
    theatre.close()
  })

  test('a session expires while its client takes it up elsewhere: either it lives, or all of it is gone', () => {
    const outcomes = { lived: 0, ended: 0 }
    for (let lateMs = -200; lateMs <= 1200; lateMs += 100) {
      const theatre = new Theatre({ tickTimeMs: 500, seed: 1000 + lateMs }).open()
      const [a, b] = theatre.followers
      const witness = theatre.actor([b!])
      const actor = theatre.actor([a!, b!], 2000)
      const { sessionId } = actor.client!
      expect(actor.ask(create('/mine', '', CreateMode.ephemeral))).toMatchObject(OK)
      theatre.fault({ kind: 'suspend', host: `c${actor.number}` })
      theatre.fault({ kind: 'resetAll', host: `c${actor.number}` })
      theatre.runFor(2000 + lateMs)
      theatre.fault({ kind: 'resume', host: `c${actor.number}` })
      actor.client!.move()
      theatre.until(() => actor.client!.isReady)
      const isThere = witness.readSynced('/mine').err === ErrorCode.ok
      if (actor.client!.sessionId === sessionId) {
        outcomes.lived += 1
        expect(isThere).toBe(true)
        expect(actor.ended).toEqual([])
        theatre.runFor(3000)
        expect(actor.client!.sessionId).toBe(sessionId)
      } else {
        outcomes.ended += 1
        expect(isThere).toBe(false)
        expect(actor.ended).toEqual([sessionId])
      }
      theatre.close()
    }
    expect(outcomes.lived).toBeGreaterThan(1)
    expect(outcomes.ended).toBeGreaterThan(1)
  })

  test('ZOOKEEPER-1412, 1667: watches are set again on another server, and tell what was missed, once', () => {
    const theatre = new Theatre({ tickTimeMs: 500 }).open()
    const [a, b] = theatre.followers
    const watcher = theatre.actor([a!, b!])
    const writer = theatre.actor([theatre.leader])
    for (const path of ['/kept', '/changed', '/gone', '/later']) writer.ask(create(path))
    for (const path of ['/kept', '/changed', '/gone', '/later']) {
      watcher.ask({ type: OpCode.sync, path })
      expect(watcher.ask(getData(path, true))).toMatchObject(OK)
    }
    watcher.ask({ type: OpCode.exists, path: '/born', watch: true })
    watcher.ask({ type: OpCode.getChildren, path: '/kept', watch: true })
    expect(watcher.server).toBe(a!.id)
    theatre.fault({ kind: 'isolate', host: a!.host.name })
    writer.ask(setData('/changed', '1'))
    writer.ask({ type: OpCode.delete, path: '/gone', version: -1 })
    writer.ask(create('/born'))
    writer.ask(create('/kept/child'))
    theatre.until(() => watcher.server === b!.id && watcher.client!.isReady)
    theatre.runFor(100)
    expect(watcher.events.toSorted()).toEqual([
      'nodeChildrenChanged /kept',
      'nodeCreated /born',
      'nodeDataChanged /changed',
      'nodeDeleted /gone',
    ])
    writer.ask(setData('/later', '2'))
    writer.ask(setData('/kept', '2'))
    writer.ask(setData('/changed', '3'))
    theatre.runFor(100)
    expect(watcher.events.slice(4)).toEqual(['nodeDataChanged /later', 'nodeDataChanged /kept'])
    expect(watcher.ended).toEqual([])
    theatre.close()
  })
})

describe('leaders that are alone', () => {
  test('ZOOKEEPER-1675, 2136: a leader that nobody follows any more does not answer sync', () => {
    const theatre = new Theatre({ tickTimeMs: 1000 }).open()
    const old = theatre.leader
    const [a, b] = theatre.followers
    const left = theatre.actor([old], 10_000)
    const moved = theatre.actor([a!, b!], 10_000)
    moved.ask(create('/reg', 'old'))
    left.readSynced('/reg')
    const groups = [
      [old.host.name, 'c1'],
      [a!.host.name, b!.host.name, 'c2'],
    ]
    theatre.fault({ kind: 'partition', groups })
    const sync = left.send({ type: OpCode.sync, path: '/reg' })
    const write = left.send(setData('/reg', 'lost'))
    expect(moved.ask(setData('/reg', 'new'))).toMatchObject(OK)
    theatre.runFor(2000)
    expect(sync.answer).toBeNull()
    expect(write.answer).toBeNull()
    theatre.fault({ kind: 'healNetwork' })
    expect(left.readSynced('/reg').data).toBe('new')
    expect(left.ended).toEqual([])
    theatre.close()
  })

  test.each(['leader', 'follower'])(
    'a %s of old does not end a session that a later leader has made',
    (role) => {
      const theatre = new Theatre({ voters: 5 }).open()
      const old = theatre.leader
      const [near, ...others] = theatre.followers
      const left = [old, near!].map(({ host }) => host.name)
      for (const host of left) theatre.fault({ kind: 'suspend', host })
      theatre.until(() => theatre.leader !== old && theatre.leader.host.state === 'running')
      const client = theatre.actor([...others, role === 'leader' ? old : near!], 30_000)
      for (const { host } of others) {
        for (const name of left) theatre.fault({ kind: 'cutBoth', from: host.name, to: name })
      }
      for (const { host } of others) theatre.fault({ kind: 'crash', host: host.name })
      // Both wake up, and do not know yet that they have been left.
      for (const host of left) theatre.fault({ kind: 'resume', host })
      theatre.runFor(1500)
      expect(theatre.leader).toBe(old)
      expect(near!.server!.isServing).toBe(true)
      expect(client.client!.isReady).toBe(false)
      expect(client.ended).toEqual([])
      theatre.runFor(10_000)
      expect(theatre.leader).toBeNull()
      expect(client.ended).toEqual([])
      theatre.close()
      expect(client.ended).toEqual([])
    },
  )

  test('O21: idle connections to the election ports do not keep a server out', () => {
    const theatre = new Theatre({ tickTimeMs: 1000 }).open()
    const [a] = theatre.followers
    const stranger = theatre.world.addHost({ name: 'x', address: '10.2.0.1' })
    let open = 0
    stranger.start((env) => {
      const handler = { onBytes: () => {}, onDrain: () => {}, onEnd: () => {}, onClose: () => {} }
      const onOpen = (): typeof handler => {
        open += 1
        return handler
      }
      for (const { host } of theatre.ensemble.members) {
        for (let i = 0; i < 20; i += 1) {
          const address = { host: host.address, port: 3888 }
          env.network.connect(address, { onOpen, onError: () => {} })
        }
      }
    })
    theatre.runFor(100)
    expect(open).toBe(60)
    theatre.fault({ kind: 'crash', host: a!.host.name })
    theatre.fault({ kind: 'restart', host: a!.host.name })
    const startedMs = theatre.nowMs
    theatre.until(() => a!.server?.isServing === true)
    expect(theatre.nowMs - startedMs).toBeLessThan(1000)
    theatre.close()
  })
})

describe('power cuts at every durable write', () => {
  /** Everything that a server writes from its start to its first transactions: epochs, log, checkpoint. */
  test.each(['s1', 's2', 's3'])(
    'ZOOKEEPER-4269, 2307, 2354, 1621: of %s while it joins',
    (host) => {
      let cuts = 0
      for (let writes = 1; writes <= 14; writes += 1) {
        const file = {
          story: 'a start',
          seed: 100 * writes,
          plan: {
            clients: { opsTarget: 40, timeoutMsMin: 4000, timeoutMsMax: 4000 },
            durationMs: 4000,
          },
          script: [
            { atMs: 0, action: { kind: 'powerLossAtWrite', host, writes } },
            { atMs: 2000, action: { kind: 'restart', host } },
          ],
        }
        const { facts, faults } = runSimulation(parseScenario(JSON.stringify(file)).plan)
        expect(faults, `cut at write ${writes}`).toEqual([])
        cuts += facts.deaths
      }
      expect(cuts).toBeGreaterThanOrEqual(10)
    },
  )
})
