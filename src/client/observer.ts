import type { ConnectionEnd, StateChange } from './effects.ts'
import type { WatchEvent } from './watch-table.ts'

/** What a caller asked for. */
export interface ObservedRequest {
  /** The method, e.g. `getData`. */
  readonly op: string
  /** As the caller wrote it; null for a request without one. */
  readonly path: string | null
}

/** Is told what a client does, for tracing and metrics. It must not throw. */
export interface ClientObserver {
  /** False: requests need not be told of. Asked before each of them. */
  readonly wantsRequests: boolean
  /** Runs the request, and returns its promise. */
  request<T>(request: ObservedRequest, run: () => Promise<T>): Promise<T>
  state(change: StateChange): void
  connectionEnd(end: ConnectionEnd): void
  /** Delivered to one watch. The path is the server's, without regard to the chroot. */
  watchEvent(event: WatchEvent): void
}
