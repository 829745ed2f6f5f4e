import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeZxid, type Zxid } from '../../src/base/index.ts'
import { CommittedWindow } from '../../src/server/committed-window.ts'

/* What an observer master keeps, against a plain list of all that was ever logged. */

const BYTES = new Uint8Array(36)
/** With its overhead. */
const ENTRY_BYTES = 100

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('log' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const), share: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), share: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('epoch' as const) }) },
)

test('holds the newest committed entries, whatever is logged and cut off', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(20), (steps, kept) => {
      const start = makeZxid(1, 5)
      const window = new CommittedWindow(start, kept * ENTRY_BYTES)
      const log: Zxid[] = []
      let committed = 0
      let next = makeZxid(1, 6)
      for (const one of steps) {
        const open = log.length - committed
        if (one.kind === 'log') {
          log.push(next)
          window.onLogged({ zxid: next, txn: BYTES })
          next = (next + 1n) as Zxid
        } else if (one.kind === 'epoch') {
          next = makeZxid(Number(next >> 32n) + 1, 1)
        } else if (one.kind === 'commit') {
          committed += Math.floor((open * one.share) / 100)
          window.onCommitted(committed === 0 ? start : log[committed - 1]!)
          window.trim()
        } else {
          log.length = committed + Math.floor((open * one.share) / 100)
          window.onTruncated(log.at(-1) ?? start)
        }
      }
      const first = Math.max(0, committed - kept)
      const positions = [start, ...log]
      for (const [index, zxid] of positions.entries()) {
        const isHeld = index >= first && index <= committed
        expect(window.holds(zxid), `${index} of ${committed}, ${kept} kept`).toBe(isHeld)
        if (!isHeld) continue
        expect(window.after(zxid).map((entry) => entry.zxid)).toEqual(log.slice(index, committed))
      }
      expect(window.holds(makeZxid(1, 4))).toBe(false)
    }),
  )
})

test('a start of an epoch stands for everything before it', () => {
  const window = new CommittedWindow(makeZxid(1, 1), 10 * ENTRY_BYTES)
  for (const zxid of [makeZxid(1, 2), makeZxid(2, 1)]) window.onLogged({ zxid, txn: BYTES })
  window.onCommitted(makeZxid(2, 1))
  expect(window.holds(makeZxid(2, 0))).toBe(true)
  expect(window.after(makeZxid(2, 0)).map(({ zxid }) => zxid)).toEqual([makeZxid(2, 1)])
  window.reset(makeZxid(3, 7))
  expect([window.holds(makeZxid(3, 7)), window.holds(makeZxid(2, 1))]).toEqual([true, false])
})
