import { describe, expect, it } from 'vitest'
import { SimDisk, SimRandom } from '../../src/sim/index.ts'
import type { StorageOptions } from '../../src/storage/index.ts'
import { type Change, KIB, type Life, randomText, SMALL_OPTIONS, start } from './support.ts'

/** Logged changes in order; the state after any prefix of them is known. */
class History {
  readonly changes: Change[] = []
  acked = 0

  /** What the values must be when the first `count` changes are there and nothing else. */
  stateAt(count: number): Map<string, string> {
    const state = new Map<string, string>()
    for (const { values } of this.changes.slice(0, count)) {
      for (const [path, value] of Object.entries(values)) {
        if (value === null) state.delete(path)
        else state.set(path, value)
      }
    }
    return state
  }
}

function valuesOf(life: Life): Map<string, string> {
  const values = new Map<string, string>()
  for (const path of life.machine.values.keys()) {
    if (path !== '/') values.set(path, life.machine.get(path)!)
  }
  return values
}

/** A start after a crash: everything acknowledged is there, nothing is there in part, the order is kept. */
function verify(life: Life, history: History, context: string): void {
  if (life.error !== null) throw new Error(`${context}: ${life.error.message}`)
  const recovered = Number(life.storage!.lastLogged)
  expect(recovered, `${context}: acknowledged`).toBeGreaterThanOrEqual(history.acked)
  expect(recovered, `${context}: never written`).toBeLessThanOrEqual(history.changes.length)
  expect(valuesOf(life), context).toEqual(history.stateAt(recovered))
  history.changes.length = recovered
  history.acked = recovered
}

function randomChange(random: SimRandom): Change {
  const values: Record<string, string | null> = {}
  for (let i = random.below(3); i >= 0; i--) {
    const path = `/${random.below(40)}`
    values[path] = random.oneIn(4) ? null : randomText(random, random.below(20))
  }
  const pad = random.oneIn(30) ? 'x'.repeat(random.below(40 * KIB)) : 'x'.repeat(random.below(700))
  return { values, pad }
}

/** Writes at random until the power goes, or for `turns` turns. */
function work(life: Life, history: History, random: SimRandom, turns: number): void {
  life.onDurable = (zxid) => {
    history.acked = Number(zxid)
  }
  for (let turn = 0; turn < turns && !life.disk.isDown; turn++) {
    for (let i = random.below(6); i > 0; i--) {
      const change = randomChange(random)
      history.changes.push(change)
      life.write(change)
    }
    life.storage!.flush()
    life.storage!.checkpointIfDue()
    if (random.oneIn(15)) life.storage!.checkpoint()
    if (random.oneIn(20)) life.run(() => life.storage!.lastLogged === life.storage!.lastAppended)
    const until = life.world.events.nowMs + random.below(40) / 10
    life.run(() => life.world.events.nowMs >= until)
  }
}

describe('crashes', () => {
  it('loses nothing acknowledged and applies nothing in part, in 1,000 power cuts', () => {
    const seed = 20_261_121
    const random = new SimRandom(seed)
    let cycles = 0
    while (cycles < 1000) {
      const disk = new SimDisk()
      const history = new History()
      for (let life = 0; life < 50; life++, cycles++) {
        const context = `seed=${seed} cycle=${cycles}`
        const server = start(disk, SMALL_OPTIONS, random.uint32())
        verify(server, history, context)
        // Mostly at some durable operation, sometimes between two.
        disk.crashAtStep = random.oneIn(4) ? Infinity : disk.steps + 1 + random.below(60)
        work(server, history, random, 30)
        expect(server.fatal, context).toBeNull()
        disk.crashAtStep = Infinity
        if (random.oneIn(10) && !disk.isDown) server.close()
        else if (random.oneIn(2)) server.kill()
        else server.powerLoss()
      }
    }
    expect(cycles).toBe(1000)
  })

  it('survives power cuts during the start itself', () => {
    const random = new SimRandom(77)
    for (let round = 0; round < 60; round++) {
      const disk = new SimDisk()
      const history = new History()
      for (let life = 0; life < 8; life++) {
        disk.crashAtStep = disk.steps + 1 + random.below(8)
        const server = start(disk, SMALL_OPTIONS, random.uint32())
        disk.crashAtStep = Infinity
        if (disk.isDown) {
          server.env.stop()
          continue
        }
        verify(server, history, `round ${round} life ${life}`)
        work(server, history, random, 10)
        server.powerLoss()
      }
      verify(start(disk, SMALL_OPTIONS, random.uint32()), history, `round ${round}, at the end`)
    }
  })

  it('survives a power cut at every step of the first start', () => {
    for (let step = 1; step < 20; step++) {
      const disk = new SimDisk()
      disk.crashAtStep = step
      const first = start(disk, SMALL_OPTIONS, step)
      if (!disk.isDown) first.run(() => disk.isDown)
      first.env.stop()
      disk.crashAtStep = Infinity
      const second = start(disk, SMALL_OPTIONS, step + 100)
      expect(second.error).toBeNull()
      expect(second.machine.values.size).toBe(1)
    }
  })
})

describe('a crash in a checkpoint', () => {
  const options: StorageOptions = { ...SMALL_OPTIONS, checkpointEntries: 1e9, segmentsKept: 0 }

  /** Three checkpoints with rolls between them, and the power goes at durable step `crashAtStep`. */
  function run(crashAtStep: number): { disk: SimDisk; written: number; acked: number } {
    const disk = new SimDisk()
    const life = start(disk, options, 5)
    disk.crashAtStep = crashAtStep
    for (let round = 0; round < 3 && !disk.isDown; round++) {
      for (let i = 0; i < 60 && !disk.isDown; i++) {
        life.writeDurably({
          values: { [`/${i}`]: `${round}`, [`/gone${i}`]: round === 1 ? null : 'there' },
          sessions: { [`${i}`]: round === 2 && i % 2 === 0 ? -1 : 1000 + round },
          pad: 'x'.repeat(500),
        })
      }
      life.checkpoint()
    }
    const result = { disk, written: Number(life.storage!.lastAppended), acked: Number(life.acked) }
    life.powerLoss()
    disk.crashAtStep = Infinity
    return result
  }

  it('leaves one of the two states at every step', () => {
    const whole = run(Infinity)
    let twin = 0
    for (let step = 1; step <= whole.disk.steps; step++) {
      const { disk, written, acked } = run(step)
      const life = start(disk, options, step)
      expect(life.error, `step ${step}`).toBeNull()
      const recovered = Number(life.storage!.lastLogged)
      expect(recovered).toBeGreaterThanOrEqual(acked)
      expect(recovered).toBeLessThanOrEqual(written)
      if (life.storage!.recovery.checkpointZxid !== null) twin++
      const before = life.machine.summary()
      life.checkpoint()
      life.kill()
      // The state is the same when it is loaded from the rows again.
      const again = start(disk, options, step + 1000)
      expect(again.machine.summary()).toEqual(before)
    }
    expect(twin).toBeGreaterThan(100)
  })

  it('loads only the rows and the log after them', () => {
    const { disk } = run(Infinity)
    const life = start(disk, options)
    const { checkpointZxid, entriesReplayed, rowsLoaded } = life.storage!.recovery
    expect(checkpointZxid).toBe(180n)
    expect(entriesReplayed).toBe(0)
    expect(rowsLoaded).toBe(1 + 60 + 60)
    expect(life.machine.sessions.size).toBe(30)
    // Segments that only hold older entries are gone.
    expect(life.storage!.stats.segments).toBe(1)
    expect(disk.folders.get('/data/log')!.files.has('0000000001.log')).toBe(false)
  })
})
