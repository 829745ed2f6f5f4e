import { describe, expect, it } from 'vitest'
import { EventType, readStat } from '../../src/wire/index.ts'
import {
  closeSession,
  create,
  decode,
  exists,
  getData,
  ping,
  Stage,
  setData,
  TICK_MS,
  type WireClient,
} from './support/index.ts'

const EPHEMERAL = { flags: 1 }

/** Sends a ping now and then for `ms`. */
function pingFor(stage: Stage, ms: number, clients: readonly WireClient[]): void {
  for (const until = stage.nowMs + ms; stage.nowMs < until; ) {
    for (const client of clients) client.send(ping)
    stage.runFor(500)
  }
}

describe('expiry', () => {
  it.each([
    [2000, 0],
    [2500, 130],
    [3000, 999],
    [5000, 1],
  ])('of a session of %d ms comes at the next tick after its time', (timeoutMs, offsetMs) => {
    const stage = Stage.open()
    stage.runFor(TICK_MS + offsetMs)
    const client = stage.session({ timeoutMs })
    stage.call(client, ping)
    const touchedMs = stage.nowMs
    stage.until(() => stage.server.state.sessions.size === 0)
    // The touch was a little before its reply was here; the closeSession goes through the disk.
    const livedMs = stage.nowMs - touchedMs
    expect(livedMs).toBeGreaterThan(timeoutMs - 10)
    expect(livedMs).toBeLessThan(timeoutMs + TICK_MS + 10)
    const expiredMs = stage.logLines.find(({ message }) => message === 'session expired')!.atMs
    expect(expiredMs % TICK_MS).toBe(0)
  })

  it('does not come while there are pings or other requests', () => {
    const stage = Stage.open()
    const clients = [stage.session({ timeoutMs: 2000 }), stage.session({ timeoutMs: 2000 })]
    for (let i = 0; i < 20; i++) {
      clients[0]!.send(ping)
      clients[1]!.send(getData('/'))
      stage.runFor(1900)
    }
    expect(clients.some(({ isClosed }) => isClosed)).toBe(false)
  })

  it('closes the connection without a reply and deletes the ephemerals, watches told', () => {
    const stage = Stage.open()
    const [silent, other] = [stage.session({ timeoutMs: 2000 }), stage.session()]
    stage.callAll(silent, create('/e1', '', EPHEMERAL), create('/e2', '', EPHEMERAL))
    stage.callAll(other, exists('/e1', true), exists('/e2', true))
    silent.messages.length = 0
    pingFor(stage, 4000, [other])
    expect(silent.isClosed).toBe(true)
    expect(silent.messages).toEqual([])
    const [first, second] = other.events
    expect(other.events.map(({ type }) => type)).toEqual([
      EventType.nodeDeleted,
      EventType.nodeDeleted,
    ])
    expect(first!.zxid).toBe(second!.zxid)
    expect(stage.call(other, exists('/e1')).err).toBe(-101)
  })

  it('makes what is read after it fail, so that it leaves nothing behind', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 300, latencyMsMax: 300 } })
    const client = stage.session({ timeoutMs: 2000 })
    stage.until(() => stage.logLines.some(({ message }) => message === 'session expired'))
    client.send(create('/orphan', '', EPHEMERAL), create('/plain'))
    stage.until(() => client.isClosed)
    stage.runFor(2000)
    expect(client.messages).toEqual([])
    const { tree, sessions } = stage.server.state
    expect(sessions.size).toBe(0)
    expect(tree.find('/orphan')).toBeUndefined()
    expect(tree.find('/plain')).toBeUndefined()
    expect(tree.ephemeralCount).toBe(0)
  })

  it('takes ephemerals along whose create is still on its way', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 100, latencyMsMax: 100 } })
    const client = stage.session({ timeoutMs: 2000 })
    stage.call(client, ping)
    const touchedMs = stage.nowMs
    // Read in time to keep the session, then the client goes; the disk takes longer than the session lives.
    stage.slowDisk(4000)
    client.send(create('/e', '', EPHEMERAL))
    stage.runFor(20)
    client.destroy()
    stage.until(() => stage.server.state.tree.find('/e') !== undefined)
    stage.until(() => stage.server.state.sessions.size === 0)
    expect(stage.nowMs - touchedMs).toBeGreaterThan(4000)
    expect(stage.server.state.tree.find('/e')).toBeUndefined()
  })

  it('does not count time in which the process did not run', () => {
    const stage = Stage.open()
    const clients = [stage.session({ timeoutMs: 2000 }), stage.session({ timeoutMs: 3000 })]
    pingFor(stage, 3000, clients)
    stage.freeze(60_000, () => {
      // Sent while nobody reads.
      for (const client of clients) client.send(ping)
    })
    pingFor(stage, 3000, clients)
    expect(clients.every(({ isClosed }) => !isClosed)).toBe(true)
    stage.runFor(5000)
    expect(stage.server.state.sessions.size).toBe(0)
  })

  it('looks at what has come before it decides, after a pause too short to notice', () => {
    const stage = Stage.open()
    const client = stage.session({ timeoutMs: 2000 })
    const deadlineMs = Math.floor((stage.nowMs + 2000) / TICK_MS + 1) * TICK_MS
    stage.runFor(deadlineMs - 300 - stage.nowMs)
    stage.freeze(600, () => client.send(ping))
    stage.runFor(1500)
    expect(client.isClosed).toBe(false)
    expect(client.unanswered).toEqual([])
    expect(stage.logLines.every(({ message }) => !message.includes('did not run'))).toBe(true)
  })

  it('does not count against a client that the server has stopped reading', () => {
    const stage = Stage.open({ limits: { outstandingPerConnectionMax: 2 } })
    const client = stage.session({ timeoutMs: 2000 })
    stage.call(client, create('/a'))
    stage.slowDisk(6000)
    const sent = client.send(setData('/a', '1'), setData('/a', '2'), setData('/a', '3'))
    pingFor(stage, 5500, [client])
    expect(stage.server.state.sessions.size).toBe(1)
    stage.slowDisk(1)
    stage.until(() => sent[2]!.reply !== null)
    expect(sent[2]!.reply!.err).toBe(0)
    // From here on it is read, and silence counts.
    stage.until(() => client.unanswered.length === 0)
    stage.runFor(3500)
    expect(stage.server.state.sessions.size).toBe(0)
  })

  it('takes the timeout of the last connect', () => {
    const stage = Stage.open()
    const first = stage.session({ timeoutMs: 10_000 })
    const second = stage.session({ ...first.credentials(), timeoutMs: 2000 })
    stage.runFor(3100)
    expect(second.isClosed).toBe(true)
  })
})

