import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/base/index.ts'
import { pauseExtension, SessionTracker } from '../../src/session/index.ts'

const TICK = 2000
const A = 0xan as SessionId
const B = 0xbn as SessionId

/** Plays the server's timer: asks at every deadline up to `untilMs`. Returns `[ms, id]` of what expired. */
function runUntil(tracker: SessionTracker, untilMs: number): [number, SessionId][] {
  const expired: [number, SessionId][] = []
  for (let at = tracker.nextDeadlineMs(); at <= untilMs; at = tracker.nextDeadlineMs()) {
    for (const id of tracker.expired(at)) expired.push([at, id])
  }
  return expired
}

describe('deadline', () => {
  test.each([
    [0, 4000, 6000],
    [1, 4000, 6000],
    [1999.5, 4000, 6000],
    [2000, 4000, 8000],
    [500, 1000, 2000],
    [3_600_000_123, 40_000, 3_600_042_000],
  ])(
    'a touch at %d ms with a timeout of %d ms lasts until %d ms',
    (nowMs, timeoutMs, deadlineMs) => {
      const tracker = new SessionTracker({ tickMs: TICK })
      const session = tracker.add(A, timeoutMs, nowMs)
      expect(tracker.deadlineMs(session)).toBe(deadlineMs)
      expect(runUntil(tracker, deadlineMs + 10 * TICK)).toEqual([[deadlineMs, A]])
    },
  )

  test('touches move it, a new timeout too, also to an earlier time', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const session = tracker.add(A, 8000, 0)
    expect(tracker.touch(session, 2500)).toBe(true)
    expect(tracker.deadlineMs(session)).toBe(12_000)
    expect(tracker.add(A, 3000, 2500)).toBe(session)
    expect(session.timeoutMs).toBe(3000)
    expect(runUntil(tracker, 20_000)).toEqual([[6000, A]])
  })

  test.each([0, -5, -2_147_483_648])(
    'a timeout of %d ms from a foreign snapshot still ends',
    (timeoutMs) => {
      const tracker = new SessionTracker({ tickMs: TICK })
      tracker.add(A, timeoutMs, 100)
      expect(runUntil(tracker, 10_000)).toEqual([[2000, A]])
    },
  )

  test('a tracker without sessions waits for nothing, however long', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    expect(tracker.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY)
    expect(tracker.expired(1e12)).toEqual([])
    const session = tracker.add(A, 4000, 2e12)
    expect(tracker.deadlineMs(session)).toBe(2e12 + 6000)
    expect(tracker.nextDeadlineMs()).toBe(2e12 + 2000)
    tracker.remove(A)
    tracker.add(B, 4000, 3e12)
    expect(tracker.pausedMs).toBe(0)
  })
})

describe('closing', () => {
  test('an expired session is told once and can not be touched', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const session = tracker.add(A, 4000, 0)
    expect(runUntil(tracker, 6000)).toEqual([[6000, A]])
    expect(session.isClosing).toBe(true)
    expect(tracker.has(A)).toBe(true)
    expect(tracker.touch(session, 6000)).toBe(false)
    expect(tracker.add(A, 4000, 6000).isClosing).toBe(true)
    expect(runUntil(tracker, 100_000)).toEqual([])
    tracker.remove(A)
    expect(tracker.get(A)).toBeUndefined()
    expect(tracker.size).toBe(0)
  })

  test('a session that the client closes does not expire any more', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const session = tracker.add(A, 4000, 0)
    tracker.markClosing(A)
    expect(tracker.touch(session, 1000)).toBe(false)
    expect(tracker.deadlineMs(session)).toBe(Number.POSITIVE_INFINITY)
    expect(tracker.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY)
    expect(tracker.expired(60_000)).toEqual([])
  })

  test('a removed session stays removed when its connection still touches it', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const session = tracker.add(A, 4000, 0)
    tracker.remove(A)
    tracker.remove(A)
    expect(tracker.touch(session, 1000)).toBe(false)
    expect(tracker.size).toBe(0)
  })

  test('an id that comes back after its removal is another session', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const old = tracker.add(A, 4000, 0)
    tracker.remove(A)
    expect(tracker.add(A, 4000, 0)).not.toBe(old)
    expect(tracker.touch(old, 0)).toBe(false)
    expect([...tracker.sessions()].map((s) => s.id)).toEqual([A])
  })

  test('earlier deadlines come first, then who came to the deadline first', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    for (const [id, timeoutMs] of [
      [1n, 3000],
      [2n, 1000],
      [3n, 2500],
      [4n, 900],
    ] as const) {
      tracker.add(id as SessionId, timeoutMs, 0)
    }
    expect(tracker.expired(1900)).toEqual([])
    expect(tracker.expired(4500)).toEqual([2n, 4n, 1n, 3n])
  })
})

