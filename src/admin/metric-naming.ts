import { MEANINGS, type Meaning } from './meanings/index.ts'

export type MetricKind = 'counter' | 'gauge' | 'summary'

/** How one family of metrics is written. */
export interface ShownMetric {
  readonly name: string
  readonly kind: MetricKind
  readonly help: string
  /** Name of the label of a family that has one. */
  readonly label: string
  /** What a value is divided by: 1000 where ms become seconds. */
  readonly divisor: number
}

/**
 * The names of the metrics of a server: `apache` is what the Prometheus provider of ZooKeeper 3.8 and 3.9 shows and what
 * published dashboards ask for; `prometheus` are names that follow the conventions of Prometheus, with seconds for ms.
 */
export type MetricNaming = 'apache' | 'prometheus'
export const METRIC_NAMINGS: readonly MetricNaming[] = ['apache', 'prometheus']

/** Null for what a naming leaves out. `name` and `kind` are Apache ZooKeeper's. */
export function shownAs(naming: MetricNaming, name: string, kind: MetricKind): ShownMetric | null {
  if (naming === 'apache') return { name, kind, help: name, label: 'key', divisor: 1 }
  const meaning = MEANINGS.get(name)
  // Without one it is always 0, and there for the sake of dashboards that do not know these names.
  if (meaning === undefined) return null
  const [unit, text, by = 'key'] = meaning
  const shownKind = GROWING_GAUGES.has(name) ? 'counter' : kind
  return {
    name: `zookeeper_${stemOf(name, shownKind, meaning)}${shownKind === 'counter' ? '_total' : ''}`,
    kind: shownKind,
    help: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    label: by,
    divisor: unit === 'ms' ? 1000 : 1,
  }
}

/** Gauges of upstream's that only grow, until they are reset. */
const GROWING_GAUGES: ReadonlySet<string> = new Set([
  'auth_failed_count',
  'packets_received',
  'packets_sent',
])

/** Where the rule has nothing to go by: words that are not apart, and counts of what was done. */
const STEMS: ReadonlyMap<string, string> = new Map([
  ['dbinittime', 'db_init_time'],
  ['fsynctime', 'fsync_time'],
  ['quota_count_limit_per_namespace', 'quota_limit_znodes'],
  ['quota_count_usage_per_namespace', 'quota_usage_znodes'],
  ['readlatency', 'read_latency'],
  ['snapshottime', 'snapshot_time'],
  ['updatelatency', 'update_latency'],
])

/** With its unit at the end; without `_count`, which is what a summary's number of observations is called. */
function stemOf(name: string, kind: MetricKind, [unit]: Meaning): string {
  const stem = STEMS.get(name) ?? name.replace(/_per_namespace$/, '')
  if (unit === 'ms') return `${stem.replace(/_ms$/, '')}_seconds`
  if (unit === 'bytes') {
    const words = stem.replace(/_(count|size)$/, '').split('_')
    return [...words.filter((word) => word !== 'bytes'), 'bytes'].join('_')
  }
  if (!stem.endsWith('_count')) return stem
  const counted = stem.slice(0, -'_count'.length)
  return kind === 'counter' ? counted : plural(counted)
}

function plural(word: string): string {
  if (word.endsWith('s')) return word
  return word.endsWith('ch') ? `${word}es` : `${word}s`
}
