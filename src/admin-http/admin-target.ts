import type { StartFacts } from '../admin/index.ts'
import type { AdminConfig } from '../config/index.ts'
import type { Clock, Logger, Metrics, ProcessStatus } from '../env/index.ts'
import type { ReplicatedState, ServerControl, ServerStatus } from '../server/index.ts'

/** The server that is administered. */
export interface AdminTarget {
  readonly state: ReplicatedState
  readonly control: ServerControl
  status(): ServerStatus
}

export interface AdminOptions {
  readonly config: AdminConfig
  /** Of the configuration or its file; null for none. */
  readonly token: string | null
  /** For the files of `snapshot?streaming=false`. */
  readonly dataDir: string
  /** What must stay free on that disk. */
  readonly diskFreeBytesMin: number
  readonly exportsProcessFigures: boolean
  readonly start: StartFacts
  readonly readProcess: () => ProcessStatus
  readonly logger: Logger
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'count' | 'observe'>
}
