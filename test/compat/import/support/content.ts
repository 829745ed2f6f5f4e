import { expect } from 'vitest'
import {
  CreateFlag,
  createBody,
  createTtlBody,
  multiBody,
  Op,
  pathVersionBody,
  readBody,
  readStat,
  setAclBody,
  setBody,
  WireClient,
} from '../../../../bench/client/index.ts'
import { dumpTree } from '../../ensemble/support/index.ts'

/** A session that goes on whichever server serves it. */
export interface KeptSession {
  readonly id: bigint
  readonly password: Buffer
}

const EPHEMERAL = '/held'

/** Opens a session that owns an ephemeral, and leaves it. */
export async function keepSession(port: number): Promise<KeptSession> {
  const client = await WireClient.open({ port, timeoutMs: 120_000 })
  await must(client, Op.create, createBody(EPHEMERAL, 'mine', CreateFlag.ephemeral))
  const kept = { id: client.sessionId, password: client.password }
  client.destroy()
  await client.closed
  return kept
}

/** Takes the session up again, finds its ephemeral, and leaves it. Gives the zxid of a write. */
export async function expectSession(port: number, kept: KeptSession): Promise<bigint> {
  const client = await WireClient.open({ port, timeoutMs: 120_000, session: kept })
  expect(client.sessionId).toBe(kept.id)
  const found = await client.request(Op.exists, readBody(EPHEMERAL, false))
  expect(found.err).toBe(0)
  expect(readStat(found.body, 0).ephemeralOwner).toBe(kept.id)
  const { zxid } = await must(client, Op.setData, setBody(EPHEMERAL, 'still mine', -1))
  client.destroy()
  await client.closed
  return zxid
}

/** Znodes of all kinds with histories of all kinds, in `rounds` rounds below `root`. */
export async function fillTree(port: number, root: string, rounds: number): Promise<void> {
  const client = await WireClient.open({ port })
  await client.authenticate('digest', 'owner:pass')
  const { persistent, sequential, container } = CreateFlag
  await must(client, Op.create, createBody(root, null, persistent))
  for (let round = 0; round < rounds; round++) {
    const node = `${root}/ä${round}`
    const big = Buffer.alloc(round === 3 ? 900_000 : 10 * round, round)
    await must(client, Op.create, createBody(node, big, persistent))
    await must(client, Op.create2, createBody(`${node}/seq-`, '', sequential))
    await must(client, Op.createContainer, createBody(`${node}/box`, 'c', container))
    await must(client, Op.create, createBody(`${node}/box/in`, null, persistent))
    await must(client, Op.createTtl, createTtlBody(`${node}/late`, 'ttl', 3_600_000n))
    await must(client, Op.create, createBody(`${node}/gone`, 'x', persistent))
    await must(client, Op.delete, pathVersionBody(`${node}/gone`, 0))
    await must(client, Op.setData, setBody(node, round % 2 === 0 ? null : 'again', 0))
    const acl = [
      [round % 31, 'digest', `user${round % 3}:hash`],
      [31, 'auth', ''],
    ] as const
    await must(client, Op.setAcl, setAclBody(node, acl, 0))
    const ops = [
      { op: Op.create, body: createBody(`${node}/multi`, 'm', persistent) },
      { op: Op.setData, body: setBody(`${node}/multi`, 'mm', 0) },
      { op: Op.check, body: pathVersionBody(`${node}/multi`, 1) },
    ]
    await must(client, Op.multi, multiBody(ops))
    // It fails, and takes a zxid all the same.
    const refused = await client.request(Op.create, createBody('/none/x', '', persistent))
    expect(refused.err).toBe(-101)
  }
  const quota = `/zookeeper/quota${root}`
  await must(client, Op.create, createBody(quota, '', persistent))
  const limits = 'count=100000,bytes=100000000'
  await must(client, Op.create, createBody(`${quota}/zookeeper_limits`, limits, persistent))
  await must(client, Op.create, createBody(`${quota}/zookeeper_stats`, limits, persistent))
  await must(client, Op.create, createBody(`${root}/counted`, 'twelve bytes', persistent))
  await client.close()
}

/** Every znode with its data, Stat and ACL. */
export async function expectSameTree(
  port: number,
  expected: ReadonlyMap<string, string>,
): Promise<void> {
  const found = await dumpTree(port)
  const paths = [...new Set([...expected.keys(), ...found.keys()])]
  const different = paths.filter((node) => expected.get(node) !== found.get(node))
  const describe = (node: string): unknown => [node, expected.get(node), found.get(node)]
  expect(different.slice(0, 5).map(describe)).toEqual([])
}

async function must(
  client: WireClient,
  op: number,
  body: Buffer,
): Promise<{ readonly zxid: bigint }> {
  const reply = await client.request(op, body)
  if (reply.err !== 0) throw new Error(`operation ${op} was answered with ${reply.err}`)
  return reply
}
