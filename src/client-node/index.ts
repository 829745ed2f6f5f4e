import {
  type ClientEnvironment,
  type ClientOptions,
  connectIn,
  InvalidArgumentError,
  SILENT_LOGGER,
  type ZooKeeper,
} from '../client/index.ts'
import type { Logger } from '../env/index.ts'
import { SystemRandom, systemClock, systemTimers } from '../platform/sockets/index.ts'
import { type ClientMetrics, makeObserver } from './observer.ts'
import { resolveSrv } from './srv.ts'
import { clientNetwork } from './tcp.ts'
import { type Tls, tlsNetwork } from './tls.ts'

export * from '../client/index.ts'
export type { Logger } from '../env/index.ts'
export { type DigestMd5Options, digestMd5 } from './digest-md5.ts'
export type { ClientCounter, ClientMetrics } from './observer.ts'
export type { Tls, TlsOptions } from './tls.ts'

/** The parts of the world that a caller may replace, e.g. by a clock under a test's control. */
export type ConnectOptions = ClientOptions &
  Partial<Omit<ClientEnvironment, 'logger'>> & {
    /** Gives up connecting. It has no meaning once the client is connected. */
    readonly signal?: AbortSignal
    /** Silent unless given. */
    readonly logger?: Logger
    /** Receives measurements. */
    readonly metrics?: ClientMetrics
    /** Speak TLS with the servers (their `secureClientPort`). */
    readonly tls?: Tls
  }

/**
 * Connects to an ensemble and resolves once a server has granted a session.
 * @param connectionString `host:port,host:port/chroot`, a port left out is 2181; or `srv:_zookeeper._tcp.example.org`
 * @throws ConnectError when no server could be reached within `connectTimeoutMs`
 */
export async function connect(
  connectionString: string,
  options: ConnectOptions = {},
): Promise<ZooKeeper> {
  const { signal, tls, metrics, logger, clock, timers, random, network, observer, ...rest } =
    options
  const { resolveSrv: lookUp = resolveSrv, ...settings } = rest
  if (tls !== undefined && network !== undefined) throw useless('tls', 'network')
  if (metrics !== undefined && observer !== undefined) throw useless('metrics', 'observer')
  const env: ClientEnvironment = {
    clock: clock ?? systemClock,
    timers: timers ?? systemTimers,
    random: random ?? new SystemRandom(),
    network: network ?? (tls === undefined ? clientNetwork : tlsNetwork(tls)),
    logger: logger ?? SILENT_LOGGER,
    resolveSrv: lookUp,
    observer: observer ?? makeObserver(clock ?? systemClock, metrics ?? null),
  }
  return await connectIn(env, connectionString, settings, signal)
}

function useless(option: string, replacement: string): InvalidArgumentError {
  const message = `option ${option} has no effect on a ${replacement} of your own`
  return new InvalidArgumentError('INVALID_ARGUMENT', message, { op: 'connect' })
}
