import { describe, expect, it } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/index.ts'
import { sessionPassword } from '../../src/session/index.ts'
import { OutputBuffer, readGetDataResponse, writeConnectRequest } from '../../src/wire/index.ts'
import {
  auth,
  closeSession,
  create,
  decode,
  getData,
  ping,
  type Reply,
  Stage,
  setData,
  type WireClient,
} from './support/index.ts'

const NO_PASSWORD = '\0'.repeat(16)

/** Runs until the connection is over; what it received before. */
function untilClosed(stage: Stage, client: WireClient): number {
  stage.until(() => client.isClosed)
  return client.received
}

function expectRefused(stage: Stage, client: WireClient): void {
  // One frame of 37 bytes: everything zero but the length of the password.
  expect(untilClosed(stage, client)).toBe(4 + 37)
  expect(client.handshake).toEqual({
    protocolVersion: 0,
    timeOut: 0,
    sessionId: 0n,
    passwd: NO_PASSWORD,
    hasReadOnly: true,
    readOnly: false,
  })
}

describe('a new session', () => {
  it('gets id, password and timeout', () => {
    const stage = Stage.open()
    const client = stage.session({ timeoutMs: 5000 })
    const { handshake } = client
    expect(client.handshakeBytes).toBe(37)
    expect(handshake).toMatchObject({ protocolVersion: 0, timeOut: 5000, readOnly: false })
    expect(handshake!.sessionId >> 56n).toBe(1n)
    expect(handshake!.passwd).toBe(sessionPassword(handshake!.sessionId))
  })

  it('costs a zxid', () => {
    const stage = Stage.open()
    expect(stage.call(stage.session(), ping).zxid).toBe(1n)
    expect(stage.call(stage.session(), ping).zxid).toBe(2n)
  })

  it('is answered with 36 bytes when the request has no readOnly byte', () => {
    const stage = Stage.open()
    expect(stage.session({ hasReadOnly: false }).handshakeBytes).toBe(36)
  })

  it.each([
    [5000, 5000],
    [0, 2000],
    [-1, 2000],
    [1, 2000],
    [1_000_000, 20_000],
  ])('that asks for %d ms gets %d', (wanted, granted) => {
    const stage = Stage.open()
    expect(stage.session({ timeoutMs: wanted }).handshake!.timeOut).toBe(granted)
  })

  it.each([null, '', 'short'])('needs no password: %j', (password) => {
    const stage = Stage.open()
    expect(stage.session({ password }).handshake!.timeOut).toBeGreaterThan(0)
  })

  it('takes what was sent behind the connect request, in order, once it is there', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 10, latencyMsMax: 10 } })
    const pipelined = [auth('digest', 'u:p'), create('/a', 'x'), getData('/a')]
    const client = stage.client({ pipelined })
    stage.until(() => client.unanswered.length === 0 && client.handshake !== null)
    const [authenticated, created, read] = client.messages
    expect(authenticated).toMatchObject({ xid: -4, err: 0 })
    expect(created).toMatchObject({ xid: 1, zxid: 2n, err: 0 })
    expect(decode(read as Reply, readGetDataResponse).data).toBe('x')
  })

  it('exists and expires even if its client went before it was there', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 20, latencyMsMax: 20 } })
    const client = stage.client({ timeoutMs: 3000 })
    stage.until(() => stage.server.outstanding.requests === 1)
    client.destroy()
    stage.until(() => stage.server.state.sessions.size === 1)
    stage.runFor(2500)
    expect(stage.server.state.sessions.size).toBe(1)
    stage.runFor(2000)
    expect(stage.server.state.sessions.size).toBe(0)
    expect(stage.server.connections.size).toBe(0)
  })
})

