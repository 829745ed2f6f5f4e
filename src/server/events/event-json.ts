import { formatHex } from '../../base/index.ts'
import type { EventKind, ServerEvent } from './event.ts'

/** An event as JSON has it: session ids as hexadecimal texts. */
export type JsonEvent = Readonly<Record<string, boolean | number | string | null>>

type FieldType = 'boolean' | 'number' | 'role' | 'server' | 'session' | 'string'

/** What each kind has beside its time. `server`: an id or null; `role`: a name or null. */
const FIELDS: Readonly<Record<EventKind, Readonly<Record<string, FieldType>>>> = {
  sessionCreated: { sessionId: 'session', timeoutMs: 'number', remote: 'string' },
  sessionResumed: { sessionId: 'session', timeoutMs: 'number', remote: 'string' },
  sessionMoved: { sessionId: 'session', from: 'server', to: 'server' },
  sessionLate: { sessionId: 'session', timeoutMs: 'number', silentMs: 'number' },
  sessionExpired: {
    sessionId: 'session',
    timeoutMs: 'number',
    silentMs: 'number',
    servedBy: 'server',
    isForced: 'boolean',
  },
  sessionClosed: { sessionId: 'session', by: 'string', zxid: 'string', ephemerals: 'number' },
  sessionRefused: { sessionId: 'session', remote: 'string' },
  connectionClosed: {
    sessionId: 'session',
    remote: 'string',
    reason: 'string',
    silentMs: 'number',
    openMs: 'number',
  },
  connectionRefused: { remote: 'string', reason: 'string' },
  looking: {
    reason: 'string',
    was: 'role',
    wasServing: 'boolean',
    epoch: 'number',
    leader: 'server',
  },
  voted: { leader: 'number', zxid: 'string', epoch: 'number', round: 'number' },
  elected: {
    role: 'string',
    leader: 'server',
    epoch: 'number',
    reason: 'string',
    tookMs: 'number',
  },
  serving: { role: 'string', leader: 'server', epoch: 'number', tookMs: 'number' },
  synchronized: { peer: 'server', how: 'string', tookMs: 'number' },
  linkLost: { peer: 'server', reason: 'string' },
  learnerDropped: { peer: 'server', reason: 'string' },
  stall: { tookMs: 'number' },
  slowFsync: { tookMs: 'number' },
  slowRequest: { sessionId: 'session', operation: 'number', tookMs: 'number' },
  memory: { usedBytes: 'number', maxBytes: 'number' },
  diskFull: { isFull: 'boolean' },
  failed: { reason: 'string' },
  started: {
    serverId: 'number',
    wasCleanStop: 'boolean',
    recoveryMs: 'number',
    configuration: 'string',
  },
  stopping: {},
}

const TIMES: Readonly<Record<string, FieldType>> = {
  sequence: 'number',
  wallMs: 'number',
  monotonicMs: 'number',
}

export function eventToJson(event: ServerEvent): JsonEvent {
  const json: Record<string, boolean | number | string | null> = {}
  for (const [name, value] of Object.entries(event)) {
    json[name] = typeof value === 'bigint' ? formatHex(value) : (value as string)
  }
  return json
}

/** Null for what is no event: of a later version, or of somebody who means us no good. */
export function eventFromJson(json: unknown): ServerEvent | null {
  if (typeof json !== 'object' || json === null) return null
  const found = new Map(Object.entries(json))
  const kind = found.get('kind')
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind)) return null
  const event: Record<string, unknown> = { kind }
  for (const [name, type] of Object.entries({ ...TIMES, ...FIELDS[kind as EventKind] })) {
    const value = readField(found.get(name), type)
    if (value === undefined) return null
    event[name] = value
  }
  return event as unknown as ServerEvent
}

/** Undefined for what does not fit. */
function readField(value: unknown, type: FieldType): unknown {
  switch (type) {
    case 'session':
      return typeof value === 'string' && /^0x[0-9a-f]{1,16}$/.test(value)
        ? BigInt.asIntN(64, BigInt(value))
        : undefined
    case 'server':
      return value === null || Number.isFinite(value) ? value : undefined
    case 'number':
      return Number.isFinite(value) ? value : undefined
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'role':
      return typeof value === 'string' || value === null ? value : undefined
    default:
      return typeof value === type ? value : undefined
  }
}
