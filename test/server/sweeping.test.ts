import { describe, expect, it } from 'vitest'
import { CreateMode, EventType, OpCode, readGetDataResponse } from '../../src/wire/index.ts'
import {
  create,
  createOp,
  decode,
  del,
  exists,
  getData,
  multi,
  ping,
  Stage,
  setData,
  type WireClient,
} from './support/index.ts'

const CONTAINER = { type: OpCode.createContainer, flags: CreateMode.container }

function ttl(ms: number): Parameters<typeof create>[2] {
  return { type: OpCode.createTTL, flags: CreateMode.persistentWithTTL, ttl: BigInt(ms) }
}

function waitFor(stage: Stage, client: WireClient, ms: number): void {
  for (const until = stage.nowMs + ms; stage.nowMs < until; ) {
    stage.call(client, ping)
    stage.runFor(1000)
  }
}

function isThere(stage: Stage, path: string): boolean {
  return stage.server.state.tree.find(path) !== undefined
}

const OPTIONS = {
  config: { extendedTypes: true, containers: { intervalMs: 10_000, neverUsedMs: 0 } },
}

describe('containers', () => {
  it('go once their last child has gone, and are told about as any deletion', () => {
    const stage = Stage.open(OPTIONS)
    const client = stage.session()
    stage.callAll(client, create('/c', '', CONTAINER), create('/c/child'), exists('/c', true))
    waitFor(stage, client, 25_000)
    expect(isThere(stage, '/c')).toBe(true)
    client.messages.length = 0
    stage.call(client, del('/c/child'))
    waitFor(stage, client, 11_000)
    expect(isThere(stage, '/c')).toBe(false)
    expect(client.events).toMatchObject([{ type: EventType.nodeDeleted, path: '/c' }])
  })

  it('stay while they have never had a child', () => {
    const stage = Stage.open(OPTIONS)
    const client = stage.session()
    stage.call(client, create('/c', '', CONTAINER))
    waitFor(stage, client, 100_000)
    expect(isThere(stage, '/c')).toBe(true)
  })

  it('are not taken from a child whose create is on its way', () => {
    const stage = Stage.open(OPTIONS)
    const client = stage.session({ timeoutMs: 20_000 })
    stage.callAll(client, create('/c', '', CONTAINER), create('/c/child'), del('/c/child'))
    // The look at 10 s finds it empty; the child is durable only after that.
    stage.slowDisk(3000)
    stage.runFor(9000 - stage.nowMs)
    const [created] = client.send(create('/c/late'))
    stage.runFor(9000)
    expect(created!.reply!.err).toBe(0)
    expect(isThere(stage, '/c/late')).toBe(true)
  })

  it('go no faster than the limit', () => {
    const stage = Stage.open({ ...OPTIONS, limits: { containerDeletesPerMinuteMax: 60 } })
    const client = stage.session()
    for (let i = 0; i < 40; i++) {
      stage.callAll(client, create(`/c${i}`, '', CONTAINER), create(`/c${i}/x`), del(`/c${i}/x`))
    }
    const before = stage.server.state.tree.znodeCount
    waitFor(stage, client, 25_000)
    const gone = before - stage.server.state.tree.znodeCount
    expect(gone).toBeGreaterThan(10)
    expect(gone).toBeLessThanOrEqual(30)
  })

  it('are swept by a server that found them in its log', () => {
    const stage = Stage.open(OPTIONS)
    const client = stage.session()
    stage.callAll(client, create('/c', '', CONTAINER), create('/c/child'), del('/c/child'))
    stage.crash()
    stage.start()
    expect(isThere(stage, '/c')).toBe(true)
    stage.runFor(11_000)
    expect(isThere(stage, '/c')).toBe(false)
  })
})

describe('TTL znodes', () => {
  it('go when they are old and childless; setData makes them young again', () => {
    const stage = Stage.open(OPTIONS)
    const client = stage.session()
    stage.callAll(client, create('/t', '', ttl(15_000)), create('/parent', '', ttl(1000)))
    stage.call(client, create('/parent/child'))
    waitFor(stage, client, 12_000)
    stage.call(client, setData('/t', 'again'))
    waitFor(stage, client, 12_000)
    expect(isThere(stage, '/t')).toBe(true)
    waitFor(stage, client, 12_000)
    expect(isThere(stage, '/t')).toBe(false)
    expect(isThere(stage, '/parent')).toBe(true)
  })

  it('are refused, with the connection kept, unless configured', () => {
    const stage = Stage.open()
    const client = stage.session()
    const reply = stage.call(client, create('/t', '', ttl(1000)))
    expect(reply).toMatchObject({ err: -6, zxid: 2n })
    expect(stage.call(client, ping).err).toBe(0)
  })
})

describe('quotas', () => {
  const QUOTA = '/zookeeper/quota/q'

  function limit(stage: Stage, client: WireClient, limits: string): void {
    stage.callAll(
      client,
      create('/q'),
      create(QUOTA),
      create(`${QUOTA}/zookeeper_limits`, limits),
      create(`${QUOTA}/zookeeper_stats`, 'count=0,bytes=0'),
    )
  }

  it('are counted, also after a restart', () => {
    const stage = Stage.open()
    const client = stage.session()
    limit(stage, client, 'count=10,bytes=100')
    stage.callAll(client, create('/q/a', '12345'), create('/q/b', '123'), del('/q/b'))
    const path = `${QUOTA}/zookeeper_stats`
    const stats = (): unknown => decode(stage.call(client, getData(path)), readGetDataResponse).data
    expect(stats()).toBe('count=2,bytes=5')
    stage.crash()
    stage.start()
    const again = stage.session(client.credentials())
    expect(decode(stage.call(again, getData(path)), readGetDataResponse).data).toBe(
      'count=2,bytes=5',
    )
  })

  it('refuse what goes beyond a hard limit, pipelined and in a multi too, if enforced', () => {
    const stage = Stage.open({
      config: { enforceQuota: true },
      disk: { latencyMsMin: 10, latencyMsMax: 10 },
    })
    const client = stage.session()
    limit(stage, client, 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3')
    const replies = stage.callAll(
      client,
      create('/q/a', '12345'),
      create('/q/b', '1234567'),
      create('/q/b', '1234'),
      create('/q/c'),
      setData('/q/a', '1234567'),
      setData('/q/a', '123456'),
      multi(createOp('/other'), createOp('/q/d')),
      del('/q/b'),
      create('/q/c', '1234'),
    )
    expect(replies.map(({ err }) => err)).toEqual([0, -125, 0, -125, -125, 0, 0, 0, 0])
    expect(isThere(stage, '/other')).toBe(false)
  })

  it('are only counted unless enforced', () => {
    const stage = Stage.open()
    const client = stage.session()
    limit(stage, client, 'count=-1,bytes=-1=;byteHardLimit=1;countHardLimit=1')
    expect(stage.call(client, create('/q/a', '12345')).err).toBe(0)
  })
})
