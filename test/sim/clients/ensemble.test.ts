import { describe, expect, it } from 'vitest'
import { ClientPool } from '../../../src/sim/clients/index.ts'
import { SimEnsemble, SimRandom, SimWorld } from '../../../src/sim/index.ts'
import { Recorder } from '../../../src/sim/recorder.ts'

describe('clients of three servers', { timeout: 60_000 }, () => {
  it.each([51, 52])('find every promise kept while leaders are killed (seed %d)', (seed) => {
    const recorder = new Recorder()
    const ensembles: SimEnsemble[] = []
    const world = new SimWorld(seed, {
      onHostEvent: (event) => {
        for (const each of ensembles) each.onHostEvent(event)
      },
    })
    const ensemble = new SimEnsemble(world, recorder, { voters: 3, observers: 0 })
    ensembles.push(ensemble)
    const pool = new ClientPool({
      random: new SimRandom(seed),
      world,
      servers: ensemble.clientAddresses,
      history: recorder,
      clients: 4,
      opsTarget: 600,
      durationMs: 40_000,
      timeoutMsMin: 2000,
      timeoutMsMax: 8000,
    })
    const until = (isDone: () => boolean): void => {
      expect(world.events.runUntilDone(isDone)).toBe(true)
    }
    ensemble.start()
    pool.start()
    while (pool.isIssuing) {
      world.events.runUntil(world.nowMs + 4000)
      const { leader } = ensemble
      if (leader === null) continue
      leader.host.crash()
      world.events.runUntil(world.nowMs + 500)
      leader.host.restart()
    }
    until(() => pool.isQuiet)
    pool.beginFinal()
    until(() => pool.isFinished)
    pool.checkFinal()
    expect(pool.violations).toEqual([])
    const { connects } = pool.counters()
    expect(connects).toBeGreaterThan(8)
    const accepted = recorder.events.filter(
      (event) => event.kind === 'connect' && event.outcome === 'accepted',
    )
    expect(new Set(accepted.map((event) => 'server' in event && event.server)).size).toBe(3)
  })
})
