import type { ServerStatus } from '../server/index.ts'

/** Why clients should not be sent to a server, or what its operator should look at. */
export interface HealthReason {
  /** For programs: it stays the same from version to version. */
  readonly code: 'disk-full' | 'no-leader' | 'read-only' | 'recovering' | 'restoring' | 'stopping'
  readonly message: string
}

export interface Readiness {
  /** Clients are served, with reads and writes: the server has a leader, or stands alone. */
  readonly isReady: boolean
  /** Why it is not ready; empty if it is. */
  readonly reasons: readonly HealthReason[]
  /** What does not keep it from serving, but needs an operator. */
  readonly warnings: readonly HealthReason[]
}

/** What `/readyz` answers from. */
export function readinessOf(status: ServerStatus): Readiness {
  const reasons = reasonsAgainst(status)
  const warnings: HealthReason[] = status.storage.isFull
    ? [{ code: 'disk-full', message: 'the disk is nearly full: writes are refused, reads go on' }]
    : []
  return { isReady: reasons.length === 0, reasons, warnings }
}

function reasonsAgainst({
  phase,
  isServing,
  isReadOnly,
  mode,
  quorum,
}: ServerStatus): HealthReason[] {
  if (phase === 'starting') {
    return [{ code: 'recovering', message: 'the server is starting: it recovers its data' }]
  }
  if (phase !== 'running') return [{ code: 'stopping', message: 'the server is being stopped' }]
  if (isReadOnly) {
    const message = 'there is no leader: only read-only clients are served'
    return [{ code: 'read-only', message }]
  }
  if (isServing) return []
  if (mode === 'standalone') {
    return [{ code: 'restoring', message: 'a snapshot is taking the place of the data' }]
  }
  const voters = quorum?.quorumSize ?? 0
  const message =
    `there is no leader to follow: of ${voters} voters, a quorum must reach each other ` +
    `(this server is in ${quorum?.zabPhase ?? 'election'})`
  return [{ code: 'no-leader', message }]
}
