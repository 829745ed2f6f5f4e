import type { Settings } from './settings.ts'

/** The HTTP server for operators (`admin.*`). */
export interface AdminConfig {
  readonly isEnabled: boolean
  /** Empty for all interfaces. */
  readonly host: string
  readonly port: number
  /** Path below which the commands are, with a slash in front and none behind. */
  readonly commandPath: string
  /** How long a connection may keep silent. */
  readonly idleTimeoutMs: number
  /** Between two snapshots, and between two restores; 0 for no limit. */
  readonly rateLimitIntervalMs: number
  readonly isSnapshotEnabled: boolean
  readonly isRestoreEnabled: boolean
  /** Whether the address of a caller is what its proxy says (`X-Forwarded-For`). */
  readonly trustsForwardedFor: boolean
  /** Who shows it may take snapshots, restore and shed connections; null for none. */
  readonly token: string | null
  /** A file that holds the token instead; may be relative to the working folder. Null for none. */
  readonly tokenFile: string | null
}

/** Where the metrics can be fetched apart from the admin server (`metricsProvider.*`). */
export interface MetricsProviderConfig {
  /** Only `prometheus` opens a port. */
  readonly kind: 'default' | 'none' | 'prometheus'
  /** Empty for all interfaces. */
  readonly host: string
  readonly port: number
  /** Whether `/metrics` has the figures of the process too (`jvm_*`, `process_*`). */
  readonly exportsProcessFigures: boolean
}

/** The record of who changed what (`audit.*`). */
export interface AuditConfig {
  readonly isEnabled: boolean
  /** Where it is written; may be relative to the working folder. */
  readonly file: string
}

/** From when on something is slow, ms (`fsync.warningthresholdms` is a matter of the storage). */
export interface WarningsConfig {
  /** A request that takes longer is logged and remembered; 0 for none. */
  readonly slowRequestMs: number
  /** Whether the event loop is watched for stalls (`jvm.pause.monitor`). */
  readonly watchesStalls: boolean
  /** How often it is looked at. */
  readonly stallSleepMs: number
  /** A stall that is longer is logged, as a warning from the second on. */
  readonly stallInfoMs: number
  readonly stallWarnMs: number
  /** Whether the history of events is written to a file, so that it survives the process. */
  readonly keepsEvents: boolean
}

/** What an operator sees of a running server. */
export interface ObservabilityConfig {
  readonly admin: AdminConfig
  readonly metricsProvider: MetricsProviderConfig
  readonly audit: AuditConfig
  readonly warnings: WarningsConfig
  /** The least serious lines that are logged. */
  readonly logLevel: 'debug' | 'error' | 'info' | 'warn'
}

/** In force when nothing is configured. The admin server is for this machine only, other than upstream's. */
export const DEFAULT_OBSERVABILITY: ObservabilityConfig = {
  admin: {
    isEnabled: true,
    host: '127.0.0.1',
    port: 8080,
    commandPath: '/commands',
    idleTimeoutMs: 30_000,
    rateLimitIntervalMs: 300_000,
    isSnapshotEnabled: true,
    isRestoreEnabled: true,
    trustsForwardedFor: false,
    token: null,
    tokenFile: null,
  },
  metricsProvider: { kind: 'default', host: '', port: 7000, exportsProcessFigures: true },
  audit: { isEnabled: false, file: 'zookeeper_audit.log' },
  warnings: {
    slowRequestMs: 1000,
    watchesStalls: true,
    stallSleepMs: 500,
    stallInfoMs: 1000,
    stallWarnMs: 10_000,
    keepsEvents: true,
  },
  logLevel: 'info',
}

const INT32_MAX = 0x7fff_ffff

/** @throws ConfigError */
export function readObservability(settings: Settings): ObservabilityConfig {
  const { admin, metricsProvider, audit, warnings } = DEFAULT_OBSERVABILITY
  const milliseconds = (key: string, fallback: number): number =>
    settings.integer(key, fallback, 0, INT32_MAX)
  return {
    admin: {
      isEnabled: settings.boolean('admin.enableServer', admin.isEnabled),
      host: readHost(settings, 'admin.serverAddress', admin.host),
      port: readPort(settings, 'admin.serverPort', admin.port),
      commandPath: readCommandPath(settings, admin.commandPath),
      idleTimeoutMs: milliseconds('admin.idleTimeout', admin.idleTimeoutMs),
      rateLimitIntervalMs: milliseconds('admin.rateLimiterIntervalInMS', admin.rateLimitIntervalMs),
      isSnapshotEnabled: settings.boolean('admin.snapshot.enabled', admin.isSnapshotEnabled),
      isRestoreEnabled: settings.boolean('admin.restore.enabled', admin.isRestoreEnabled),
      trustsForwardedFor: settings.boolean(
        'IPAuthenticationProvider.usexforwardedfor',
        admin.trustsForwardedFor,
      ),
      ...readToken(settings),
    },
    metricsProvider: {
      kind: readProviderKind(settings),
      host: readHost(settings, 'metricsProvider.httpHost', metricsProvider.host),
      port: readProviderPort(settings, metricsProvider.port),
      exportsProcessFigures: settings.boolean(
        'metricsProvider.exportJvmInfo',
        metricsProvider.exportsProcessFigures,
      ),
    },
    audit: {
      isEnabled: settings.boolean('audit.enable', audit.isEnabled),
      file: readAuditFile(settings, audit.file),
    },
    logLevel: readLogLevel(settings),
    warnings: {
      slowRequestMs: milliseconds('request.warningthresholdms', warnings.slowRequestMs),
      watchesStalls: settings.boolean('jvm.pause.monitor', warnings.watchesStalls),
      stallSleepMs: settings.integer(
        'jvm.pause.sleep.time.ms',
        warnings.stallSleepMs,
        1,
        INT32_MAX,
      ),
      stallInfoMs: milliseconds('jvm.pause.info-threshold.ms', warnings.stallInfoMs),
      stallWarnMs: milliseconds('jvm.pause.warn-threshold.ms', warnings.stallWarnMs),
      keepsEvents: settings.boolean('events.persist', warnings.keepsEvents),
    },
  }
}

