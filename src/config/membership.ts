import { ConfigError } from './config-error.ts'
import {
  addressesOf,
  type EnsembleConfig,
  type MemberConfig,
  type MultiAddressConfig,
} from './ensemble.ts'
import { readGroups } from './groups.ts'
import { parseServerLine } from './server-line.ts'
import { placeOf, type Setting, Settings } from './settings.ts'

/** A file that was read by the caller: this folder reads none. */
export interface FileText {
  /** Its path, for messages. */
  readonly file: string
  readonly text: string
}

/** What belongs to a configuration and is not in its zoo.cfg. */
export interface FilesBeside {
  /** This server's number, from `<dataDir>/myid`; null when there is no such file. Only ensembles need it. */
  readonly myid?: number | null
  /** The file that `dynamicConfigFile` names. */
  readonly dynamicConfig?: FileText | null
}

/** Whom a server works with. */
export interface MembershipConfig {
  /** Null for a server that stands alone. */
  readonly ensemble: EnsembleConfig | null
  /** The line of this server itself; a server that stands alone may have none. */
  readonly own: MemberConfig | null
  readonly warnings: readonly string[]
}

const INT32_MAX = 0x7fff_ffff

/**
 * Reads the `server.N` lines and what belongs to them. One participant stands alone unless
 * `standaloneEnabled=false` (QuorumPeerConfig).
 *
 * @throws ConfigError for lists that no ensemble could work with, and for a `myid` that does not fit the list.
 */
export function readMembership(
  settings: Settings,
  beside: FilesBeside,
  tickTimeMs: number,
): MembershipConfig {
  checkElectionAlgorithm(settings)
  const peerType = readPeerType(settings)
  const source = serverLineSource(settings, beside)
  refuseRepeated(source)
  const multiAddress = readMultiAddress(settings)
  const listed = readServerLines(source)
  if (!multiAddress.isEnabled) refuseSeveralAddresses(source, listed)
  const participants = listed.filter(({ member }) => member.role === 'participant')
  const first = listed[0]
  if (first === undefined) {
    refuseEmptyEnsemble(settings)
    return { ensemble: null, own: null, warnings: [] }
  }
  if (participants.length === 0) {
    const reason = 'all listed servers are observers, and observers cannot elect a leader'
    throw source.refuse(first.setting, `${reason}: at least one must be a participant`)
  }
  if (participants.length === 1 && settings.boolean('standaloneEnabled', true)) {
    return standAlone(source, listed, participants[0]!)
  }
  refuseSharedAddresses(source, listed)
  const own = findOwnLine(settings, source, listed, beside.myid ?? null)
  const members = listed.map(({ member }) => member)
  const { groups, weights, warnings } = readGroups(source, members)
  return {
    own: own.member,
    ensemble: {
      self: own.member.id,
      members,
      groups,
      weights,
      initLimit: readTicks(settings, 'initLimit', '10', tickTimeMs),
      syncLimit: readTicks(settings, 'syncLimit', '5', tickTimeMs),
      listensOnAllAddresses: settings.boolean('quorumListenOnAllIPs', false),
      isReadOnlyModeEnabled: settings.boolean('readonlymode.enabled', false),
      localSessions: {
        isEnabled: settings.boolean('localSessionsEnabled', false),
        isUpgrading: settings.boolean('localSessionsUpgradingEnabled', false),
      },
      multiAddress,
      observerMaster: {
        port: Math.max(0, settings.integer('observerMasterPort', 0, -1, 65_535)),
        windowBytesMax: settings.integer('observerMaster.sizeLimit', 33_554_432, 0, INT32_MAX),
      },
    },
    warnings: [
      ...sizeWarnings(source, participants),
      ...addressWarnings(listed),
      ...peerTypeWarnings(peerType, own.member),
      ...warnings,
    ],
  }
}

interface Listed {
  readonly setting: Setting
  readonly member: MemberConfig
}

function checkElectionAlgorithm(settings: Settings): void {
  const algorithm = settings.find('electionAlg')
  if (algorithm !== undefined && Number(algorithm.value) !== 3) {
    throw settings.refuse(algorithm, 'only election algorithm 3 exists')
  }
}

