import type { Config, ConfigOverrides, FourLetterWhitelist } from './config.ts'
import { DEFAULT_FOUR_LETTER_WORDS, defaultConfig, sessionTimeoutRange } from './config.ts'
import { ConfigError } from './config-error.ts'
import type { Limits } from './limits.ts'
import { DEFAULT_LIMITS, JUTE_MAXBUFFER } from './limits.ts'
import type { ServerLine } from './server-line.ts'
import { parseServerLine } from './server-line.ts'
import type { Setting } from './settings.ts'
import { Settings } from './settings.ts'

const INT32_MAX = 0x7fff_ffff
const KIB = 1024
/** Longer requests could not be held as one string. */
const REQUEST_FRAME_BYTES_CEILING = 256 * KIB * KIB
const LOG_SEGMENT_BYTES_FLOOR = 1024 * KIB

/**
 * Turns the text of a zoo.cfg into a checked configuration.
 *
 * Every key of Apache ZooKeeper is accepted. Those that this version cannot follow are named together in one
 * warning with the unknown ones, unless following them is a matter of protection: then the start is refused.
 *
 * @throws ConfigError for a wrong or missing value, an ensemble, or a protection that is not there yet.
 */
export function parseZooCfg(
  text: string,
  file: string,
  overrides: ConfigOverrides = {},
): { config: Config; warnings: string[] } {
  const settings = new Settings(text, file)
  settings.checkKinds()
  const onlyServer = readOnlyServer(settings)
  refuseMissingProtection(settings)
  const config: Config = {
    ...readClientPort(settings, onlyServer, overrides),
    ...readFolders(settings, overrides),
    ...readSessionTimes(settings, overrides),
    ...readFeatures(settings),
    limits: readLimits(settings),
  }
  return { config, warnings: collectWarnings(settings) }
}

const NOT_YET = 'not in this version yet'

/** The one `server.N` line a standalone server may have; more make an ensemble, which is refused. */
function readOnlyServer(settings: Settings): ServerLine | undefined {
  const elsewhere = settings.find('dynamicConfigFile')
  if (elsewhere !== undefined) {
    throw settings.refuse(elsewhere, `a list of servers needs ensemble mode, which is ${NOT_YET}`)
  }
  const algorithm = settings.find('electionAlg')
  if (algorithm !== undefined && Number(algorithm.value) !== 3) {
    throw settings.refuse(algorithm, 'only election algorithm 3 exists')
  }
  const servers = settings.family('server.N').map(({ suffix, setting }) => {
    const parsed = parseServerLine(suffix, setting.value)
    if ('fault' in parsed) throw settings.refuse(setting, parsed.fault)
    return { setting, line: parsed.value }
  })
  const first = servers[0]
  if (first === undefined) return undefined
  if (servers.length > 1) {
    throw settings.refuse(
      first.setting,
      `this file lists ${servers.length} servers, but ensemble mode is ${NOT_YET}`,
    )
  }
  if (first.line.role === 'observer') {
    throw settings.refuse(first.setting, 'the only server must not be an observer')
  }
  const standalone = settings.find('standaloneEnabled')
  if (standalone !== undefined && !settings.boolean('standaloneEnabled', true)) {
    throw settings.refuse(standalone, `false asks for an ensemble of one, which is ${NOT_YET}`)
  }
  return first.line
}

/** Ignoring these would leave the server open where its operator believes it closed. */
function refuseMissingProtection(settings: Settings): void {
  for (const setting of settings.known) {
    if (setting.spec.treatment !== 'guarded' || isDefault(setting)) continue
    throw settings.refuse(
      setting,
      `this protection is ${NOT_YET}, and starting without it would be less safe than configured. ` +
        'Remove the line to start without it',
    )
  }
}

function readClientPort(
  settings: Settings,
  onlyServer: ServerLine | undefined,
  overrides: ConfigOverrides,
): Pick<Config, 'clientHost' | 'clientPort' | 'listenBacklog' | 'tcpKeepAlive'> {
  const setting = settings.find('clientPort')
  const address = settings.find('clientPortAddress')
  const fromServer = onlyServer?.client ?? null
  const configured = settings.integer('clientPort', 0, -1, 65_535)
  const hasPort = configured > 0
  if (!hasPort && fromServer === null && overrides.clientPort === undefined) {
    if (address !== undefined) throw settings.refuse(address, 'needs clientPort')
    throw new ConfigError(
      settings.file,
      setting?.line ?? null,
      'clientPort',
      'is missing: the server would not listen for clients. Add a line such as clientPort=2181',
    )
  }
  if (hasPort && fromServer !== null && fromServer.port !== configured) {
    throw settings.refuse(
      setting!,
      `${configured} disagrees with the server line, which says ${fromServer.port}`,
    )
  }
  const host =
    address === undefined ? (fromServer?.host ?? '') : address.value.replace(/^\[|\]$/g, '')
  return {
    clientHost: overrides.clientHost ?? (host === '0.0.0.0' ? '' : host),
    clientPort: overrides.clientPort ?? fromServer?.port ?? configured,
    listenBacklog: settings.integer('clientPortListenBacklog', -1, -1, INT32_MAX),
    tcpKeepAlive: settings.boolean('clientTcpKeepAlive', false),
  }
}

