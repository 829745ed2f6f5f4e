/**
 * The session timeout a client gets, in ms: what it asked for, kept between the limits of the server. Zero and
 * negative wishes give the minimum. Done anew at every connect (`ZooKeeperServer.processConnectRequest`).
 */
export function negotiateTimeout(requestedMs: number, minMs: number, maxMs: number): number {
  return Math.min(Math.max(requestedMs, minMs), maxMs)
}
