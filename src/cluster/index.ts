export type { Reach } from './ask-word.ts'
export {
  checkPerf,
  type PerfOptions,
  type PerfReport,
  perfDocument,
  renderPerf,
} from './check-perf.ts'
export { ClusterError } from './cluster-error.ts'
export { type EnsembleList, type EnsembleReport, problemsOf } from './ensemble-report.ts'
export { listFromZooCfg } from './find-ensemble.ts'
export {
  type HealthReport,
  healthDocument,
  judgeHealth,
  REQUIREMENTS,
  type Requirement,
  renderHealth,
} from './health.ts'
export { type Member, membersDocument, renderMembers } from './members.ts'
export { renderStatus, statusDocument } from './status.ts'
export { listMembers, type SurveyOptions, survey } from './survey.ts'
export { eventDocument, renderEvent, type WatchOptions, watchEvents } from './watch-events.ts'
export { type ProbeOutcome, probeAll } from './write-probe.ts'
