/** What one `server.N` line says. Ports are 1 to 65535. */
export interface ServerLine {
  readonly sid: number
  readonly host: string
  readonly quorumPort: number
  readonly electionPort: number
  readonly role: 'observer' | 'participant'
  /** From the part after `;`, or null. The host is empty for all interfaces. */
  readonly client: { readonly host: string; readonly port: number } | null
}

/** One address, or a reason why it is none. */
type Parsed<T> = { readonly value: T } | { readonly fault: string }

const SHAPE =
  'must be host:quorumPort:electionPort[:participant|observer][;[clientHost:]clientPort], IPv6 in square brackets'

/**
 * Reads `server.N=host:quorumPort:electionPort[:role][;[clientHost:]clientPort]`.
 * Several addresses (`|`) and the third, secure part belong to features this version does not have.
 */
export function parseServerLine(suffix: string, value: string): Parsed<ServerLine> {
  const sid = Number(suffix)
  if (!/^\d+$/.test(suffix) || sid > 255) {
    return { fault: `'${suffix}' after the dot must be a server number from 0 to 255` }
  }
  const [peerPart = '', clientPart, ...more] = value.split(';')
  if (peerPart.includes('|'))
    return { fault: 'several addresses of one server are not in this version yet' }
  if (more.length > 0)
    return { fault: 'a secure client port is not in this version yet: it has no TLS' }
  const fields = splitAddress(peerPart)
  if (fields === null || fields.length < 3 || fields.length > 4) return { fault: SHAPE }
  const [host = '', quorumText = '', electionText = '', roleText = 'participant'] = fields
  const quorumPort = parsePort(quorumText)
  const electionPort = parsePort(electionText)
  const role = roleText.toLowerCase()
  if (host === '' || quorumPort === null || electionPort === null) return { fault: SHAPE }
  if (quorumPort === electionPort)
    return { fault: 'the quorum port and the election port must differ' }
  if (role !== 'participant' && role !== 'observer') return { fault: SHAPE }
  if (clientPart === undefined || clientPart.trim() === '') {
    return { value: { sid, host, quorumPort, electionPort, role, client: null } }
  }
  const client = parseClientPart(clientPart)
  if (client === null) return { fault: SHAPE }
  return { value: { sid, host, quorumPort, electionPort, role, client } }
}

function parseClientPart(text: string): ServerLine['client'] {
  const fields = splitAddress(text)
  if (fields === null || fields.length > 2) return null
  const port = parsePort(fields.at(-1) ?? '')
  if (port === null) return null
  const host = fields.length === 2 ? fields[0]! : ''
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
