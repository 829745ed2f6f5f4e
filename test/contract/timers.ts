import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { OpenStage, Stage } from './stage.ts'

/** What every implementation of `Clock` and `Timers` does. */
export function timersContract(world: string, openStage: OpenStage): void {
  describe(`timers: ${world}`, () => {
    let stage: Stage
    beforeEach(() => {
      stage = openStage()
    })
    afterEach(() => stage.close())

    test('endOfTurn runs tasks in order, after the call', async () => {
      const { timers } = stage.env
      const order: string[] = []
      timers.endOfTurn(() => order.push('first'))
      timers.endOfTurn(() => {
        order.push('second')
        timers.endOfTurn(() => order.push('fourth'))
        order.push('third')
      })
      expect(order).toEqual([])
      await stage.until(() => order.length === 4)
      expect(order).toEqual(['first', 'second', 'third', 'fourth'])
    })

    test('a task runs at its deadline, not before', async () => {
      const { clock, timers } = stage.env
      const deadlineMs = clock.monotonicMs() + 12.5
      let ranAtMs = 0
      timers.at(deadlineMs, () => {
        ranAtMs = clock.monotonicMs()
      })
      await stage.until(() => ranAtMs > 0)
      expect(ranAtMs).toBeGreaterThanOrEqual(deadlineMs)
    })

    test('tasks run in order of their deadlines', async () => {
      const { clock, timers } = stage.env
      const nowMs = clock.monotonicMs()
      const order: number[] = []
      for (const delayMs of [30, 2, 16]) timers.at(nowMs + delayMs, () => order.push(delayMs))
      await stage.until(() => order.length === 3)
      expect(order).toEqual([2, 16, 30])
    })

    test('a past deadline runs at once, but not inside the call', async () => {
      const { clock, timers } = stage.env
      let isRun = false
      for (const deadlineMs of [clock.monotonicMs(), -1, Number.NEGATIVE_INFINITY]) {
        isRun = false
        timers.at(deadlineMs, () => {
          isRun = true
        })
        expect(isRun).toBe(false)
        await stage.until(() => isRun)
      }
    })

    test('a cancelled task does not run, however near', async () => {
      const { clock, timers } = stage.env
      const nowMs = clock.monotonicMs()
      const ran: string[] = []
      const due = timers.at(nowMs, () => ran.push('due'))
      const near = timers.at(nowMs + 12, () => ran.push('near'))
      const other = timers.at(nowMs + 2, () => near.cancel())
      due.cancel()
      due.cancel()
      timers.at(nowMs + 20, () => ran.push('last'))
      await stage.until(() => ran.includes('last'))
      other.cancel() // after it ran: nothing
      expect(ran).toEqual(['last'])
    })

    test('a deadline beyond 2^31 ms does not run early', async () => {
      const { clock, timers } = stage.env
      let isRun = false
      const handles = [2 ** 31, 2 ** 32 + 5, Number.POSITIVE_INFINITY].map((delayMs) =>
        timers.at(clock.monotonicMs() + delayMs, () => {
          isRun = true
        }),
      )
      await stage.settle()
      expect(isRun).toBe(false)
      for (const handle of handles) handle.cancel()
    })

    test('the clocks give milliseconds; the monotonic one never goes back', () => {
      const { clock } = stage.env
      let lastMs = clock.monotonicMs()
      for (let i = 0; i < 1000; i += 1) {
        const nowMs = clock.monotonicMs()
        expect(nowMs).toBeGreaterThanOrEqual(lastMs)
        lastMs = nowMs
      }
      expect(Number.isInteger(clock.wallMs())).toBe(true)
      expect(clock.wallMs()).toBeGreaterThan(1_600_000_000_000)
    })

    test('random numbers are 32-bit integers; fill leaves no byte out', () => {
      const { random } = stage.env
      const words = Array.from({ length: 600 }, () => random.uint32())
      expect(words.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)).toBe(
        true,
      )
      expect(new Set(words).size).toBeGreaterThan(590)
      expect(words.some((word) => word >= 2 ** 31)).toBe(true)
      for (const length of [0, 1, 2, 3, 5, 16]) {
        const seen = new Uint8Array(length)
        for (let round = 0; round < 20; round += 1) {
          const drawn = new Uint8Array(length)
          random.fill(drawn)
          for (let i = 0; i < length; i += 1) seen[i]! |= drawn[i]!
        }
        expect(seen.every((byte) => byte !== 0)).toBe(true)
      }
    })
  })
}
