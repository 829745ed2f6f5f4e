import { formatHex, type SessionId } from '../../base/index.ts'
import { type EventHistory, eventToJson, type ServerEvent } from '../../server/index.ts'
import type { AdminAnswer, AdminContext } from './admin-document.ts'
import { type JsonValue, jsonObject } from './json.ts'

/** More are not told at once. */
const EVENTS_MAX = 5000

/**
 * What has happened on the server lately, oldest first (not a command of Apache ZooKeeper). Parameters: `session=0x…` for
 * one session and what concerns none, `since` in Unix ms, `limit` for the latest ones.
 */
export function eventsAnswer({ status, parameters }: AdminContext): AdminAnswer {
  const { history } = status.inventory
  const session = parameters.get('session') ?? null
  const sessionId = session === null ? null : readSessionId(session)
  if (session !== null && sessionId === null) {
    return { error: 'session must be a session id, such as 0x100000123ab0000' }
  }
  const since = readNumber(parameters.get('since'), 0)
  const limit = readNumber(parameters.get('limit'), EVENTS_MAX)
  if (since === null || limit === null) return { error: 'since and limit must be whole numbers' }
  const all = history.list()
  const events = history.list({
    ...(sessionId === null ? {} : { sessionId }),
    sinceMs: since,
    countMax: Math.min(limit, EVENTS_MAX),
  })
  return {
    data: [
      ['server_id', history.serverId],
      ['mode', status.mode],
      ['leader', status.quorum?.leader ?? null],
      ['now_ms', history.nowMs],
      ['members', (status.quorum?.members ?? []).map(({ id }) => id)],
      // What is older has made room, or was before the first start that wrote it down.
      ['oldest_ms', all[0]?.wallMs ?? null],
      ['dropped', history.dropped],
      ['session', sessionId === null ? null : sessionState(sessionId, status, history)],
      ['events', events.map(jsonOf)],
    ],
  }
}

function sessionState(
  sessionId: SessionId,
  { inventory, connections }: AdminContext['status'],
  history: EventHistory,
): JsonValue {
  const timeoutMs =
    inventory.sessionTimeouts().get(sessionId) ??
    inventory.localSessionTimeouts().get(sessionId) ??
    null
  const connection = connections.find((one) => one.session?.sessionId === sessionId)
  const lastReplyMs = connection?.session?.lastReplyMs ?? 0
  return jsonObject([
    ['id', formatHex(sessionId)],
    ['is_live', timeoutMs !== null],
    ['timeout_ms', timeoutMs],
    ['remote', connection === undefined ? null : connection.remote.host],
    // Since its last reply; null when it is not connected here, or was not answered yet.
    ['silent_ms', lastReplyMs === 0 ? null : Math.round(history.monotonicMs - lastReplyMs)],
  ])
}

function jsonOf(event: ServerEvent): JsonValue {
  return jsonObject(Object.entries(eventToJson(event)))
}

function readSessionId(text: string): SessionId | null {
  if (!/^(0x)?[0-9a-fA-F]{1,16}$/.test(text)) return null
  return BigInt.asIntN(64, BigInt(`0x${text.replace(/^0x/, '')}`)) as SessionId
}

function readNumber(text: string | undefined, fallback: number): number | null {
  if (text === undefined) return fallback
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}
