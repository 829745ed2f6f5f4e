import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../src/base/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { OutputBuffer, readGetDataResponse, writeRequestHeader } from '../../src/wire/index.ts'
import {
  addWatch,
  auth,
  closeSession,
  create,
  createOp,
  decode,
  del,
  deleteOp,
  exists,
  getChildren,
  getData,
  multi,
  ping,
  type Request,
  Stage,
  setAcl,
  setData,
  setDataOp,
  setWatches,
  sync,
  type WireClient,
} from './support/index.ts'

function someRequest(random: SimRandom): Request {
  const paths = ['/a', '/a/b', '/c', '/a/b/c', '/', '', '/zookeeper/quota/a', '/c/']
  const path = paths[random.below(paths.length)]!
  const requests: readonly (() => Request)[] = [
    () => create(path, 'data', { flags: random.below(4) }),
    () => create(path, 'data', { type: 15 }),
    () => create(path, 'data', { type: 19, flags: 4 }),
    () => create(path, 'data', { type: 21, flags: 5, ttl: 1000n }),
    () => create(path, 'data', { acl: [{ perms: 31, scheme: 'digest', id: 'u:x' }] }),
    () => setData(path, 'data', random.below(3) - 1),
    () => del(path),
    () => setAcl(path, [{ perms: random.below(64) - 10, scheme: 'world', id: 'anyone' }]),
    () => multi(createOp(path), setDataOp(path, 'x'), deleteOp(path)),
    () => getData(path, true),
    () => exists(path, true),
    () => getChildren(path, true),
    () => sync(path),
    () => auth('digest', 'u:p'),
    () => addWatch(path, random.below(3)),
    () => setWatches(BigInt(random.below(5)) as never, { dataWatches: [path, '/gone'] }),
    () => ping,
  ]
  return requests[random.below(requests.length)]!()
}

/** A frame, more often than not with something wrong in it. */
function hostileFrame(random: SimRandom): Uint8Array {
  const request = someRequest(random)
  const out = new OutputBuffer()
  const mark = out.beginFrame()
  const type = random.oneIn(15) ? random.below(130) - 15 : request.type
  writeRequestHeader(out, random.below(10) - 5, type)
  request.writeBody(out)
  out.endFrame(mark)
  const frame = out.take().slice()
  const view = new DataView(frame.buffer)
  switch (random.below(8)) {
    case 0:
    case 1:
      for (let i = random.below(3); i >= 0; i--) {
        frame[8 + random.below(frame.length - 8)] = random.below(256)
      }
      return frame
    case 2: {
      // A length or count that is absurd.
      const at = 12 + random.below(Math.max(1, frame.length - 16))
      const values = [-1, -2, 0x7fff_ffff, -0x8000_0000, 1 << 20, 0xffff]
      if (at + 4 <= frame.length) view.setInt32(at, values[random.below(values.length)]!)
      return frame
    }
    case 3: {
      const length = random.below(frame.length - 4)
      view.setInt32(0, length)
      return frame.subarray(0, 4 + length)
    }
    case 4:
      // Too long, or out of step with what follows.
      if (random.oneIn(4)) frame[random.oneIn(2) ? 0 : 3] = random.below(256)
      return frame
    default:
      return frame
  }
}

function connect(stage: Stage): WireClient {
  const client = stage.session({ timeoutMs: 5000 }, 2)
  // What comes back is not looked at: the xids are as wrong as the rest.
  client.onBytes = () => {}
  return client
}

describe('whatever bytes a client sends', () => {
  it.each([1, 2, 3, 4])('others are served, and the log can be replayed (seed %d)', (seed) => {
    const stage = Stage.open({
      seed,
      config: { extendedTypes: true, enforceQuota: true },
      limits: { connectionsPerAddressMax: 0 },
    })
    const random = new SimRandom(seed)
    const good = stage.session({ timeoutMs: 20_000 })
    stage.call(good, create('/good', 'x'))
    let client = connect(stage)
    for (let i = 0; i < 2000; i++) {
      if (client.isClosed || random.oneIn(50)) client = connect(stage)
      client.sendBytes(hostileFrame(random))
      if (random.oneIn(3)) stage.runFor(random.below(10) / 10)
      if (random.oneIn(100)) client.send(closeSession)
    }
    expect(decode(stage.call(good, getData('/good')), readGetDataResponse).data).toBe('x')
    stage.runFor(7000)
    expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
    const { tree, sessions } = stage.server.state
    expect(tree.digestMismatches).toBe(0)
    expect(stage.server.lastApplied).toBeGreaterThan(200n)
    const before = [tree.digest(), tree.systemDigest(), sessions.digest(), tree.znodeCount]
    const { lastApplied } = stage.server
    stage.crash()
    stage.start()
    const again = stage.server.state
    expect(stage.server.lastApplied).toBe(lastApplied)
    expect([
      again.tree.digest(),
      again.tree.systemDigest(),
      again.sessions.digest(),
      again.tree.znodeCount,
    ]).toEqual(before)
    expect(again.tree.digestMismatches).toBe(0)
  })

  it('before the handshake, they cost nothing', () => {
    const stage = Stage.open({ limits: { connectionsPerAddressMax: 0 } })
    const random = new SimRandom(5)
    for (let i = 0; i < 300; i++) {
      const client = stage.client({ isRaw: true })
      const bytes = new Uint8Array(random.below(60))
      random.fill(bytes)
      if (random.oneIn(2) && bytes.length >= 4) bytes.set([0, 0, 0, random.below(60)])
      client.sendBytes(bytes)
      stage.runFor(random.below(3))
    }
    stage.runFor(30_000)
    expect(stage.server.connections.size).toBe(0)
    expect(stage.server.watches.watchCount()).toBe(0)
  })
})

describe('a rule of the program that is broken', () => {
  it('while a write is applied ends the program: nobody catches it', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.server.state.apply = () => {
      throw new InvariantError('broken for the test')
    }
    const [sent] = client.send(create('/a'))
    expect(() => stage.until(() => sent!.reply !== null)).toThrow(InvariantError)
    expect(sent!.reply).toBeNull()
  })

  it('while a request is read ends it too', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.server.state.tree.find = () => {
      throw new InvariantError('broken for the test')
    }
    for (const request of [getData('/'), create('/a')]) {
      client.send(request)
      expect(() => stage.until(() => client.unanswered.length === 0)).toThrow(InvariantError)
    }
  })
})
