import {
  type ClientEnvironment,
  type ClientOptions,
  connectIn,
  SILENT_LOGGER,
  type ZooKeeper,
} from '../client/index.ts'
import type { Logger } from '../env/index.ts'
import { SystemRandom, systemClock, systemTimers } from '../platform/sockets/index.ts'
import { clientNetwork } from './tcp.ts'

export * from '../client/index.ts'
export type { Logger } from '../env/index.ts'

/** The parts of the world that a caller may replace, e.g. by a clock under a test's control. */
export type ConnectOptions = ClientOptions &
  Partial<Omit<ClientEnvironment, 'logger'>> & {
    /** Gives up connecting. It has no meaning once the client is connected. */
    readonly signal?: AbortSignal
    /** Silent unless given. */
    readonly logger?: Logger
  }

/**
 * Connects to an ensemble and resolves once a server has granted a session.
 * @param connectionString `host:port,host:port/chroot`; a port left out is 2181
 * @throws ConnectError when no server could be reached within `connectTimeoutMs`
 */
export async function connect(
  connectionString: string,
  options: ConnectOptions = {},
): Promise<ZooKeeper> {
  const { signal, logger, clock, timers, random, network, ...rest } = options
  const env: ClientEnvironment = {
    clock: clock ?? systemClock,
    timers: timers ?? systemTimers,
    random: random ?? new SystemRandom(),
    network: network ?? clientNetwork,
    logger: logger ?? SILENT_LOGGER,
  }
  return await connectIn(env, connectionString, rest, signal)
}
