export type { LoadOptions, LoadResult, Operation } from './generator.ts'
export type { PingReport } from './pinger.ts'
export { Pinger, runLoad } from './processes.ts'
