import { formatHex } from '../base/index.ts'
import type { ServerEvent } from '../server/index.ts'

/** `2026-11-21 12:00:03.120`, UTC. */
export function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23).replace('T', ' ')
}

/** `12:00:03.120`, UTC. */
export function timeOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23)
}

/** `850 ms`, `6.2 s`, `3 min 20 s`. */
export function span(ms: number): string {
  if (Math.abs(ms) < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  return `${minutes} min ${Math.round(seconds - minutes * 60)} s`
}

/** `servers 1, 2 and 3`, `server 1`. */
export function servers(ids: readonly number[]): string {
  const sorted = [...new Set(ids)].sort((a, b) => a - b)
  if (sorted.length === 1) return `server ${sorted[0]}`
  return `servers ${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}`
}

/** As a sentence begins. */
export function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

/** An event of a server as one line without its time. */
export function describe(event: ServerEvent): string {
  switch (event.kind) {
    case 'sessionCreated':
      return `session ${formatHex(event.sessionId)} created for ${event.remote}, timeout ${span(event.timeoutMs)}`
    case 'sessionResumed':
      return `session ${formatHex(event.sessionId)} taken up by ${event.remote}, timeout ${span(event.timeoutMs)}`
    case 'sessionMoved':
      return `its client has moved from ${place(event.from)} to ${place(event.to)}`
    case 'sessionLate':
      return `its client was heard again after ${span(event.silentMs)} of silence (timeout ${span(event.timeoutMs)})`
    case 'sessionExpired':
      return event.isForced
        ? 'session ended on request, as if it had expired'
        : `session expired: nothing heard for ${span(event.silentMs)} (timeout ${span(event.timeoutMs)}), last at ${place(event.servedBy)}`
    case 'sessionClosed':
      return `session closed by ${event.by === 'client' ? 'its client' : 'the servers'} at ${event.zxid}${ephemerals(event.ephemerals)}`
    case 'sessionRefused':
      return `${event.remote} wanted the session, which was over (or had a wrong password)`
    case 'connectionClosed':
      return `connection from ${event.remote} ended: ${event.reason}; last request ${span(event.silentMs)} before`
    case 'connectionRefused':
      return `connection from ${event.remote} turned away: ${event.reason}`
    case 'looking':
      return `looks for a leader${event.was === null ? '' : `, was ${event.was} in epoch ${event.epoch}`}: ${event.reason}`
    case 'voted':
      return `votes for server ${event.leader} (zxid ${event.zxid}, epoch ${event.epoch}, round ${event.round})`
    case 'elected':
      return event.role === 'leader'
        ? `elected after ${span(event.tookMs)}`
        : `turns to server ${event.leader ?? '?'} as its ${event.role} after ${span(event.tookMs)}`
    case 'serving':
      return event.role === 'leader'
        ? `leads and serves in epoch ${event.epoch}, ${span(event.tookMs)} after it began to look`
        : `serves as ${event.role} of server ${event.leader ?? '?'} in epoch ${event.epoch}, ${span(event.tookMs)} after it began to look`
    case 'synchronized':
      return `synchronized with ${place(event.peer)} by ${event.how.toUpperCase()} in ${span(event.tookMs)}`
    case 'linkLost':
      return `link to ${place(event.peer)} lost: ${event.reason}`
    case 'learnerDropped':
      return `gave up learner ${event.peer ?? '?'}: ${event.reason}`
    case 'stall':
      return `stood still for ${span(event.tookMs)}`
    case 'slowFsync':
      return `a durable write took ${span(event.tookMs)}`
    case 'slowRequest':
      return `a request (type ${event.operation}) took ${span(event.tookMs)}`
    case 'memory':
      return `memory: ${mebibytes(event.usedBytes)} of at most ${mebibytes(event.maxBytes)} used`
    case 'diskFull':
      return event.isFull
        ? 'the disk is nearly full: writes are refused'
        : 'the disk has room again'
    case 'failed':
      return `ended by itself: ${event.reason}`
    case 'started':
      return `started (${event.wasCleanStop ? 'the last run had ended in order' : 'the last run had not ended in order'}): ${event.configuration}`
    case 'stopping':
      return 'told to stop'
    default:
      return 'something that this version does not know'
  }
}

export function place(serverId: number | null): string {
  return serverId === null ? 'a server that is not known' : `server ${serverId}`
}

function ephemerals(count: number): string {
  if (count === 0) return ''
  return `, with ${count} ephemeral znode${count === 1 ? '' : 's'}`
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`
}
