import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  freePort,
  missingServer,
  type ServerKind,
  type ServerOptions,
  ServerProcess,
} from '../../../../bench/servers/index.ts'

const KINDS: readonly ServerKind[] = ['zabkeeper', 'apache-3.8', 'apache-3.9']

/**
 * Which server the process tests judge. `ZABKEEPER_TEST_SERVER=apache-3.9` runs them against the original,
 * which shows that a test asks for nothing that Apache ZooKeeper does not do.
 */
export const SERVER_KIND: ServerKind = serverKind()

export const ON_ZABKEEPER: boolean = SERVER_KIND === 'zabkeeper'

/** A server that is not started yet, in a folder of its own below the temporary folder. */
export async function makeServer(options: Partial<ServerOptions> = {}): Promise<ServerProcess> {
  const folder = options.folder ?? mkdtempSync(path.join(tmpdir(), 'zabkeeper-test-'))
  const port = options.port ?? (await freePort())
  return new ServerProcess({ kind: SERVER_KIND, ...options, folder, port })
}

export async function startServer(options: Partial<ServerOptions> = {}): Promise<ServerProcess> {
  const server = await makeServer(options)
  await server.start()
  return server
}

/** Ends the server and deletes its folder. */
export async function discardServer(server: ServerProcess | undefined): Promise<void> {
  if (server === undefined) return
  await server.kill()
  rmSync(server.options.folder, { recursive: true, force: true })
}

function serverKind(): ServerKind {
  const asked = process.env['ZABKEEPER_TEST_SERVER'] ?? 'zabkeeper'
  const kind = KINDS.find((one) => one === asked)
  if (kind === undefined) {
    throw new Error(`ZABKEEPER_TEST_SERVER is ${asked}, expected one of ${KINDS.join(', ')}`)
  }
  const missing = missingServer(kind)
  if (missing !== null) throw new Error(missing)
  return kind
}
