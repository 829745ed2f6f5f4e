import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import { discardServer, makeServer, ON_ZABKEEPER } from '../clients/support/index.ts'
import { cyclesOf, newDice, Writer } from './support/index.ts'

/*
 * kill -9 under load, again and again on one data folder: whatever was acknowledged is there afterwards, and nothing
 * is there by half. `ZABKEEPER_KILL_CYCLES` sets the number of cycles.
 */
const CYCLES = cyclesOf('ZABKEEPER_KILL_CYCLES', 8)
const WRITERS = 4
const DEPTH = 32

let server: ServerProcess

beforeAll(async () => {
  // Small files and frequent checkpoints, so that the kill also meets those.
  const config = ON_ZABKEEPER ? ['preAllocSize=1024', 'snapCount=3000'] : ['snapCount=3000']
  server = await makeServer({ config })
})

afterAll(async () => {
  await discardServer(server)
})

test(`acknowledged writes survive ${CYCLES} kills`, {
  timeout: 60_000 + CYCLES * 20_000,
}, async () => {
  const dice = newDice()
  const writers = Array.from(
    { length: WRITERS },
    (_, index) => new Writer(`/w${index}`, server.options.port, dice),
  )
  let unknown = 0
  try {
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      if (dice.chance(20)) {
        // Not even a start that is cut short may harm anything.
        server.launch()
        await sleep(dice.below(400))
        await server.kill()
      }
      await server.start()
      await Promise.all(writers.map(async (writer) => await writer.recover()))
      const load = Promise.all(writers.map(async (writer) => await writer.load(DEPTH)))
      await sleep(dice.below(400))
      if (dice.chance(10)) {
        server.signal('SIGTERM')
        await sleep(dice.below(30))
      }
      await server.kill()
      await load
      unknown += writers.reduce((sum, writer) => sum + writer.unknown, 0)
      for (const { fault } of writers) if (fault !== null) throw fault
    }
    await server.start()
    await Promise.all(writers.map(async (writer) => await writer.recover()))
  } catch (error) {
    throw new Error(`seed ${dice.seed}: ${String(error)}\n${server.output}`, { cause: error })
  } finally {
    for (const writer of writers) writer.drop()
  }
  const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0)
  console.log(`${CYCLES} kills, ${acknowledged} acknowledged requests, ${unknown} in doubt`)
  expect(acknowledged).toBeGreaterThan(CYCLES * WRITERS)
})
