import { counterOf, epochOf, formatHex, type Zxid } from '../base/index.ts'
import { formatAddress } from '../platform/sockets/index.ts'
import {
  type EnsembleReport,
  problemsOf,
  type QuorumReport,
  type ServerRow,
} from './ensemble-report.ts'
import { type Column, printable, renderTable } from './table.ts'

const UNKNOWN = '-'

const COLUMNS: readonly Column<ServerRow>[] = [
  { title: 'ID', align: 'right', cell: ({ id }) => shown(id) },
  { title: 'ADDRESS', align: 'left', cell: ({ address }) => formatAddress(address) },
  { title: 'VERSION', align: 'left', cell: ({ version }) => shown(version) },
  { title: 'MODE', align: 'left', cell: ({ state }) => state },
  { title: 'ZXID', align: 'right', cell: ({ zxid }) => shown(zxid, formatHex) },
  { title: 'EPOCH/COUNTER', align: 'right', cell: ({ zxid }) => shown(zxid, epochAndCounter) },
  { title: 'ZNODES', align: 'right', cell: ({ znodes }) => shown(znodes) },
  { title: 'CONNECTIONS', align: 'right', cell: ({ connections }) => shown(connections) },
  { title: 'OUTSTANDING', align: 'right', cell: ({ outstanding }) => shown(outstanding) },
  {
    title: 'LATENCY MS',
    align: 'right',
    cell: ({ latencyMs }) =>
      shown(latencyMs, ({ min, avg, max }) => `${min}/${rounded(avg)}/${max}`),
  },
  { title: 'LAG', align: 'right', cell: ({ lag }) => shown(lag) },
  { title: 'UPTIME', align: 'right', cell: ({ uptimeMs }) => shown(uptimeMs, formatUptime) },
]

/** The table, and below it what is wrong. */
export function renderStatus(report: EnsembleReport): string {
  const problems = problemsOf(report).map((problem) => `${printable(problem)}\n`)
  return renderTable(COLUMNS, report.servers) + problems.join('')
}

/** The same as one document; zxids are hexadecimal text, since they are longer than a JSON number may be. */
export function statusDocument(report: EnsembleReport): object {
  const { quorum, leader } = report
  const problems = problemsOf(report)
  return {
    healthy: problems.length === 0,
    leader: leader === null ? null : formatAddress(leader.address),
    quorum: quorum === null ? null : quorumDocument(quorum),
    problems,
    servers: report.servers.map(serverDocument),
  }
}

export function quorumDocument({ isThere, voters, servingVoters, spare }: QuorumReport): object {
  return { ok: isThere, voters, servingVoters, spare }
}

function serverDocument(row: ServerRow): object {
  const { zxid, latencyMs } = row
  return {
    id: row.id,
    address: formatAddress(row.address),
    role: row.role,
    version: row.version,
    mode: row.state,
    reason: row.reason,
    zxid: zxid === null ? null : formatHex(zxid),
    epoch: zxid === null ? null : epochOf(zxid),
    counter: zxid === null ? null : counterOf(zxid),
    znodes: row.znodes,
    connections: row.connections,
    outstanding: row.outstanding,
    latencyMs,
    lag: row.lag,
    uptimeMs: row.uptimeMs,
    answeredMs: row.answeredMs === null ? null : rounded(row.answeredMs),
  }
}

function shown<T>(value: T | null, format: (value: T) => string = String): string {
  return value === null ? UNKNOWN : format(value)
}

function epochAndCounter(zxid: Zxid): string {
  return `${epochOf(zxid)}/${counterOf(zxid)}`
}

/** One decimal is all that is known of a latency. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** The two largest units: `3d4h`, `2m5s`, `0s`. */
export function formatUptime(ms: number): string {
  const first = UNITS.findIndex(([, unitMs]) => ms >= unitMs)
  if (first === -1) return '0s'
  let leftMs = ms
  return UNITS.slice(first, first + 2)
    .map(([unit, unitMs]) => {
      const count = Math.floor(leftMs / unitMs)
      leftMs -= count * unitMs
      return `${count}${unit}`
    })
    .join('')
}
