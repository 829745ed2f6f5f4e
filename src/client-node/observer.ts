import { channel, tracingChannel } from 'node:diagnostics_channel'
import {
  type ClientObserver,
  type ConnectionEnd,
  type ObservedRequest,
  type StateChange,
  type WatchEvent,
  ZkError,
} from '../client/index.ts'
import type { Clock } from '../env/index.ts'

/** What is counted, and with which labels. */
export type ClientCounter =
  /** Answered or failed; `op`, and `code`: `OK` or that of the error. */
  | 'requests'
  /** `state`: the new one. */
  | 'state_changes'
  /** Connections and attempts that have ended; `server`. */
  | 'connection_ends'
  /** `type`, e.g. `changed`. */
  | 'watch_events'

/** Receives measurements: a few lines lead them to prom-client or OpenTelemetry. It must not throw. */
export interface ClientMetrics {
  count(name: ClientCounter, labels: Readonly<Record<string, string>>): void
  /** `request_ms`: from the call to its answer or failure; `op`. */
  observe(name: 'request_ms', value: number, labels: Readonly<Record<string, string>>): void
}

const REQUESTS = tracingChannel<object>('zabkeeper:request')
const STATE = channel('zabkeeper:state')
const CONNECTION_END = channel('zabkeeper:connection-end')
const WATCH_EVENT = channel('zabkeeper:watch-event')

/** Publishes on `node:diagnostics_channel` when somebody listens, and measures when there are metrics. */
export function makeObserver(
  clock: Pick<Clock, 'monotonicMs'>,
  metrics: ClientMetrics | null,
): ClientObserver {
  return new ChannelObserver(clock, metrics)
}

class ChannelObserver implements ClientObserver {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #metrics: ClientMetrics | null

  constructor(clock: Pick<Clock, 'monotonicMs'>, metrics: ClientMetrics | null) {
    this.#clock = clock
    this.#metrics = metrics
  }

  get wantsRequests(): boolean {
    return this.#metrics !== null || REQUESTS.hasSubscribers
  }

  request<T>(request: ObservedRequest, run: () => Promise<T>): Promise<T> {
    const beganMs = this.#clock.monotonicMs()
    const result = REQUESTS.hasSubscribers ? traced(request, run) : run()
    if (this.#metrics !== null) {
      const settled = (code: string): void => this.#measure(request.op, code, beganMs)
      result.then(
        () => settled('OK'),
        (error) => settled(codeOf(error)),
      )
    }
    return result
  }

  state(change: StateChange): void {
    this.#metrics?.count('state_changes', { state: change.state })
    if (STATE.hasSubscribers) STATE.publish(change)
  }

  connectionEnd(end: ConnectionEnd): void {
    this.#metrics?.count('connection_ends', { server: end.server })
    if (CONNECTION_END.hasSubscribers) CONNECTION_END.publish(end)
  }

  watchEvent(event: WatchEvent): void {
    this.#metrics?.count('watch_events', { type: event.type })
    if (WATCH_EVENT.hasSubscribers) WATCH_EVENT.publish(event)
  }

  #measure(op: string, code: string, beganMs: number): void {
    this.#metrics?.count('requests', { op, code })
    this.#metrics?.observe('request_ms', this.#clock.monotonicMs() - beganMs, { op })
  }
}

/** Subscribers get the request and, when it fails, its error, but not what was read. */
function traced<T>({ op, path }: ObservedRequest, run: () => Promise<T>): Promise<T> {
  let result: Promise<T> | null = null
  const context = { op, path }
  REQUESTS.tracePromise(async () => {
    result = run()
    await result
  }, context).catch(() => {})
  return result!
}

function codeOf(error: unknown): string {
  return error instanceof ZkError ? error.code : 'UNKNOWN'
}
