import { resolveSrv as lookUp } from 'node:dns/promises'
import type { SrvRecord } from '../client/index.ts'

/** The SRV records of a name, as the system's name servers have them. */
export async function resolveSrv(name: string): Promise<SrvRecord[]> {
  const records = await lookUp(name)
  return records.map(({ name: host, port, priority, weight }) => ({ host, port, priority, weight }))
}
