import type { ConnectOptions } from '../client-node/index.ts'
import type { Reach } from './ask-word.ts'
import { ClusterError } from './cluster-error.ts'
import { compareServers, type EnsembleList, type EnsembleReport } from './ensemble-report.ts'
import { findEnsemble } from './find-ensemble.ts'
import { lookUpServers } from './look-up-servers.ts'
import type { Member } from './members.ts'
import { reportOn } from './server-report.ts'

/** Which servers are asked, and how. */
export interface SurveyOptions {
  /** A connection string; what is behind a slash is for clients only. */
  readonly servers: string
  readonly reach: Reach
  readonly connection: ConnectOptions
  /** All servers of the ensemble that those of `servers` belong to. */
  readonly isWhole: boolean
  /** The ensemble as a configuration file has it: then nobody is asked who belongs to it. */
  readonly list: EnsembleList | null
}

/**
 * Asks the servers, all at the same time.
 * @throws ClusterError when no server tells who belongs to the ensemble
 */
export async function survey(options: SurveyOptions): Promise<EnsembleReport> {
  const list = await listOf(options)
  const addresses =
    list === null ? await lookUpServers(options.servers) : list.servers.map(({ client }) => client)
  const reports = await Promise.all(addresses.map((address) => reportOn(address, options.reach)))
  return compareServers(reports, list)
}

/**
 * The ensemble's list, with what each server is doing.
 * @throws ClusterError when no server tells, or there is no list
 */
export async function listMembers(options: SurveyOptions): Promise<readonly Member[]> {
  const list = await listOf({ ...options, isWhole: true })
  if (list === null) {
    throw new ClusterError(`${options.servers} stands alone: there is no list of servers`)
  }
  return await Promise.all(
    list.servers.map(async (server) => ({
      ...server,
      report: await reportOn(server.client, options.reach),
    })),
  )
}

async function listOf(options: SurveyOptions): Promise<EnsembleList | null> {
  const { servers, reach, connection, isWhole, list } = options
  if (list !== null || !isWhole) return list
  return await findEnsemble(await lookUpServers(servers), reach, connection)
}
