import { connect } from 'node:net'
import { addressesOf, type MemberConfig } from '../config/index.ts'

/** A server that answered, and where. */
export interface Answering {
  readonly id: number
  /** `election port 10.0.0.2:3888`. */
  readonly where: string
}

const WAIT_MS = 3000

/**
 * Asks every port that the servers' lines name. A server that runs listens on its election port whatever state it is
 * in. Silence proves nothing: the network may be cut just here.
 */
export async function askMembers(members: readonly MemberConfig[]): Promise<readonly Answering[]> {
  const asked = members.flatMap((member) => portsOf(member).map((port) => ({ member, ...port })))
  const answers = await Promise.all(asked.map(({ host, port }) => isAnswered(host, port)))
  const answering = new Map<number, Answering>()
  asked.forEach(({ member: { id }, name, host, port }, index) => {
    if (!answers[index] || answering.has(id)) return
    answering.set(id, { id, where: `${name} ${host}:${port}` })
  })
  return [...answering.values()]
}

function portsOf(
  member: MemberConfig,
): readonly { readonly name: string; readonly host: string; readonly port: number }[] {
  const peers = addressesOf(member).flatMap(({ host, quorumPort, electionPort }) => [
    { name: 'election port', host, port: electionPort },
    { name: 'quorum port', host, port: quorumPort },
  ])
  const { client } = member
  if (client === null) return peers
  return [...peers, { name: 'client port', host: client.host || member.host, port: client.port }]
}

function isAnswered(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: WAIT_MS })
    const end = (isAnswer: boolean): void => {
      socket.destroy()
      resolve(isAnswer)
    }
    socket.on('connect', () => end(true))
    socket.on('timeout', () => end(false))
    socket.on('error', () => end(false))
  })
}
