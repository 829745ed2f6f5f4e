import type { Config, ConfigOverrides, FourLetterWhitelist } from './config.ts'
import { DEFAULT_FOUR_LETTER_WORDS, defaultConfig, sessionTimeoutRange } from './config.ts'
import { ConfigError } from './config-error.ts'
import { addressesOf, type EnsembleConfig, type MemberConfig } from './ensemble.ts'
import type { FilesBeside } from './membership.ts'
import { readMembership } from './membership.ts'
import { type ObservabilityConfig, readObservability } from './observability.ts'
import { readLimits } from './read-limits.ts'
import { SERVER_ID_MAX } from './server-line.ts'
import { type PropertySource, Settings } from './settings.ts'
import { readTuning } from './tuning.ts'
import { collectNotes, collectWarnings, missingProtections } from './warnings.ts'

const INT32_MAX = 0x7fff_ffff

/** Everything beside the text of a zoo.cfg that a configuration comes from. */
export interface ConfigSources {
  /** They win over the file. */
  readonly overrides?: ConfigOverrides
  /** What the file only refers to; {@link filesBesideZooCfg} says where it is. */
  readonly beside?: FilesBeside
  /** Java's flags and the like, which the file wins over; the later ones are stronger. */
  readonly properties?: readonly PropertySource[]
}

/** A configuration, and what its operator should know about it. */
export interface ParsedConfig {
  readonly config: Config
  readonly warnings: readonly string[]
  /** Where values come from that Apache ZooKeeper would not take from there, or that stand outside of the file. */
  readonly notes: readonly string[]
}

/**
 * Turns the text of a zoo.cfg into a checked configuration.
 *
 * Every key of Apache ZooKeeper is accepted. Those that this version cannot follow are named together in one
 * warning with the unknown ones, unless following them is a matter of protection: then the start is refused.
 *
 * @throws ConfigError for a wrong or missing value, a list of servers that makes no ensemble, or a protection
 *   that is not there yet.
 */
export function parseZooCfg(text: string, file: string, sources: ConfigSources = {}): ParsedConfig {
  const { config, faults, warnings, notes } = inspectZooCfg(text, file, sources)
  if (config === null) throw faults[0]!
  return { config, warnings, notes }
}

/** All that can be said about a zoo.cfg. */
export interface Inspection {
  /** Null if there are faults. */
  readonly config: Config | null
  /** Each stops the start. */
  readonly faults: readonly ConfigError[]
  readonly warnings: readonly string[]
  readonly notes: readonly string[]
  readonly settings: Settings
}

/**
 * Reads a zoo.cfg as {@link parseZooCfg} does, and goes on after a fault as far as it can.
 * @throws ConfigError for a text that is no properties file.
 */
export function inspectZooCfg(text: string, file: string, sources: ConfigSources = {}): Inspection {
  const { overrides = {}, beside = {}, properties = [] } = sources
  const settings = new Settings(text, file, properties)
  const faults = settings.kindFaults()
  const attempt = <T>(read: () => T): T | null => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      faults.push(error)
      return null
    }
  }
  const notes = collectNotes(settings)
  if (faults.length > 0) {
    faults.push(...missingProtections(settings, null))
    return { config: null, faults, warnings: [], notes, settings }
  }
  const times = attempt(() => readSessionTimes(settings, overrides))
  const tickTimeMs = times?.tickTimeMs ?? defaultConfig().tickTimeMs
  const membership = attempt(() => readMembership(settings, beside, tickTimeMs))
  const { ensemble = null, own = null, warnings: listWarnings = [] } = membership ?? {}
  faults.push(...missingProtections(settings, ensemble))
  const parts = {
    clientPort: attempt(() => readClientPort(settings, own, overrides)),
    folders: attempt(() => readFolders(settings, overrides)),
    features: attempt(() => readFeatures(settings, ensemble)),
    limits: attempt(() => readLimits(settings)),
    tuning: attempt(() => readTuning(settings, tickTimeMs)),
    observability: attempt(() => readObservability(settings)),
  }
  const warnings = [...collectWarnings(settings, ensemble), ...listWarnings]
  if (faults.length > 0) return { config: null, faults, warnings, notes, settings }
  const config: Config = {
    ...parts.clientPort!,
    ...parts.folders!,
    ...times!,
    ...parts.features!,
    ensemble,
    limits: parts.limits!,
    tuning: parts.tuning!,
    ...parts.observability!,
  }
  if (ensemble !== null) {
    attempt(() => checkOwnPorts(settings, config, own!))
    attempt(() => checkSessionOwners(settings, config, ensemble))
  }
  return { config: faults.length > 0 ? null : config, faults, warnings, notes, settings }
}

/** The text in place of a zoo.cfg where there is none. Properties win over it. */
export function builtInZooCfg(properties: readonly PropertySource[]): string {
  const given = new Settings('', '', properties)
  const { tickTimeMs, dataDir, clientPort } = defaultConfig()
  const lines = [
    ['tickTime', tickTimeMs],
    ['dataDir', dataDir],
    ['clientPort', clientPort],
  ] as const
  return lines
    .filter(([key]) => given.find(key) === undefined)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
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
  { overrides = {}, properties = [] }: Omit<ConfigSources, 'beside'> = {},
): NeededFiles {
  const settings = new Settings(text, file, properties)
  const dynamicConfig = settings.text('dynamicConfigFile') ?? null
  const listsServers = dynamicConfig !== null || settings.family('server.N').length > 0
  if (!listsServers) return { myid: null, dynamicConfig: null }
  return { myid: `${readFolders(settings, overrides).dataDir}/myid`, dynamicConfig }
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
  | 'tuning'
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
  // Any name will do, as upstream: `super` is that of its documentation.
  if (/^[^:]*:[A-Za-z0-9+/]{27}=$/.test(setting.value)) return setting.value
  throw settings.refuse(
    setting,
    "must be a user and the base64 SHA-1 digest of 'user:password', as in super:xQJm…=",
  )
}
