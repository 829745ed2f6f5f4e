import type { Address } from '../env/index.ts'

const IPV4_MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** A socket's address; an IPv4 address that came through an IPv6 socket gets its plain form. */
export function plainAddress(host: string | undefined, port: number | undefined): Address {
  return { host: host?.replace(IPV4_MAPPED, '$1') ?? '', port: port ?? 0 }
}

/** For messages: `host:port`, `[v6]:port`, `*:port` for all interfaces. */
export function formatAddress(address: Address): string {
  if (address.host === '') return `*:${address.port}`
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}
