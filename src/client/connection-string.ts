import type { Address } from '../env/index.ts'
import { InvalidArgumentError } from './errors.ts'
import { checkPath } from './paths.ts'

const DEFAULT_PORT = 2181
const SRV_PREFIX = 'srv:'

export interface ConnectionTarget {
  /** Addresses, or the name whose SRV records lead to them. */
  readonly servers: readonly Address[] | string
  /** `/` unless the string ends with a path. */
  readonly chroot: string
}

/**
 * Reads `host[:port],host[:port]…[/chroot]` or `srv:name[/chroot]`; an IPv6 address with a port stands in brackets.
 * @throws InvalidArgumentError
 */
export function parseConnectionString(text: string): ConnectionTarget {
  if (typeof text !== 'string') throw bad(String(text), 'is no string')
  const slash = text.indexOf('/')
  const hosts = slash === -1 ? text : text.slice(0, slash)
  const chroot = slash === -1 ? '/' : text.slice(slash)
  // Servers first: of `http://host` it is not the path that is wrong.
  const servers = parseServers(hosts, text)
  checkPath('connect', chroot)
  return { servers, chroot }
}

function parseServers(hosts: string, text: string): ConnectionTarget['servers'] {
  if (!hosts.startsWith(SRV_PREFIX)) {
    return hosts.split(',').map((part) => parseServer(part.trim(), text))
  }
  const name = hosts.slice(SRV_PREFIX.length)
  if (/^[\w-]+(\.[\w-]+)+\.?$/.test(name)) return name
  throw bad(text, `has no name after "${SRV_PREFIX}"`)
}

function parseServer(part: string, text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(part)
  // A bare IPv6 address has several colons, so it cannot have a port.
  if (match === null && /^[\da-f]*:[\da-f:.]*:[\da-f:.]*$/i.test(part)) {
    return { host: part, port: DEFAULT_PORT }
  }
  const host = match?.[1] ?? match?.[2]
  if (host === undefined || /\s/.test(host)) throw bad(text, `has no host:port in "${part}"`)
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3])
  if (port < 1 || port > 65_535) throw bad(text, `has port ${port}, which is not in 1 to 65535`)
  return { host, port }
}

function bad(text: string, problem: string): InvalidArgumentError {
  return new InvalidArgumentError('INVALID_ARGUMENT', `connection string "${text}" ${problem}`, {
    op: 'connect',
  })
}
