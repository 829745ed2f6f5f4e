import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import type { ConnectOptions, Credentials } from '../client-node/index.ts'
import { readInteger } from './read-integer.ts'

/** Flags of every command that is a client. */
export interface ServerFlags {
  readonly servers: string
  readonly sessionTimeout: number
  readonly connectTimeout: number
  readonly authFile?: readonly Credentials[]
  readonly tls?: true
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
}

const INT_MAX = 0x7fff_ffff

export function addServerFlags(command: Command): Command {
  const timed = addServersFlag(command)
    .option('--session-timeout <ms>', 'asked for: a crash is noticed after it', readMs, 15_000)
    .option('--connect-timeout <ms>', 'how long to look for a server', readMs, 15_000)
  return addIdentityFlags(timed)
}

export function addServersFlag(command: Command): Command {
  return command.option(
    '-s, --servers <string>',
    'host:port,host:port/chroot or srv:name; also from ZABKEEPER_SERVERS',
    process.env['ZABKEEPER_SERVERS'] ?? 'localhost:2181',
  )
}

export function addIdentityFlags(command: Command): Command {
  return command
    .option('--auth-file <file>', 'identities, a line each: digest:user:password', readAuthFile)
    .option('--tls', 'speak TLS')
    .option('--tls-ca <file>', 'certificate authorities of the servers (PEM); speaks TLS')
    .option('--tls-cert <file>', 'certificate of this client (PEM); speaks TLS')
    .option('--tls-key <file>', 'its key (PEM)')
}

export function connectOptions(flags: ServerFlags): ConnectOptions {
  const { tls, tlsCa, tlsCert, tlsKey, authFile = [] } = flags
  const isTls = tls === true || tlsCa !== undefined || tlsCert !== undefined
  const files = (): object => ({
    ...(tlsCa === undefined ? {} : { ca: readFileSync(tlsCa) }),
    ...(tlsCert === undefined ? {} : { cert: readFileSync(tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: readFileSync(tlsKey) }),
  })
  return {
    sessionTimeoutMs: flags.sessionTimeout,
    connectTimeoutMs: flags.connectTimeout,
    auth: authFile,
    // Read for every connection: certificates are renewed while this runs.
    ...(isTls ? { tls: files } : {}),
  }
}

export function readMs(text: string): number {
  return readInteger(text, 1, INT_MAX)
}

function readAuthFile(file: string): readonly Credentials[] {
  return readText(file)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const colon = line.indexOf(':')
      if (colon < 1) throw new InvalidArgumentError('Its lines must be scheme:credentials.')
      return { scheme: line.slice(0, colon), credentials: line.slice(colon + 1) }
    })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
