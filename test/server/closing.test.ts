import { describe, expect, it } from 'vitest'
import { EventType, OpCode, readGetDataResponse } from '../../src/wire/index.ts'
import {
  auth,
  closeSession,
  create,
  decode,
  exists,
  getChildren,
  getData,
  ping,
  type Request,
  raw,
  Stage,
  setData,
  type WireClient,
} from './support/index.ts'

const SLOW_DISK = { latencyMsMin: 20, latencyMsMax: 20 }

/** Sends everything in one write; xids and errors that came back before the connection ended. */
function untilClosed(stage: Stage, client: WireClient, ...requests: Request[]): number[][] {
  client.send(...requests)
  stage.until(() => client.isClosed)
  return client.messages.map((message) =>
    message.kind === 'reply' ? [message.xid, message.err] : [-1, message.type],
  )
}

describe('closeSession', () => {
  it('is answered behind everything asked before, and nothing asked behind it is done', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    const replies = untilClosed(
      stage,
      client,
      create('/a', '0'),
      getData('/a'),
      closeSession,
      setData('/a', 'too late'),
      getData('/a'),
    )
    expect(replies).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
    ])
    expect(stage.server.lastApplied).toBe(client.messages[2]!.zxid)
    const other = stage.session()
    expect(decode(stage.call(other, getData('/a')), readGetDataResponse).data).toBe('0')
  })

  it('tells about the end of its own ephemerals before the reply, at one zxid', () => {
    const stage = Stage.open()
    const client = stage.session()
    for (const path of ['/e1', '/e2']) {
      stage.call(client, create(path, '', { flags: 1 }))
      stage.call(client, exists(path, true))
    }
    stage.call(client, getChildren('/', true))
    client.messages.length = 0
    // The third is still on its way when the session is closed.
    untilClosed(stage, client, create('/e3', '', { flags: 1 }), closeSession)
    const closing = client.messages.slice(-1)[0]!
    expect(closing).toMatchObject({ kind: 'reply', err: 0 })
    const deleted = client.events.filter(({ type }) => type === EventType.nodeDeleted)
    expect(deleted.map(({ path }) => path).sort()).toEqual(['/e1', '/e2'])
    expect(deleted.every(({ zxid }) => zxid === closing.zxid)).toBe(true)
    expect(client.messages.indexOf(deleted[1]!)).toBeLessThan(client.messages.length - 1)
    expect(stage.server.state.tree.ephemeralCount).toBe(0)
  })

  it('costs a zxid, and its session is gone', () => {
    const stage = Stage.open()
    const client = stage.session()
    const reply = stage.call(client, closeSession)
    expect(reply.zxid).toBe(2n)
    expect(stage.server.state.sessions.size).toBe(0)
    stage.until(() => client.isClosed)
    expect(stage.server.watches.watchCount()).toBe(0)
  })
})

describe('an unknown opcode', () => {
  it.each([
    OpCode.notification,
    10,
    OpCode.check,
    OpCode.deleteContainer,
    OpCode.createSession,
    OpCode.error,
    23,
    99,
    0x7fff_ffff,
    -12,
  ])('%d is answered with -6 and zxid -1, and nothing behind it is done', (opcode) => {
    const stage = Stage.open()
    const client = stage.session()
    const replies = untilClosed(stage, client, ping, raw(opcode), create('/late'))
    expect(replies).toEqual([
      [-2, 0],
      [1, -6],
    ])
    expect(client.messages[1]!.zxid).toBe(-1n)
    expect(stage.server.state.tree.find('/late')).toBeUndefined()
    expect(stage.server.lastApplied).toBe(1n)
  })

  it('waits for the replies owed before', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    const replies = untilClosed(stage, client, create('/a'), raw(42), create('/late'))
    expect(replies).toEqual([
      [1, 0],
      [2, -6],
    ])
    expect(stage.server.state.tree.find('/late')).toBeUndefined()
  })
})

