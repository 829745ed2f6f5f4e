import type { Config, ConfigOverrides, FourLetterWhitelist } from './config.ts'
import { DEFAULT_FOUR_LETTER_WORDS, defaultConfig, sessionTimeoutRange } from './config.ts'
import { ConfigError } from './config-error.ts'
import { addressesOf, type EnsembleConfig, type MemberConfig } from './ensemble.ts'
import type { Treatment } from './keys.ts'
import type { Limits } from './limits.ts'
import { DEFAULT_LIMITS, JUTE_MAXBUFFER } from './limits.ts'
import type { FilesBeside } from './membership.ts'
import { readMembership } from './membership.ts'
import { type ObservabilityConfig, readObservability } from './observability.ts'
import { SERVER_ID_MAX } from './server-line.ts'
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
 * @param beside what the file only refers to; {@link filesBesideZooCfg} says where it is.
 * @throws ConfigError for a wrong or missing value, a list of servers that makes no ensemble, or a protection
 *   that is not there yet.
 */
export function parseZooCfg(
  text: string,
  file: string,
  overrides: ConfigOverrides = {},
  beside: FilesBeside = {},
): { config: Config; warnings: string[] } {
  const settings = new Settings(text, file)
  settings.checkKinds()
  const times = readSessionTimes(settings, overrides)
  const { ensemble, own, warnings } = readMembership(settings, beside, times.tickTimeMs)
  refuseMissingProtection(settings, ensemble)
  const config: Config = {
    ...readClientPort(settings, own, overrides),
    ...readFolders(settings, overrides),
    ...times,
    ...readFeatures(settings, ensemble),
    ensemble,
    limits: readLimits(settings),
    ...readObservability(settings),
  }
  if (ensemble !== null) checkOwnPorts(settings, config, own!)
  if (ensemble !== null) checkSessionOwners(settings, config, ensemble)
  return { config, warnings: [...collectWarnings(settings, ensemble), ...warnings] }
}

/** Files that a server needs beside its zoo.cfg; null for those it does without. */
export interface NeededFiles {
  /** May be missing: a server that stands alone does not need it. */
  readonly myid: string | null
  readonly dynamicConfig: string | null
}

/**
 * Says which files to read before {@link parseZooCfg}, as paths relative to the working folder or absolute.
 * @throws ConfigError when the text is no zoo.cfg at all, or has no `dataDir`.
 */
export function filesBesideZooCfg(
  text: string,
  file: string,
  overrides: ConfigOverrides = {},
): NeededFiles {
  const settings = new Settings(text, file)
  const dynamicConfig = settings.text('dynamicConfigFile') ?? null
  const listsServers = dynamicConfig !== null || settings.family('server.N').length > 0
  if (!listsServers) return { myid: null, dynamicConfig: null }
  return { myid: `${readFolders(settings, overrides).dataDir}/myid`, dynamicConfig }
}

const NOT_YET = 'not in this version yet'

/** Ignoring these would leave the server open where its operator believes it closed. */
function refuseMissingProtection(settings: Settings, ensemble: EnsembleConfig | null): void {
  for (const setting of settings.known) {
    if (setting.spec.treatment !== 'guarded' || isDefault(setting)) continue
    throw settings.refuse(
      setting,
      `this protection is ${NOT_YET}, and starting without it would be less safe than configured. ` +
        'Remove the line to start without it',
    )
  }
  const autocreate = settings.find('db.autocreate')
  if (autocreate === undefined || ensemble === null || settings.boolean('db.autocreate', true)) {
    return
  }
  throw settings.refuse(
    autocreate,
    `keeping a server with an empty data folder from voting is ${NOT_YET}. ` +
      'Remove the line to start without this protection',
  )
}

