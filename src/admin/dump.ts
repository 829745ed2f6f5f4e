import { formatHex, type SessionId } from '../base/index.ts'
import type { ConnectionStatus, ServerStatus } from '../server/index.ts'
import { formatDate } from './dates.ts'
import { formatSocketAddress } from './numbers.ts'

/** Upstream's expiry of connections: rounded up to that, and so long without a session (`NIOServerCnxnFactory`). */
const CONNECTION_BUCKET_MS = 10_000
const SESSIONLESS_MS = 10_000

/** `dump`: sessions by the time at which they expire, ephemerals by session, connections. */
export function renderDump(status: ServerStatus): string {
  return sessionBlock(status) + ephemeralBlock(status) + connectionBlock(status)
}

function sessionBlock(status: ServerStatus): string {
  const { inventory } = status
  const expiries = inventory.sessionExpiries()
  const locals = inventory.localSessionExpiries()
  // A read-only server has local sessions in any case; upstream shows them where they are configured.
  const isShown = locals !== null && (!status.isReadOnly || locals.size > 0)
  const local = !isShown ? '' : expirySets('Local Session Sets', status, locals)
  if (expiries !== null) {
    const title = locals === null ? 'Session Sets' : 'Global Session Sets'
    return `SessionTracker dump:\n${local}${expirySets(title, status, expiries)}`
  }
  const timeouts = [...inventory.sessionTimeouts()].sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = timeouts.map(([id, timeoutMs]) => `${formatHex(id)}\t${timeoutMs}ms\n`)
  return `SessionTracker dump:\n${local}Global Sessions(${timeouts.length}):\n${lines.join('')}`
}

function expirySets(
  title: string,
  status: ServerStatus,
  expiries: ReadonlyMap<number, readonly SessionId[]>,
): string {
  const buckets = new Map<number, string[]>()
  for (const [monotonicMs, ids] of expiries) {
    const lines = ids.map((id) => `${formatHex(id)}`)
    buckets.set(monotonicMs, [...(buckets.get(monotonicMs) ?? []), ...lines])
  }
  return setsOf(title, status, buckets)
}

function ephemeralBlock({ inventory }: ServerStatus): string {
  const ephemerals = [...inventory.ephemerals()].filter(([, paths]) => paths.size > 0)
  const lines = ephemerals.map(([id, paths]) => {
    return `${formatHex(id)}:\n${[...paths].map((path) => `\t${path}\n`).join('')}`
  })
  const head = `ephemeral nodes dump:\nSessions with Ephemerals (${ephemerals.length}):\n`
  return head + lines.join('')
}

/** When each would be closed if nothing more came of it. */
function connectionBlock(status: ServerStatus): string {
  const buckets = new Map<number, string[]>()
  for (const connection of status.connections) {
    const bucket = connectionExpiryMs(connection)
    const id = formatHex(connection.session?.sessionId ?? 0n)
    const line = `ip: ${formatSocketAddress(connection.remote)} sessionId: ${id}`
    const lines = buckets.get(bucket)
    if (lines === undefined) buckets.set(bucket, [line])
    else lines.push(line)
  }
  return `Connections dump:\n${setsOf('Connections Sets', status, buckets)}`
}

function connectionExpiryMs({ heardMs, session }: ConnectionStatus): number {
  const expiryMs = heardMs + (session?.timeoutMs ?? SESSIONLESS_MS)
  return (Math.floor(expiryMs / CONNECTION_BUCKET_MS) + 1) * CONNECTION_BUCKET_MS
}

function setsOf(
  title: string,
  { monotonicMs, wallMs }: ServerStatus,
  buckets: ReadonlyMap<number, readonly string[]>,
): string {
  const sets = [...buckets].sort(([a], [b]) => a - b)
  const members = sets.reduce((sum, [, lines]) => sum + lines.length, 0)
  const text = sets.map(([expiryMs, lines]) => {
    const date = formatDate(wallMs + expiryMs - monotonicMs)
    return `${lines.length} expire at ${date}:\n${lines.map((line) => `\t${line}\n`).join('')}`
  })
  return `${title} (${sets.length})/(${members}):\n${text.join('')}`
}
