import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Ensemble, findApache, type ServerKind } from '../../../bench/servers/index.ts'
import { discardServer, startServer } from '../../compat/clients/support/index.ts'

/** Servers that are one to a client. */
export interface Servers {
  /** For connection strings. */
  readonly addresses: string
  /** Of one of them. */
  readonly port: number
  /** Kills one after the other with SIGKILL and starts it again; each serves before the next one goes. */
  restartEach(): Promise<void>
  discard(): Promise<void>
}

export interface Place {
  readonly name: string
  readonly isMissing: boolean
  start(): Promise<Servers>
}

/** Sessions that outlive the slowest start. */
const CONFIG = ['extendedTypesEnabled=true', 'maxSessionTimeout=120000']
const KINDS: readonly ServerKind[] = ['zabkeeper', 'apache-3.8']

/** Ours and the original, each alone and as three. */
export const PLACES: readonly Place[] = KINDS.flatMap((kind) => {
  const isMissing = kind !== 'zabkeeper' && findApache('3.8') === null
  return [
    { name: `one server, ${kind}`, isMissing, start: () => startOne(kind) },
    { name: `three servers, ${kind}`, isMissing, start: () => startThree(kind) },
  ]
})

async function startOne(kind: ServerKind): Promise<Servers> {
  const server = await startServer({ kind, config: CONFIG })
  return {
    addresses: server.address,
    port: server.options.port,
    restartEach: async () => {
      await server.kill()
      await server.start()
    },
    discard: async () => await discardServer(server),
  }
}

async function startThree(kind: ServerKind): Promise<Servers> {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-test-'))
  const members = [{ kind }, { kind }, { kind }]
  const ensemble = await Ensemble.make({ folder, members, config: CONFIG })
  await ensemble.start()
  return {
    addresses: ensemble.ports.map((port) => `127.0.0.1:${port}`).join(),
    port: ensemble.ports[0]!,
    restartEach: async () => {
      for (const member of ensemble.members) {
        await member.kill()
        await member.start()
        await ensemble.ready()
      }
    },
    discard: async () => {
      await ensemble.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
