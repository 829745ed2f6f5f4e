import type { Zxid } from '../base/index.ts'

/** Numbers of one server, from the words `srvr` or `stat`. */
export interface ServerFigures {
  /** `3.9.3`, without revision and date. */
  readonly version: string
  /** As told: `leader`, `follower`, `observer`, `standalone`, `read-only`. */
  readonly mode: string
  readonly zxid: Zxid
  readonly znodes: number
  readonly connections: number
  readonly outstanding: number
  readonly latencyMs: Latency
}

/** Since the start, or the last `srst`. */
export interface Latency {
  readonly min: number
  readonly avg: number
  readonly max: number
}

/** What `conf` says of the server and of its ensemble. */
export interface ConfAnswer {
  readonly serverId: number | null
  readonly clientPort: number | null
  readonly secureClientPort: number | null
  /** The lines of servers, groups and weights; null when there are none. */
  readonly membership: string | null
}

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests'

/** A server without a leader says this to most words. */
export function isNotServing(text: string): boolean {
  return text.startsWith(NOT_SERVING)
}

/** The word is not on the server's `4lw.commands.whitelist`. */
export function isRefused(text: string): boolean {
  return text.includes('is not executed because it is not in the whitelist')
}

/** Null when it is not what a ZooKeeper says to `srvr` or `stat`. */
export function parseServer(text: string): ServerFigures | null {
  const fields = fieldsOf(text, ': ')
  const version = /^(\d+\.\d+\.\d+[^,\s]*)/.exec(fields.get('Zookeeper version') ?? '')?.[1]
  const zxid = /^0x[\da-f]{1,16}$/.exec(fields.get('Zxid') ?? '')?.[0]
  const mode = fields.get('Mode')
  if (version === undefined || zxid === undefined || mode === undefined) return null
  const [min = 0, avg = 0, max = 0] = (fields.get('Latency min/avg/max') ?? '')
    .split('/')
    .map(toNumber)
  return {
    version: shortVersion(version),
    mode,
    zxid: BigInt.asIntN(64, BigInt(zxid)) as Zxid,
    znodes: toNumber(fields.get('Node count')),
    connections: toNumber(fields.get('Connections')),
    outstanding: toNumber(fields.get('Outstanding')),
    latencyMs: { min, avg, max },
  }
}

/** The revision of a build says nothing to an operator, ours apart: there it is our own version. */
function shortVersion(version: string): string {
  const own = /^(\d+\.\d+\.\d+)-(zabkeeper-[\w.]+)$/.exec(version)
  return own === null ? version.replace(/-.*$/, '') : `${own[1]} (${own[2]})`
}

/** The `zk_` lines of `mntr`; empty when it is another text. */
export function parseMonitor(text: string): ReadonlyMap<string, string> {
  const fields = [...fieldsOf(text, '\t')].filter(([name]) => name.startsWith('zk_'))
  return new Map(fields.map(([name, value]) => [name.slice('zk_'.length), value]))
}

/** Null when it is not what a ZooKeeper says to `conf`. */
export function parseConf(text: string): ConfAnswer | null {
  if (!/^clientPort=/m.test(text)) return null
  const fields = fieldsOf(text, '=')
  const integer = (name: string): number | null => {
    const value = Number(fields.get(name) ?? Number.NaN)
    return Number.isSafeInteger(value) && value >= 0 ? value : null
  }
  const lines = text.split('\n').filter((line) => /^(server|group|weight)\.\d+=/.test(line))
  return {
    serverId: integer('serverId'),
    clientPort: integer('clientPort'),
    secureClientPort: integer('secureClientPort'),
    membership: lines.length === 0 ? null : lines.join('\n'),
  }
}

/** The first field of a name counts. */
function fieldsOf(text: string, separator: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const at = line.indexOf(separator)
    const name = line.slice(0, at)
    if (at > 0 && !fields.has(name)) fields.set(name, line.slice(at + separator.length).trim())
  }
  return fields
}

function toNumber(text: string | undefined): number {
  const value = Number(text)
  return Number.isFinite(value) ? value : 0
}