describe('after a restart', () => {
  it('sessions have a full timeout, their ephemerals and their passwords', () => {
    const stage = Stage.open()
    const first = stage.session({ timeoutMs: 4000 })
    stage.call(first, create('/e', '', EPHEMERAL))
    stage.runFor(3000)
    stage.crash()
    stage.runFor(60_000)
    stage.start()
    stage.runFor(3900)
    const second = stage.session({ ...first.credentials(), timeoutMs: 4000 })
    expect(second.sessionId).toBe(first.sessionId)
    const stat = decode(stage.call(second, exists('/e')), readStat)
    expect(stat.ephemeralOwner).toBe(first.sessionId)
  })

  it('sessions nobody takes up expire', () => {
    const stage = Stage.open()
    stage.call(stage.session({ timeoutMs: 4000 }), create('/e', '', EPHEMERAL))
    stage.crash()
    stage.start()
    stage.runFor(5100)
    expect(stage.server.state.sessions.size).toBe(0)
    expect(stage.server.state.tree.find('/e')).toBeUndefined()
  })

  it('closed sessions stay closed', () => {
    const stage = Stage.open()
    const first = stage.session()
    stage.call(first, closeSession)
    stage.crash()
    stage.start()
    const second = stage.client(first.credentials())
    stage.until(() => second.isClosed)
    expect(second.handshake!.timeOut).toBe(0)
  })
})
