import type { SessionId } from '../base/index.ts'
import { eventFromJson, type ServerEvent } from '../server/index.ts'

/** What a server says about one session at the moment. */
export interface SessionNow {
  readonly isLive: boolean
  readonly timeoutMs: number | null
  /** Address of the client; null when it is not connected to this server. */
  readonly remote: string | null
}

/** What one server has answered. */
export interface ServerReport {
  /** Where it was asked. */
  readonly address: string
  readonly serverId: number
  readonly mode: string
  readonly leader: number | null
  readonly members: readonly number[]
  /** How far its wall clock is ahead of ours, ms; taken out of the times of its events. */
  readonly aheadMs: number
  /** Its history begins there, Unix ms on our clock; null while it is empty. */
  readonly oldestMs: number | null
  readonly session: SessionNow | null
  readonly events: readonly ServerEvent[]
}

/** A server that could not be asked. */
export interface MissingServer {
  readonly address: string
  readonly reason: string
}

/** Everything there is to judge by. */
export interface Evidence {
  readonly reports: readonly ServerReport[]
  readonly missing: readonly MissingServer[]
}

/** An event and whose it is. `atMs` is Unix time on the clock of whoever asks. */
export interface PlacedEvent {
  readonly serverId: number
  readonly atMs: number
  readonly event: ServerEvent
}

/** Less than this is the time that the answer took on its way. */
const CLOCK_SLACK_MS = 250

/**
 * Reads the document of the command `events`. `askedMs` and `answeredMs`: when it was asked for and when it had come, on
 * our clock.
 * @throws TypeError when it is something else
 */
export function readReport(
  json: unknown,
  address: string,
  askedMs: number,
  answeredMs: number,
): ServerReport {
  const document = fieldsOf(json)
  const serverId = document.get('server_id')
  const nowMs = document.get('now_ms')
  const events = document.get('events')
  if (typeof serverId !== 'number' || typeof nowMs !== 'number' || !Array.isArray(events)) {
    throw new TypeError('no history of events in the answer')
  }
  const aheadMs = clockOf(nowMs, askedMs, answeredMs)
  const leader = document.get('leader')
  const members = document.get('members')
  const oldest = document.get('oldest_ms')
  const mode = document.get('mode')
  return {
    address,
    serverId,
    mode: typeof mode === 'string' ? mode : 'unknown',
    leader: typeof leader === 'number' ? leader : null,
    members: Array.isArray(members) ? members.filter((id) => typeof id === 'number') : [],
    aheadMs,
    oldestMs: typeof oldest === 'number' ? oldest - aheadMs : null,
    session: readSession(document.get('session')),
    events: events
      .map(eventFromJson)
      .filter((event) => event !== null)
      .map((event) => ({ ...event, wallMs: event.wallMs - aheadMs })),
  }
}

/** All events of all servers, oldest first. */
export function placed({ reports }: Evidence): readonly PlacedEvent[] {
  return reports
    .flatMap(({ serverId, events }) =>
      events.map((event) => ({ serverId, atMs: event.wallMs, event })),
    )
    .sort((a, b) => a.atMs - b.atMs || a.event.sequence - b.event.sequence)
}

/** Of one session, and what concerns no session. */
export function isAbout({ event }: PlacedEvent, sessionId: SessionId): boolean {
  return 'sessionId' in event && event.sessionId === sessionId
}

/** A clock that differs by more than the way explains is wrong by what is left. */
function clockOf(nowMs: number, askedMs: number, answeredMs: number): number {
  if (nowMs > answeredMs + CLOCK_SLACK_MS) return nowMs - answeredMs
  return nowMs < askedMs - CLOCK_SLACK_MS ? nowMs - askedMs : 0
}

function readSession(json: unknown): SessionNow | null {
  if (typeof json !== 'object' || json === null) return null
  const session = fieldsOf(json)
  const timeoutMs = session.get('timeout_ms')
  const remote = session.get('remote')
  return {
    isLive: session.get('is_live') === true,
    timeoutMs: typeof timeoutMs === 'number' ? timeoutMs : null,
    remote: typeof remote === 'string' ? remote : null,
  }
}

function fieldsOf(json: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof json === 'object' && json !== null ? Object.entries(json) : [])
}
