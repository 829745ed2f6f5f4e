import { type JsonValue, jsonObject, readinessOf, renderJson } from '../admin/index.ts'
import type { ServerStatus } from '../server/index.ts'
import { type HttpReply, JSON_TYPE } from './http-reply.ts'

/** `/livez`: the process answers. `delayMs` is how long its event loop took to come round once. */
export function livezReply(status: ServerStatus, delayMs: number): HttpReply {
  return jsonReply(200, [
    ['status', 'alive'],
    ['uptime_ms', Math.floor(status.uptimeMs)],
    ['event_loop_delay_ms', Math.round(delayMs)],
  ])
}

/** `/readyz`: 200 if clients are served by a server that has a leader, or stands alone; 503 with reasons if not. */
export function readyzReply(status: ServerStatus, isVerbose: boolean): HttpReply {
  const { isReady, reasons, warnings } = readinessOf(status)
  const list = (all: typeof reasons): JsonValue =>
    all.map(({ code, message }) =>
      jsonObject([
        ['code', code],
        ['message', message],
      ]),
    )
  return jsonReply(isReady ? 200 : 503, [
    ['status', isReady ? 'ready' : 'not-ready'],
    ['reasons', list(reasons)],
    ['warnings', list(warnings)],
    ...(isVerbose ? details(status) : []),
  ])
}

function details(status: ServerStatus): (readonly [string, JsonValue])[] {
  const { quorum } = status
  return [
    ['phase', status.phase],
    ['mode', status.mode],
    ['serving', status.isServing],
    ['read_only', status.isReadOnly],
    ['disk_full', status.storage.isFull],
    ['zab_state', quorum?.zabPhase ?? null],
    ['server_id', quorum?.self ?? null],
    ['leader_id', quorum?.leader ?? null],
    ['connections', status.connections.length],
    ['outstanding_requests', status.outstandingRequests],
    ['uptime_ms', Math.floor(status.uptimeMs)],
  ]
}

function jsonReply(status: number, entries: readonly (readonly [string, JsonValue])[]): HttpReply {
  return { status, contentType: JSON_TYPE, body: `${renderJson(jsonObject(entries))}\n` }
}
