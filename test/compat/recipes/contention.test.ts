import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import type { Layout } from '../../../recipes/index.ts'
import {
  discardServer,
  javaRecipes,
  kazoo,
  skipWithout,
  startServer,
} from '../clients/support/index.ts'
import { type Contenders, javaContenders, kazooContenders } from './support/contenders.ts'
import { OurContenders } from './support/ours.ts'
import { type Capacity, Witness } from './support/witness.ts'

/** Of each worker; two workers of ours and two of the others compete. */
const GRANTS = Number(process.env['ZABKEEPER_INTEROP_GRANTS'] ?? 25)
const WORKERS = 2

const java = await javaRecipes()
const python = await kazoo()

let server: ServerProcess
let witness: Witness
const open: Contenders[] = []

beforeAll(async () => {
  server = await startServer({ tickTime: 2000 })
  witness = await Witness.open()
}, 60_000)

afterAll(async () => {
  await Promise.all(open.map((contenders) => contenders.close()))
  await witness.close()
  await discardServer(server)
})

/** Lets both compete and looks at what the witness has seen. */
async function compete(
  others: Contenders,
  layout: Layout,
  theirs: string,
  ours: string,
  capacity: Capacity,
): Promise<void> {
  const mine = new OurContenders(server.address, witness, layout)
  open.push(mine)
  const znode = `/${layout}-${ours.replace(':', '-')}-with-${theirs.replace(':', '-')}`
  const scene = witness.watch(znode, capacity)
  await Promise.all([
    others.contend(theirs, znode, GRANTS, WORKERS),
    mine.contend(ours, znode, GRANTS, WORKERS),
  ])
  expect(scene.violations).toEqual([])
  expect([...scene.grants.keys()].length).toBe(2 * WORKERS)
  expect(scene.total).toBe(2 * WORKERS * GRANTS)
  expect(scene.most).toBeGreaterThanOrEqual(1)
}

const LIMIT = { timeout: Math.max(300_000, 1000 * GRANTS) }

describe.skipIf(skipWithout(java))('ours and Curator', LIMIT, () => {
  let others: Contenders

  beforeAll(() => {
    others = javaContenders(java, server.address, witness)
    open.push(others)
  })

  test.each([
    ['InterProcessMutex', 'Mutex', 1],
    ['ReadWrite', 'ReadWrite', 'read-write'],
    ['InterProcessSemaphoreV2:2', 'Semaphore:2', 2],
    ['LeaderLatch', 'LeaderLatch', 1],
    ['LeaderSelector', 'LeaderSelector', 1],
    ['LeaderSelector', 'Mutex', 1],
  ] as const)('%s and %s', async (theirs, ours, capacity) => {
    await compete(others, 'curator', theirs, ours, capacity)
  })
})

describe.skipIf(skipWithout(python))('ours and kazoo', LIMIT, () => {
  let others: Contenders

  beforeAll(() => {
    others = kazooContenders(python, server.address, witness)
    open.push(others)
  })

  test.each([
    ['Lock', 'Mutex', 1],
    ['ReadWrite', 'ReadWrite', 'read-write'],
    ['Semaphore:2', 'Semaphore:2', 2],
    ['Election', 'LeaderLatch', 1],
    ['Election', 'LeaderSelector', 1],
  ] as const)('%s and %s', async (theirs, ours, capacity) => {
    await compete(others, 'kazoo', theirs, ours, capacity)
  })

  test('two that do not see each other are seen to overlap', async () => {
    // Our Lock of the layout `curator` refuses a path of kazoo, so the pair is kazoo's with itself at another path.
    const scene = witness.watch('/apart', 1)
    const mine = new OurContenders(server.address, witness, 'curator')
    open.push(mine)
    const held = await mine.hold('Mutex', '/apart')
    witness.note('enter /apart exclusive ours')
    await others.contend('Lock', '/apart', 1, 1)
    witness.note('leave /apart exclusive ours')
    await held.release()
    expect(scene.violations).toEqual(['ours (exclusive) + kazoo-0 (exclusive)'])
  })
})
