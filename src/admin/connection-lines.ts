import { formatHex } from '../base/index.ts'
import type { ConnectionStatus } from '../server/index.ts'
import { formatSocketAddress } from './numbers.ts'
import { operationTag } from './operation-tags.ts'

/** The line of `stat`: where from, whether it is being read, and its packets. */
export function shortConnectionLine(connection: ConnectionStatus): string {
  return ` ${addressField(connection)}(${packetFields(connection)})`
}

/** The line of `cons`: as in `stat`, and what is known about the session. */
export function longConnectionLine(connection: ConnectionStatus): string {
  const { session } = connection
  if (session === null) return shortConnectionLine(connection)
  const fields = [
    packetFields(connection),
    `sid=${formatHex(session.sessionId)}`,
    `lop=${operationTag(session.lastOpcode)}`,
    `est=${connection.establishedMs}`,
    `to=${session.timeoutMs}`,
    ...(session.lastCxid < 0 ? [] : [`lcxid=0x${session.lastCxid.toString(16)}`]),
    `lzxid=${formatHex(session.lastZxid)}`,
    `lresp=${Math.floor(session.lastReplyMs)}`,
    `llat=${Math.floor(session.lastLatencyMs)}`,
    `minlat=${Math.floor(session.latency.minMs)}`,
    `avglat=${Math.floor(session.latency.avgMs)}`,
    `maxlat=${Math.floor(session.latency.maxMs)}`,
  ]
  return ` ${addressField(connection)}(${fields.join(',')})`
}

/** In brackets the interest set of Java's selector: 1 reads, 0 does not. */
function addressField(connection: ConnectionStatus): string {
  return `${formatSocketAddress(connection.remote)}[${connection.isReading ? 1 : 0}]`
}

function packetFields({ queued, received, sent }: ConnectionStatus): string {
  return `queued=${queued},recved=${received},sent=${sent}`
}
