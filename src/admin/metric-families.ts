import {
  ADVANCED_SUMMARIES,
  ADVANCED_SUMMARY_SETS,
  BASIC_SUMMARIES,
  BASIC_SUMMARY_SETS,
  COUNTER_SETS,
  COUNTERS,
  type MetricSummary,
  type MetricsReader,
} from '../env/index.ts'

/**
 * Counters that dashboards have panels for, of what does not exist in this server: always 0. `docs/metrics.md` says why
 * for each. Whatever else of upstream's does not exist here is not shown.
 */
export const IDLE_COUNTERS: readonly string[] = [
  'add_dead_watcher_stall_time',
  'dead_watchers_cleared',
  'dead_watchers_queued',
  'ensemble_auth_fail',
  'ensemble_auth_skip',
  'ensemble_auth_success',
  'quit_leading_due_to_disloyal_voter',
  'response_packet_cache_hits',
  'response_packet_cache_misses',
  'response_packet_get_children_cache_hits',
  'response_packet_get_children_cache_misses',
  'tls_handshake_exceeded',
  'unrecoverable_error_count',
]

/** In the same way, distributions in which nothing is ever observed. */
export const IDLE_BASIC_SUMMARIES: readonly string[] = [
  'concurrent_request_processing_in_commit_processor',
  'prep_processor_queue_size',
  'time_waiting_empty_pool_in_commit_processor_read_ms',
]
export const IDLE_ADVANCED_SUMMARIES: readonly string[] = [
  'dead_watchers_cleaner_latency',
  'prep_processor_queue_time_ms',
]

/** A family of values that the server keeps; null for the label of one that has none. */
export interface Family<T> {
  readonly name: string
  /** Whether the members have a label. A family that has none yet has no members. */
  readonly isSet: boolean
  readonly members: readonly (readonly [label: string | null, value: T])[]
}

export interface SummaryFamily extends Family<MetricSummary> {
  /** With the quantiles of rare large values. */
  readonly isAdvanced: boolean
}

export function counterFamilies(metrics: MetricsReader): readonly Family<number>[] {
  const { counters, counterSets } = metrics
  return [
    ...COUNTERS.map((name) => single(name, counters.get(name) ?? 0)),
    ...IDLE_COUNTERS.map((name) => single(name, 0)),
    ...COUNTER_SETS.map((name) => labelled(name, counterSets.get(name))),
  ]
}

export function summaryFamilies(metrics: MetricsReader): readonly SummaryFamily[] {
  const { summaries, summarySets } = metrics
  const basic = [...BASIC_SUMMARIES, ...IDLE_BASIC_SUMMARIES]
  const advanced = [...ADVANCED_SUMMARIES, ...IDLE_ADVANCED_SUMMARIES]
  const family = (name: string): Family<MetricSummary> => single(name, summaries.get(name) ?? EMPTY)
  const set = (name: string): Family<MetricSummary> => labelled(name, summarySets.get(name))
  return [
    ...basic.map((name) => ({ ...family(name), isAdvanced: false })),
    ...advanced.map((name) => ({ ...family(name), isAdvanced: true })),
    ...BASIC_SUMMARY_SETS.map((name) => ({ ...set(name), isAdvanced: false })),
    ...ADVANCED_SUMMARY_SETS.map((name) => ({ ...set(name), isAdvanced: true })),
  ]
}

const EMPTY: MetricSummary = { count: 0, sum: 0, min: 0, max: 0, quantile: () => Number.NaN }

function single<T>(name: string, value: T): Family<T> {
  return { name, isSet: false, members: [[null, value]] }
}

function labelled<T>(name: string, members: ReadonlyMap<string, T> | undefined): Family<T> {
  return { name, isSet: true, members: [...(members ?? [])] }
}
