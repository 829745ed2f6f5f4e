import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Ensemble, ServerKind } from '../../../bench/servers/index.ts'
import { kazoo, skipWithout } from '../clients/support/index.ts'
import { cyclesOf, newDice } from '../torture/support/index.ts'
import {
  expectEqualTrees,
  KazooCrowd,
  RegisterWriter,
  SessionOwner,
  skipWithoutServers,
  synchronizations,
  withEnsemble,
  writeZnodes,
} from './support/index.ts'

/*
 * docs/migrating.md, executed: an ensemble of Apache's replaced by ours server by server and back, with clients that
 * write, sessions that own ephemerals, and clients of kazoo's with ephemerals and watches, all the way.
 * `ZABKEEPER_MIGRATION_ZNODES` sets the size of the tree.
 */
const ZNODES = cyclesOf('ZABKEEPER_MIGRATION_ZNODES', 2000)
const OWNERS = 3
const KAZOO_CLIENTS = 8

const python = await kazoo()

describe.each(['apache-3.5', 'apache-3.8', 'apache-3.9'] as const)('an ensemble of %s', (kind) => {
  const isSkipped = skipWithoutServers('zabkeeper', kind) || skipWithout(python)
  test.skipIf(isSkipped)('is replaced by ours and back', { timeout: 900_000 }, async () => {
    const members = [1, 2, 3].map(() => ({ kind }))
    await withEnsemble({ members }, async (ensemble) => {
      await writeZnodes(ensemble.member(1).port, '/data', ZNODES)
      const crowd = await KazooCrowd.start(python.found!, ensemble.members, KAZOO_CLIENTS)
      try {
        await migrate(ensemble, kind, crowd)
        await crowd.finish()
      } finally {
        crowd.kill()
      }
    })
  })
})

async function migrate(ensemble: Ensemble, kind: ServerKind, crowd: KazooCrowd): Promise<void> {
  const dice = newDice()
  const servers = ensemble.members
  const owners = Array.from({ length: OWNERS }, (_, i) => new SessionOwner(`/o${i}`, servers, dice))
  for (const owner of owners) await owner.start()
  const writers = servers.map((_, i) => new RegisterWriter(`/r${i}`, servers, dice, 2))
  for (const writer of writers) writer.start()
  for (const next of ['zabkeeper', kind] as const) {
    for (const { id } of ensemble.members) {
      await replace(ensemble, id, next)
      // Whoever comes first to the other kind gets everything from it.
      if (id === 1)
        expect((await synchronizations(ensemble, ensemble.member(id))).at(-1)).toBe('SNAP')
      await Promise.all(writers.map(async (writer) => await writer.untilWritten(20)))
      await crowd.check()
      for (const owner of owners) await owner.check()
    }
    expect(ensemble.members.map((member) => member.kind)).toEqual([next, next, next])
  }
  await Promise.all(writers.map(async (writer) => await writer.stop()))
  for (const owner of owners) await owner.finish()
  const clients = writers.map(({ client }) => client)
  expect(clients.map(({ expired }) => expired)).toEqual(clients.map(() => 0))
  expect(writers.map(({ register }) => register.fault)).toEqual([null, null, null])
  await expectEqualTrees(ensemble)
  for (const client of clients) await client.close()
}

/** Stops one server and starts the other kind in its place, with an empty folder, while all others serve. */
async function replace(ensemble: Ensemble, id: number, kind: ServerKind): Promise<void> {
  const member = ensemble.member(id)
  await ensemble.ready()
  await member.stop()
  // Empty, it has a vote all the same: with a server that lacks writes it could elect one that lacks them.
  await ensemble.leader()
  member.kind = kind
  rmSync(member.dataDir, { recursive: true, force: true })
  await member.start()
}
