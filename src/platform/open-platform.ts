import type { Environment } from '../env/index.ts'
import { MemoryMetrics } from '../env/index.ts'
import { systemClock, systemTimers } from './clock.ts'
import { levelStores } from './level-stores.ts'
import { diskLogFiles } from './log-folder.ts'
import type { LoggerOptions } from './logger.ts'
import { openLogger } from './logger.ts'
import { TcpNetwork } from './network.ts'
import { SystemRandom } from './random.ts'

export interface PlatformOptions {
  readonly log?: LoggerOptions
}

/** The environment of a real process; its metrics can be read back. */
export interface Platform extends Environment {
  readonly metrics: MemoryMetrics
}

/**
 * Opens the environment on the operating system. It holds nothing until its ports are used.
 *
 * Thread use: libuv runs file and LevelDB work on a pool of four threads by default, and a log write must never
 * wait for one. So every other kind of work has one piece under way at most: names and space of the log
 * folder with preallocation (`DiskLogFolder`), LevelDB (`LevelRows`), name lookups (`TcpNetwork`).
 * The fourth thread is always free for the one log write.
 */
export function openPlatform(options: PlatformOptions = {}): Platform {
  const logger = openLogger(options.log ?? {})
  return {
    clock: systemClock,
    timers: systemTimers,
    random: new SystemRandom(),
    network: new TcpNetwork(logger),
    logFile: diskLogFiles,
    rows: levelStores,
    logger,
    metrics: new MemoryMetrics(),
  }
}
