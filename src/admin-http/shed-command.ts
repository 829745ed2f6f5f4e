import type { IncomingMessage } from 'node:http'
import { NOT_SERVING, RawNumber, renderAnswer, renderFailure } from '../admin/index.ts'
import type { AdminOptions, AdminTarget } from './admin-target.ts'
import { failure, type GuardedCommand, type GuardedRequest, refusal } from './guarded-command.ts'
import { type HttpReply, JSON_TYPE } from './http-reply.ts'
import { chunksOf } from './request-body.ts'

const NAME: string = 'shed_connections'
const BODY_BYTES_MAX = 1024
const BODY_TIMEOUT_MS = 10_000

/** `POST /commands/shed_connections` with `{"percentage":0..100}`: ends so many connections, for servers that have too many. */
export class ShedCommand implements GuardedCommand {
  readonly name: string = NAME
  readonly aliases: readonly string[] = ['shed']
  readonly method = 'POST'
  readonly #target: AdminTarget
  readonly #options: AdminOptions

  constructor(target: AdminTarget, options: AdminOptions) {
    this.#target = target
    this.#options = options
  }

  async run({ facts, request, response }: GuardedRequest): Promise<HttpReply | null> {
    const refused = refusal(NAME, true, facts, this.#target, this.#options)
    if (refused !== null) return refused
    if (request.headers.expect !== undefined) response.writeContinue()
    const text = await readBody(request)
    if (text === null)
      return failure(NAME, 413, `the body is longer than ${BODY_BYTES_MAX} bytes, or too slow`)
    const wanted = percentageOf(text)
    if (typeof wanted === 'string') {
      return { status: 400, contentType: JSON_TYPE, body: renderAnswer(NAME, { error: wanted }) }
    }
    if (!this.#target.status().isServing) return failure(NAME, 503, NOT_SERVING)
    const shed = this.#target.control.shedConnections(wanted)
    this.#options.logger.info('connections were shed', { count: shed, remote: facts.address })
    const body = renderFailure(NAME, null, [
      ['connections_shed', shed],
      ['percentage_requested', new RawNumber(String(wanted))],
    ])
    return { status: 200, contentType: JSON_TYPE, body }
  }
}

/** What is wrong with it, or the number. An empty body is one without fields. */
function percentageOf(text: string): number | string {
  let body: unknown
  try {
    body = text.trim() === '' ? {} : JSON.parse(text)
  } catch (error) {
    return `Invalid JSON or failed to read request body: ${(error as Error).message}`
  }
  if (typeof body !== 'object' || body === null || !('percentage' in body)) {
    return 'Missing required field: percentage'
  }
  const { percentage } = body
  const isNumber = typeof percentage === 'number' && Number.isInteger(percentage)
  if (isNumber && percentage >= 0 && percentage <= 100) return percentage
  return isNumber ? 'Percentage must be between 0 and 100' : 'Percentage must be a whole number'
}

/** Null for one that is too long or does not come in time. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const timer = setTimeout(() => request.destroy(), BODY_TIMEOUT_MS)
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of chunksOf(request)) {
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX) return null
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
