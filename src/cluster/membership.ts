import { type MemberConfig, parseServerLine } from '../config/index.ts'
import type { Address } from '../env/index.ts'

/** A server as the ensemble lists it, and where to ask it. */
export interface ListedServer {
  readonly id: number
  readonly role: 'observer' | 'participant'
  readonly host: string
  readonly quorumPort: number
  readonly electionPort: number
  /** Where it serves clients. */
  readonly client: Address
  /** Its line names no client port: it is taken to be the same as that of the server which was asked. */
  readonly isPortGuessed: boolean
}

/** A server that has told about itself. */
export interface AskedServer {
  /** Where it answered. */
  readonly address: Address
  /** Which one of the lines is its own. */
  readonly id: number | null
  readonly clientPort: number | null
}

const ANY_HOST: ReadonlySet<string> = new Set(['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0'])

/**
 * Reads the `server.N=` lines among `text`, from `conf` or `/zookeeper/config`, in order of the numbers. Lines that cannot
 * be understood are left out.
 * @param asked whoever told it: is asked further where it answered, not where its line says
 */
export function parseMembership(text: string, asked: AskedServer): ListedServer[] {
  return text
    .split('\n')
    .flatMap((line) => memberOf(line))
    .map((member) => listed(member, asked))
    .sort((a, b) => a.id - b.id)
}

function memberOf(line: string): MemberConfig[] {
  const [, id, value] = /^server\.(\d+)=(.*)$/.exec(line.trim()) ?? []
  if (id === undefined || value === undefined) return []
  // The part behind a second semicolon is the port for TLS.
  const [peer = '', client = ''] = value.split(';')
  const parsed = parseServerLine(id, client === '' ? peer : `${peer};${client}`)
  return 'value' in parsed ? [parsed.value] : []
}

function listed(member: MemberConfig, asked: AskedServer): ListedServer {
  const { id, role, host, quorumPort, electionPort } = member
  const isAsked = id === asked.id
  const port = member.client?.port ?? asked.clientPort ?? asked.address.port
  const named = member.client?.host ?? ''
  return {
    id,
    role,
    host,
    quorumPort,
    electionPort,
    client: isAsked ? asked.address : { host: ANY_HOST.has(named) ? host : named, port },
    isPortGuessed: member.client === null && !isAsked,
  }
}
