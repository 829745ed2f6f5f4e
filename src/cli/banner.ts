import { COMPATIBLE_WITH, VERSION } from '../admin/index.ts'
import { formatHex } from '../base/index.ts'
import { addressesOf, type EnsembleConfig } from '../config/index.ts'
import type { LogFields } from '../env/index.ts'
import type { ServerStatus } from '../server/index.ts'
import type { RecoveryReport } from '../storage/index.ts'

/** What an operator wants to see once a server is up. */
export interface BannerFacts {
  readonly status: ServerStatus
  readonly recovery: RecoveryReport
  /** From the start of the program to the open port. */
  readonly startMs: number
  readonly pid: number
  readonly clientHost: string
  /** Null for a server that stands alone. */
  readonly ensemble: EnsembleConfig | null
  /** Path of the configuration file, or null for the built-in defaults. */
  readonly configFile: string | null
}

/** The facts as fields of one log line, which carries the pid already. */
export function bannerFields(facts: BannerFacts): LogFields {
  const { status, recovery } = facts
  return {
    version: VERSION,
    compatibleWith: COMPATIBLE_WITH,
    mode: status.mode,
    ...(facts.ensemble === null
      ? {}
      : { serverId: facts.ensemble.self, ensemble: describeEnsemble(facts.ensemble) }),
    clientHost: facts.clientHost === '' ? '*' : facts.clientHost,
    clientPort: status.configuration.clientPort,
    config: facts.configFile ?? 'built-in defaults',
    dataDir: status.configuration.dataDir,
    dataLogDir: status.configuration.dataLogDir,
    znodes: status.tree.znodeCount,
    sessions: status.sessionCount,
    zxid: formatHex(status.lastProcessedZxid),
    recovered: describeRecovery(recovery),
    startMs: Math.round(facts.startMs),
  }
}

/** The facts for a person at a terminal. */
export function bannerText(facts: BannerFacts): string {
  const { status, recovery } = facts
  const { clientPort, dataDir, dataLogDir, tickTimeMs } = status.configuration
  const host = facts.clientHost === '' ? 'all interfaces' : facts.clientHost
  const rows: [string, string][] = [
    ['mode', `${status.mode}, pid ${facts.pid}`],
    ...ensembleRows(facts.ensemble),
    ['clients', `port ${clientPort} on ${host}, tick ${tickTimeMs} ms`],
    ['config', facts.configFile ?? 'built-in defaults'],
    ['data', dataLogDir === dataDir ? dataDir : `${dataDir}, log in ${dataLogDir}`],
    [
      'state',
      `${plural(status.tree.znodeCount, 'znode')}, ${plural(status.sessionCount, 'session')}, ` +
        `zxid ${formatHex(status.lastProcessedZxid)}`,
    ],
    ['recovery', `${describeRecovery(recovery)}; ready after ${Math.round(facts.startMs)} ms`],
  ]
  const title = `zabkeeper ${VERSION} (speaks as ZooKeeper ${COMPATIBLE_WITH})`
  return [title, ...rows.map(([name, value]) => `  ${name.padEnd(10)}${value}`), ''].join('\n')
}

function ensembleRows(ensemble: EnsembleConfig | null): [string, string][] {
  if (ensemble === null) return []
  const own = ensemble.members.find(({ id }) => id === ensemble.self)!
  const ports = `ports ${own.quorumPort} and ${own.electionPort}`
  const hosts = addressesOf(own).map((address) => address.host)
  const host = ensemble.listensOnAllAddresses ? 'all interfaces' : hosts.join(' and ')
  return [['ensemble', `server ${own.id} of ${describeEnsemble(ensemble)}, ${ports} on ${host}`]]
}

function describeEnsemble({ members }: EnsembleConfig): string {
  const observers = members.filter(({ role }) => role === 'observer').length
  const participants = plural(members.length - observers, 'participant')
  return observers === 0 ? participants : `${participants} and ${plural(observers, 'observer')}`
}

function describeRecovery(recovery: RecoveryReport): string {
  if (recovery.isNew) return 'new, empty data folder'
  const last = recovery.wasCleanStop ? 'clean stop' : 'unclean stop'
  const torn = recovery.tornBytes > 0 ? `, cut off ${plural(recovery.tornBytes, 'torn byte')}` : ''
  return (
    `after ${last}: ${plural(recovery.rowsLoaded, 'row')} from the checkpoint, ` +
    `${plural(recovery.entriesReplayed, 'transaction')} from the log${torn}`
  )
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
