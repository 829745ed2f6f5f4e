import { describe, expect, it } from 'vitest'
import { WORKLOAD_NAMES } from '../../../src/sim/clients/index.ts'
import { create } from '../../server/support/index.ts'
import { Play } from './support.ts'

describe('clients of a healthy server', { timeout: 30_000 }, () => {
  it.each([1, 2, 3, 4, 5, 6])('find every promise kept (seed %d)', (seed) => {
    const { pool } = new Play(seed).run()
    expect(pool.violations).toEqual([])
    expect(pool.invoked).toBeGreaterThanOrEqual(1000)
  })

  it.each(WORKLOAD_NAMES)('find every promise kept by %s alone', (name) => {
    const { pool } = new Play(11, { opsTarget: 400, weights: { [name]: 1 } }).run()
    expect(pool.violations).toEqual([])
    const { errors, ok } = pool.counters()
    const refused = [...errors.values()].reduce((sum, count) => sum + count, 0)
    expect(ok + refused).toBeGreaterThan(300)
  })

  it('do what a session can suffer, and notice', () => {
    const { pool } = new Play(12, { weights: { ephemerals: 1, sessions: 2, watching: 1 } }).run()
    expect(pool.violations).toEqual([])
    const { ambiguous, connects, expirations, watchesReset } = pool.counters()
    expect(ambiguous).toBeGreaterThan(0)
    expect(connects).toBeGreaterThan(20)
    expect(expirations).toBeGreaterThan(5)
    expect(watchesReset).toBeGreaterThan(5)
  })

  it('roll over the end of the xids', () => {
    const { pool, recorder } = new Play(13, { opsTarget: 200, firstXid: 0x7fff_fffe }).run()
    expect(pool.violations).toEqual([])
    const xids = new Set(recorder.events.map((event) => event.kind === 'return' && event.xid))
    expect(xids.has(0x7fff_ffff) && xids.has(1)).toBe(true)
  })

  it('do the same again with the same seed', () => {
    const [once, again, other] = [41, 41, 42].map((seed) =>
      new Play(seed, { opsTarget: 400 }).run(),
    )
    expect(again!.recorder.traceHash()).toBe(once!.recorder.traceHash())
    expect(other!.recorder.traceHash()).not.toBe(once!.recorder.traceHash())
  })

  it('go on with a new session when their machine is started again', () => {
    const play = new Play(14, { opsTarget: 600 })
    const host = play.stage.world.host('c2')
    const { pool } = play.run(() => {
      host.resume()
      host.crash()
      host.restart()
    })
    expect(pool.violations).toEqual([])
    expect(pool.shared.sessionIds.size).toBeGreaterThan(5)
    expect(pool.invoked).toBeGreaterThanOrEqual(600)
  })

  it('compare what they read at the end only when it is of one time', () => {
    const { pool, stage } = new Play(15, { opsTarget: 300, clients: 6 })
    pool.start()
    stage.until(() => !pool.isIssuing)
    pool.stopIssuing()
    stage.until(() => pool.isQuiet)
    const late = stage.session()
    pool.beginFinal()
    for (let i = 0; i < 60; i += 1) {
      late.send(create(`/late-${i}`))
      stage.runFor(0.5)
    }
    stage.until(() => pool.isFinished)
    pool.checkFinal()
    expect(pool.violations).toEqual([])
  })

  it('differ in kind from seed to seed', () => {
    const absent = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const { weights } = new Play(seed).pool
      return WORKLOAD_NAMES.filter((name) => weights[name] === 0).join()
    })
    expect(new Set(absent).size).toBeGreaterThan(5)
  })
})

describe('clients of a server that is killed again and again', { timeout: 30_000 }, () => {
  it.each([21, 22, 23, 24])('find every promise kept (seed %d)', (seed) => {
    const play = new Play(seed)
    play.run(() => {
      play.stage.kill()
      play.stage.runFor(300)
      play.stage.start()
    }, 3000)
    const { pool } = play
    expect(pool.violations).toEqual([])
    expect(pool.counters().connects).toBeGreaterThan(20)
  })

  it.each([31, 32])('also when the power goes, with a slow disk (seed %d)', (seed) => {
    const play = new Play(seed, {}, { disk: { latencyMsMin: 0, latencyMsMax: 30 } })
    play.run(() => {
      play.stage.crash()
      play.stage.start()
    }, 2000)
    const { pool } = play
    expect(pool.violations).toEqual([])
    expect(pool.counters().ambiguous).toBeGreaterThan(0)
  })
})
