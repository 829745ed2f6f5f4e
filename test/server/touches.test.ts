import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/base/index.ts'
import { EventHistory } from '../../src/server/events/index.ts'
import { SessionKeeper, TOUCHES_MAX } from '../../src/server/session-keeper.ts'
import { SimDisk, SimWorld } from '../../src/sim/index.ts'

/** What an Apache leader, and one of ours, takes in one packet. */
const PACKET_BYTES_MAX = 2 * 0xfffff
const TOUCH_BYTES = 12

function reporting(): SessionKeeper {
  const { clock, timers, logger } = new SimWorld(1).startProcess('10.0.0.1', new SimDisk().open)
  const events = new EventHistory(clock, 1 as never)
  const keeper = new SessionKeeper(1000, clock, timers, logger, () => {}, null, events)
  keeper.startReporting()
  return keeper
}

const idOf = (index: number): SessionId => (0x0100_0000_0000_0000n + BigInt(index)) as SessionId

describe('sessions that a learner has heard of', () => {
  test('are told in packets that leaders take, each of them once', () => {
    const keeper = reporting()
    const count = 2 * TOUCHES_MAX + 5
    for (let index = 0; index < count; index += 1) keeper.onCreated(idOf(index), 6000)
    const told = [keeper.takeTouched(), keeper.takeTouched(), keeper.takeTouched()]
    for (const { length } of told) expect(length * TOUCH_BYTES).toBeLessThan(PACKET_BYTES_MAX)
    expect(told.flat().map(({ sessionId }) => sessionId)).toEqual(
      Array.from({ length: count }, (_, index) => idOf(index)),
    )
    expect(keeper.takeTouched()).toEqual([])
  })

  test('are told of as long as they live', () => {
    const keeper = reporting()
    for (let index = 0; index < 1000; index += 1) {
      keeper.onCreated(idOf(index), 6000)
      if (index > 0) keeper.remove(idOf(index))
    }
    expect(keeper.takeTouched()).toEqual([{ sessionId: idOf(0), timeoutMs: 6000 }])
  })
})
