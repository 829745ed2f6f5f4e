import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  buffer,
  CreateFlag,
  createBody,
  Op,
  readBody,
  setBody,
  WireClient,
  type WireOptions,
} from '../../../bench/client/index.ts'
import {
  type Ensemble,
  type EnsembleMember,
  fourLetterWord,
  type ServerKind,
} from '../../../bench/servers/index.ts'
import { skipWithoutServers, withEnsemble } from './support/index.ts'

/* A server that has lost the others, in the original and in ours: what clients get is the same. */

const NOT_READ_ONLY = -119
const CLOSE_SESSION = -11
const NOTHING = Buffer.alloc(0)
const CONFIG = ['readonlymode.enabled=true', 'localSessionsEnabled=true']

describe.each<ServerKind>(['zabkeeper', 'apache-3.8', 'apache-3.9'])('%s', (kind) => {
  const isSkipped = skipWithoutServers(kind)
  const members = [{ kind }, { kind }, { kind }]
  test.skipIf(isSkipped)('alone serves reads', { timeout: 240_000 }, async () => {
    await withEnsemble({ members, config: CONFIG }, async (ensemble) => {
      const first = ensemble.member(1)
      await tryReadOnly(ensemble, first)
      await ensemble.member(2).start()
      await first.ready()
      expect(await fourLetterWord(first.port, 'isro')).toBe('rw')
      const client = await WireClient.open({ port: first.port, canBeReadOnly: true })
      expect(client.isReadOnly).toBe(false)
      const created = await client.request(Op.create, createBody('/later', '', 0))
      expect(created.err).toBe(0)
      await client.close()
    })
  })
})

async function tryReadOnly(ensemble: Ensemble, { id, port }: EnsembleMember): Promise<void> {
  const writer = await WireClient.open({ port })
  const written = await writer.request(Op.create, createBody('/a', 'x', CreateFlag.persistent))
  expect([written.err, writer.isReadOnly]).toEqual([0, false])
  // At once: this one is not to lead one of them for a moment, with a zxid of that epoch.
  const others = ensemble.members.filter((member) => member.id !== id)
  await Promise.all(others.map(async (other) => await other.kill()))
  await writer.closed
  await untilReadOnly(port)
  expect(await fourLetterWord(port, 'srvr')).toMatch(/^READ-ONLY mode.*^Mode: read-only$/ms)
  expect(await fourLetterWord(port, 'mntr')).toMatch(/^zk_server_state\tread-only$/m)
  await expectRefused({ port })
  const reader = await WireClient.open({ port, canBeReadOnly: true })
  expect(reader.isReadOnly).toBe(true)
  const replies = [
    await reader.request(Op.create, createBody('/b', '', 0)),
    await reader.request(Op.setData, setBody('/a', 'y', -1)),
    await reader.request(Op.sync, buffer('/')),
  ]
  for (const { err, zxid, body } of replies) {
    expect([err, zxid, body.length]).toEqual([NOT_READ_ONLY, written.zxid, 0])
  }
  expect((await reader.request(Op.getData, readBody('/a', true))).err).toBe(0)
  expect((await reader.ping()).err).toBe(0)
  const session = { id: reader.sessionId, password: reader.password }
  const second = await WireClient.open({ port, canBeReadOnly: true, session })
  expect(second.sessionId).toBe(session.id)
  await reader.closed
  expect((await second.request(CLOSE_SESSION, NOTHING)).err).toBe(0)
  await expectRefused({ port, canBeReadOnly: true, session })
}

async function untilReadOnly(port: number): Promise<void> {
  while ((await fourLetterWord(port, 'isro').catch(() => '')) !== 'ro') await sleep(50)
}

async function expectRefused(options: WireOptions): Promise<void> {
  await expect(WireClient.open(options)).rejects.toThrow()
}
