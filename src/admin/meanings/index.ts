import { COUNTER_MEANINGS } from './counters.ts'
import { GAUGE_MEANINGS } from './gauges.ts'
import type { Meaning } from './meaning.ts'
import { SUMMARY_MEANINGS } from './summaries.ts'

export type { Meaning } from './meaning.ts'

/** Of everything that is measured, by Apache ZooKeeper's name for it. What is always 0 is not here. */
export const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ...Object.entries(GAUGE_MEANINGS),
  ...Object.entries(COUNTER_MEANINGS),
  ...Object.entries(SUMMARY_MEANINGS),
])
