import { NO_SESSION, type SessionId, type Zxid } from '../../base/index.ts'
import type { ConnectResponse, SetWatchesRequest } from '../../wire/index.ts'
import type { ConnectEvent, HistoryEvent, WatchMode } from '../history.ts'
import type { Call } from './call.ts'
import type { Answer, Operation } from './operation.ts'
import type { ServerTarget } from './server-list.ts'
import type { WatchBook } from './watch-book.ts'

/** Where a client's events go. */
export interface HistorySink {
  /** The world's time. */
  readonly nowMs: number
  append(event: HistoryEvent): void
}

/** Writes down what one client does. */
export class ClientHistory {
  readonly client: number
  /** Of the present connection. */
  connection = 0
  sessionId: SessionId = NO_SESSION
  readonly #sink: HistorySink

  constructor(client: number, sink: HistorySink) {
    this.client = client
    this.#sink = sink
  }

  /** `response` is null unless the connection was accepted. */
  connect(
    target: ServerTarget,
    lastZxidSeen: Zxid,
    outcome: ConnectEvent['outcome'],
    response: ConnectResponse | null,
  ): void {
    this.#sink.append({
      kind: 'connect',
      atMs: this.#sink.nowMs,
      client: this.client,
      connection: this.connection,
      server: target.server,
      askedSessionId: this.sessionId,
      lastZxidSeen,
      outcome,
      sessionId: response?.sessionId ?? NO_SESSION,
      timeoutMs: response?.timeOut ?? 0,
    })
  }

  disconnect(): void {
    this.#sink.append({
      kind: 'disconnect',
      atMs: this.#sink.nowMs,
      client: this.client,
      connection: this.connection,
      sessionId: this.sessionId,
    })
  }

  /** Requests that are none are left out, and so are the replies to them. */
  invoke(xid: number, operation: Operation): void {
    if (operation.type === 'raw') return
    this.#sink.append({
      kind: 'invoke',
      atMs: this.#sink.nowMs,
      client: this.client,
      connection: this.connection,
      sessionId: this.sessionId,
      xid,
      request: operation,
    })
  }

  return(call: Call, answer: Answer): void {
    if (call.operation.type === 'raw') return
    this.#sink.append({
      kind: 'return',
      atMs: this.#sink.nowMs,
      client: this.client,
      connection: this.connection,
      sessionId: this.sessionId,
      xid: call.xid,
      err: answer.err,
      zxid: answer.zxid,
      response: answer,
    })
  }

  /** `zxid` is null for an event that setWatches made up. */
  watchEvent(type: number, path: string, zxid: Zxid | null): void {
    this.#sink.append({
      kind: 'watchEvent',
      atMs: this.#sink.nowMs,
      client: this.client,
      connection: this.connection,
      sessionId: this.sessionId,
      type,
      path,
      zxid,
    })
  }

  watchSet(path: string, mode: WatchMode, zxid: Zxid): void {
    this.#sink.append({
      kind: 'watchSet',
      atMs: this.#sink.nowMs,
      client: this.client,
      connection: this.connection,
      sessionId: this.sessionId,
      path,
      mode,
      zxid,
    })
  }

  /** setWatches was answered: what its events did not use up stands. */
  watchesSet(request: SetWatchesRequest, watches: WatchBook, zxid: Zxid): void {
    for (const path of request.dataWatches) {
      if (watches.data.has(path)) this.watchSet(path, 'data', zxid)
    }
    for (const path of request.existWatches) {
      if (watches.exist.has(path)) this.watchSet(path, 'exists', zxid)
    }
    for (const path of request.childWatches) {
      if (watches.child.has(path)) this.watchSet(path, 'child', zxid)
    }
    for (const path of request.persistentWatches) this.watchSet(path, 'persistent', zxid)
    for (const path of request.persistentRecursiveWatches) {
      this.watchSet(path, 'persistentRecursive', zxid)
    }
  }
}
