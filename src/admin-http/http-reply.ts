import type { ServerResponse } from 'node:http'

/** An answer that is at hand as a whole. */
export interface HttpReply {
  readonly status: number
  /** Null for none, as for `GET /commands` of the original. */
  readonly contentType: string | null
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export const JSON_TYPE = 'application/json'
export const TEXT_TYPE = 'text/plain; charset=utf-8'

/** Sends an answer. After one to a request whose body was not read, the connection ends: what follows is unknown. */
export function sendReply(response: ServerResponse, reply: HttpReply, isBodyUnread: boolean): void {
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(reply.body)
  response.statusCode = reply.status
  if (reply.contentType !== null) response.setHeader('Content-Type', reply.contentType)
  response.setHeader('Content-Length', body.length)
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  if (isBodyUnread) response.setHeader('Connection', 'close')
  // Node leaves out the body of an answer to HEAD by itself.
  response.end(body)
}
