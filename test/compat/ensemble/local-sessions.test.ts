import { describe, expect, test } from 'vitest'
import {
  CreateFlag,
  createBody,
  multiBody,
  Op,
  type Reply,
  readBody,
  WireClient,
} from '../../../bench/client/index.ts'
import type { Ensemble, EnsembleMember, MemberSpec } from '../../../bench/servers/index.ts'
import { expectEqualTrees, skipWithoutServers, withEnsemble } from './support/index.ts'

/* Local sessions at every server of ensembles of the original, of ours, and of both: zxids and answers are the same. */

const NO_NODE = -101
const REFUSED = -120
const CLOSE_SESSION = -11
const NOTHING = Buffer.alloc(0)

const ours: MemberSpec = { kind: 'zabkeeper' }
const apache: MemberSpec = { kind: 'apache-3.8' }
const isSkipped = skipWithoutServers('zabkeeper', 'apache-3.8')
const ENSEMBLES: readonly (readonly [name: string, members: readonly MemberSpec[]])[] = [
  ['ours', [ours, ours, ours]],
  ['the original', [apache, apache, apache]],
  ['ours leads the original', [apache, apache, ours]],
  ['ours follows and observes the original', [{ ...ours, role: 'observer' }, ours, apache, apache]],
]

describe.skipIf(isSkipped).each(ENSEMBLES)('%s', (_, members) => {
  test.each([true, false])('upgrading: %s', { timeout: 240_000 }, async (isUpgrading) => {
    const config = ['localSessionsEnabled=true', `localSessionsUpgradingEnabled=${isUpgrading}`]
    await withEnsemble({ members, config }, async (ensemble) => {
      await ensemble.makeLead(members.length)
      for (const member of ensemble.members) {
        if (isUpgrading) await upgrade(ensemble, member)
        else await stayLocal(ensemble, member)
      }
      await expectEqualTrees(ensemble)
    })
  })
})

async function create(client: WireClient, path: string, flags: number): Promise<Reply> {
  return await client.request(Op.create, createBody(path, '', flags))
}

async function stayLocal(ensemble: Ensemble, { id, port }: EnsembleMember): Promise<void> {
  const client = await WireClient.open({ port })
  const session = { id: client.sessionId, password: client.password }
  const first = await create(client, `/local${id}`, CreateFlag.persistent)
  expect(first.err).toBe(0)
  const refused = await create(client, `/ephemeral${id}`, CreateFlag.ephemeral)
  expect([refused.err, refused.zxid - first.zxid]).toEqual([REFUSED, 1n])
  const ops = [
    { op: Op.create, body: createBody(`/never${id}`, '', CreateFlag.persistent) },
    { op: Op.create, body: createBody(`/ephemeral${id}`, '', CreateFlag.ephemeral) },
  ]
  await client.request(Op.multi, multiBody(ops))
  expect((await client.request(Op.exists, readBody(`/never${id}`, false))).err).toBe(NO_NODE)
  const other = ensemble.members.find((one) => one.id !== id)!
  await expect(WireClient.open({ port: other.port, session })).rejects.toThrow('expired')
  const closed = await client.request(CLOSE_SESSION, NOTHING)
  expect([closed.err, closed.zxid - first.zxid]).toEqual([0, 2n])
}

async function upgrade(ensemble: Ensemble, { id, port }: EnsembleMember): Promise<void> {
  const client = await WireClient.open({ port })
  const session = { id: client.sessionId, password: client.password }
  const first = await create(client, `/local${id}`, CreateFlag.persistent)
  const made = await create(client, `/ephemeral${id}`, CreateFlag.ephemeral)
  expect([made.err, made.zxid - first.zxid]).toEqual([0, 2n])
  const other = ensemble.members.find((one) => one.id !== id)!
  const options = { port: other.port, session }
  const moved = await WireClient.open(options)
  expect((await moved.request(Op.sync, Buffer.from([0, 0, 0, 1, 0x2f]))).err).toBe(0)
  const path = `/ephemeral${id}`
  expect((await moved.request(Op.exists, readBody(path, false))).err).toBe(0)
  const closed = await moved.request(CLOSE_SESSION, NOTHING)
  expect([closed.err, closed.zxid - first.zxid]).toEqual([0, 3n])
}