function readFolders(
  settings: Settings,
  overrides: ConfigOverrides,
): Pick<Config, 'createDataDir' | 'dataDir' | 'dataLogDir'> {
  const dataDir = overrides.dataDir ?? settings.text('dataDir')
  if (dataDir === undefined) {
    const line = settings.find('dataDir')?.line ?? null
    throw new ConfigError(
      settings.file,
      line,
      'dataDir',
      'is missing: it names the folder that keeps the data. Add a line such as dataDir=/var/lib/zookeeper',
    )
  }
  return {
    dataDir,
    dataLogDir: settings.text('dataLogDir') ?? dataDir,
    createDataDir: settings.boolean('datadir.autocreate', true),
  }
}

function readSessionTimes(
  settings: Settings,
  overrides: ConfigOverrides,
): Pick<Config, 'maxSessionTimeoutMs' | 'minSessionTimeoutMs' | 'tickTimeMs'> {
  const tickTimeMs = overrides.tickTimeMs ?? settings.integer('tickTime', 3000, 1, INT32_MAX)
  const range = sessionTimeoutRange(tickTimeMs)
  const min = settings.integer('minSessionTimeout', -1, -1, INT32_MAX)
  const max = settings.integer('maxSessionTimeout', -1, -1, INT32_MAX)
  const minSessionTimeoutMs = min === -1 ? range.minSessionTimeoutMs : min
  const maxSessionTimeoutMs = max === -1 ? range.maxSessionTimeoutMs : max
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const guilty = settings.find('minSessionTimeout') ?? settings.find('maxSessionTimeout')
    throw settings.refuse(
      guilty!,
      `the smallest session timeout (${minSessionTimeoutMs} ms) is above the largest (${maxSessionTimeoutMs} ms)`,
    )
  }
  return { tickTimeMs, minSessionTimeoutMs, maxSessionTimeoutMs }
}

function readFeatures(
  settings: Settings,
): Omit<
  Config,
  | keyof ReturnType<typeof readClientPort>
  | keyof ReturnType<typeof readFolders>
  | keyof ReturnType<typeof readSessionTimes>
  | 'limits'
> {
  const fallback = defaultConfig()
  return {
    fourLetterWhitelist: readWhitelist(settings),
    extendedTypes: settings.boolean('extendedTypesEnabled', fallback.extendedTypes),
    enforceQuota: settings.boolean('enforceQuota', fallback.enforceQuota),
    skipAcl: settings.boolean('skipACL', fallback.skipAcl),
    reconfigEnabled: settings.boolean('reconfigEnabled', fallback.reconfigEnabled),
    digestAuth: settings.boolean('DigestAuthenticationProvider.enabled', fallback.digestAuth),
    superDigest: readSuperDigest(settings),
    containers: {
      intervalMs: settings.integer('znode.container.checkIntervalMs', 60_000, 1, INT32_MAX),
      neverUsedMs: settings.integer('znode.container.maxNeverUsedIntervalMs', 0, 0, INT32_MAX),
    },
    ensemble: null,
    fsyncWarningMs: settings.integer('fsync.warningthresholdms', 1000, 0, INT32_MAX),
  }
}

/** `srvr` is always answered when a list is given: zkServer.sh asks it (FourLetterCommands). */
function readWhitelist(settings: Settings): FourLetterWhitelist {
  const setting = settings.find('4lw.commands.whitelist')
  if (setting === undefined) return DEFAULT_FOUR_LETTER_WORDS
  const words = setting.value.split(',').map((word) => word.trim())
  if (words.includes('*')) return 'all'
  return new Set(['srvr', ...words.filter((word) => word !== '')])
}

function readSuperDigest(settings: Settings): string | null {
  const setting = settings.find('DigestAuthenticationProvider.superDigest')
  if (setting === undefined || setting.value === '') return null
  if (/^super:[A-Za-z0-9+/]{27}=$/.test(setting.value)) return setting.value
  throw settings.refuse(setting, "must be 'super:' and the base64 SHA-1 digest of 'super:password'")
}