function readHost(settings: Settings, key: string, fallback: string): string {
  const value = settings.text(key)
  if (value === undefined) return fallback
  const host = value.replace(/^\[|\]$/g, '')
  return host === '0.0.0.0' ? '' : host
}

/** 0 asks for any free port, as Jetty does. */
function readPort(settings: Settings, key: string, fallback: number): number {
  return settings.integer(key, fallback, 0, 65_535)
}

/** Since 3.10, -1 is "no port", which a provider that opens none may have. */
function readProviderPort(settings: Settings, fallback: number): number {
  const isOpened = readProviderKind(settings) === 'prometheus'
  const port = settings.integer('metricsProvider.httpPort', fallback, isOpened ? 0 : -1, 65_535)
  return port < 0 ? fallback : port
}

function readCommandPath(settings: Settings, fallback: string): string {
  const path = (settings.text('admin.commandURL') ?? fallback).replace(/\/+$/, '')
  if (/^(\/[\w.~-]+)+$/.test(path)) return path
  throw settings.refuse(
    settings.find('admin.commandURL')!,
    'must be a path of its own, such as /commands',
  )
}

function readToken(settings: Settings): Pick<AdminConfig, 'token' | 'tokenFile'> {
  const token = settings.text('admin.token') ?? null
  const tokenFile = settings.text('admin.tokenFile') ?? null
  if (token !== null && tokenFile !== null) {
    throw settings.refuse(
      settings.find('admin.token')!,
      'and admin.tokenFile are both given; keep one',
    )
  }
  const fault = token === null ? null : adminTokenFault(token)
  if (fault !== null) throw settings.refuse(settings.find('admin.token')!, fault)
  return { token, tokenFile }
}

const TOKEN_LENGTH_MIN = 16

/** What is wrong with a token, without it; null when nothing is. */
export function adminTokenFault(token: string): string | null {
  if (token.length < TOKEN_LENGTH_MIN) {
    return `must have at least ${TOKEN_LENGTH_MIN} characters; "openssl rand -hex 32" makes one`
  }
  return /^[\x21-\x7e]+$/.test(token)
    ? null
    : 'must be of printable ASCII characters without blanks'
}

const PROVIDERS: ReadonlyMap<string, MetricsProviderConfig['kind']> = new Map([
  ['org.apache.zookeeper.metrics.impl.DefaultMetricsProvider', 'default'],
  ['org.apache.zookeeper.metrics.impl.NullMetricsProvider', 'none'],
  ['org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider', 'prometheus'],
])

/** Upstream does not start either with a class that it cannot load. */
function readProviderKind(settings: Settings): MetricsProviderConfig['kind'] {
  const setting = settings.find('metricsProvider.className')
  if (setting === undefined || setting.value === '') return 'default'
  const kind = PROVIDERS.get(setting.value)
  if (kind !== undefined) return kind
  throw settings.refuse(
    setting,
    `'${setting.value}': here must be one of ${[...PROVIDERS.keys()].join(', ')}`,
  )
}

/** Upstream's logback.xml puts it beside the other logs. */
function readAuditFile(settings: Settings, fallback: string): string {
  const name = settings.text('auditlog.file') ?? fallback
  const folder = settings.text('log.dir')
  return folder === undefined || name.startsWith('/') ? name : `${folder}/${name}`
}

const LOG_LEVELS: ReadonlyMap<string, ObservabilityConfig['logLevel']> = new Map([
  ['ALL', 'debug'],
  ['TRACE', 'debug'],
  ['DEBUG', 'debug'],
  ['INFO', 'info'],
  ['WARN', 'warn'],
  ['ERROR', 'error'],
  ['FATAL', 'error'],
  ['OFF', 'error'],
])

/** Upstream has a log file and a console, each with its threshold; here there is one output. */
function readLogLevel(settings: Settings): ObservabilityConfig['logLevel'] {
  const setting = settings.find('console.threshold') ?? settings.find('log.threshold')
  if (setting === undefined) return DEFAULT_OBSERVABILITY.logLevel
  const level = LOG_LEVELS.get(setting.value.toUpperCase())
  if (level !== undefined) return level
  const names = [...LOG_LEVELS.keys()].join(', ')
  throw settings.refuse(setting, `'${setting.value}' must be one of ${names}`)
}
