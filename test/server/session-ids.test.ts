import { describe, expect, it } from 'vitest'
import type { ServerId, SessionId } from '../../src/base/index.ts'
import { SessionTable } from '../../src/server/session-table.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { closeSession, create, Stage } from './support/index.ts'

/** Opens a session, closes it and does enough for a checkpoint that forgets the log before it. */
function live(stage: Stage): SessionId {
  const client = stage.session()
  const { sessionId } = client
  for (let i = 0; i < 30; i++) stage.call(client, create(`/${sessionId}-${i}`))
  stage.call(client, closeSession)
  stage.runFor(100)
  return sessionId
}

describe('session ids', () => {
  it('are never given out again, though the clock went back and nothing of the log is left', () => {
    const stage = Stage.open({ limits: { checkpointTxns: 20, logSegmentBytes: 16 * 1024 } })
    const ids: SessionId[] = []
    for (let i = 0; i < 8; i++) {
      ids.push(live(stage), live(stage))
      if (i % 2 === 0) stage.stop()
      else stage.crash()
      stage.wallOffsetMs -= 3_600_000
      stage.start()
      expect(stage.server.state.sessions.size).toBe(0)
    }
    expect(stage.server.recovery!.checkpointZxid).not.toBeNull()
    expect(ids.every((id, i) => i === 0 || id > ids[i - 1]!)).toBe(true)
  })

  it('begin above the clock', () => {
    const stage = Stage.open()
    const first = live(stage)
    stage.runFor(5000)
    stage.crash()
    stage.start()
    expect(live(stage) - first).toBeGreaterThan(5000n << 16n)
  })
})

describe('the table of sessions', () => {
  const OWN = 0x0100_0000_0000_0000n
  const OTHER = 0x0200_0000_0000_0000n

  /** What a checkpoint of all changes so far would hold. */
  class Rows {
    readonly rows = new Map<SessionId, number>()

    take(table: SessionTable): void {
      for (const [id, timeoutMs] of table.takeChanged()) {
        if (timeoutMs < 0) this.rows.delete(id)
        else this.rows.set(id, timeoutMs)
      }
    }

    load(): SessionTable {
      const table = new SessionTable()
      for (const [id, timeoutMs] of this.rows) table.load(id, timeoutMs)
      return table
    }
  }

  it.each([1, 2, 3, 4])('comes back from its rows as it was (seed %d)', (seed) => {
    const random = new SimRandom(seed)
    const table = new SessionTable()
    const rows = new Rows()
    const open: SessionId[] = []
    const next = new Map([
      [OWN, 0n],
      [OTHER, 0n],
    ])
    for (let i = 0; i < 500; i++) {
      if (open.length > 0 && random.oneIn(2)) {
        table.close(open.splice(random.below(open.length), 1)[0]!)
      } else {
        const server = random.oneIn(3) ? OTHER : OWN
        const count = next.get(server)! + BigInt(random.between(1, 3))
        next.set(server, count)
        const id = (server + count) as SessionId
        table.create(id, random.below(3) * 1000)
        open.push(id)
      }
      if (!random.oneIn(5)) continue
      rows.take(table)
      const loaded = rows.load()
      expect(loaded.digest()).toBe(table.digest())
      expect(loaded.size).toBe(open.length)
      expect(loaded.highestIdOf(1 as ServerId)).toBe(table.highestIdOf(1 as ServerId))
      expect(loaded.highestIdOf(2 as ServerId)).toBe(table.highestIdOf(2 as ServerId))
      // One row for each session, and at most one more for each server.
      expect(rows.rows.size).toBeLessThanOrEqual(open.length + 2)
    }
    expect(table.highestIdOf(1 as ServerId)).toBe(OWN + next.get(OWN)!)
    expect(table.highestIdOf(3 as ServerId)).toBeNull()
  })

  it('has another digest when the id to remember is another', () => {
    const digests = [1n, 2n].map((count) => {
      const table = new SessionTable()
      table.create((OWN + count) as SessionId, 1000)
      table.close((OWN + count) as SessionId)
      return table.digest()
    })
    expect(digests[0]).not.toBe(digests[1])
    expect(digests[0]).not.toBe(new SessionTable().digest())
  })

  it('gives changes back that were not made durable, newer ones winning', () => {
    const table = new SessionTable()
    const id = (OWN + 5n) as SessionId
    table.create(id, 1000)
    const changed = table.takeChanged()
    table.close(id)
    table.restoreChanged(changed)
    expect([...table.takeChanged()]).toEqual([[id, 0]])
    table.restoreChanged(changed)
    expect([...table.takeChanged()]).toEqual([[id, 1000]])
  })
})
