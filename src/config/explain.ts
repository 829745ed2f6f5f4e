import type { Config } from './config.ts'
import { unitOf } from './key-units.ts'
import type { KeySpec, Treatment } from './keys.ts'
import type { Setting, UnknownSetting } from './settings.ts'
import { suggestKey } from './suggest.ts'
import { isDefault, placeNote } from './warnings.ts'
import type { Inspection } from './zoo-cfg.ts'

/** What one key comes to. */
export interface ExplainedSetting {
  /** Its proper name, for families the one that was written: `server.1`. */
  readonly key: string
  /** Null for a key that was not given. Secrets are not repeated. */
  readonly written: string | null
  /** What the server runs with; null if it does not start. */
  readonly effective: string | null
  /** Empty where there is none. */
  readonly unit: string
  /** `zoo.cfg:3`, `JVMFLAGS`, or `default`. */
  readonly origin: string
  readonly treatment: Treatment
  /** Empty if there is nothing to say. */
  readonly note: string
}

/** A name that is no key, and the key that may have been meant. */
export interface ExplainedName {
  readonly name: string
  readonly origin: string
  readonly suggestion: string | null
}

/** Every key that is given, in the order of the file, and then those whose defaults an operator wants to know. */
export function explainSettings({ settings, config }: Inspection): ExplainedSetting[] {
  const given = settings.known.map((setting) => explain(setting, config))
  if (config === null) return given
  const absent = SHOWN_ALWAYS.filter((key) => settings.find(key) === undefined)
  return [...given, ...absent.map((key) => explainDefault(key, config))]
}

export function explainUnknown({ settings }: Inspection): ExplainedName[] {
  return settings.unknown.map((unknown) => ({
    name: unknown.name,
    origin: originOf(unknown),
    suggestion: suggestKey(unknown.name),
  }))
}

const SHOWN_ALWAYS = [
  'tickTime',
  'minSessionTimeout',
  'maxSessionTimeout',
  'dataLogDir',
  'maxClientCnxns',
  'jute.maxbuffer',
  'snapCount',
  '4lw.commands.whitelist',
  'admin.serverAddress',
  'admin.serverPort',
] as const

const KIB = 1024
const SECRET = /password$|superDigest$/i

/** Of keys whose effective value may be another one than what is written. */
const EFFECTIVE: ReadonlyMap<string, (config: Config) => string | number> = new Map<
  string,
  (config: Config) => string | number
>([
  ['dataDir', (config) => config.dataDir],
  ['dataLogDir', (config) => config.dataLogDir],
  ['clientPort', (config) => config.clientPort],
  ['clientPortAddress', (config) => anyHost(config.clientHost)],
  ['tickTime', (config) => config.tickTimeMs],
  ['minSessionTimeout', (config) => config.minSessionTimeoutMs],
  ['maxSessionTimeout', (config) => config.maxSessionTimeoutMs],
  ['maxClientCnxns', ({ limits }) => limits.connectionsPerAddressMax],
  ['maxCnxns', ({ limits }) => limits.connectionsMax],
  ['jute.maxbuffer', ({ limits }) => limits.requestFrameBytesMax],
  ['snapCount', ({ limits }) => limits.checkpointTxns],
  ['snapSizeLimitInKb', ({ limits }) => limits.checkpointLogBytes / KIB],
  ['preAllocSize', ({ limits }) => limits.logSegmentBytes / KIB],
  ['forceSync', () => 'yes'],
  [
    '4lw.commands.whitelist',
    ({ fourLetterWhitelist: words }) => (words === 'all' ? '*' : [...words].join(' ')),
  ],
  ['admin.serverAddress', ({ admin }) => anyHost(admin.host)],
  ['admin.serverPort', ({ admin }) => admin.port],
  ['admin.commandURL', ({ admin }) => admin.commandPath],
  ['metricsProvider.httpHost', ({ metricsProvider }) => anyHost(metricsProvider.host)],
  ['auditlog.file', ({ audit }) => audit.file],
])

function anyHost(host: string): string {
  return host === '' ? 'all interfaces' : host
}

function explain(setting: Setting, config: Config | null): ExplainedSetting {
  const { spec, value } = setting
  const written = SECRET.test(spec.key) && value !== '' ? '(set)' : value
  const read = EFFECTIVE.get(spec.key)
  return {
    key: /\.[NX]$/.test(spec.key) ? setting.name.replace(/^zookeeper\./, '') : spec.key,
    written,
    effective: config === null ? null : isFollowed(spec) ? String(read?.(config) ?? written) : '-',
    unit: unitOf(spec.key),
    origin: originOf(setting),
    treatment: spec.treatment,
    note: noteOf(setting, config),
  }
}

function explainDefault(key: (typeof SHOWN_ALWAYS)[number], config: Config): ExplainedSetting {
  return {
    key,
    written: null,
    effective: String(EFFECTIVE.get(key)!(config)),
    unit: unitOf(key),
    origin: 'default',
    treatment: 'honoured',
    note: '',
  }
}

function isFollowed({ treatment }: KeySpec): boolean {
  return treatment === 'honoured'
}

function noteOf(setting: Setting, config: Config | null): string {
  const { spec, value } = setting
  const parts = [treatmentNote(setting, config), placeNote(setting)]
  if (unitOf(spec.key) === 'ticks' && config !== null) {
    parts.push(`${Number(value) * config.tickTimeMs} ms`)
  }
  return parts.filter((part) => part !== null).join('; ')
}

function treatmentNote(setting: Setting, config: Config | null): string | null {
  switch (setting.spec.treatment) {
    case 'honoured':
      return null
    case 'ensemble':
      return config?.ensemble === null ? 'for ensembles only' : 'not supported yet'
    case 'irrelevant':
      return 'nothing to change in this server'
    default:
      return isDefault(setting) ? null : 'not supported yet'
  }
}

function originOf({ source, line }: UnknownSetting): string {
  return line === null ? source : `${source}:${line}`
}
