import { describe, expect, it } from 'vitest'
import { create, exists, getData, ping, Stage, setData, sync } from './support/index.ts'

const SLOW_DISK = { latencyMsMin: 30, latencyMsMax: 30 }

describe('a stop in order', () => {
  it('answers what it has taken, on disk first, then ends the connections', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const [client, other] = [stage.session(), stage.session()]
    const sent = client.send(create('/a', '1'), setData('/a', '2'), getData('/a'), sync('/a'))
    stage.until(() => stage.server.outstanding.requests === 4)
    expect(stage.stop()).toBeNull()
    stage.runFor(50)
    expect(sent.map(({ reply }) => reply?.err)).toEqual([0, 0, 0, 0])
    expect([client.isClosed, other.isClosed]).toEqual([true, true])
    stage.start()
    expect(stage.server.recovery).toMatchObject({ wasCleanStop: true, tornBytes: 0 })
    expect(stage.server.state.tree.find('/a')!.data).toBe('2')
  })

  it('keeps sessions and ephemerals', () => {
    const stage = Stage.open()
    const client = stage.session()
    stage.call(client, create('/e', '', { flags: 1 }))
    stage.stop()
    stage.start()
    const again = stage.session(client.credentials())
    expect(again.sessionId).toBe(client.sessionId)
    expect(stage.call(again, exists('/e')).err).toBe(0)
  })

  it('takes nothing new: requests and connections that come meanwhile are not served', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    const client = stage.session()
    const [first] = client.send(create('/a'))
    stage.until(() => stage.server.outstanding.requests === 1)
    let isStopped = false
    stage.server.stop(() => {
      isStopped = true
    })
    const [late] = client.send(create('/late'))
    const newcomer = stage.client()
    stage.until(() => isStopped)
    stage.runFor(50)
    expect(first!.reply!.err).toBe(0)
    expect(late!.reply).toBeNull()
    expect(newcomer.received).toBe(0)
    expect(newcomer.isClosed).toBe(true)
    expect(stage.server.state.tree.find('/late')).toBeUndefined()
  })

  it('waits only so long for a client that does not take its replies', () => {
    const stage = Stage.open({
      limits: { closeFlushTimeoutMs: 2000, outputHighWaterBytes: 200_000 },
    })
    const client = stage.session({ timeoutMs: 20_000 })
    stage.call(client, create('/a', 'x'.repeat(10_000)))
    client.pause()
    client.send(...Array.from({ length: 100 }, () => getData('/a')))
    stage.runFor(100)
    const before = stage.nowMs
    expect(stage.stop()).toBeNull()
    expect(stage.nowMs - before).toBeGreaterThan(1900)
    expect(stage.nowMs - before).toBeLessThan(2200)
  })

  it('does not wait for sessions to begin, words to come or connections without a word', () => {
    const stage = Stage.open({ disk: SLOW_DISK })
    stage.client({ isRaw: true })
    const connecting = stage.client()
    stage.until(() => stage.server.outstanding.requests === 1)
    const before = stage.nowMs
    expect(stage.stop()).toBeNull()
    expect(stage.nowMs - before).toBeLessThan(1000)
    stage.runFor(50)
    expect(connecting.isClosed).toBe(true)
  })

  it('lets nothing expire any more', () => {
    const stage = Stage.open()
    const client = stage.session({ timeoutMs: 2000 })
    stage.slowDisk(5000)
    client.send(create('/e', '', { flags: 1 }))
    stage.runFor(100)
    stage.stop()
    stage.slowDisk(0)
    stage.start()
    expect(stage.session(client.credentials()).sessionId).toBe(client.sessionId)
  })

  it.each([0, 1, 2, 3, 5, 8, 13, 20, 40])('is possible %d ms after the start', (ms) => {
    const stage = new Stage({ disk: { latencyMsMin: 1, latencyMsMax: 2 } })
    stage.launch()
    stage.runFor(ms)
    expect(stage.stop()).toBeNull()
    expect(stage.fatal).toBeNull()
    // The folder is released and the port is free.
    stage.start()
    expect(stage.call(stage.session(), ping).err).toBe(0)
  })

  it('leaves no open port, at whatever step of the start it comes', () => {
    for (let steps = 0; steps < 40; steps++) {
      const stage = new Stage()
      stage.launch()
      for (let i = 0; i < steps; i++) stage.world.events.step()
      let isStopped = false
      stage.server.stop(() => {
        isStopped = true
      })
      stage.until(() => isStopped)
      const client = stage.client()
      stage.runFor(100)
      expect(client.isOpen, `after ${steps} steps`).toBe(false)
    }
  })

  it('is possible after a failure', () => {
    const stage = Stage.open()
    stage.disk.injectFault({ kind: 'write', code: 'EIO' })
    const client = stage.client()
    stage.until(() => stage.fatal !== null)
    expect(stage.stop()).toBeNull()
    expect(client.received).toBe(0)
  })
})
