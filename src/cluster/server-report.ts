import type { Zxid } from '../base/index.ts'
import type { Address } from '../env/index.ts'
import { askWord, type Reach } from './ask-word.ts'
import {
  isNotServing,
  isRefused,
  type Latency,
  parseConf,
  parseMonitor,
  parseServer,
  type ServerFigures,
} from './texts.ts'

/**
 * `not serving`: it runs and has no leader. `unknown`: something answers and does not say what it is, e.g. because its
 * whitelist forbids.
 */
export type ServerState =
  | 'follower'
  | 'leader'
  | 'not serving'
  | 'observer'
  | 'read-only'
  | 'standalone'
  | 'unknown'
  | 'unreachable'

/** What one server says of itself at one moment. Null: it does not say. */
export interface ServerReport {
  readonly address: Address
  /** Its number in the ensemble; servers tell it if `conf` is whitelisted. */
  readonly id: number | null
  readonly state: ServerState
  /** Why it serves nobody. */
  readonly reason: string | null
  /** From the connect to the end of the answer to `srvr`, ms. */
  readonly answeredMs: number | null
  readonly version: string | null
  readonly zxid: Zxid | null
  readonly znodes: number | null
  readonly connections: number | null
  readonly outstanding: number | null
  readonly latencyMs: Latency | null
  /** Since when it serves, ms; if `mntr` is whitelisted. */
  readonly uptimeMs: number | null
  /** Leader: followers that keep up with it; if `mntr` is whitelisted. */
  readonly syncedFollowers: number | null
  /** Voting servers of its ensemble; if `mntr` is whitelisted. */
  readonly quorumSize: number | null
  /** Where it listens for clients; if `conf` is whitelisted. */
  readonly clientPort: number | null
  /** The `server.N` lines of its ensemble; if `conf` is whitelisted. */
  readonly membership: string | null
}

const MODES: ReadonlySet<string> = new Set<ServerState>([
  'follower',
  'leader',
  'observer',
  'read-only',
  'standalone',
])

/**
 * Asks one server with `srvr`, which every ZooKeeper answers unless told otherwise, and with `mntr` and `conf` for more.
 * Never rejects.
 */
export async function reportOn(address: Address, reach: Reach): Promise<ServerReport> {
  // On its own: the connections of the others would be among those that it counts.
  const srvr = await askWord(address, 'srvr', reach)
  if ('failure' in srvr) return without(address, 'unreachable', srvr.failure)
  const [mntr, conf] = await Promise.all([
    askWord(address, 'mntr', reach),
    askWord(address, 'conf', reach),
  ])
  const monitor = parseMonitor('failure' in mntr ? '' : mntr.text)
  const configuration = 'failure' in conf ? null : parseConf(conf.text)
  const more = {
    id: configuration?.serverId ?? null,
    answeredMs: srvr.tookMs,
    uptimeMs: integerOf(monitor, 'uptime'),
    syncedFollowers: integerOf(monitor, 'synced_followers'),
    quorumSize: integerOf(monitor, 'quorum_size'),
    clientPort: configuration?.clientPort ?? null,
    membership: configuration?.membership ?? null,
  }
  if (isNotServing(srvr.text)) {
    return { ...without(address, 'not serving', NO_LEADER), ...more }
  }
  const text = isRefused(srvr.text) ? await statOf(address, reach) : srvr.text
  const figures = parseServer(text)
  if (figures === null) return { ...without(address, 'unknown', describeOdd(text)), ...more }
  return { ...fromFigures(address, figures), ...more }
}

const NO_LEADER = 'it runs, but it has no leader'

/** The other word with the same figures. */
async function statOf(address: Address, reach: Reach): Promise<string> {
  const stat = await askWord(address, 'stat', reach)
  return 'failure' in stat ? '' : stat.text
}

function fromFigures(address: Address, { mode, ...figures }: ServerFigures): ServerReport {
  const state = MODES.has(mode) ? (mode as ServerState) : 'unknown'
  const reason = state === 'read-only' ? 'it has lost the others and serves reads only' : null
  const odd = state === 'unknown' ? `it calls itself ${mode}` : reason
  return { ...without(address, state, odd), ...figures }
}

function without(address: Address, state: ServerState, reason: string | null): ServerReport {
  return {
    address,
    id: null,
    state,
    reason,
    answeredMs: null,
    version: null,
    zxid: null,
    znodes: null,
    connections: null,
    outstanding: null,
    latencyMs: null,
    uptimeMs: null,
    syncedFollowers: null,
    quorumSize: null,
    clientPort: null,
    membership: null,
  }
}

function describeOdd(text: string): string {
  if (isRefused(text)) return 'it refuses the word srvr: add it to 4lw.commands.whitelist'
  if (text === '') return 'it closes the connection without a word: no ZooKeeper, or one with TLS'
  return 'what answers there is no ZooKeeper'
}

function integerOf(monitor: ReadonlyMap<string, string>, name: string): number | null {
  const text = monitor.get(name)
  // Upstream writes some whole numbers as 3.0.
  return text !== undefined && /^\d+(\.0)?$/.test(text) ? Number.parseInt(text, 10) : null
}
