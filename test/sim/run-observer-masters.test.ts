import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/sim/clients/index.ts'
import { createOp } from '../../src/sim/clients/roots.ts'
import type { SimMember } from '../../src/sim/index.ts'
import { type ByteString, CreateMode, ErrorCode, OpCode } from '../../src/wire/index.ts'
import { Theatre } from './theatre.ts'

/* Observers that followers serve. All checkers look at each scene in the end. */

const OK = { err: ErrorCode.ok }
const PORT = 2191

function theatre(windowBytesMax: number = 1 << 20): Theatre {
  const ensemble = { observerMaster: { port: PORT, windowBytesMax } }
  return new Theatre({ tickTimeMs: 500, observers: 2, ensemble }).open()
}

function observerOf({ ensemble }: Theatre): SimMember {
  return ensemble.member(ensemble.observers[0]!)
}

/** Whom the observer has its transactions from. */
function masterOf({ ensemble }: Theatre, observer: SimMember): SimMember {
  return ensemble.member(observer.server!.status().quorum!.learnerMaster!)
}

function create(path: string, flags: CreateMode = CreateMode.persistent): Operation {
  return createOp(path, '', flags) as Operation
}

function set(path: string, data: string): Operation {
  return { type: OpCode.setData, path, data: data as ByteString, version: -1 }
}

describe('an observer', () => {
  test('is served by a follower, which passes on what its clients want', () => {
    const stage = theatre()
    const observer = observerOf(stage)
    const master = masterOf(stage, observer)
    expect(master).not.toBe(stage.leader)
    expect(master.server!.status().quorum!.observerCount).toBeGreaterThan(0)
    const near = stage.actor([observer])
    const far = stage.actor([stage.leader])
    expect(near.ask(create('/a'))).toMatchObject(OK)
    expect(near.ask(create('/e', CreateMode.ephemeral))).toMatchObject(OK)
    for (let i = 0; i < 20; i += 1) {
      expect(far.ask(set('/a', `${i}`))).toMatchObject(OK)
      expect(near.readSynced('/a').data).toBe(`${i}`)
    }
    // Only its pings, by way of the master, keep the session alive.
    stage.runFor(10_000)
    expect(near.ended).toEqual([])
    expect(far.readSynced('/e')).toMatchObject(OK)
    stage.close()
  })

  test.each([
    ['a difference', 1 << 20],
    ['the whole state', 0],
  ])('that comes back gets %s, and goes on while writes go on', (_, windowBytesMax) => {
    const stage = theatre(windowBytesMax)
    const observer = observerOf(stage)
    const writer = stage.actor([stage.leader])
    expect(writer.ask(create('/a'))).toMatchObject(OK)
    for (let round = 0; round < 4; round += 1) {
      observer.host.crash()
      for (let i = 0; i < 30; i += 1) writer.ask(create(`/a/${round}-${i}`))
      observer.host.restart()
      const calls = Array.from({ length: 100 }, (__, i) => writer.send(set('/a', `${i}`)))
      stage.until(() => observer.server?.isServing === true)
      stage.until(() => calls.every(({ answer }) => answer !== null))
    }
    stage.until(() => stage.ensemble.isAtOneZxid)
    expect(stage.actor([observer]).readSynced('/a').data).toBe('99')
    stage.close()
  })

  test('finds another master within seconds when its own has gone', () => {
    const stage = theatre()
    const observer = observerOf(stage)
    const actor = stage.actor([observer])
    expect(actor.ask(create('/a'))).toMatchObject(OK)
    for (let round = 0; round < 4; round += 1) {
      const master = masterOf(stage, observer)
      const sinceMs = stage.nowMs
      master.host.crash()
      expect(actor.ask(set('/a', `${round}`))).toMatchObject(OK)
      expect(stage.nowMs - sinceMs).toBeLessThan(8000)
      expect(masterOf(stage, observer)).not.toBe(master)
      master.host.restart()
      stage.until(() => stage.ensemble.isWhole)
    }
    expect(actor.ended).toEqual([])
    stage.close()
  })

  test('goes to the leader when no follower serves it', () => {
    const stage = theatre()
    const observer = observerOf(stage)
    const [first, second] = stage.followers
    stage.fault({ kind: 'cutBoth', from: observer.host.name, to: first!.host.name })
    stage.fault({ kind: 'cutBoth', from: observer.host.name, to: second!.host.name })
    stage.until(() => observer.server!.isServing === false)
    stage.until(() => observer.server!.isServing)
    expect(masterOf(stage, observer)).toBe(stage.leader)
    stage.close()
  })

  test('whose client is silent loses its session', () => {
    const stage = theatre()
    const observer = observerOf(stage)
    const actor = stage.actor([observer], 2000)
    expect(actor.ask(create('/e', CreateMode.ephemeral))).toMatchObject(OK)
    stage.fault({ kind: 'isolate', host: 'c1' })
    stage.runFor(6000)
    const other = stage.actor([stage.leader])
    expect(other.readSynced('/e').err).toBe(ErrorCode.noNode)
    stage.close()
  })
})
