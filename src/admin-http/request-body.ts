import type { IncomingMessage } from 'node:http'

/** What of a body is thrown away at most, and for how long, before its sender is told that it was not wanted. */
const DISCARDED_BYTES_MAX = 1024 * 1024
const DISCARDING_MS_MAX = 500

/** The body as it comes. Whoever stops reading can still answer: the connection stays. */
export function chunksOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
}

/**
 * Takes what is left of a body that is of no interest: an answer that meets bytes which nobody has read is lost with the
 * connection. Of a long or slow one only the beginning is taken.
 */
export function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    let bytes = 0
    const settle = (): void => {
      clearTimeout(timer)
      request.off('data', take).off('end', settle).off('close', settle)
      resolve()
    }
    const take = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > DISCARDED_BYTES_MAX) settle()
    }
    const timer = setTimeout(settle, DISCARDING_MS_MAX)
    request.on('data', take).on('end', settle).on('close', settle)
  })
}
