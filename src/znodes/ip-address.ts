/** The bytes of an IPv4 (4) or IPv6 (16) address. */
export type IpBytes = readonly number[]

/** An address with the number of leading bits that count, the form `ip` ACLs use: `10.0.0.0/8`, `::1`. */
export class IpRange {
  readonly #bytes: IpBytes
  readonly #bits: number

  constructor(bytes: IpBytes, bits: number) {
    this.#bytes = bytes
    this.#bits = bits
  }

  /** Null when `text` is not an address, or when the bits after `/` are not a number from 0 to its length. */
  static parse(text: string): IpRange | null {
    const slash = text.indexOf('/')
    const bytes = parsePlainAddress(slash === -1 ? text : text.slice(0, slash))
    if (bytes === null) return null
    const bits = slash === -1 ? 8 * bytes.length : parseDecimal(text.slice(slash + 1))
    if (bits === null || bits > 8 * bytes.length) return null
    return isMappedIpv4(bytes) && bits >= 96
      ? new IpRange(bytes.slice(12), bits - 96)
      : new IpRange(bytes, bits)
  }

  /** Addresses of the other family are never in the range, not even in `0.0.0.0/0`. */
  contains(address: IpBytes): boolean {
    if (address.length !== this.#bytes.length) return false
    const whole = this.#bits >> 3
    for (let i = 0; i < whole; i++) if (address[i] !== this.#bytes[i]) return false
    const rest = this.#bits & 7
    return rest === 0 || (address[whole]! ^ this.#bytes[whole]!) >> (8 - rest) === 0
  }
}

/**
 * The bytes of a connection's address, or null. An IPv4 address in IPv6 form (`::ffff:10.0.0.1`) becomes an IPv4
 * address; the zone of `fe80::1%eth0` is left out.
 */
export function parseIpAddress(text: string): IpBytes | null {
  const zone = text.indexOf('%')
  const bytes = parsePlainAddress(zone === -1 ? text : text.slice(0, zone))
  if (bytes === null || !isMappedIpv4(bytes)) return bytes
  return bytes.slice(12)
}

/**
 * The form of an address that clients see in `ip` ids: dotted quad for IPv4, also when it came in IPv6 form, and
 * eight groups without `::` for IPv6 (`InetAddress.getHostAddress`). Text that is no address stays as it is.
 */
export function hostAddress(text: string): string {
  const bytes = parseIpAddress(text)
  if (bytes === null) return text
  if (bytes.length === 4) return bytes.join('.')
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16))
  const zone = text.indexOf('%')
  return groups.join(':') + (zone === -1 ? '' : text.slice(zone))
}

function parsePlainAddress(text: string): IpBytes | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): IpBytes | null {
  const parts = text.split('.', 5)
  if (parts.length !== 4) return null
  const bytes: number[] = []
  for (const part of parts) {
    const byte = parseDecimal(part)
    if (byte === null || byte > 255) return null
    bytes.push(byte)
  }
  return bytes
}

function parseIpv6(text: string): IpBytes | null {
  const halves = text.split('::', 3)
  if (halves.length > 2) return null
  const head = parseGroups(halves[0]!, halves.length === 1)
  const end = halves.length === 1 ? [] : parseGroups(halves[1]!, true)
  if (head === null || end === null) return null
  const missing = 16 - head.length - end.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null
  return [...head, ...new Array<number>(missing).fill(0), ...end]
}

/** Groups of up to four hex digits; the last of the address may be a dotted quad. */
function parseGroups(text: string, isEnd: boolean): number[] | null {
  if (text === '') return []
  const groups = text.split(':', 9)
  const bytes: number[] = []
  for (const [i, group] of groups.entries()) {
    if (isEnd && i === groups.length - 1 && group.includes('.')) {
      const quad = parseIpv4(group)
      if (quad === null) return null
      bytes.push(...quad)
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    } else {
      return null
    }
  }
  return bytes
}

/** A number from 0 as Java's `Integer.parseInt` reads it (a sign and leading zeros are good), or null. */
function parseDecimal(text: string): number | null {
  if (!/^(?:\+?\d+|-0+)$/.test(text)) return null
  return Math.abs(Number(text))
}

function isMappedIpv4(bytes: IpBytes): boolean {
  return (
    bytes.length === 16 &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff &&
    bytes.slice(0, 10).every((byte) => byte === 0)
  )
}
