import type { SessionId } from '../../base/index.ts'
import type { Environment } from '../../env/index.ts'
import type { HistorySink } from './client-history.ts'
import type { AuthOperation } from './operation.ts'
import type { ServerTarget } from './server-list.ts'

/** What a client process has of its machine. */
export type ClientEnvironment = Pick<Environment, 'clock' | 'network' | 'random' | 'timers'>

export interface SimClientOptions {
  /** Names the client in the history. */
  readonly number: number
  /** Part of the names that its workloads make up: of this process alone. */
  readonly name: string
  readonly servers: readonly ServerTarget[]
  /** Session timeout to ask for. */
  readonly timeoutMs: number
  /** Longest wait between two attempts to connect. */
  readonly backoffMsMax: number
  /** xid of the first request of each session; 2^31-1 is followed by 1. */
  readonly firstXid: number
  /** Re-sets watches with setWatches where that is enough; else always with setWatches2. */
  readonly usesOldSetWatches: boolean
  /** Sent on each connection before anything else. */
  readonly auths: readonly AuthOperation[]
}

/** What a client tells, and asks of, the world around it. `client` is its number. */
export interface ClientHost extends HistorySink {
  /** A number that no connection of this run has had. */
  nextConnection(): number
  /** A session was granted that is not taken up again. */
  onSessionMade(client: number, sessionId: SessionId): void
  /** Requests are taken (again): the handshake is over, watches are being set. */
  onReady(client: number): void
  /** Requests belong to another session from here on. `isOver`: a server has said that this one is, after its
   * closeSession or its expiry; else the client has only forgotten it. */
  onSessionEnded(client: number, sessionId: SessionId, isOver: boolean): void
  onWatchEvent(client: number, type: number, path: string): void
  /** A promise was broken; `rule` begins with its name. */
  onViolation(client: number, rule: string): void
}