describe('a session taken up again', () => {
  it('keeps id and password, gets its new timeout, and the older connection ends', () => {
    const stage = Stage.open()
    const first = stage.session({ timeoutMs: 8000 })
    stage.call(first, create('/a', '', { flags: 1 }))
    const second = stage.session({ ...first.credentials(), timeoutMs: 3000 })
    expect(second.handshake).toMatchObject({ ...first.handshake, timeOut: 3000 })
    stage.until(() => first.isClosed)
    expect(stage.call(second, getData('/a')).err).toBe(0)
  })

  it('costs no zxid', () => {
    const stage = Stage.open()
    const first = stage.session()
    const second = stage.session(first.credentials())
    expect(stage.call(second, ping).zxid).toBe(1n)
  })

  it('is refused with a wrong password, and the good connection stays', () => {
    const stage = Stage.open()
    const good = stage.session()
    const { sessionId } = good
    for (const password of [NO_PASSWORD, null, '', 'wrong wrong wrong', 'x'.repeat(16)]) {
      expectRefused(stage, stage.client({ sessionId, password }))
    }
    expect(stage.call(good, ping).err).toBe(0)
  })

  it('is refused when nobody knows the id, though the password fits', () => {
    const stage = Stage.open()
    const sessionId = 0x0100_0000_0000_0001n as SessionId
    expectRefused(stage, stage.client({ sessionId, password: sessionPassword(sessionId) }))
  })

  it('is refused once it is closed, but not before that is on disk', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 30, latencyMsMax: 30 } })
    const first = stage.session()
    first.send(closeSession)
    stage.until(() => stage.server.outstanding.requests === 1)
    const early = [stage.client(first.credentials()), stage.client(first.credentials())]
    stage.runFor(10)
    expect(early.map(({ received }) => received)).toEqual([0, 0])
    expect(stage.server.state.sessions.size).toBe(1)
    stage.until(() => stage.server.state.sessions.size === 0)
    for (const client of early) expectRefused(stage, client)
    expectRefused(stage, stage.client(first.credentials()))
  })

  it('lives on when a crash undoes its end, which nobody was told of', () => {
    let survivors = 0
    for (let seed = 1; seed <= 10; seed++) {
      const stage = Stage.open({ seed })
      const first = stage.session()
      stage.slowDisk(1000)
      first.send(closeSession)
      stage.runFor(10)
      const early = stage.client(first.credentials())
      stage.runFor(10)
      stage.crash()
      stage.slowDisk(1)
      stage.start()
      expect(early.received).toBe(0)
      // The write that was under way may have reached the disk.
      if (stage.server.state.sessions.size === 0) continue
      survivors += 1
      expect(stage.session(first.credentials()).sessionId).toBe(first.sessionId)
    }
    expect(survivors).toBeGreaterThan(0)
  })

  it('is refused once it has expired', () => {
    const stage = Stage.open()
    const first = stage.session({ timeoutMs: 2000 })
    stage.runFor(3500)
    expect(first.isClosed).toBe(true)
    expectRefused(stage, stage.client(first.credentials()))
  })

  it('sees what it asked for on the connection before', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 40, latencyMsMax: 40 } })
    const first = stage.session()
    first.send(create('/a', 'mine'))
    stage.until(() => stage.server.outstanding.requests === 1)
    first.destroy()
    const second = stage.session(first.credentials())
    expect(stage.server.outstanding.requests).toBe(1)
    const [read, written] = stage.callAll(second, getData('/a'), setData('/a', 'more'))
    expect(decode(read!, readGetDataResponse).data).toBe('mine')
    expect(written!.err).toBe(0)
  })

  it('takes over from a connection that still waits for replies', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 40, latencyMsMax: 40 } })
    const first = stage.session()
    first.send(create('/a', '1'), setData('/a', '2'), getData('/a'))
    stage.until(() => stage.server.outstanding.requests === 3)
    const second = stage.session(first.credentials())
    stage.until(() => first.isClosed)
    expect(first.messages).toEqual([])
    const read = stage.call(second, getData('/a'))
    expect(decode(read, readGetDataResponse).data).toBe('2')
    expect(stage.server.outstanding).toMatchObject({ requests: 0, bytes: 0 })
  })
})

describe('the last zxid a client has seen', () => {
  it.each([
    [-1n, true],
    [0n, true],
    [1n, true],
    [2n, false],
    [0x7fff_ffff_ffff_ffffn, false],
  ])('%d at a server with zxid 1', (lastZxidSeen, isAccepted) => {
    const stage = Stage.open()
    const first = stage.session()
    const options = { ...first.credentials(), lastZxidSeen: lastZxidSeen as Zxid }
    const second = stage.client(options)
    if (isAccepted) {
      stage.until(() => second.handshake !== null)
      expect(second.sessionId).toBe(first.sessionId)
    } else {
      expect(untilClosed(stage, second)).toBe(0)
      expect(stage.call(first, ping).err).toBe(0)
    }
  })
})

describe('a first frame that is no connect request', () => {
  it.each([
    ['empty', [0, 0, 0, 0]],
    ['too short', [0, 0, 0, 4, 1, 2, 3, 4]],
    ['with a password longer than itself', [0, 0, 0, 28, ...Array(24).fill(0), 0, 0, 1, 0]],
    ['of negative length', [0xff, 0xff, 0xff, 0xff]],
    ['one byte too long', [0, 0x10, 0, 0]],
  ])('%s ends the connection without a byte', (_, bytes) => {
    const stage = Stage.open()
    const client = stage.client({ isRaw: true })
    client.sendBytes(Uint8Array.from(bytes))
    expect(untilClosed(stage, client)).toBe(0)
    expect(stage.server.state.sessions.size).toBe(0)
  })

  it('may be longer than it needs to be, and costs no more memory than the limit', () => {
    const stage = Stage.open()
    const out = new OutputBuffer()
    const mark = out.beginFrame()
    writeConnectRequest(out, {
      protocolVersion: 77,
      lastZxidSeen: 0n as Zxid,
      timeOut: 5000,
      sessionId: 0n as SessionId,
      passwd: null,
      readOnly: false,
      hasReadOnly: true,
    })
    out.byteString('x'.repeat(1_000_000) as never)
    out.endFrame(mark)
    const frame = out.take()
    const client = stage.client({ isRaw: true })
    const kept = stage.config.limits.connectFrameKeptBytesMax
    client.sendBytes(frame.subarray(0, 4 + kept))
    // Answered as soon as what is kept is there: the rest is thrown away while it comes.
    stage.until(() => client.text.length > 0)
    client.sendBytes(frame.subarray(4 + kept))
    client.sendBytes(Uint8Array.from([0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 11]))
    stage.until(() => client.text.length === 4 + 37 + 4 + 16)
  })
})
