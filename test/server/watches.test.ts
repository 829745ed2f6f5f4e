import { describe, expect, it } from 'vitest'
import type { Zxid } from '../../src/base/index.ts'
import { AddWatchMode, EventType, readGetDataResponse } from '../../src/wire/index.ts'
import {
  addWatch,
  auth,
  create,
  createOp,
  decode,
  del,
  exists,
  getChildren,
  getData,
  type Message,
  multi,
  raw,
  Stage,
  setData,
  setDataOp,
  setWatches,
} from './support/index.ts'

const { nodeCreated, nodeDeleted, nodeDataChanged, nodeChildrenChanged } = EventType

/** Events as `[type, path]`, replies as their xid. */
function outline(messages: readonly Message[]): unknown[] {
  return messages.map((m) => (m.kind === 'event' ? [m.type, m.path] : m.xid))
}

describe('events', () => {
  it('of an own write come before its reply, with its zxid', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.callAll(client, exists('/a', true), getChildren('/', true))
    client.messages.length = 0
    const reply = stage.call(client, create('/a'))
    expect(outline(client.messages)).toEqual([[nodeCreated, '/a'], [nodeChildrenChanged, '/'], 3])
    expect(client.messages.map(({ zxid }) => zxid)).toEqual([reply.zxid, reply.zxid, reply.zxid])
  })

  it('of the write of somebody else come before any reply that shows it', () => {
    const stage = Stage.open()
    const [writer, reader] = [stage.session(), stage.session()]
    stage.call(writer, create('/a', '0'))
    for (let i = 1; i <= 30; i++) {
      stage.call(reader, getData('/a', true))
      reader.messages.length = 0
      writer.send(setData('/a', String(i)))
      let value: string | null = String(i - 1)
      while (value === String(i - 1)) {
        value = decode(stage.call(reader, getData('/a')), readGetDataResponse).data
      }
      const kinds = reader.messages.map(({ kind }) => kind)
      expect(kinds.filter((kind) => kind === 'event')).toHaveLength(1)
      expect(kinds.at(-1)).toBe('reply')
      expect(kinds.at(-2)).toBe('event')
    }
  })

  it('of a multi come in the order of its operations, all with its zxid', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.callAll(client, create('/a'), addWatch('/', AddWatchMode.persistentRecursive))
    client.messages.length = 0
    const reply = stage.call(
      client,
      multi(createOp('/b'), setDataOp('/a', 'x'), createOp('/b/c'), setDataOp('/b', 'y')),
    )
    expect(outline(client.messages.slice(0, -1))).toEqual([
      [nodeCreated, '/b'],
      [nodeDataChanged, '/a'],
      [nodeCreated, '/b/c'],
      [nodeDataChanged, '/b'],
    ])
    expect(new Set(client.messages.map(({ zxid }) => zxid))).toEqual(new Set([reply.zxid]))
  })

  it('of a failed multi do not exist', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.callAll(client, create('/a'), addWatch('/', AddWatchMode.persistentRecursive))
    client.messages.length = 0
    stage.call(client, multi(setDataOp('/a', 'x'), createOp('/a')))
    expect(client.events).toEqual([])
  })

  it('are kept from who may not read the znode, and their watch is used up', () => {
    const stage = Stage.open()
    const [owner, other] = [stage.session(), stage.session()]
    stage.call(owner, auth('digest', 'u:p'))
    stage.callAll(other, exists('/secret', true))
    const acl = [{ perms: 31, scheme: 'auth', id: '' }]
    stage.call(owner, create('/secret', '', { acl }))
    stage.call(owner, del('/secret'))
    stage.call(other, getData('/'))
    expect(other.events).toEqual([])
    expect(stage.server.watches.watchCount()).toBe(0)
  })

  it('end with the connection, which is not told of anything after its end began', () => {
    const stage = Stage.open()
    const [writer, reader] = [stage.session(), stage.session()]
    stage.call(writer, create('/a'))
    stage.call(reader, getData('/a', true))
    reader.destroy()
    stage.until(() => stage.server.connections.size === 1)
    stage.call(writer, setData('/a', 'x'))
    expect(reader.events).toEqual([])
  })
})