describe('auth', () => {
  const OWN = [{ perms: 31, scheme: 'auth', id: '' }]

  it('counts for what is read behind it, and not for what was read before', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const owner = stage.session()
    stage.call(owner, auth('digest', 'u:p'))
    stage.call(owner, create('/mine', 'x', { acl: OWN }))
    const client = stage.session()
    const replies = stage.callAll(
      client,
      create('/other'),
      getData('/mine'),
      setData('/mine', 'y'),
      auth('digest', 'u:p'),
      getData('/mine'),
      setData('/mine', 'y'),
    )
    expect(replies.map(({ err }) => err)).toEqual([0, -102, -102, 0, 0, 0])
    expect(replies[3]).toMatchObject({ xid: -4, zxid: 0n })
  })

  it('refused: the answer comes behind those owed, then the connection ends, the session lives', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    const replies = untilClosed(stage, client, create('/a'), auth('nosuch', 'u:p'), create('/late'))
    expect(replies).toEqual([
      [1, 0],
      [-4, -115],
    ])
    expect(client.messages[1]!.zxid).toBe(0n)
    expect(stage.server.state.tree.find('/late')).toBeUndefined()
    expect(stage.session(client.credentials()).sessionId).toBe(client.sessionId)
    expect(stage.server.status().authFailedCount).toBe(1)
  })

  it('is forgotten with the connection', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.call(client, auth('digest', 'u:p'))
    stage.call(client, create('/mine', 'x', { acl: OWN }))
    const again = stage.session(client.credentials())
    expect(stage.call(again, getData('/mine')).err).toBe(-102)
  })

  it('malformed ends the connection without an answer', () => {
    const stage = Stage.open()
    expect(untilClosed(stage, stage.session(), raw(OpCode.auth, [0, 0]))).toEqual([])
    expect(untilClosed(stage, stage.session(), raw(OpCode.sasl, [0]))).toEqual([])
  })
})

describe('a malformed request', () => {
  it.each([
    OpCode.create,
    OpCode.create2,
    OpCode.delete,
    OpCode.setData,
    OpCode.setACL,
    OpCode.multi,
    OpCode.reconfig,
    OpCode.createContainer,
    OpCode.createTTL,
    OpCode.exists,
    OpCode.getData,
    OpCode.getChildren,
    OpCode.getChildren2,
    OpCode.getACL,
    OpCode.sync,
    OpCode.multiRead,
    OpCode.setWatches,
    OpCode.setWatches2,
    OpCode.addWatch,
    OpCode.checkWatches,
    OpCode.removeWatches,
    OpCode.getEphemerals,
    OpCode.getAllChildrenNumber,
  ])('of type %d is answered with -5 in its turn, costs no zxid and is forgiven', (type) => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    const replies = stage.callAll(client, create('/a'), raw(type, [0, 0, 0]), getData('/a'))
    expect(replies.map(({ err }) => err)).toEqual([0, -5, 0])
    expect(replies.map(({ zxid }) => zxid)).toEqual([2n, 2n, 2n])
    expect(stage.call(client, raw(type, [0, 0, 0]))).toMatchObject({ err: -5, zxid: 2n })
  })

  it.each([0, 1, 7])('of %d bytes has no header and ends the connection', (length) => {
    const stage = Stage.open()
    const client = stage.session()
    client.sendBytes(Uint8Array.from([0, 0, 0, length, ...Array(length).fill(0)]))
    stage.until(() => client.isClosed)
    expect(client.messages).toEqual([])
    expect(stage.session(client.credentials()).sessionId).toBe(client.sessionId)
  })

  it.each([
    ['negative', [0x80, 0, 0, 0]],
    ['a four-letter word', [0x72, 0x75, 0x6f, 0x6b]],
    ['one more than the limit', [0, 0x10, 0, 0]],
  ])('whose length is %s ends the connection', (_, bytes) => {
    const stage = Stage.open()
    const client = stage.session()
    client.sendBytes(Uint8Array.from(bytes))
    stage.until(() => client.isClosed)
    expect(client.messages).toEqual([])
    expect(stage.server.state.sessions.size).toBe(1)
  })

  it('as long as the limit is taken', () => {
    const stage = Stage.open({ limits: { logSegmentBytes: 4 * 1024 * 1024 } })
    const client = stage.session()
    // Header 8, path 6, data 4, ACL 4 + 4 + 9 + 10, flags 4 bytes.
    const data = 'x'.repeat(stage.config.limits.requestFrameBytesMax - 49)
    expect(stage.call(client, create('/a', data)).err).toBe(0)
    client.send(create('/b', `${data}x`))
    stage.until(() => client.isClosed)
  })
})

describe('a client that goes', () => {
  it('by a half-close gets no reply, but its write is done', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    client.send(create('/a'))
    client.end()
    stage.until(() => stage.server.connections.size === 0)
    stage.runFor(100)
    expect(client.messages).toEqual([])
    expect(stage.server.state.tree.find('/a')).toBeDefined()
  })

  it('leaves no watches behind', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.callAll(client, getData('/', true), getChildren('/', true))
    expect(stage.server.watches.watchCount()).toBe(2)
    client.destroy()
    stage.until(() => stage.server.connections.size === 0)
    expect(stage.server.watches.watchCount()).toBe(0)
  })
})
