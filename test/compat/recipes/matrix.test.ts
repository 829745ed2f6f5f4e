import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type ZooKeeper } from '../../../src/client-node/index.ts'
import { startTestServer, type TestServer } from '../../../src/testing/index.ts'
import { WatcherType } from '../../../src/wire/index.ts'
import { readText } from '../../tidy/source-files.ts'
import { javaRecipes, kazoo, skipWithout } from '../clients/support/index.ts'
import { type Contenders, javaContenders, kazooContenders } from './support/contenders.ts'
import { OurContenders } from './support/ours.ts'
import { Witness } from './support/witness.ts'

/** Everybody who can hold something at a path: party and recipe. */
const PARTIES = [
  ['ours', 'Mutex'],
  ['ours', 'Read'],
  ['ours', 'Write'],
  ['ours', 'LeaderLatch'],
  ['ours', 'LeaderSelector'],
  ['oursKazoo', 'Mutex'],
  ['oursKazoo', 'Read'],
  ['oursKazoo', 'Write'],
  ['kazoo', 'Lock'],
  ['kazoo', 'Lock+'],
  ['kazoo', 'ReadLock'],
  ['kazoo', 'WriteLock'],
  ['java', 'InterProcessMutex'],
  ['java', 'ReadLock'],
  ['java', 'WriteLock'],
  ['java', 'LeaderLatch'],
  ['java', 'LeaderSelector'],
  ['java', 'zk:WriteLock'],
  ['java', 'zk:LeaderElectionSupport'],
] as const

type Party = (typeof PARTIES)[number]

/** As the rows of the table in docs/recipes.md are called, in the order of {@link PARTIES}. */
const NAMES = [
  'Mutex',
  'Read',
  'Write',
  'LeaderLatch',
  'LeaderSelector',
  'Mutex (kazoo)',
  'Read (kazoo)',
  'Write (kazoo)',
  'kazoo Lock',
  'kazoo Lock + `-lock-`',
  'kazoo ReadLock',
  'kazoo WriteLock',
  'Curator Mutex',
  'Curator Read',
  'Curator Write',
  'Curator Latch',
  'Curator Selector',
  'ZooKeeper WriteLock',
  'ZooKeeper LeaderElectionSupport',
]

const java = await javaRecipes()
const python = await kazoo()
const isSkipped = [java, python].map((peer) => skipWithout(peer)).includes(true)

describe.skipIf(isSkipped)('who waits for whom', { timeout: 600_000 }, () => {
  let server: TestServer
  let witness: Witness
  let observer: ZooKeeper
  let parties: Readonly<Record<Party[0], Contenders>>
  let paths = 0

  beforeAll(async () => {
    server = await startTestServer()
    witness = await Witness.open()
    const address = server.connectionString
    observer = await connect(address, { sessionTimeoutMs: 30_000 })
    parties = {
      ours: new OurContenders(address, witness, 'curator'),
      oursKazoo: new OurContenders(address, witness, 'kazoo'),
      kazoo: kazooContenders(python, address, witness),
      java: javaContenders(java, address, witness),
    }
  }, 60_000)

  afterAll(async () => {
    await Promise.all(Object.values(parties).map((party) => party.close()))
    await observer.close()
    await witness.close()
    await server.close()
  })

  /** Whether another session than the holder's watches the holder's znode. */
  function isWatched(znode: string, holder: bigint): boolean {
    const { watches, connections } = server.members[0]!.server!
    return [...connections].some(
      (connection) =>
        connection.sessionId !== holder && watches.has(znode, connection, WatcherType.any),
    )
  }

  /**
   * What happens to the second at a path that the first holds: `waits`, until the first has given it back; `BOTH` hold
   * it; `refuses` to contend; `fails` otherwise.
   */
  async function outcome(first: Party, second: Party): Promise<string> {
    paths += 1
    const path = `/matrix${paths}`
    // ZooKeeper's election does not create it.
    if (first[1] === 'zk:LeaderElectionSupport') await observer.create(path)
    const held = await parties[first[0]].hold(first[1], path)
    const { children } = await observer.getChildren(path)
    expect(children.length, `${first}`).toBe(1)
    const znode = `${path}/${children[0]}`
    let settled: 'failed' | 'held' | null = null
    let reason = ''
    const attempt = parties[second[0]].hold(second[1], path).then(
      (grant) => {
        settled = 'held'
        return grant
      },
      (error) => {
        settled = 'failed'
        reason = String(error)
        return null
      },
    )
    // It watches the first's znode when it waits: no time has to pass to see that it does not get it.
    while (settled === null && !isWatched(znode, held.sessionId)) await observer.exists('/')
    const found: string | null = settled
    await held.release()
    const grant = await attempt
    await grant?.release()
    if (found === 'held') return 'BOTH'
    if (grant !== null) return 'waits'
    return /FOREIGN|would not wait for/.test(reason) ? 'refuses' : 'fails'
  }

  const table = readTable()

  test('the table has a row and a column for everybody', () => {
    expect([...table.keys()]).toEqual(NAMES)
    for (const row of table.values()) expect([...row.keys()]).toEqual(NAMES)
  })

  test.each(PARTIES.map((party, index) => [NAMES[index]!, party] as const))(
    '%s holds, and …',
    async (name, party) => {
      const found = new Map<string, string>()
      for (const [index, second] of PARTIES.entries()) {
        found.set(NAMES[index]!, await outcome(party, second))
      }
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(table.get(name) ?? []))
    },
  )
})

/** The table in docs/recipes.md: holder, then second, then what happens. */
function readTable(): Map<string, Map<string, string>> {
  const rows = readText('docs/recipes.md')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
  const start = rows.findIndex(([first]) => first === 'holds ↓, comes second →')
  if (start === -1) return new Map()
  const numbers = rows[start]!.slice(1)
  return new Map(
    rows.slice(start + 1, start + 1 + numbers.length).map(([name, ...cells]) => {
      const plain = name!.replace(/^\d+ /, '')
      const entries = cells.map((cell, index) => [NAMES[index]!, cell] as const)
      return [plain, new Map(entries)]
    }),
  )
}
