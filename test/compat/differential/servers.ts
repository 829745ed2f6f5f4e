/** Starts the servers under comparison: Apache ZooKeeper 3.9.3 and 3.8.0, and ours, with the same zoo.cfg. */
import { existsSync, statfsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type ServerKind, ServerProcess } from '../../../bench/servers/index.ts'

/** superDigest of `super:secret`. */
const SUPER = 'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4='

/** Configurations a script can ask for with `profile`: lines of zoo.cfg beside the common ones. */
export const PROFILES: ReadonlyMap<string, readonly string[]> = new Map([
  ['plain', []],
  ['extended', ['extendedTypesEnabled=true']],
  ['super', [SUPER, 'extendedTypesEnabled=true']],
  ['quota', ['enforceQuota=true', 'extendedTypesEnabled=true']],
  ['reconfig', ['reconfigEnabled=true', SUPER]],
  ['skip-acl', ['skipACL=yes']],
  ['no-words', ['4lw.commands.whitelist=srvr']],
  ['fast', ['tickTime=500', 'extendedTypesEnabled=true', 'nio.sessionlessCnxnTimeout=1000']],
  ['sweep', ['extendedTypesEnabled=true', 'znode.container.checkIntervalMs=500']],
  ['small-frames', ['jute.maxbuffer=4096']],
])

/** zoo.cfg keys that Apache reads as system properties only. */
const PROPERTIES = /^(?:jute\.maxbuffer|znode\.container\.\w+)=/

/** The sweep of containers consumes zxids by the clock: only scripts that ask for it may see it. */
const NO_SWEEP = 'znode.container.checkIntervalMs=86400000'

/** Gives `use` the port of a fresh server with an empty tree; the server is ended whatever happens. */
export async function withServer<T>(
  kind: ServerKind,
  profile: string,
  use: (port: number) => Promise<T>,
): Promise<T> {
  const lines = PROFILES.get(profile)
  if (lines === undefined) throw new Error(`unknown profile ${profile}`)
  const config = [NO_SWEEP, 'maxSessionTimeout=600000', ...lines]
  const folder = await mkdtemp(join(workFolder(), 'differential-'))
  const port = await freePort()
  const runtimeArguments = kind === 'zabkeeper' ? [] : javaArguments(config)
  const server = new ServerProcess({ kind, folder, port, config, runtimeArguments })
  try {
    await server.start()
    return await use(port)
  } finally {
    await server.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

/** In memory where there is room: nothing here is about disks, and they make every start slower. */
function workFolder(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > 1 << 30 ? memory : tmpdir()
}

function javaArguments(config: readonly string[]): string[] {
  const properties = config.filter((line) => PROPERTIES.test(line)).map((line) => `-D${line}`)
  const jvm = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  return [...jvm, '-Dzookeeper.forceSync=no', ...properties]
}
