export type { ProcessStatus } from '../env/index.ts'
export {
  ADMIN_COMMANDS,
  type AdminAnswer,
  type AdminCommand,
  type AdminContext,
  type AdminControl,
  findAdminCommand,
  type JsonValue,
  jsonObject,
  NOT_SERVING,
  RawNumber,
  renderAnswer,
  renderFailure,
  renderJson,
  type StartFacts,
} from './documents/index.ts'
export type { FourLetterCommand } from './four-letter-words.ts'
export {
  createFourLetterWords,
  FOUR_LETTER_COMMANDS,
  unansweredWords,
} from './four-letter-words.ts'
export { GAUGES } from './gauges.ts'
export { type HealthReason, type Readiness, readinessOf } from './health.ts'
export { IDLE_ADVANCED_SUMMARIES, IDLE_BASIC_SUMMARIES, IDLE_COUNTERS } from './metric-families.ts'
export { METRIC_NAMINGS, type MetricNaming } from './metric-naming.ts'
export { monitorReadings, type Reading, renderMonitor } from './monitor.ts'
export { PROMETHEUS_CONTENT_TYPE, renderPrometheus } from './prometheus.ts'
export { COMPATIBLE_WITH, RELEASED_ON, VERSION, VERSION_TEXT } from './version.ts'
