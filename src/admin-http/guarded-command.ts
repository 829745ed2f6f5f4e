import type { IncomingMessage, ServerResponse } from 'node:http'
import { type JsonValue, NOT_SERVING, renderFailure } from '../admin/index.ts'
import type { AdminOptions, AdminTarget } from './admin-target.ts'
import { authorize } from './authorization.ts'
import { type HttpReply, JSON_TYPE } from './http-reply.ts'
import type { RateLimit } from './rate-limit.ts'
import type { RequestFacts } from './request-facts.ts'

/** One request for a command that not everybody may give. */
export interface GuardedRequest {
  readonly facts: RequestFacts
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** A command that asks who the caller is. `run` answers, or has answered when it gives null. */
export interface GuardedCommand {
  readonly name: string
  readonly aliases: readonly string[]
  readonly method: 'GET' | 'POST'
  run(request: GuardedRequest): Promise<HttpReply | null>
}

/** Why a command is not carried out. `data` are further keys of the document. */
export function failure(
  command: string,
  status: number,
  error: string | null,
  data: readonly (readonly [string, JsonValue])[] = [],
): HttpReply {
  return { status, contentType: JSON_TYPE, body: renderFailure(command, error, data) }
}

/** The answers that come before anything is looked at; null to go on. */
export function refusal(
  command: string,
  isEnabled: boolean,
  facts: RequestFacts,
  target: AdminTarget,
  options: AdminOptions,
): HttpReply | null {
  if (!isEnabled) {
    return failure(command, 503, `disabled by the configuration (admin.${command}.enabled=false)`)
  }
  if (!target.status().isServing) return failure(command, 503, NOT_SERVING)
  const verdict = authorize(facts, options.token, target.control)
  if (verdict.isAdmitted) return null
  options.logger.warn('a caller of the admin server was refused', {
    command,
    remote: facts.address,
    reason: verdict.error,
  })
  const reply = failure(command, verdict.status, verdict.error)
  return verdict.status === 401
    ? { ...reply, headers: { 'WWW-Authenticate': 'Bearer realm="zabkeeper"' } }
    : reply
}

/** 429 when the command is under way, or was carried out a moment ago; null to go on. */
export function limited(command: string, limit: RateLimit, intervalMs: number): HttpReply | null {
  if (limit.isBusy) return failure(command, 429, `another ${command} is under way`)
  const { waitMs } = limit
  if (waitMs === 0) return null
  const seconds = Math.ceil(waitMs / 1000)
  const every = `one ${command} in ${intervalMs} ms (admin.rateLimiterIntervalInMS)`
  const reply = failure(command, 429, `only ${every}; try again in ${seconds} s`)
  return { ...reply, headers: { 'Retry-After': String(seconds) } }
}
