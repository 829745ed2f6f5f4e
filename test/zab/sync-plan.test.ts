import { describe, expect, test } from 'vitest'
import { counterOf, epochOf, makeZxid, type Zxid } from '../../src/base/index.ts'
import { History } from '../../src/zab/history.ts'
import { PacketKind } from '../../src/zab/messages.ts'
import { planSync, SYNC_RULES } from '../../src/zab/sync-plan.ts'

/** All logs that can exist beside each other: epochs in order, counters from 1, each branching off another. */
function logs(): Zxid[][] {
  const all: Zxid[][] = [[]]
  for (let epoch = 1; epoch <= 3; epoch += 1) {
    for (const before of [...all]) {
      for (let length = 1; length <= 2; length += 1) {
        const own = Array.from({ length }, (_, i) => makeZxid(epoch, i + 1))
        all.push([...before, ...own])
      }
    }
  }
  return all
}

/** Whether a leader of each epoch can have had one history: who shares an epoch shares everything before it. */
function agree(a: readonly Zxid[], b: readonly Zxid[]): boolean {
  for (const zxid of a) {
    const other = b.findIndex((one) => epochOf(one) === epochOf(zxid))
    if (other === -1) continue
    const mine = a.findIndex((one) => epochOf(one) === epochOf(zxid))
    if (a.slice(0, mine).join() !== b.slice(0, other).join()) return false
  }
  return true
}

function historyOf(log: readonly Zxid[], dropped: number): History {
  const history = new History(dropped === 0 ? makeZxid(0, 0) : log[dropped - 1]!)
  for (const zxid of log.slice(dropped)) history.append({ zxid, txn: new Uint8Array(1) })
  return history
}

describe('sync plan', () => {
  test('brings every log that can exist to every history it can meet, and every rule is needed', () => {
    const used = new Set<string>()
    let checked = 0
    for (const leader of logs()) {
      for (let dropped = 0; dropped <= leader.length; dropped += 1) {
        const history = historyOf(leader, dropped)
        for (const peer of logs()) {
          if (!agree(leader, peer)) continue
          checked += 1
          const last = peer.at(-1) ?? makeZxid(0, 0)
          used.add(SYNC_RULES.find((rule) => rule.applies(history, last))!.name)
          const plan = planSync(history, last)
          if (plan.kind === PacketKind.SNAP) continue
          const kept = peer.filter((zxid) => plan.kind === PacketKind.DIFF || zxid <= plan.from)
          const result = [...kept, ...leader.filter((zxid) => zxid > plan.from)]
          if (result.join() !== leader.join()) {
            throw new Error(`leader ${leader} without ${dropped}, learner ${peer}: ${result}`)
          }
          if (plan.kind === PacketKind.TRUNC) expect(peer).toContain(plan.from)
        }
      }
    }
    expect(checked).toBeGreaterThan(1000)
    used.add('start of an epoch')
    expect([...used].sort()).toEqual(SYNC_RULES.map((rule) => rule.name).sort())
  })

  test('is total: any zxid whatever gets a plan that the history can serve', () => {
    const history = historyOf([makeZxid(2, 1), makeZxid(2, 2), makeZxid(5, 1)], 1)
    const strange = [-1n, -(2n ** 63n), 2n ** 63n - 1n, 0n] as Zxid[]
    for (let epoch = 0; epoch <= 7; epoch += 1) {
      for (const counter of [0, 1, 2, 3, 0xffff_ffff]) strange.push(makeZxid(epoch, counter))
    }
    for (const zxid of strange) {
      const plan = planSync(history, zxid)
      if (plan.kind !== PacketKind.SNAP) expect(history.holds(plan.from)).toBe(true)
    }
  })

  test('the start of an epoch is in no log and never cut off', () => {
    const history = historyOf([makeZxid(2, 1), makeZxid(2, 2), makeZxid(5, 1)], 0)
    for (let epoch = 0; epoch <= 9; epoch += 1) {
      const plan = planSync(history, makeZxid(epoch, 0))
      expect(plan.kind).toBe(PacketKind.DIFF)
      if (plan.kind === PacketKind.SNAP) continue
      expect(plan.from < makeZxid(epoch, 1)).toBe(true)
    }
  })

  test('TRUNC stays within the epoch of the learner', () => {
    const history = historyOf([makeZxid(1, 1), makeZxid(1, 2), makeZxid(4, 1)], 0)
    const plan = planSync(history, makeZxid(1, 9))
    expect(plan).toEqual({ kind: PacketKind.TRUNC, from: makeZxid(1, 2) })
    expect(planSync(history, makeZxid(2, 1)).kind).toBe(PacketKind.SNAP)
    expect(counterOf(makeZxid(2, 1))).toBe(1)
  })
})
