import { expect, test, vi } from 'vitest'
import { ClockWatch } from '../../src/cluster/measure-clock.ts'

/** Both clocks stand while nothing happens; the `stallAt`th reading comes half a second late. */
function holdClocks(stallAt: number): { move(ms: number): void } {
  let nowMs = 1000
  let wallAheadMs = 1_700_000_000_000
  let readings = 0
  const read = (): number => {
    readings += 1
    if (readings === stallAt) nowMs += 500
    return nowMs
  }
  vi.spyOn(performance, 'now').mockImplementation(read)
  vi.spyOn(Date, 'now').mockImplementation(() => read() + wallAheadMs)
  return {
    move: (ms) => {
      wallAheadMs += ms
    },
  }
}

test.each([1, 2, 3, 4, 5, 6])(
  'a standstill at reading %i does not look like a moved clock',
  (at) => {
    holdClocks(at)
    expect(new ClockWatch().end().movedMs).toBe(0)
  },
)

test('a standstill at the end does not look like a moved clock', () => {
  holdClocks(0)
  const watch = new ClockWatch()
  for (const at of [1, 2, 3, 4]) {
    vi.restoreAllMocks()
    holdClocks(at)
    expect(watch.end().movedMs).toBe(0)
  }
})

test.each([-300, 7000])('a wall clock that was moved by %i ms', (ms) => {
  const clocks = holdClocks(0)
  const watch = new ClockWatch()
  clocks.move(ms)
  expect(watch.end().movedMs).toBe(ms)
})
