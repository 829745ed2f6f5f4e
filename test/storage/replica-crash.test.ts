import { describe, expect, it } from 'vitest'
import { SimDisk, SimRandom } from '../../src/sim/index.ts'
import type { StorageOptions } from '../../src/storage/index.ts'
import { Replica } from './replica.ts'
import { SMALL_OPTIONS, start } from './support.ts'

const OPTIONS: StorageOptions = {
  ...SMALL_OPTIONS,
  replay: 'checkpoint',
  checkpointEntries: 60,
  firstCheckpointBatchRows: 7,
  tailEntries: 20,
}

describe('power cuts of a replica', () => {
  it('leave a prefix of what was handed over, with all that was reported durable', () => {
    const seed = Number(process.env['ZABKEEPER_SEED'] ?? 20_261_122)
    const random = new SimRandom(seed)
    let cycles = 0
    const totals = { installs: 0, durable: 0, reads: 0 }
    while (cycles < 400) {
      const disk = new SimDisk()
      const replica = new Replica(random)
      for (let life = 0; life < 25; life++, cycles++) {
        const context = `seed=${seed} cycle=${cycles}`
        const options = { ...OPTIONS, segmentsKept: random.below(3) }
        const server = start(disk, options, random.uint32())
        if (server.error !== null) throw new Error(`${context}: ${server.error.message}`)
        replica.recovered(server, context)
        // Mostly at some durable operation, sometimes between two.
        disk.crashAtStep = random.oneIn(4) ? Infinity : disk.steps + 1 + random.below(60)
        for (let turn = 0; turn < 30 && !disk.isDown; turn++) {
          replica.turn(server)
          const until = server.world.events.nowMs + random.below(60) / 10
          server.run(() => server.world.events.nowMs >= until)
        }
        expect(server.fatal, context).toBeNull()
        disk.crashAtStep = Infinity
        if (random.oneIn(10) && !disk.isDown) server.close()
        else if (random.oneIn(2)) server.kill()
        else server.powerLoss()
      }
      totals.installs += replica.installs
      totals.durable += replica.installsDurable
      totals.reads += replica.reads
    }
    expect(totals.durable).toBeGreaterThan(100)
    expect(totals.installs).toBeGreaterThan(totals.durable + 20)
    expect(totals.reads).toBeGreaterThan(300)
  })
})