describe('a connection that is about to end', () => {
  it('is told of nothing behind its last reply', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 20, latencyMsMax: 20 } })
    const [writer, client] = [stage.session(), stage.session()]
    stage.call(writer, create('/a'))
    stage.call(client, getData('/a', true))
    client.messages.length = 0
    // Behind this write the next two go to the disk together, in this order.
    const [first] = writer.send(create('/b'))
    stage.until(() => stage.server.outstanding.requests === 1)
    client.send(create('/c'), raw(42))
    stage.until(() => stage.server.outstanding.requests === 3)
    const [second] = writer.send(setData('/a', 'x'))
    stage.until(() => client.isClosed && second!.reply !== null)
    expect(second!.reply!.zxid).toBe(first!.reply!.zxid + 2n)
    expect(outline(client.messages)).toEqual([2, 3])
  })
})

describe('setWatches', () => {
  it('tells what was missed before its reply, with zxid -1, and sets the rest', () => {
    const stage = Stage.open()
    const writer = stage.session()
    const paths = ['/same', '/changed', '/gone', '/parent', '/quiet']
    stage.callAll(writer, ...paths.map((path) => create(path)))
    const seen = stage.call(writer, getData('/')).zxid
    stage.callAll(
      writer,
      setData('/changed', 'x'),
      del('/gone'),
      create('/parent/child'),
      create('/appeared'),
    )
    const client = stage.session()
    const reply = stage.call(
      client,
      setWatches(seen, {
        dataWatches: ['/same', '/changed', '/gone'],
        existWatches: ['/appeared', '/missing'],
        childWatches: ['/parent', '/quiet', '/gone'],
      }),
    )
    expect(outline(client.messages)).toEqual([
      [nodeDataChanged, '/changed'],
      [nodeDeleted, '/gone'],
      [nodeCreated, '/appeared'],
      [nodeChildrenChanged, '/parent'],
      [nodeDeleted, '/gone'],
      reply.xid,
    ])
    expect(client.events.every(({ zxid }) => zxid === -1n)).toBe(true)
    client.messages.length = 0
    stage.callAll(
      writer,
      setData('/same', 'x'),
      create('/missing'),
      create('/quiet/child'),
      setData('/changed', 'y'),
    )
    stage.call(client, getData('/'))
    expect(client.events.map(({ type, path }) => [type, path])).toEqual([
      [nodeDataChanged, '/same'],
      [nodeCreated, '/missing'],
      [nodeChildrenChanged, '/quiet'],
    ])
  })

  it('behind an unfinished write of its own waits for it', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 20, latencyMsMax: 20 } })
    const client = stage.session()
    const created = stage.call(client, create('/a'))
    client.messages.length = 0
    const [written, watched] = stage.callAll(
      client,
      setData('/a', 'x'),
      setWatches(created.zxid, { dataWatches: ['/a'] }),
    )
    expect(outline(client.messages)).toEqual([written!.xid, [nodeDataChanged, '/a'], watched!.xid])
  })

  it('with more events than the output may hold cuts the connection and leaves no watch', () => {
    const stage = Stage.open({ limits: { outputBytesMax: 64 * 1024 } })
    const client = stage.session()
    const missing = Array.from({ length: 4000 }, (_, i) => `/missing-${i}`)
    client.send(setWatches(0n as Zxid, { dataWatches: missing, existWatches: missing }))
    let most = 0
    stage.until(() => {
      for (const { out } of stage.server.connections) most = Math.max(most, out.length)
      return client.isClosed
    })
    expect(most).toBeLessThan(65 * 1024)
    expect(stage.server.watches.watchCount()).toBe(0)
    expect(stage.server.connections.size).toBe(0)
  })
})
