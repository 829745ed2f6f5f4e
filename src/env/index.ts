export type { AuditSink } from './audit-sink.ts'
export type { Clock, TimerHandle, Timers } from './clock.ts'
export type { Environment } from './environment.ts'
export type { Done, DoneVoid } from './io-error.ts'
export { IoError } from './io-error.ts'
export type { LogFile, LogFileInfo, LogFilePort, LogFolder } from './log-file.ts'
export type { LogFields, Logger } from './logger.ts'
export { MemoryMetrics } from './memory-metrics.ts'
export type { CounterName, CounterSetName, SummaryName, SummarySetName } from './metric-names.ts'
export {
  ADVANCED_SUMMARIES,
  ADVANCED_SUMMARY_SETS,
  BASIC_SUMMARIES,
  BASIC_SUMMARY_SETS,
  COUNTER_SETS,
  COUNTERS,
} from './metric-names.ts'
export type {
  Counter,
  Labelled,
  MetricSummary,
  Metrics,
  MetricsReader,
  Observer,
} from './metrics.ts'
export type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  Listener,
  ListenHandler,
  ListenOptions,
  Network,
} from './network.ts'
export type { GcStatus, HeapSpaceStatus, ProcessStatus, RuntimeStatus } from './process-status.ts'
export type { Random } from './random.ts'
export type { Row, RowBatch, RowRange, Rows, RowsPort } from './rows.ts'