function readLimits(settings: Settings): Limits {
  const fallback = DEFAULT_LIMITS
  const snapSizeKib = settings.integer('snapSizeLimitInKb', 4_194_304, -INT32_MAX, INT32_MAX)
  return {
    ...fallback,
    requestFrameBytesMax: settings.integer(
      'jute.maxbuffer',
      JUTE_MAXBUFFER,
      KIB,
      REQUEST_FRAME_BYTES_CEILING,
    ),
    handshakeTimeoutMs: settings.integer(
      'nio.sessionlessCnxnTimeout',
      fallback.handshakeTimeoutMs,
      1,
      INT32_MAX,
    ),
    outstandingMax: settings.integer(
      'globalOutstandingLimit',
      fallback.outstandingMax,
      1,
      INT32_MAX,
    ),
    connectionsPerAddressMax: Math.max(
      0,
      settings.integer('maxClientCnxns', fallback.connectionsPerAddressMax, -1, INT32_MAX),
    ),
    connectionsMax: Math.max(
      0,
      settings.integer('maxCnxns', fallback.connectionsMax, -1, INT32_MAX),
    ),
    logSegmentBytes: Math.max(
      LOG_SEGMENT_BYTES_FLOOR,
      KIB * settings.integer('preAllocSize', fallback.logSegmentBytes / KIB, 0, KIB * KIB),
    ),
    checkpointTxns: Math.max(
      2,
      settings.integer('snapCount', fallback.checkpointTxns, 0, INT32_MAX),
    ),
    checkpointLogBytes:
      snapSizeKib <= 0
        ? fallback.checkpointLogBytes
        : Math.min(fallback.checkpointLogBytes, snapSizeKib * KIB),
    containerDeletesPerMinuteMax: settings.integer(
      'znode.container.maxPerMinute',
      fallback.containerDeletesPerMinuteMax,
      1,
      INT32_MAX,
    ),
  }
}

function collectWarnings(settings: Settings): string[] {
  const { file } = settings
  const warnings: string[] = []
  const groups = [
    ['not supported yet', namesOf(settings, 'later')],
    ['nothing to change in this server', namesOf(settings, 'irrelevant')],
    ['unknown', settings.unknown.map((property) => property.key)],
  ] as const
  const parts = groups
    .filter(([, names]) => names.length > 0)
    .map(([title, names]) => `${title}: ${names.join(', ')}`)
  if (parts.length > 0) warnings.push(`${file}: keys without effect: ${parts.join('; ')}`)
  for (const setting of settings.repeated) {
    warnings.push(
      `${file}:${setting.line}: ${setting.name} is given more than once; the last one counts`,
    )
  }
  return [...warnings, ...valueWarnings(settings)]
}

function valueWarnings(settings: Settings): string[] {
  const warnings: string[] = []
  const warn = (setting: Setting | undefined, when: boolean, text: string): void => {
    if (setting === undefined || !when) return
    warnings.push(`${settings.file}:${setting.line}: ${setting.name}=${setting.value}: ${text}`)
  }
  const forceSync = settings.find('forceSync')
  warn(forceSync, forceSync?.value === 'no', 'ignored: an answered write is always on disk here')
  const skipAcl = settings.find('skipACL')
  warn(skipAcl, skipAcl?.value === 'yes', 'ACLs are not checked: every client may do everything')
  const extra = settings.find('jute.maxbuffer.extrasize')
  warn(extra, extra !== undefined, 'ignored: what fits in a request always fits in the log')
  const server = settings.family('server.N')[0]?.setting
  warn(server, server !== undefined, 'only one server is listed, so it runs standalone')
  return warnings
}

function namesOf(settings: Settings, treatment: 'irrelevant' | 'later'): string[] {
  return settings.known
    .filter((setting) => setting.spec.treatment === treatment && asksForSomething(setting))
    .map((setting) => setting.name)
}

/** A feature that is not there is off: asking for it says so, switching it off does not. */
function asksForSomething(setting: Setting): boolean {
  const { spec, value } = setting
  if (spec.treatment === 'later' && spec.kind === 'boolean') return /^true$/i.test(value)
  return !isDefault(setting)
}

function isDefault({ spec, value }: Setting): boolean {
  if (spec.kind === 'port' && Number(value) <= 0) return true
  if (spec.kind === 'integer' || spec.kind === 'decimal') {
    return spec.fallback !== '' && Number(value) === Number(spec.fallback)
  }
  return value.toLowerCase() === spec.fallback.toLowerCase()
}
