import { setTimeout as sleep } from 'node:timers/promises'
import { buffer, Op, readBody, readNames, WireClient } from '../../../../bench/client/index.ts'
import type { Endpoint } from '../../../../bench/servers/index.ts'

/** `DigestAuthenticationProvider.superDigest` of {@link SUPER}: dumps read whatever its ACL. */
export const SUPER_DIGEST =
  'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4='
const SUPER = 'super:secret'

const DUMP_MS = 60_000

/** What a server stores itself when it starts, without a transaction. */
const OWN = new Set(['/zookeeper/config'])

/** Every znode of a server: its data, whole Stat and ACL as they come on the wire. */
export async function dumpTree(
  port: number,
  host: string = '127.0.0.1',
): Promise<ReadonlyMap<string, string>> {
  const client = await WireClient.open({ host, port })
  try {
    await client.authenticate('digest', SUPER)
    const synced = await client.request(Op.sync, buffer('/'))
    if (synced.err !== 0) throw new Error(`sync was answered with ${synced.err}`)
    const found = new Map<string, string>()
    let level = ['/']
    while (level.length > 0) {
      const next = await Promise.all(level.map(async (node) => await dumpNode(client, node, found)))
      level = next.flat()
    }
    return found
  } finally {
    await client.close()
  }
}

async function dumpNode(
  client: WireClient,
  node: string,
  found: Map<string, string>,
): Promise<string[]> {
  const [data, acl, children] = await Promise.all([
    client.request(Op.getData, readBody(node, false)),
    client.request(Op.getAcl, buffer(node)),
    client.request(Op.getChildren, readBody(node, false)),
  ])
  if (data.err !== 0) throw new Error(`${node} is listed and cannot be read: ${data.err}`)
  if (!OWN.has(node)) {
    found.set(
      node,
      `${data.err} ${data.body.toString('hex')} ${acl.err} ${acl.body.toString('hex')}`,
    )
  }
  const parent = node === '/' ? '' : node
  return readNames(children.body).map((name) => `${parent}/${name}`)
}

/** A server may be on its way back still, or have lost its leader for a moment: then it is asked again. */
async function dumpPatiently({ port, host }: Endpoint): Promise<ReadonlyMap<string, string>> {
  for (const limit = Date.now() + DUMP_MS; ; await sleep(100)) {
    try {
      return await dumpTree(port, host)
    } catch (error) {
      const isLost = error instanceof Error && error.name === 'ConnectionLost'
      if (!isLost || Date.now() > limit) throw error
    }
  }
}

/** The first few differences between the trees of servers, or an empty list. */
export async function differencesBetween(servers: readonly Endpoint[]): Promise<readonly string[]> {
  const dumps: ReadonlyMap<string, string>[] = []
  for (const server of servers) dumps.push(await dumpPatiently(server))
  const [first, ...others] = dumps
  const differences: string[] = []
  for (const [i, other] of others.entries()) {
    for (const node of new Set([...first!.keys(), ...other.keys()])) {
      if (first!.get(node) === other.get(node)) continue
      differences.push(`${node}: ${first!.get(node)} at 1, ${other.get(node)} at ${i + 2}`)
    }
  }
  return differences.slice(0, 10)
}
