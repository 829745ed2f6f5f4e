import type { Address, Clock, ConnectHandler, Logger, Random, Timers } from '../env/index.ts'
import type { ClientObserver } from './observer.ts'
import type { SrvRecord } from './server-list.ts'

/** What a client asks of the world. Every `Environment` of a server can be used as one. */
export interface ClientEnvironment {
  /** Calls and sessions go by `monotonicMs`; `wallMs` is for recipes that compare machines. */
  readonly clock: Pick<Clock, 'monotonicMs'> & Partial<Pick<Clock, 'wallMs'>>
  readonly timers: Timers
  readonly random: Pick<Random, 'uint32'>
  readonly network: ClientNetwork
  readonly logger: Logger
  readonly observer?: ClientObserver
  /** Looks up the SRV records of a name; needed for connection strings that begin with `srv:`. */
  readonly resolveSrv?: (name: string) => Promise<readonly SrvRecord[]>
}

export interface ClientNetwork {
  /**
   * Begins a connection. Once `signal` aborts nobody waits for it any more: a network that cannot give an attempt up
   * may ignore that, the client then closes what opens late.
   */
  connect(address: Address, handler: ConnectHandler, signal: AbortSignal): void
}

/** Keeps a client silent. */
export const SILENT_LOGGER: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}
