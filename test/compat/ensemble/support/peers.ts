import { missingServer, type ServerKind } from '../../../../bench/servers/index.ts'

/**
 * True when tests with servers of these kinds must be skipped. Says so; with `ZABKEEPER_REQUIRE_PEERS=1` a missing
 * server is a failure instead, unless no package of Debian brings it (3.5).
 */
export function skipWithoutServers(...kinds: readonly ServerKind[]): boolean {
  const missing = kinds.map(missingServer).find((reason) => reason !== null)
  if (missing === undefined) return false
  if (process.env['ZABKEEPER_REQUIRE_PEERS'] === '1' && !kinds.includes('apache-3.5')) {
    throw new Error(`${missing} (required by ZABKEEPER_REQUIRE_PEERS=1)`)
  }
  console.warn(`skipped: ${missing}`)
  return true
}
