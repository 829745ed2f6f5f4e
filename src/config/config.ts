import type { EnsembleConfig } from './ensemble.ts'
import type { Limits } from './limits.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { DEFAULT_OBSERVABILITY, type ObservabilityConfig } from './observability.ts'
import { DEFAULT_TUNING, type Tuning } from './tuning.ts'

/** Which four-letter words are answered. */
export type FourLetterWhitelist = 'all' | ReadonlySet<string>

/** How znodes that nobody uses any more are found and deleted. */
export interface ContainerSweep {
  readonly intervalMs: number
  /** Containers that never had a child go after this time; 0 keeps them. */
  readonly neverUsedMs: number
}

/** A checked configuration. Times are milliseconds. */
export interface Config extends ObservabilityConfig {
  /** Empty for all interfaces. */
  readonly clientHost: string
  /** 0 asks for any free port. */
  readonly clientPort: number
  /** Connections the system may hold before they are accepted; -1 leaves it to the system. */
  readonly listenBacklog: number
  readonly tcpKeepAlive: boolean
  /** Where the data is kept; may be relative to the working folder. */
  readonly dataDir: string
  /** Where the log is kept; the same as `dataDir` unless configured. */
  readonly dataLogDir: string
  /** Whether a missing data folder is created. */
  readonly createDataDir: boolean
  readonly tickTimeMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly fourLetterWhitelist: FourLetterWhitelist
  /** Whether TTL znodes may be created. */
  readonly extendedTypes: boolean
  /** Whether hard quotas refuse writes. */
  readonly enforceQuota: boolean
  readonly skipAcl: boolean
  readonly reconfigEnabled: boolean
  /** Whether the digest scheme is offered. */
  readonly digestAuth: boolean
  /** `super:<base64 SHA-1>` of the super user, or null for none. */
  readonly superDigest: string | null
  readonly containers: ContainerSweep
  /** Null for a server that stands alone. */
  readonly ensemble: EnsembleConfig | null
  /** A durable write slower than this is logged. */
  readonly fsyncWarningMs: number
  readonly limits: Limits
  readonly tuning: Tuning
}

/** The words that are answered unless configured: those that only read, cheaply, and tell nothing of sessions. */
export const DEFAULT_FOUR_LETTER_WORDS: ReadonlySet<string> = new Set([
  'conf',
  'dirs',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'ruok',
  'srvr',
  'stat',
])

/** Settings given beside the file, for example on the command line; they win. */
export type ConfigOverrides = Partial<
  Pick<Config, 'clientHost' | 'clientPort' | 'dataDir' | 'tickTimeMs'>
>

/** What a server runs with when it has no zoo.cfg: port 2181, data in `./data`, the tick of upstream's samples. */
export function defaultConfig(overrides: ConfigOverrides = {}): Config {
  const tickTimeMs = overrides.tickTimeMs ?? 2000
  const dataDir = overrides.dataDir ?? 'data'
  return {
    clientHost: overrides.clientHost ?? '',
    clientPort: overrides.clientPort ?? 2181,
    listenBacklog: -1,
    tcpKeepAlive: false,
    dataDir,
    dataLogDir: dataDir,
    createDataDir: true,
    tickTimeMs,
    ...sessionTimeoutRange(tickTimeMs),
    fourLetterWhitelist: DEFAULT_FOUR_LETTER_WORDS,
    extendedTypes: false,
    enforceQuota: false,
    skipAcl: false,
    reconfigEnabled: false,
    digestAuth: true,
    superDigest: null,
    containers: { intervalMs: 60_000, neverUsedMs: 0 },
    ensemble: null,
    fsyncWarningMs: 1000,
    limits: DEFAULT_LIMITS,
    tuning: DEFAULT_TUNING,
    ...DEFAULT_OBSERVABILITY,
  }
}

/** The range that session timeouts are clamped to unless configured: 2 to 20 ticks. */
export function sessionTimeoutRange(tickTimeMs: number): {
  minSessionTimeoutMs: number
  maxSessionTimeoutMs: number
} {
  return { minSessionTimeoutMs: 2 * tickTimeMs, maxSessionTimeoutMs: 20 * tickTimeMs }
}
