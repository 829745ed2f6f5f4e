import { missingServer, type ServerKind } from '../../../../bench/servers/index.ts'

/**
 * True when tests with servers of these kinds must be skipped. Says so; with `ZABKEEPER_REQUIRE_PEERS=1` a missing
 * server is a failure instead, unless no package of Debian brings it (3.5).
 */
export function skipWithoutServers(...kinds: readonly ServerKind[]): boolean {
  // A missing 3.5 counts last, so that it does not hide what is required.
  const ordered = kinds.toSorted((a, b) => Number(a === 'apache-3.5') - Number(b === 'apache-3.5'))
  const kind = ordered.find((one) => missingServer(one) !== null)
  if (kind === undefined) return false
  const missing = missingServer(kind)
  if (process.env['ZABKEEPER_REQUIRE_PEERS'] === '1' && kind !== 'apache-3.5') {
    throw new Error(`${missing} (required by ZABKEEPER_REQUIRE_PEERS=1)`)
  }
  console.warn(`skipped: ${missing}`)
  return true
}