function readPeerType(settings: Settings): Setting | undefined {
  const setting = settings.find('peerType')
  if (setting === undefined || /^(participant|observer)$/i.test(setting.value)) return setting
  throw settings.refuse(setting, `'${setting.value}' must be participant or observer`)
}

const LISTS = ['server.N', 'group.N', 'weight.N']

/** The list is in the zoo.cfg itself or in the file it names, never in both. */
function serverLineSource(settings: Settings, beside: FilesBeside): Settings {
  const named = settings.find('dynamicConfigFile')
  if (named === undefined || named.value === '') return settings
  const stray = settings.known.find((setting) => LISTS.includes(setting.spec.key))
  if (stray !== undefined) {
    throw settings.refuse(
      stray,
      `belongs into ${named.value}, which dynamicConfigFile in line ${named.line} names; ` +
        'remove one of the two lines',
    )
  }
  const dynamic = beside.dynamicConfig ?? null
  if (dynamic === null) {
    throw settings.refuse(named, `the list of servers is in ${named.value}, which was not read`)
  }
  return readDynamicFile(dynamic)
}

function readDynamicFile({ file, text }: FileText): Settings {
  const source = new Settings(text, file)
  const foreign = source.unknown[0]
  if (foreign !== undefined) {
    throw new ConfigError(file, foreign.line, foreign.name, 'is no key of a dynamic configuration')
  }
  for (const setting of source.known) {
    if (LISTS.includes(setting.spec.key)) continue
    const reason =
      setting.spec.key === 'version'
        ? 'must not be inside this file: the version is the end of its name'
        : `belongs into the zoo.cfg: this file has only ${LISTS.join(', ')}`
    throw source.refuse(setting, reason)
  }
  const wrong = source.kindFaults()[0]
  if (wrong !== undefined) throw wrong
  return source
}

/** Java lets the last one count; who edits a list of servers by hand has more likely mistyped a number. */
function refuseRepeated(source: Settings): void {
  const repeated = source.repeated.find((setting) => LISTS.includes(setting.spec.key))
  if (repeated !== undefined) throw source.refuse(repeated, 'is given twice')
}

function readServerLines(source: Settings): Listed[] {
  const byId = new Map<number, Listed>()
  for (const { suffix, setting } of source.family('server.N')) {
    const parsed = parseServerLine(suffix, setting.value)
    if ('fault' in parsed) throw source.refuse(setting, parsed.fault)
    const member = parsed.value
    const other = byId.get(member.id)
    if (other !== undefined) {
      throw source.refuse(setting, `is the same number as ${other.setting.name}`)
    }
    byId.set(member.id, { setting, member })
  }
  return [...byId.values()].sort((a, b) => a.member.id - b.member.id)
}

function readMultiAddress(settings: Settings): MultiAddressConfig {
  const waitMs = settings.integer('multiAddress.reachabilityCheckTimeoutMs', 1000, 1, INT32_MAX)
  const isWaiting = settings.boolean('multiAddress.reachabilityCheckEnabled', true)
  return {
    isEnabled: settings.boolean('multiAddress.enabled', false),
    waitMs: isWaiting ? waitMs : null,
  }
}

function refuseSeveralAddresses(source: Settings, listed: readonly Listed[]): void {
  const found = listed.find(({ member }) => member.moreAddresses.length > 0)
  if (found === undefined) return
  throw source.refuse(
    found.setting,
    'several addresses of one server need multiAddress.enabled=true, on all servers',
  )
}

function refuseEmptyEnsemble(settings: Settings): void {
  const setting = settings.find('standaloneEnabled')
  if (setting === undefined || settings.boolean('standaloneEnabled', true)) return
  throw settings.refuse(
    setting,
    'false asks for an ensemble, but no server.N line lists its servers',
  )
}

