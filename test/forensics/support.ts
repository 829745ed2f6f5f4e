import { findAdminCommand, renderAnswer } from '../../src/admin/documents/index.ts'
import type { ServerId, SessionId } from '../../src/base/index.ts'
import { formatHex } from '../../src/base/index.ts'
import { type Evidence, readReport, type ServerReport } from '../../src/forensics/index.ts'
import { readProcess } from '../../src/platform/process/index.ts'
import {
  type EventFact,
  eventToJson,
  type KeeperServer,
  type ServerEvent,
} from '../../src/server/index.ts'

export const SESSION: SessionId = 0x1000010f4650000n as SessionId
export const NOON: number = Date.UTC(2026, 10, 21, 12)

/** A server's history, told by seconds after noon. */
export function reportOf(
  serverId: number,
  events: readonly (readonly [seconds: number, fact: EventFact])[],
  changes: Partial<ServerReport> = {},
): ServerReport {
  return {
    address: `zk${serverId}:8080`,
    serverId,
    mode: 'follower',
    leader: 1,
    members: [1, 2, 3],
    aheadMs: 0,
    oldestMs: NOON - 3_600_000,
    session: { isLive: false, timeoutMs: null, remote: null },
    events: events.map(
      ([seconds, fact], index): ServerEvent => ({
        ...fact,
        sequence: index + 1,
        wallMs: NOON + seconds * 1000,
        monotonicMs: seconds * 1000,
      }),
    ),
    ...changes,
  }
}

export function evidenceOf(...reports: readonly ServerReport[]): Evidence {
  return { reports, missing: [] }
}

export function sid(id: number): ServerId {
  return id as ServerId
}

/** What a server answers to the command `events`, by way of the text that leaves it. */
export function askInProcess(
  server: KeeperServer,
  nowMs: number,
  sessionId: SessionId | null,
): ServerReport {
  const parameters = new Map(sessionId === null ? [] : [['session', formatHex(sessionId)] as const])
  const answer = findAdminCommand('events')!.answer({
    status: server.status(),
    process: readProcess(),
    start: { configText: null, timeZone: 'UTC' },
    control: server.control,
    parameters,
  })
  const text = renderAnswer('events', answer)
  return readReport(JSON.parse(text), `s${server.serverId}`, nowMs, nowMs)
}

export function jsonOf(event: ServerEvent): unknown {
  return JSON.parse(JSON.stringify(eventToJson(event)))
}
