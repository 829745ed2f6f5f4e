export { Call, type ReplyHandler } from './call.ts'
export { ClientPool, type ClientPoolOptions, type Violation } from './client-pool.ts'
export type { FinalZnode } from './final-reader.ts'
export type { Answer, AuthOperation, Operation, RawOperation } from './operation.ts'
export type { ServerTarget } from './server-list.ts'
export { SharedKnowledge } from './shared-knowledge.ts'
export {
  ClientCounters,
  type ClientEnvironment,
  type ClientHost,
  SimClient,
  type SimClientOptions,
} from './sim-client.ts'
export { WatchBook } from './watch-book.ts'
export { Workload, type WorkloadContext } from './workload.ts'
export { WORKLOAD_NAMES, type WorkloadName } from './workloads/index.ts'
