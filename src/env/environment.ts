import type { Clock, Timers } from './clock.ts'
import type { LogFilePort } from './log-file.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'
import type { RowsPort } from './rows.ts'

/**
 * Everything non-deterministic a server may use. `platform` implements it on the operating system,
 * `sim` under a seed; nothing else reaches a clock, a socket or a disk.
 */
export interface Environment {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly network: Network
  readonly logFile: LogFilePort
  readonly rows: RowsPort
  readonly logger: Logger
  readonly metrics: Metrics
}
