import {
  type ConnectOptions,
  connect,
  InvalidArgumentError,
  parseConnectionString,
  ZkError,
} from '../client-node/index.ts'
import { formatAddress } from '../platform/sockets/index.ts'
import type { EnsembleReport } from './ensemble-report.ts'
import type { SurveyOptions } from './survey.ts'

/** One write through one server. */
export type ProbeOutcome =
  /** From the create to the answer to the delete, ms. */
  { readonly tookMs: number } | { readonly failure: string }

/**
 * Makes an ephemeral znode through each server that can be reached, reads it, deletes it and ends the session: four
 * transactions for each. In the order of the servers.
 * @param path of the znode below the chroot of the connection string; the server appends digits
 */
export async function probeAll(
  { servers }: EnsembleReport,
  { servers: target, connection, reach }: SurveyOptions,
  path: string,
): Promise<ProbeOutcome[]> {
  const { chroot } = parseConnectionString(target)
  return await Promise.all(
    servers.map(async ({ address, state, reason }) => {
      if (state === 'unreachable') return { failure: reason ?? state }
      const server = `${formatAddress(address)}${chroot === '/' ? '' : chroot}`
      return await probeWrite(server, path, { ...connection, ...limitsOf(reach.timeoutMs) })
    }),
  )
}

function limitsOf(timeoutMs: number): ConnectOptions {
  return {
    connectTimeoutMs: timeoutMs,
    requestTimeoutMs: timeoutMs,
    closeTimeoutMs: timeoutMs,
    renewSession: false,
  }
}

async function probeWrite(
  server: string,
  path: string,
  options: ConnectOptions,
): Promise<ProbeOutcome> {
  try {
    const client = await connect(server, options)
    try {
      const startedMs = performance.now()
      const written = `${process.pid}`
      const created = await client.create(path, written, { mode: 'ephemeral-sequential' })
      const { data } = await client.getData(created.path)
      const read = Buffer.from(data).toString('utf8')
      await client.delete(created.path)
      if (read !== written) return { failure: `${created.path} was read with another value` }
      return { tookMs: performance.now() - startedMs }
    } finally {
      await client.close()
    }
  } catch (error) {
    if (error instanceof InvalidArgumentError || !(error instanceof ZkError)) throw error
    return { failure: error.message }
  }
}
