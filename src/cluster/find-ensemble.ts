import { type ConnectOptions, connect } from '../client-node/index.ts'
import type { Address } from '../env/index.ts'
import { formatAddress } from '../platform/sockets/index.ts'
import { askWord, type Reach } from './ask-word.ts'
import { ClusterError } from './cluster-error.ts'
import type { EnsembleList } from './ensemble-report.ts'
import { type AskedServer, parseMembership } from './membership.ts'
import { isNotServing, isRefused, parseConf } from './texts.ts'

/**
 * Has one of `servers` say who belongs to its ensemble: by the word `conf`, else by the znode `/zookeeper/config`. A server
 * that stands alone is an ensemble of one, which no list names.
 *
 * @returns null for a server that stands alone
 * @throws ClusterError when no server tells
 */
export async function findEnsemble(
  servers: readonly Address[],
  reach: Reach,
  connection: ConnectOptions,
): Promise<EnsembleList | null> {
  const failures: string[] = []
  for (const address of servers) {
    const found = await askConf(address, reach)
    if (typeof found !== 'string') return found.list
    failures.push(`${formatAddress(address)}: ${found}`)
  }
  const asked = { address: servers[0]!, id: null, clientPort: servers[0]!.port }
  const text = await readConfigZnode(servers, reach, connection)
  const list = text === null ? null : toList(text, asked)
  if (list !== null && list.servers.length > 0) return list
  throw new ClusterError(
    `no server tells who belongs to its ensemble: ${failures.join('; ')}. Add conf to 4lw.commands.whitelist, name all ` +
      'servers with --servers, or give the zoo.cfg of one with --config',
  )
}

/**
 * The ensemble as a zoo.cfg has it.
 * @param readDynamic gives the text of the file that `dynamicConfigFile` names
 * @returns null when there are no server lines: a server that stands alone
 */
export function listFromZooCfg(
  text: string,
  readDynamic: (file: string) => string,
): EnsembleList | null {
  const dynamicFile = valueIn(text, 'dynamicConfigFile')
  const lines = dynamicFile === null ? text : `${text}\n${readDynamic(dynamicFile)}`
  const port = Number(valueIn(text, 'clientPort') ?? DEFAULT_PORT)
  const asked = { address: { host: '', port }, id: null, clientPort: port }
  // Properties may have spaces, and a colon in place of the equals sign.
  const list = toList(lines.replace(/^\s*((?:server|group)\.\d+)\s*[=:]\s*/gm, '$1='), asked)
  return list.servers.length === 0 ? null : list
}

const DEFAULT_PORT = 2181

function valueIn(properties: string, key: string): string | null {
  return new RegExp(`^\\s*${key}\\s*[=:]\\s*(\\S.*?)\\s*$`, 'm').exec(properties)?.[1] ?? null
}

/** What `conf` or `/zookeeper/config` says. */
function toList(text: string, asked: AskedServer): EnsembleList {
  return {
    servers: withoutWrongGuesses(parseMembership(text, asked)),
    hasGroups: /^group\.\d+=/m.test(text),
  }
}

/** Two servers cannot be at one address: then the guess was wrong, and nothing is known. */
function withoutWrongGuesses(servers: EnsembleList['servers']): EnsembleList['servers'] {
  const counts = new Map<string, number>()
  for (const { client } of servers) {
    const key = formatAddress(client)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const shared = servers.find(
    ({ client, isPortGuessed }) => isPortGuessed && counts.get(formatAddress(client))! > 1,
  )
  if (shared === undefined) return servers
  throw new ClusterError(
    `the line server.${shared.id} of the ensemble's list names no client port: name all servers with --servers`,
  )
}

/** The list, null within for a server without one; a text says why there was no answer. */
async function askConf(
  address: Address,
  reach: Reach,
): Promise<{ readonly list: EnsembleList | null } | string> {
  const answer = await askWord(address, 'conf', reach)
  if ('failure' in answer) return answer.failure
  if (isRefused(answer.text)) return 'conf is not on its whitelist'
  if (isNotServing(answer.text)) return 'it has no leader'
  const conf = parseConf(answer.text)
  if (conf === null) return 'what answers there is no ZooKeeper'
  if (conf.membership === null) {
    return isReadOnly(answer.text) ? 'it has lost the others' : { list: null }
  }
  return {
    list: toList(conf.membership, { address, id: conf.serverId, clientPort: conf.clientPort }),
  }
}

/** A read-only server of upstream prints the limits of its ensemble and not the list. */
function isReadOnly(conf: string): boolean {
  return /^initLimit=/m.test(conf)
}

async function readConfigZnode(
  servers: readonly Address[],
  reach: Reach,
  connection: ConnectOptions,
): Promise<string | null> {
  const limit = { connectTimeoutMs: reach.timeoutMs, requestTimeoutMs: reach.timeoutMs }
  const options = { ...connection, ...limit, canBeReadOnly: true }
  try {
    const client = await connect(servers.map(formatAddress).join(','), options)
    try {
      return Buffer.from((await client.getConfig()).data).toString('utf8')
    } finally {
      await client.close()
    }
  } catch {
    return null
  }
}