describe('a pause of the process', () => {
  test.each([
    [TICK, 0, 2000, 0],
    [TICK, 0, 3000, 0],
    [TICK, 0, 3000.5, 3000.5],
    [TICK, 10_000, 17_000, 7000],
    [TICK, 10_000, 10_000, 0],
    [100, 0, 350, 0],
    [100, 0, 351, 351],
    [60_000, 0, 90_000, 0],
  ])(
    'tick %d ms, clock seen at %d and then at %d ms: deadlines move by %d ms',
    (tickMs, last, now, by) => {
      expect(pauseExtension(last, now, tickMs)).toBe(by)
    },
  )

  test('7 s with timeouts of 4 s expires nobody whose pings were waiting', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const healthy = tracker.add(A, 4000, 100)
    const silent = tracker.add(B, 4000, 100)
    expect(runUntil(tracker, 5000)).toEqual([])
    tracker.touch(healthy, 5000)
    // Stopped from 5000 to 12000 ms. On waking the timer comes first, then the pings that waited.
    expect(tracker.expired(12_000)).toEqual([])
    expect(tracker.pausedMs).toBe(7000)
    expect(tracker.touch(healthy, 12_001)).toBe(true)
    expect(tracker.deadlineMs(silent)).toBe(6000 + 7000)
    expect(runUntil(tracker, 30_000)).toEqual([
      [13_000, B],
      [17_000, A],
    ])
  })

  test('a touch that comes before the timer on waking counts the pause once', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const session = tracker.add(A, 4000, 0)
    tracker.touch(session, 1000)
    tracker.touch(session, 60_000)
    expect(tracker.expired(60_000)).toEqual([])
    expect(tracker.pausedMs).toBe(59_000)
    expect(tracker.deadlineMs(session)).toBe(59_000 + 6000)
  })

  test('many pauses in a row, each longer than the timeout', () => {
    const tracker = new SessionTracker({ tickMs: TICK })
    const session = tracker.add(A, 4000, 0)
    for (let now = 7000; now < 100_000; now += 7000) {
      expect(tracker.expired(now)).toEqual([])
      expect(tracker.touch(session, now)).toBe(true)
    }
    expect(runUntil(tracker, 200_000)).toHaveLength(1)
  })

  test('of any length, the timer that follows is not in vain', () => {
    const lengthsMs = fc.array(fc.double({ min: 3001, max: 1e6, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(lengthsMs, (lengths) => {
        const tracker = new SessionTracker({ tickMs: TICK })
        tracker.add(A, 2_000_000_000, 0.1)
        let now = 0.1
        for (const lengthMs of lengths) {
          now += lengthMs
          tracker.expired(now)
          now = tracker.nextDeadlineMs()
          tracker.expired(now)
          expect(tracker.nextDeadlineMs()).toBe(now + TICK)
        }
      }),
    )
  })
})

test('random use agrees with a plain model', () => {
  const ids = [1n, 2n, 3n, 4n] as SessionId[]
  const step = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.integer({ min: 0, max: 12_000 })),
    id: fc.constantFrom(...ids),
    action: fc.constantFrom(
      'add',
      'touch',
      'touch',
      'touch',
      'close',
      'remove',
      'expire',
      'expire',
    ),
    timeoutMs: fc.integer({ min: 1, max: 20_000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(1e9), (steps, startMs) => {
      const tracker = new SessionTracker({ tickMs: TICK })
      const model = new PlainTracker()
      let now = startMs
      for (const { afterMs, id, action, timeoutMs } of steps) {
        now += afterMs
        const session = tracker.get(id)
        expect(session !== undefined).toBe(model.sessions.has(id))
        if (action === 'add') {
          tracker.add(id, timeoutMs, now)
          model.add(id, timeoutMs, now)
        } else if (action === 'touch' && session !== undefined) {
          expect(tracker.touch(session, now)).toBe(model.touch(id, now))
        } else if (action === 'close') {
          tracker.markClosing(id)
          model.close(id)
        } else if (action === 'remove') {
          tracker.remove(id)
          model.sessions.delete(id)
        } else if (action === 'expire') {
          expect([...tracker.expired(now)].sort()).toEqual(model.expired(now))
        }
        for (const known of tracker.sessions()) {
          expect(tracker.deadlineMs(known)).toBe(model.deadlineMs(known.id))
        }
        const live = [...model.sessions.values()].filter((s) => !s.isClosing)
        const next = tracker.nextDeadlineMs()
        expect(next === Number.POSITIVE_INFINITY).toBe(live.length === 0)
        for (const s of live) expect(next).toBeLessThanOrEqual(model.deadlineMs(s.id))
      }
    }),
    { numRuns: 2000 },
  )
})

interface PlainSession {
  readonly id: SessionId
  readonly timeoutMs: number
  /** Read off a clock that stands still during pauses. */
  touchedMs: number
  isClosing: boolean
}

/** Keeps the time of each session's last touch and computes everything from it. */
class PlainTracker {
  readonly sessions: Map<SessionId, PlainSession> = new Map()
  #pausedMs = 0
  #seenMs = 0

  add(id: SessionId, timeoutMs: number, nowMs: number): void {
    if (this.sessions.get(id)?.isClosing) return
    this.#see(nowMs)
    this.sessions.set(id, { id, timeoutMs, touchedMs: nowMs - this.#pausedMs, isClosing: false })
  }

  touch(id: SessionId, nowMs: number): boolean {
    const session = this.sessions.get(id)!
    if (session.isClosing) return false
    this.#see(nowMs)
    session.touchedMs = nowMs - this.#pausedMs
    return true
  }

  close(id: SessionId): void {
    const session = this.sessions.get(id)
    if (session !== undefined) session.isClosing = true
  }

  expired(nowMs: number): SessionId[] {
    this.#see(nowMs)
    const over = [...this.sessions.values()].filter((s) => this.deadlineMs(s.id) <= nowMs)
    for (const session of over) session.isClosing = true
    return over.map((s) => s.id).sort()
  }

  deadlineMs(id: SessionId): number {
    const { isClosing, touchedMs, timeoutMs } = this.sessions.get(id)!
    if (isClosing) return Number.POSITIVE_INFINITY
    const due = touchedMs + timeoutMs
    return due - (due % TICK) + TICK + this.#pausedMs
  }

  #see(nowMs: number): void {
    const isAnyLive = [...this.sessions.values()].some((s) => !s.isClosing)
    if (isAnyLive && nowMs - this.#seenMs > 1.5 * TICK) this.#pausedMs += nowMs - this.#seenMs
    this.#seenMs = nowMs
  }
}
