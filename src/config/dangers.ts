import type { Config } from './config.ts'
import { addressesOf, type EnsembleConfig } from './ensemble.ts'
import { JUTE_MAXBUFFER } from './limits.ts'

/** What the machine says about a folder that is named in a configuration. */
export interface FolderFacts {
  readonly kind: 'file' | 'folder' | 'missing'
  /** Whether this user may write in it; of a missing one, whether it can be made. */
  readonly isWritable: boolean
  /** As in /proc/mounts (`ext4`, `tmpfs`); null if not known. */
  readonly fileSystem: string | null
  /** Null if not known. */
  readonly freeBytes: number | null
}

/** What a configuration is judged against. */
export interface SystemFacts {
  readonly dataDir: FolderFacts
  readonly dataLogDir: FolderFacts
  /** Milliseconds since 1970 by this machine's clock. */
  readonly nowMs: number
}

/** Something that stops the start, or that will hurt later. */
export interface Danger {
  readonly level: 'error' | 'warning'
  /** The key it is about. */
  readonly key: string
  readonly text: string
}

/**
 * What is allowed and unwise, or cannot work on this machine. Faults of the file itself, and what a start warns of anyway,
 * are not repeated.
 */
export function findDangers(config: Config, facts: SystemFacts): Danger[] {
  const dangers: Danger[] = []
  const add = (level: Danger['level'], key: string, text: string): void => {
    dangers.push({ level, key, text })
  }
  judgeTimes(config, add)
  if (config.ensemble === null) add('warning', 'server.N', ALONE)
  else judgeEnsemble(config, config.ensemble, add)
  judgeFolders(config, facts, add)
  judgeDoors(config, add)
  judgePorts(config, add)
  judgeSizes(config, add)
  if (facts.nowMs < CLOCK_FLOOR_MS) {
    add(
      'warning',
      'clock',
      'this machine thinks it is before 2020: ids of sessions begin with its clock and may be given out again',
    )
  }
  return dangers
}

const ALONE =
  'this server stands alone: while it is down nobody is served, and its disk has the only copy'

type Add = (level: Danger['level'], key: string, text: string) => void

/** 2020-01-01. */
const CLOCK_FLOOR_MS = 1_577_836_800_000
const KIB = 1024
const MIB = KIB * KIB

function judgeTimes(
  { tickTimeMs, minSessionTimeoutMs, maxSessionTimeoutMs }: Config,
  add: Add,
): void {
  if (tickTimeMs < 500) {
    add(
      'warning',
      'tickTime',
      `${tickTimeMs} ms is short: pauses of a loaded machine or disk end sessions and leaders. 2000 is usual`,
    )
  }
  if (tickTimeMs > 10_000) {
    add(
      'warning',
      'tickTime',
      `${tickTimeMs} ms is long: lost servers and clients are noticed after several ticks. 2000 is usual`,
    )
  }
  if (minSessionTimeoutMs < 2 * tickTimeMs) {
    add(
      'warning',
      'minSessionTimeout',
      `${minSessionTimeoutMs} ms is less than 2 ticks (${2 * tickTimeMs} ms), and sessions are looked at once a tick`,
    )
  }
  if (maxSessionTimeoutMs > 600_000) {
    add(
      'warning',
      'maxSessionTimeout',
      `${maxSessionTimeoutMs} ms: locks of a client that is gone stay for so long`,
    )
  }
}

function judgeEnsemble({ tickTimeMs }: Config, ensemble: EnsembleConfig, add: Add): void {
  const initMs = ensemble.initLimit * tickTimeMs
  const syncMs = ensemble.syncLimit * tickTimeMs
  if (initMs < 5000) {
    add(
      'warning',
      'initLimit',
      `${ensemble.initLimit} ticks are ${initMs} ms: who needs the whole state may not make it in time. 10 s and more is usual`,
    )
  }
  if (syncMs < 2000) {
    add(
      'warning',
      'syncLimit',
      `${ensemble.syncLimit} ticks are ${syncMs} ms: a pause of that length ends a leader. 4 s and more is usual`,
    )
  }
  if (ensemble.syncLimit > ensemble.initLimit) {
    add(
      'warning',
      'syncLimit',
      `it is longer than initLimit (${ensemble.initLimit}): synchronization may take less time than silence after it`,
    )
  }
  const hosts = ensemble.members.flatMap((member) => addressesOf(member).map(({ host }) => host))
  const local = hosts.filter(isLoopback)
  if (local.length === hosts.length) {
    add('warning', 'server.N', 'all servers are on this machine: when it fails, all fail')
  } else if (local.length > 0) {
    add(
      'warning',
      'server.N',
      `${local[0]} means another machine on each of them: write the name that the others know`,
    )
  }
  const { isEnabled, isUpgrading } = ensemble.localSessions
  if (isUpgrading && !isEnabled) {
    add(
      'warning',
      'localSessionsUpgradingEnabled',
      'without effect: localSessionsEnabled is not set',
    )
  }
}

function judgeFolders(config: Config, facts: SystemFacts, add: Add): void {
  judgeFolder('dataDir', config.dataDir, facts.dataDir, config, add)
  if (config.dataLogDir === config.dataDir) return
  judgeFolder('dataLogDir', config.dataLogDir, facts.dataLogDir, config, add)
}

