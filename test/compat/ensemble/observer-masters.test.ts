import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  buffer,
  CreateFlag,
  createBody,
  Op,
  readBody,
  readData,
  readPath,
  setBody,
  WireClient,
  type WireOptions,
} from '../../../bench/client/index.ts'
import {
  type Ensemble,
  type EnsembleMember,
  freePorts,
  type ServerKind,
} from '../../../bench/servers/index.ts'
import { expectEqualTrees, skipWithoutServers, withEnsemble } from './support/index.ts'

/* Observers that have followers for masters, of the original and of ours, at masters of either kind. */

const LEADER = 3
const OBSERVER = 4
const NO_NODE = -101
const LIMIT_MS = 60_000

describe.each<readonly [voters: ServerKind, observer: ServerKind]>([
  ['zabkeeper', 'zabkeeper'],
  ['zabkeeper', 'apache-3.8'],
  ['apache-3.8', 'zabkeeper'],
])('voters %s, observer %s', (voters, kind) => {
  const isSkipped = skipWithoutServers(voters, kind)
  test.skipIf(isSkipped)('go on with another master', { timeout: 300_000 }, async () => {
    const [port] = await freePorts(1)
    const members = [1, 2, 3].map((id) => ({ kind: voters, host: `127.0.2.${id}` }))
    const observer = { kind, host: '127.0.2.4', role: 'observer' } as const
    const config = [`observerMasterPort=${port}`]
    await withEnsemble({ members: [...members, observer], config }, async (ensemble) => {
      await ensemble.makeLead(LEADER)
      const observing = ensemble.member(OBSERVER)
      const first = await masterOf(ensemble, observing)
      await useObserver(ensemble, observing, first, '/first')
      await first.kill()
      await observing.ready()
      const second = await masterOf(ensemble, observing)
      expect(second.id).not.toBe(first.id)
      await useObserver(ensemble, observing, second, '/second')
      await first.start()
      await observing.kill()
      await observing.start()
      await useObserver(ensemble, observing, await masterOf(ensemble, observing), '/third')
      await expectEqualTrees(ensemble)
    })
  })
})

/** Whom the observer is connected to: a follower. One that has waited long for followers has gone to the leader. */
async function masterOf(ensemble: Ensemble, observer: EnsembleMember): Promise<EnsembleMember> {
  for (let tries = 0; tries < 10; tries++) {
    const id = await masterIdOf(observer)
    const master = ensemble.members.find((member) => member.id === id)
    if (master?.running === true && (await master.role()) === 'follower') return master
    await observer.kill()
    await observer.start()
  }
  throw new Error('the observer always goes to the leader')
}

/** Null after a while in which it says none: it may not have noticed yet that its master has gone, or look for one. */
async function masterIdOf(observer: EnsembleMember): Promise<number | null> {
  for (const limit = Date.now() + 10_000; Date.now() < limit; ) {
    const id = await observer.monitor('zk_observer_master_id', 10_000).catch(() => null)
    if (id !== null && id !== '0') return Number(id)
    await sleep(50)
  }
  return null
}

/** Writes, reads, watches and sessions by way of the observer. */
async function useObserver(
  ensemble: Ensemble,
  observer: EnsembleMember,
  master: EnsembleMember,
  root: string,
): Promise<void> {
  const client = await open(observer)
  const at = async (path: string, flags: number): Promise<number> =>
    (await client.request(Op.create, createBody(path, 'x', flags))).err
  expect(await at(root, CreateFlag.persistent)).toBe(0)
  for (let i = 0; i < 50; i++) expect(await at(`${root}/n${i}`, CreateFlag.persistent)).toBe(0)
  await watchFrom(client, ensemble.member(LEADER), `${root}/n0`)
  expect(await at(`${root}/e`, CreateFlag.ephemeral)).toBe(0)
  await moveAway(client, master, `${root}/e`)
  const reader = await open(observer)
  expect((await reader.request(Op.sync, buffer('/'))).err).toBe(0)
  const gone = await reader.request(Op.exists, readBody(`${root}/e`, false))
  expect(gone.err).toBe(NO_NODE)
  await reader.close()
}

/** What the leader has confirmed is at the observer after a sync, and its event came before. */
async function watchFrom(client: WireClient, leader: EnsembleMember, path: string): Promise<void> {
  const events: string[] = []
  client.onEvent = (type, body) => events.push(`${type} ${readPath(body, 8)}`)
  await client.request(Op.getData, readBody(path, true))
  const writer = await open(leader)
  expect((await writer.request(Op.setData, setBody(path, 'new', -1))).err).toBe(0)
  expect((await client.request(Op.sync, buffer(path))).err).toBe(0)
  const { body } = await client.request(Op.getData, readBody(path, false))
  expect([readData(body).data?.toString(), events]).toEqual(['new', [`3 ${path}`]])
  await writer.close()
}

/** The session goes on at the master with its ephemeral, and ends there. */
async function moveAway(client: WireClient, to: EnsembleMember, path: string): Promise<void> {
  const session = { id: client.sessionId, password: client.password }
  client.destroy()
  await client.closed
  const moved = await open(to, { session })
  expect(moved.sessionId).toBe(session.id)
  await moved.request(Op.sync, buffer(path))
  expect((await moved.request(Op.exists, readBody(path, false))).err).toBe(0)
  await moved.close()
}

async function open(
  { host, port }: EnsembleMember,
  options: Partial<WireOptions> = {},
): Promise<WireClient> {
  for (const limit = Date.now() + LIMIT_MS; ; ) {
    const client = await WireClient.open({ host, port, ...options }).catch((error: Error) => error)
    if (client instanceof WireClient) return client
    if (Date.now() > limit || client.message.includes('expired')) throw client
    await sleep(50)
  }
}