function standAlone(
  source: Settings,
  listed: readonly Listed[],
  { setting, member }: Listed,
): MembershipConfig {
  const observer = listed.find((other) => other.member.role === 'observer')
  if (observer !== undefined) {
    throw source.refuse(
      observer.setting,
      'an observer needs an ensemble, and a single participant stands alone: list more participants, ' +
        'or set standaloneEnabled=false',
    )
  }
  const warning = describe(setting, 'only one server is listed, so it runs standalone')
  return { ensemble: null, own: member, warnings: [warning] }
}

/** Two servers at one address: the second could not start, and the others would take one for the other. */
function refuseSharedAddresses(source: Settings, listed: readonly Listed[]): void {
  const takenBy = new Map<string, Setting>()
  for (const { setting, member } of listed) {
    const ports = addressesOf(member).flatMap(({ host, quorumPort, electionPort }) =>
      [quorumPort, electionPort].map((port) => ({ host, port })),
    )
    for (const { host, port } of ports) {
      const address = `${host.toLowerCase()} port ${port}`
      const other = takenBy.get(address)
      if (other !== undefined) {
        throw source.refuse(setting, `${address} is also the address of ${other.name}`)
      }
      takenBy.set(address, setting)
    }
  }
}

function findOwnLine(
  settings: Settings,
  source: Settings,
  listed: readonly Listed[],
  myid: number | null,
): Listed {
  const numbers = listed.map(({ member }) => member.id).join(', ')
  if (myid === null) {
    const folder = settings.text('dataDir') ?? 'the data folder'
    throw new ConfigError(
      source.file,
      null,
      'myid',
      `is missing: a member of an ensemble has its own number in the file ${folder}/myid. ` +
        `Write there which one of ${numbers} this server is`,
    )
  }
  const own = listed.find(({ member }) => member.id === myid)
  if (own !== undefined) return own
  throw new ConfigError(
    source.file,
    null,
    'myid',
    `this server's number is ${myid}, but the listed servers are ${numbers}: ` +
      `correct the file myid in the data folder or add a line server.${myid}`,
  )
}

/** Both limits have no default upstream: an ensemble must say them. */
function readTicks(settings: Settings, key: string, example: string, tickTimeMs: number): number {
  const setting = settings.find(key)
  const ticks = settings.integer(key, 0, 0, INT32_MAX)
  if (setting === undefined || ticks === 0) {
    throw new ConfigError(
      settings.file,
      setting?.line ?? null,
      key,
      `is missing: an ensemble needs it. Add a line such as ${key}=${example}`,
    )
  }
  if (ticks * tickTimeMs > INT32_MAX) {
    throw settings.refuse(setting, `${ticks} ticks of ${tickTimeMs} ms are longer than 24 days`)
  }
  return ticks
}

/** Upstream's words: operators look for them. */
function sizeWarnings(source: Settings, participants: readonly Listed[]): string[] {
  const count = participants.length
  const voters = `${count} participant${count === 1 ? '' : 's'}`
  if (count <= 2) {
    const advice = 'no server failure will be tolerated, you need at least 3 servers'
    return [`${source.file}: ${voters}: ${advice}`]
  }
  if (count % 2 !== 0) return []
  return [`${source.file}: ${voters}: non-optimal configuration, consider an odd number of servers`]
}

/** The list goes to every other server, which could not reach this one by it. */
function addressWarnings(listed: readonly Listed[]): string[] {
  const hosts = listed.flatMap(({ setting, member }) =>
    addressesOf(member).map(({ host }) => ({ setting, host })),
  )
  return hosts
    .filter(({ host }) => host === '0.0.0.0' || host === '::')
    .map(({ setting, host }) =>
      describe(
        setting,
        `other servers cannot reach ${host}. Write the server's own name here; ` +
          'quorumListenOnAllIPs=true makes it listen on all interfaces',
      ),
    )
}

function peerTypeWarnings(peerType: Setting | undefined, own: MemberConfig): string[] {
  if (peerType === undefined || peerType.value.toLowerCase() === own.role) return []
  const text = `ignored: the line server.${own.id} makes this server a ${own.role}`
  return [describe(peerType, text.replace(' a o', ' an o'))]
}

function describe(setting: Setting, text: string): string {
  return `${placeOf(setting)}=${setting.value}: ${text}`
}
