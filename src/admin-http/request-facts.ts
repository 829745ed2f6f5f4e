import type { IncomingMessage } from 'node:http'

/** What of a request decides about its answer. */
export interface RequestFacts {
  readonly method: string
  readonly path: string
  readonly parameters: ReadonlyMap<string, string>
  /** All values of each parameter. */
  readonly values: URLSearchParams
  /** `Authorization`, as it came; null for none. */
  readonly authorization: string | null
  /** Numeric address of the caller. */
  readonly address: string
  /** The caller announces a body. */
  readonly hasBody: boolean
}

/** Null for an address that cannot be read. */
export function factsOf(
  request: IncomingMessage,
  trustsForwardedFor: boolean,
): RequestFacts | null {
  const url = parseUrl(request.url ?? '')
  if (url === null) return null
  const { headers } = request
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    parameters: new Map(url.searchParams),
    values: url.searchParams,
    authorization: headers.authorization ?? null,
    address: callerOf(request, trustsForwardedFor),
    hasBody:
      headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0,
  }
}

function parseUrl(target: string): URL | null {
  try {
    // Two slashes in front would make a host of the first name.
    return target.startsWith('/') ? new URL(`http://admin${target}`) : null
  } catch {
    return null
  }
}

/** An IPv4 address stays one on a socket that serves both families. */
function callerOf(request: IncomingMessage, trustsForwardedFor: boolean): string {
  const forwarded = request.headers['x-forwarded-for']
  const first = (Array.isArray(forwarded) ? forwarded[0] : forwarded)?.split(',')[0]?.trim()
  if (trustsForwardedFor && first !== undefined && first !== '') return first
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
}
