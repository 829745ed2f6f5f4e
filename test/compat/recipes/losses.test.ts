import { afterEach, describe, expect, test } from 'vitest'
import { SimRandom } from '../../../src/sim/index.ts'
import { startTestServer, type TestServer } from '../../../src/testing/index.ts'
import { javaRecipes, kazoo, skipWithout } from '../clients/support/index.ts'
import { type Contenders, javaContenders, kazooContenders } from './support/contenders.ts'
import { OurContenders } from './support/ours.ts'
import { Witness } from './support/witness.ts'

const GRANTS = Number(process.env['ZABKEEPER_INTEROP_GRANTS'] ?? 10)
const SEED = Number(process.env['ZABKEEPER_SEED'] ?? 1)
const WORKERS = 2

const java = await javaRecipes()
const python = await kazoo()

let server: TestServer
const open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
  await server.close()
})

/** Loses one request or reply of ours after the other, until it is told to stop. Returns how many. */
async function loseSome(ours: OurContenders, ended: Promise<void>): Promise<number> {
  const random = new SimRandom(SEED)
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  let losses = 0
  while (!isOver) {
    const ids = ours.sessionIds
    // Nobody of ours is there yet, or any more.
    if (ids.length === 0) {
      await Promise.race([ended, nextTurn()])
      continue
    }
    const match = { sessionId: ids[random.below(ids.length)]!, skip: random.below(12) }
    const fault = random.oneIn(2) ? server.loseReply(match) : server.loseRequest(match)
    await Promise.race([ended, fault.struck])
    fault.cancel()
    if (fault.hasStruck) losses += 1
  }
  return losses
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

describe.each([
  ['Curator', java, javaContenders, 'curator', 'InterProcessMutex'],
  ['kazoo', python, kazooContenders, 'kazoo', 'Lock'],
] as const)('%s', (_name, peer, start, layout, lock) => {
  test.skipIf(skipWithout(peer))(
    `${lock} and Mutex exclude each other while ours lose requests and replies`,
    { timeout: Math.max(300_000, 2000 * GRANTS) },
    async () => {
      server = await startTestServer()
      const witness = await Witness.open()
      const theirs: Contenders = start(peer, server.connectionString, witness)
      const ours = new OurContenders(server.connectionString, witness, layout)
      open.push(theirs, ours, witness)
      const scene = witness.watch('/lossy', 1)
      const contest = Promise.all([
        theirs.contend(lock, '/lossy', GRANTS, WORKERS),
        ours.contend('Mutex', '/lossy', GRANTS, WORKERS),
      ]).then(() => {})
      const [losses] = await Promise.all([loseSome(ours, contest), contest])
      expect(scene.violations).toEqual([])
      expect(scene.total).toBe(2 * WORKERS * GRANTS)
      expect(losses).toBeGreaterThan(GRANTS / 5)
    },
  )
})
