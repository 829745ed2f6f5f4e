import { formatAddress } from '../platform/sockets/index.ts'
import { type EnsembleReport, isServing, type ServerRow } from './ensemble-report.ts'
import { quorumDocument, rounded } from './status.ts'
import { printable } from './table.ts'
import type { ProbeOutcome } from './write-probe.ts'

/** What must hold: every server asked is well, or the ensemble serves. */
export type Requirement = 'all' | 'quorum'

export const REQUIREMENTS: readonly Requirement[] = ['all', 'quorum']

export interface HealthReport {
  readonly isHealthy: boolean
  readonly servers: readonly ServerHealth[]
  readonly ensemble: EnsembleReport
}

export interface ServerHealth {
  readonly row: ServerRow
  readonly isHealthy: boolean
  /** Why it is, or is not. */
  readonly reason: string
  /** How long the write took, ms; null when nothing was written. */
  readonly writeMs: number | null
}

/** @param probes in the order of the servers; null when nothing was to be written */
export function judgeHealth(
  ensemble: EnsembleReport,
  probes: readonly ProbeOutcome[] | null,
  requirement: Requirement,
): HealthReport {
  const servers = ensemble.servers.map((row, index) => judgeServer(row, probes?.[index] ?? null))
  const isAllWell =
    servers.every((server) => server.isHealthy) && ensemble.ensembleProblems.length === 0
  const isHealthy = requirement === 'all' ? isAllWell : servers.some((server) => server.isHealthy)
  return { isHealthy, servers, ensemble }
}

function judgeServer(row: ServerRow, probe: ProbeOutcome | null): ServerHealth {
  // Who takes a write is well, whatever its whitelist lets it say.
  const isKnown = probe === null || row.state !== 'unknown'
  if (isKnown && !isServing(row)) {
    return { row, isHealthy: false, reason: row.reason ?? row.state, writeMs: null }
  }
  if (probe !== null && 'failure' in probe) {
    return { row, isHealthy: false, reason: `the write failed: ${probe.failure}`, writeMs: null }
  }
  const writeMs = probe === null ? null : rounded(probe.tookMs)
  const answered = row.answeredMs === null ? [] : [`answered in ${rounded(row.answeredMs)} ms`]
  const wrote = writeMs === null ? [] : [`wrote, read and deleted in ${writeMs} ms`]
  return { row, isHealthy: true, reason: [row.state, ...answered, ...wrote].join(', '), writeMs }
}

/** A line for each server, one for the quorum if it was looked at, and one for each thing that does not fit together. */
export function renderHealth({ servers, ensemble }: HealthReport): string {
  const lines = servers.map(({ row, isHealthy, reason }) => {
    const verdict = isHealthy ? 'is healthy' : 'is unhealthy'
    return `${formatAddress(row.address)} ${verdict}: ${reason}`
  })
  if (ensemble.quorum?.isThere === true) lines.push(quorumLine(ensemble))
  return [...lines, ...ensemble.ensembleProblems].map((line) => `${printable(line)}\n`).join('')
}

function quorumLine({ quorum, leader }: EnsembleReport): string {
  const { voters, servingVoters, spare } = quorum!
  const who =
    leader === null ? 'the leader was not reached' : `leader ${formatAddress(leader.address)}`
  const rest = spare === null ? '' : `, ${spare} more may fail`
  return `quorum: ${servingVoters} of ${voters} voting servers serve, ${who}${rest}`
}

export function healthDocument({ isHealthy, servers, ensemble }: HealthReport): object {
  const { leader, quorum, ensembleProblems } = ensemble
  return {
    healthy: isHealthy,
    leader: leader === null ? null : formatAddress(leader.address),
    quorum: quorum === null ? null : quorumDocument(quorum),
    problems: ensembleProblems,
    servers: servers.map(({ row, reason, writeMs, ...server }) => ({
      address: formatAddress(row.address),
      healthy: server.isHealthy,
      mode: row.state,
      reason,
      answeredMs: row.answeredMs === null ? null : rounded(row.answeredMs),
      writeMs,
    })),
  }
}
