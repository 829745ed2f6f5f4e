import type { Config } from '../config/index.ts'
import type { IoError, MetricsReader } from '../env/index.ts'
import type { StorageError } from '../storage/index.ts'
import type { AuditOptions } from './audit/index.ts'
import type { ReplicaObserver } from './replica-observer.ts'
import type { CoreLimits } from './replica-options.ts'
import type { FourLetterWords } from './server-status.ts'

/** What whoever runs a server is told. */
export interface ServerHandlers {
  /** Recovery is done and the client port is bound. Called once. */
  onServing(): void
  /** The server cannot start, or cannot go on: the process has to end. Called at most once, last. */
  onFatal(error: StorageError | IoError): void
}

export interface ServerOptions {
  readonly config: Config
  readonly fourLetterWords: FourLetterWords
  /** What the metrics sink of the environment has gathered, for `mntr`. */
  readonly metrics: MetricsReader
  /** Sees what a member of an ensemble does. */
  readonly observer?: ReplicaObserver
  /** Absent: no audit log is kept. */
  readonly audit?: AuditOptions
  /** In place of the core's own limits, for simulations that are to reach them. */
  readonly coreLimits?: CoreLimits
}
