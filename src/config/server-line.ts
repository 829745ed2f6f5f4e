import type { MemberAddress, MemberConfig } from './ensemble.ts'

/** A session id has one byte for the server that made it. */
export const SERVER_ID_MAX = 255

/** One address, or a reason why it is none. */
type Parsed<T> = { readonly value: T } | { readonly fault: string }

const SHAPE =
  'must be host:quorumPort:electionPort[:participant|observer][;[clientHost:]clientPort], IPv6 in square brackets, ' +
  'with | between several host:quorumPort:electionPort'

/** Host names go into lines that other servers read, so nothing in them may end a line or a field. */
const HOST = /^[^\s\p{C},;|=]{1,255}$/u

/**
 * Reads `server.N=host:quorumPort:electionPort[:role][;[clientHost:]clientPort]`, with several addresses before the
 * semicolon if `|` is between them. The third, secure part belongs to a feature this version does not have.
 */
export function parseServerLine(suffix: string, value: string): Parsed<MemberConfig> {
  const id = Number(suffix)
  if (!/^\d+$/.test(suffix) || id > SERVER_ID_MAX) {
    return { fault: `'${suffix}' after the dot must be a server number from 0 to ${SERVER_ID_MAX}` }
  }
  const [peerPart = '', clientPart, ...more] = value.split(';')
  if (more.length > 0)
    return { fault: 'a secure client port is not in this version yet: it has no TLS' }
  const peer = parsePeerPart(peerPart)
  if ('fault' in peer) return peer
  if (clientPart === undefined || clientPart.trim() === '') {
    return { value: { id, ...peer.value, client: null } }
  }
  const client = parseClientPart(clientPart)
  if (client === null) return { fault: SHAPE }
  return { value: { id, ...peer.value, client } }
}

/** The role may stand behind any of the addresses, and must not be another one behind the next. */
function parsePeerPart(text: string): Parsed<Omit<MemberConfig, 'client' | 'id'>> {
  const addresses: MemberAddress[] = []
  const roles = new Set<MemberConfig['role']>()
  for (const part of text.split('|')) {
    const parsed = parsePeerAddress(part)
    if ('fault' in parsed) return parsed
    const { role, ...address } = parsed.value
    addresses.push(address)
    if (role !== null) roles.add(role)
  }
  const [first, ...moreAddresses] = addresses
  const [role = 'participant', otherRole] = roles
  if (first === undefined) return { fault: SHAPE }
  if (otherRole !== undefined) return { fault: 'all addresses of a server must have the same role' }
  return { value: { ...first, moreAddresses, role } }
}

function parsePeerAddress(
  text: string,
): Parsed<MemberAddress & { readonly role: MemberConfig['role'] | null }> {
  const fields = splitAddress(text)
  if (fields === null || fields.length < 3 || fields.length > 4) return { fault: SHAPE }
  const [host = '', quorumText = '', electionText = '', roleText] = fields
  const quorumPort = parsePort(quorumText)
  const electionPort = parsePort(electionText)
  const role = roleText === undefined ? null : roleText.toLowerCase()
  if (!HOST.test(host) || quorumPort === null || electionPort === null) return { fault: SHAPE }
  if (quorumPort === electionPort)
    return { fault: 'the quorum port and the election port must differ' }
  if (role !== null && role !== 'participant' && role !== 'observer') return { fault: SHAPE }
  return { value: { host, quorumPort, electionPort, role } }
}

function parseClientPart(text: string): MemberConfig['client'] {
  const fields = splitAddress(text)
  if (fields === null || fields.length > 2) return null
  const port = parsePort(fields.at(-1) ?? '')
  if (port === null) return null
  const host = fields.length === 2 ? fields[0]! : ''
  if (host !== '' && !HOST.test(host)) return null
  return { host: host === '0.0.0.0' ? '' : host, port }
}

/** Splits at colons that are outside square brackets, and drops the brackets. */
function splitAddress(text: string): string[] | null {
  const fields: string[] = []
  let rest = text.trim()
  for (;;) {
    const match = /^(?:\[([0-9a-fA-F:.%\w]*)\]|([^:[\]]*))(:|$)/.exec(rest)
    if (match === null) return null
    fields.push((match[1] ?? match[2] ?? '').trim())
    if (match[3] === '') return fields
    rest = rest.slice(match[0].length)
  }
}

function parsePort(text: string): number | null {
  const port = Number(text)
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535 ? port : null
}
