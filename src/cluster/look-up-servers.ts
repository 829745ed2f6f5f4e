import { resolveSrv } from 'node:dns/promises'
import { parseConnectionString } from '../client-node/index.ts'
import type { Address } from '../env/index.ts'
import { ClusterError } from './cluster-error.ts'

/**
 * The servers of a connection string, in its order; those of `srv:name` in the order of their priority.
 * @throws InvalidArgumentError for a string that is none, ClusterError when the name leads nowhere
 */
export async function lookUpServers(connectionString: string): Promise<readonly Address[]> {
  const { servers } = parseConnectionString(connectionString)
  if (typeof servers !== 'string') return servers
  try {
    const records = await resolveSrv(servers)
    const sorted = records.sort((a, b) => a.priority - b.priority || b.weight - a.weight)
    return sorted.map(({ name: host, port }) => ({ host, port }))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new ClusterError(`the SRV records of ${servers} cannot be had: ${code}`)
  }
}
