import type { Config } from '../config/index.ts'
import type { SimLogLine } from '../sim/index.ts'

/** What may differ from a server's usual configuration; see docs/configuration.md for the meaning of each. */
export type TestServerConfig = Partial<
  Pick<
    Config,
    | 'containers'
    | 'digestAuth'
    | 'enforceQuota'
    | 'extendedTypes'
    | 'maxSessionTimeoutMs'
    | 'minSessionTimeoutMs'
    | 'skipAcl'
    | 'superDigest'
    | 'tickTimeMs'
  >
>

/** A line that a server has logged. */
export type TestLogLine = SimLogLine

export interface TestServerOptions {
  /** A server that stands alone, or an ensemble of three; 1 unless given. */
  readonly servers?: 1 | 3
  /**
   * `tcp`: every server listens on a free port of 127.0.0.1, for any ZooKeeper client. `memory`: only clients of
   * this package can connect, through {@link TestServer.connect} or {@link TestServer.machine}; they can with `tcp`, too.
   * `tcp` unless the clock is manual.
   */
  readonly transport?: 'memory' | 'tcp'
  /**
   * `system`: real time. `manual`: time stands still until {@link TestServer.advance}, for the servers and for clients in
   * memory. Clients that come over TCP have clocks of their own, so a manual clock goes with `memory` only.
   */
  readonly clock?: 'manual' | 'system'
  /** What the wall clock shows at the start, Unix ms; the present unless given. */
  readonly wallMs?: number
  /** Everything that is left to chance follows from it: with a manual clock, whole runs. Drawn unless given. */
  readonly seed?: number
  readonly config?: TestServerConfig
  /** Told of each line that a server logs. */
  readonly onLog?: (line: TestLogLine) => void
}

export interface Settings {
  readonly servers: 1 | 3
  readonly transport: 'memory' | 'tcp'
  readonly clock: 'manual' | 'system'
  readonly wallMs: number
  readonly seed: number
  readonly config: TestServerConfig
  readonly onLog: (line: TestLogLine) => void
}

export const OPTION_NAMES: ReadonlySet<string> = new Set([
  'clock',
  'config',
  'onLog',
  'seed',
  'servers',
  'transport',
  'wallMs',
])

/** Short, so that sessions of one second are possible. */
const TICK_MS = 500
const SESSION_MS_MAX = 60_000

/** @throws RangeError naming the option */
export function settle(options: TestServerOptions, drawn: number, wallMs: number): Settings {
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) throw new RangeError(`${name} is no option of startTestServer`)
  }
  const clock = oneOf('clock', options.clock ?? 'system', ['manual', 'system'])
  const otherwise = clock === 'manual' ? 'memory' : 'tcp'
  const transport = oneOf('transport', options.transport ?? otherwise, ['memory', 'tcp'])
  if (clock === 'manual' && transport === 'tcp') {
    throw new RangeError(
      "clock 'manual' needs transport 'memory': clients that come over TCP have clocks of their own",
    )
  }
  const servers = oneOf('servers', options.servers ?? 1, [1, 3])
  const seed = options.seed ?? drawn
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
    throw new RangeError(`seed is ${seed}, not a whole number from 0 to 4294967295`)
  }
  const config = {
    tickTimeMs: TICK_MS,
    maxSessionTimeoutMs: SESSION_MS_MAX,
    ...options.config,
  }
  return {
    servers,
    transport,
    clock,
    seed,
    wallMs: options.wallMs ?? wallMs,
    config: { minSessionTimeoutMs: 2 * config.tickTimeMs, ...config },
    onLog: options.onLog ?? (() => {}),
  }
}

function oneOf<const T>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value
  throw new RangeError(`${name} is ${String(value)}, not ${allowed.map(String).join(' or ')}`)
}
