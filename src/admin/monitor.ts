import type { MetricSummary, ProcessStatus } from '../env/index.ts'
import type { QuorumStatus, ServerStatus } from '../server/index.ts'
import { GAUGES, type Gauge } from './gauges.ts'
import { counterFamilies, type SummaryFamily, summaryFamilies } from './metric-families.ts'
import { formatAverage } from './numbers.ts'
import { VERSION_TEXT } from './version.ts'

/** A line of `mntr`, without `zk_`. Whole numbers and averages are told apart by their text. */
export type Reading = readonly [name: string, value: string]

/** `zk_<name> TAB value` lines. `docs/metrics.md` has them all. */
export function renderMonitor(status: ServerStatus, host: ProcessStatus): string {
  return monitorReadings(status, host)
    .map(([name, value]) => `zk_${name}\t${value}\n`)
    .join('')
}

/** The same as data. */
export function monitorReadings(status: ServerStatus, host: ProcessStatus): readonly Reading[] {
  return [
    ['version', VERSION_TEXT],
    ['server_state', status.mode],
    ...(status.isReadOnly ? [] : peerState(status.quorum)),
    ...GAUGES.flatMap((gauge) => gaugeReadings(gauge, status, host)),
    ...counterFamilies(status.metrics).flatMap(({ name, members }) => {
      return members.map(([label, value]): Reading => [labelled(label, name), `${value}`])
    }),
    ...summaryFamilies(status.metrics).flatMap(summaryReadings),
  ]
}

/** Clients are served in the broadcast phase only; of a server without a leader nothing of this is told. */
function peerState(quorum: QuorumStatus | null): Reading[] {
  if (quorum === null) return []
  const state: Reading = ['peer_state', `${quorum.peerState} - broadcast`]
  const { learnerMaster } = quorum
  const isObserving = quorum.peerState === 'observing' && learnerMaster !== null
  return isObserving ? [state, ['observer_master_id', `${learnerMaster}`]] : [state]
}

function gaugeReadings(gauge: Gauge, status: ServerStatus, host: ProcessStatus): Reading[] {
  const value = gauge.read(status, host)
  const format = gauge.format ?? wholeNumber
  if (value === null) return []
  if (typeof value === 'number') return [[gauge.name, format(value)]]
  return [...value].map(([label, one]) => [labelled(label, gauge.name), format(one)])
}

/** Upstream's basic summary, and the quantiles of an advanced one; 0 throughout while nothing was observed. */
function summaryReadings({ name, members, isAdvanced }: SummaryFamily): Reading[] {
  return members.flatMap(([label, summary]): Reading[] => {
    const shown = labelled(label, name)
    const { count, sum, min, max } = summary
    const basic: Reading[] = [
      [`avg_${shown}`, formatAverage(count === 0 ? 0 : sum / count)],
      [`min_${shown}`, wholeNumber(min)],
      [`max_${shown}`, wholeNumber(max)],
      [`cnt_${shown}`, wholeNumber(count)],
      [`sum_${shown}`, wholeNumber(sum)],
    ]
    return isAdvanced ? [...basic, ...quantileReadings(shown, summary)] : basic
  })
}

const QUANTILES: readonly (readonly [prefix: string, fraction: number])[] = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
  ['p999', 0.999],
]

function quantileReadings(shown: string, summary: MetricSummary): Reading[] {
  return QUANTILES.map(([prefix, fraction]) => {
    return [`${prefix}_${shown}`, wholeNumber(summary.count === 0 ? 0 : summary.quantile(fraction))]
  })
}

function labelled(label: string | null, name: string): string {
  return label === null ? name : `${label}_${name}`
}

function wholeNumber(value: number): string {
  return `${Math.floor(value)}`
}
