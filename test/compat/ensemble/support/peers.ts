import { existsSync } from 'node:fs'
import path from 'node:path'
import { findApache, type ServerKind, ZABKEEPER_PROGRAM } from '../../../../bench/servers/index.ts'

/**
 * True when tests with servers of these kinds must be skipped. Says so; with `ZABKEEPER_REQUIRE_PEERS=1` a missing
 * server is a failure instead.
 */
export function skipWithoutServers(...kinds: readonly ServerKind[]): boolean {
  const missing = kinds.map(missingServer).find((reason) => reason !== null)
  if (missing === undefined) return false
  if (process.env['ZABKEEPER_REQUIRE_PEERS'] === '1') {
    throw new Error(`${missing} (required by ZABKEEPER_REQUIRE_PEERS=1)`)
  }
  console.warn(`skipped: ${missing}`)
  return true
}

function missingServer(kind: ServerKind): string | null {
  if (kind === 'zabkeeper') {
    return existsSync(ZABKEEPER_PROGRAM) ? null : `${ZABKEEPER_PROGRAM} is missing: npm run build`
  }
  const line = kind === 'apache-3.8' ? '3.8' : '3.9'
  if (findApache(line) === null) return `Apache ZooKeeper ${line} is not installed`
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return folders.some((folder) => existsSync(path.join(folder, 'java'))) ? null : 'java is missing'
}