/** Two of a server's own ports must not meet; the system would say so only later, and without the reason. */
function checkOwnPorts(settings: Settings, config: Config, own: MemberConfig): void {
  const { clientHost, clientPort } = config
  const isEverywhere = clientHost === '' || config.ensemble!.listensOnAllAddresses
  const isShared = addressesOf(own).some(({ host, quorumPort, electionPort }) => {
    const isPort = clientPort === quorumPort || clientPort === electionPort
    return isPort && (isEverywhere || clientHost === host)
  })
  if (!isShared) return
  throw new ConfigError(
    settings.file,
    settings.find('clientPort')?.line ?? null,
    'clientPort',
    `${config.clientPort} is a port of server.${own.id} for its ensemble already`,
  )
}

/** A TTL znode is told by its owner's first byte, where an ordinary owner has the number of its server. */
function checkSessionOwners(settings: Settings, config: Config, ensemble: EnsembleConfig): void {
  if (!config.extendedTypes || ensemble.members.every(({ id }) => id < SERVER_ID_MAX)) return
  throw settings.refuse(
    settings.find('extendedTypesEnabled')!,
    `with TTL znodes, server numbers go up to ${SERVER_ID_MAX - 1} only`,
  )
}

function readClientPort(
  settings: Settings,
  own: MemberConfig | null,
  overrides: ConfigOverrides,
): Pick<Config, 'clientHost' | 'clientPort' | 'listenBacklog' | 'tcpKeepAlive'> {
  const setting = settings.find('clientPort')
  const address = settings.find('clientPortAddress')
  const fromServer = own?.client ?? null
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
  const host = address === undefined ? '' : address.value.replace(/^\[|\]$/g, '')
  const isAnyAddress = host === '' || host === '0.0.0.0'
  return {
    clientHost: overrides.clientHost ?? (isAnyAddress ? (fromServer?.host ?? '') : host),
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
  ensemble: EnsembleConfig | null,
): Omit<
  Config,
  | 'ensemble'
  | keyof ObservabilityConfig
  | keyof ReturnType<typeof readClientPort>
  | keyof ReturnType<typeof readFolders>
  | keyof ReturnType<typeof readSessionTimes>
  | 'limits'
> {
  const fallback = defaultConfig()
  return {
    fourLetterWhitelist: readWhitelist(settings, ensemble),
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
    fsyncWarningMs: settings.integer('fsync.warningthresholdms', 1000, 0, INT32_MAX),
  }
}

/**
 * `srvr` is always answered when a list is given: zkServer.sh asks it. So is `isro` where there is a read-only mode:
 * clients of read-only servers ask the others (FourLetterCommands).
 */
function readWhitelist(settings: Settings, ensemble: EnsembleConfig | null): FourLetterWhitelist {
  const setting = settings.find('4lw.commands.whitelist')
  if (setting === undefined) return DEFAULT_FOUR_LETTER_WORDS
  const words = setting.value.split(',').map((word) => word.trim())
  if (words.includes('*')) return 'all'
  const always = ensemble?.isReadOnlyModeEnabled === true ? ['srvr', 'isro'] : ['srvr']
  return new Set([...always, ...words.filter((word) => word !== '')])
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

function collectWarnings(settings: Settings, ensemble: EnsembleConfig | null): string[] {
  const { file } = settings
  const warnings: string[] = []
  const groups = [
    ['not supported yet', namesOf(settings, ensemble === null ? ['later'] : ['ensemble', 'later'])],
    ['nothing to change in this server', namesOf(settings, ['irrelevant'])],
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
  return [...warnings, ...valueWarnings(settings, ensemble)]
}

function valueWarnings(settings: Settings, ensemble: EnsembleConfig | null): string[] {
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
  const reconfig = settings.find('reconfigEnabled')
  warn(
    reconfig,
    ensemble !== null && settings.boolean('reconfigEnabled', false),
    `changing an ensemble while it runs is ${NOT_YET}: reconfig is answered with an error`,
  )
  return warnings
}

function namesOf(settings: Settings, treatments: readonly Treatment[]): string[] {
  return settings.known
    .filter(({ spec }) => treatments.includes(spec.treatment))
    .filter(asksForSomething)
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
