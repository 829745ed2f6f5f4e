import { request } from 'node:http'
import { formatHex, type SessionId } from '../base/index.ts'
import type { Evidence, MissingServer, ServerReport } from './report.ts'
import { readReport } from './report.ts'

/** Where admin servers are asked. */
export interface AskOptions {
  /** `host:port` of admin servers. */
  readonly servers: readonly string[]
  /** Path of their commands, without a slash behind. */
  readonly commandPath: string
  readonly timeoutMs: number
  /** Null for everything that concerns no session. */
  readonly sessionId: SessionId | null
}

/** An answer is at most so long; a history is bounded to less. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024

/** Asks all of them at once for their history. */
export async function askServers(options: AskOptions): Promise<Evidence> {
  const answers = await Promise.all(
    options.servers.map((address) =>
      askOne(address, options).catch((error: unknown) => ({
        address,
        reason: describeFault(error),
      })),
    ),
  )
  const reports: ServerReport[] = []
  const missing: MissingServer[] = []
  for (const answer of answers) {
    if ('serverId' in answer) reports.push(answer)
    else missing.push(answer)
  }
  return { reports: reports.sort((a, b) => a.serverId - b.serverId), missing }
}

async function askOne(address: string, options: AskOptions): Promise<ServerReport> {
  const { sessionId, commandPath } = options
  const query = sessionId === null ? '' : `?session=${formatHex(sessionId)}`
  const askedMs = Date.now()
  const text = await get(`http://${address}${commandPath}/events${query}`, options.timeoutMs)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error('its answer is no JSON: is this the admin port of a zabkeeper server?')
  }
  return readReport(json, address, askedMs, Date.now())
}

function get(url: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > ANSWER_BYTES_MAX) asked.destroy(new Error('its answer is too long'))
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'))
        else if (response.statusCode === 404) {
          reject(new Error('it has no command events: an older version, or Apache ZooKeeper'))
        } else reject(new Error(`it answers with HTTP status ${response.statusCode}`))
      })
    })
    const timer = setTimeout(
      () => asked.destroy(new Error(`no answer for ${timeoutMs} ms`)),
      timeoutMs,
    )
    asked.on('close', () => clearTimeout(timer))
    asked.on('error', reject)
    asked.end()
  })
}

function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ECONNREFUSED') return 'nothing listens there'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such host'
  if (code === 'HPE_INVALID_CONSTANT' || code === 'ECONNRESET') return 'it speaks no HTTP'
  return error.message
}