function judgeFolder(
  key: string,
  path: string,
  facts: FolderFacts,
  config: Config,
  add: Add,
): void {
  if (!path.startsWith('/')) {
    add(
      'warning',
      key,
      `${path} is another folder in each working folder that the server is started from. Write the whole path`,
    )
  }
  if (facts.kind === 'file') {
    add('error', key, `${path} is a file, and must be a folder`)
    return
  }
  if (facts.kind === 'missing' && !config.createDataDir) {
    add('error', key, `${path} does not exist, and datadir.autocreate=false forbids to create it`)
    return
  }
  if (!facts.isWritable) {
    const what =
      facts.kind === 'missing' ? 'does not exist and cannot be made' : 'cannot be written'
    add('error', key, `${path} ${what} by this user`)
    return
  }
  const { fileSystem, freeBytes } = facts
  if (fileSystem !== null && /^(tmpfs|ramfs|devtmpfs)$/.test(fileSystem)) {
    add(
      'warning',
      key,
      `${path} is in memory (${fileSystem}): a restart of the machine loses everything`,
    )
  } else if (/^\/(var\/)?tmp(\/|$)/.test(path)) {
    add('warning', key, `${path} is a folder for temporary files, which systems empty`)
  }
  if (fileSystem !== null && /^(nfs\d?|cifs|smb3?|fuse\.sshfs)$/.test(fileSystem)) {
    add(
      'warning',
      key,
      `${path} is on a network (${fileSystem}): every write waits for it, and its locks do not always hold`,
    )
  }
  if (freeBytes !== null) judgeSpace(key, path, freeBytes, config, add)
}

function judgeSpace(
  key: string,
  path: string,
  freeBytes: number,
  { limits }: Config,
  add: Add,
): void {
  const free = `${path} has ${Math.floor(freeBytes / MIB)} MiB free`
  if (freeBytes < limits.diskFreeBytesMin) {
    add('error', key, `${free}: writes are refused below ${limits.diskFreeBytesMin / MIB} MiB`)
  } else if (freeBytes < 4 * limits.logSegmentBytes + limits.checkpointLogBytes) {
    add(
      'warning',
      key,
      `${free}: the log between two checkpoints may not fit (up to ${limits.checkpointLogBytes / MIB} MiB, and ${limits.logSegmentBytes / MIB} MiB for each file in use)`,
    )
  }
}

/** Sample of upstream's documentation; the password is `admin`. */
const WELL_KNOWN_DIGEST = 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs='

function judgeDoors(config: Config, add: Add): void {
  const { admin } = config
  if (config.fourLetterWhitelist === 'all' && !isLoopback(config.clientHost)) {
    add(
      'warning',
      '4lw.commands.whitelist',
      '* lets everybody who reaches the client port list sessions and paths (dump, wchc, wchp, wchs) and reset figures (crst, srst). Name the words that are needed',
    )
  }
  if (admin.isEnabled && !isLoopback(admin.host)) {
    add(
      'warning',
      'admin.serverAddress',
      `the admin server is open to ${admin.host === '' ? 'all networks' : admin.host} without TLS: who reaches it sees all figures, and passwords for snapshot and restore travel in the open`,
    )
  }
  if (config.superDigest === WELL_KNOWN_DIGEST) {
    add(
      'warning',
      'DigestAuthenticationProvider.superDigest',
      'it is the one of the documentation (password admin), which everybody knows',
    )
  }
}

function judgePorts(config: Config, add: Add): void {
  const { admin, metricsProvider, ensemble } = config
  const own = ensemble?.members.find(({ id }) => id === ensemble.self)
  const ports: [string, number][] = [
    ['clientPort', config.clientPort],
    ...(own === undefined
      ? []
      : addressesOf(own).flatMap(({ quorumPort, electionPort }): [string, number][] => [
          [`the quorum port of server.${own.id}`, quorumPort],
          [`the election port of server.${own.id}`, electionPort],
        ])),
    ...(ensemble === null
      ? []
      : [['observerMasterPort', ensemble.observerMaster.port] as [string, number]]),
    ...(admin.isEnabled ? [['admin.serverPort', admin.port] as [string, number]] : []),
    ...(metricsProvider.kind === 'prometheus'
      ? [['metricsProvider.httpPort', metricsProvider.port] as [string, number]]
      : []),
  ]
  const takenBy = new Map<number, string>()
  for (const [name, port] of ports) {
    const other = takenBy.get(port)
    if (port !== 0 && other !== undefined && other !== name && !/^the /.test(name)) {
      add('error', name, `${port} is ${other} already`)
    }
    takenBy.set(port, name)
  }
}

function judgeSizes({ limits }: Config, add: Add): void {
  if (limits.requestFrameBytesMax > 16 * MIB) {
    add(
      'warning',
      'jute.maxbuffer',
      `${limits.requestFrameBytesMax} bytes for one request: everybody waits while a long one is written and sent. Values belong elsewhere`,
    )
  } else if (limits.requestFrameBytesMax < JUTE_MAXBUFFER) {
    add(
      'warning',
      'jute.maxbuffer',
      `${limits.requestFrameBytesMax} bytes is less than clients expect: a longer request loses its connection`,
    )
  }
  if (limits.checkpointTxns < 1000) {
    add(
      'warning',
      'snapCount',
      `a checkpoint after ${limits.checkpointTxns} transactions keeps the disk busy with them`,
    )
  }
  if (limits.connectionsPerAddressMax > 0 && limits.connectionsPerAddressMax < 3) {
    add(
      'warning',
      'maxClientCnxns',
      `${limits.connectionsPerAddressMax}: a client that connects anew while its old connection stands is turned away`,
    )
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}
