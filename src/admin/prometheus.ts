import type { ProcessStatus } from '../env/index.ts'
import type { ServerStatus } from '../server/index.ts'
import { GAUGES } from './gauges.ts'
import { counterFamilies, type SummaryFamily, summaryFamilies } from './metric-families.ts'
import { type MetricNaming, type ShownMetric, shownAs } from './metric-naming.ts'
import { type ProcessFamily, processFamilies } from './process-families.ts'

/** Of the text that {@link renderPrometheus} gives. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * All metrics in the text format of Prometheus, as the provider of 3.8 and 3.9 writes it: the names of `mntr` without
 * `zk_`, counters without `_total`, summaries with their median (`quantile="0.5"`) and, where rare large values matter, 0.9
 * and 0.99, labels in `key`. The gauges of a server that does not serve are left out, as upstream does, and the figures
 * of the process if `metricsProvider.exportJvmInfo` is false. With the naming `prometheus` the same under other names.
 */
export function renderPrometheus(
  status: ServerStatus,
  host: ProcessStatus,
  exportJvmInfo = true,
  naming: MetricNaming = 'apache',
): string {
  const out: string[] = []
  if (status.isServing) writeGauges(out, naming, status, host)
  for (const { name, members } of counterFamilies(status.metrics)) {
    writeValues(out, shownAs(naming, name, 'counter'), members)
  }
  for (const family of summaryFamilies(status.metrics)) {
    writeSummary(out, shownAs(naming, family.name, 'summary'), family)
  }
  if (exportJvmInfo) for (const family of processFamilies(host)) writeProcessFamily(out, family)
  return out.join('')
}

type Labels = readonly (readonly [name: string, value: string])[]

function writeGauges(
  out: string[],
  naming: MetricNaming,
  status: ServerStatus,
  host: ProcessStatus,
): void {
  for (const { name, read } of GAUGES) {
    const value = read(status, host)
    if (value === null) continue
    const members = typeof value === 'number' ? ([[null, value]] as const) : value
    writeValues(out, shownAs(naming, name, 'gauge'), members)
  }
}

function writeValues(
  out: string[],
  shown: ShownMetric | null,
  members: Iterable<readonly [label: string | null, value: number]>,
): void {
  if (shown === null) return
  const { name, help, kind, divisor } = shown
  writeHead(out, name, help, kind)
  for (const [label, value] of members) {
    writeSample(out, name, labelsOf(shown, label), value / divisor)
  }
}

const BASIC_QUANTILES: readonly number[] = [0.5]
const ADVANCED_QUANTILES: readonly number[] = [0.5, 0.9, 0.99]

function writeSummary(
  out: string[],
  shown: ShownMetric | null,
  { members, isAdvanced }: SummaryFamily,
): void {
  if (shown === null) return
  const { name, help, kind, divisor } = shown
  writeHead(out, name, help, kind)
  for (const [label, summary] of members) {
    const key = labelsOf(shown, label)
    for (const fraction of isAdvanced ? ADVANCED_QUANTILES : BASIC_QUANTILES) {
      const labels: Labels = [...key, ['quantile', `${fraction}`]]
      writeSample(out, name, labels, summary.quantile(fraction) / divisor)
    }
    writeSample(out, `${name}_count`, key, summary.count)
    writeSample(out, `${name}_sum`, key, summary.sum / divisor)
  }
}

function writeProcessFamily(out: string[], { name, help, kind, samples }: ProcessFamily): void {
  if (samples.length === 0) return
  writeHead(out, name, help, kind)
  for (const { suffix, labels, value } of samples) writeSample(out, name + suffix, labels, value)
}

function labelsOf(shown: ShownMetric, label: string | null): Labels {
  return label === null ? [] : [[shown.label, label]]
}

function writeHead(out: string[], name: string, help: string, kind: string): void {
  out.push(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`)
}

/** With the comma that upstream's library leaves behind the last label. */
function writeSample(out: string[], name: string, labels: Labels, value: number): void {
  const text = labels.map(([label, of]) => `${label}="${escapeLabel(of)}",`).join('')
  out.push(`${name}${text === '' ? '' : `{${text}}`} ${formatDouble(value)}\n`)
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** `25.0`, `0.5171`, `NaN`: as Java, but for its exponents. */
function formatDouble(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : `${value}`
}
