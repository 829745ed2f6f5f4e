import { formatHex, type SessionId } from '../base/index.ts'
import type { ServerEvent } from '../server/index.ts'
import { type Delay, delaysIn, type Interval, isIn } from './intervals.ts'
import { missingText, reachText } from './reach.ts'
import { type Evidence, isAbout, type PlacedEvent, placed } from './report.ts'
import { moment, place, span, timeOfDay } from './words.ts'

/**
 * - `alive`: it has not ended.
 * - `closed`: its client closed it.
 * - `forced`: somebody had it ended.
 * - `server-stalled`: expired while the server that its client was connected to stood still.
 * - `server-lost`: expired after that server had left the ensemble, or had ended.
 * - `disconnected`: expired after its connection had ended; the client did not come back in time.
 * - `silent`: expired with its connection open and nothing coming over it.
 * - `expired`: expired, and no more is known.
 * - `unknown`: no server remembers it.
 */
export type SessionVerdict =
  | 'alive'
  | 'closed'
  | 'disconnected'
  | 'expired'
  | 'forced'
  | 'server-lost'
  | 'server-stalled'
  | 'silent'
  | 'unknown'

export interface SessionAnswer {
  readonly verdict: SessionVerdict
  readonly sessionId: SessionId
  /** What happened, then why, then what else is worth knowing. */
  readonly sentences: readonly string[]
  readonly timeline: readonly PlacedEvent[]
}

type Placed<Kind extends ServerEvent['kind']> = PlacedEvent & {
  readonly event: Extract<ServerEvent, { readonly kind: Kind }>
}

/** A stall of less than this part of the timeout cannot have cost a session: a client pings every third. */
const STALL_PART = 1 / 3
/** What happened this long before and after belongs to the story. */
const MARGIN_MS = 2000

/** Why a session ended, by what all servers remember. */
export function whySession(sessionId: SessionId, evidence: Evidence): SessionAnswer {
  const all = placed(evidence)
  const own = all.filter((one) => isAbout(one, sessionId))
  const expired = lastOf(own, 'sessionExpired')
  const closed = lastOf(own, 'sessionClosed')
  const live = evidence.reports.filter(({ session }) => session?.isLive === true)
  if (live.length > 0 && closed === null) return alive(sessionId, evidence, own)
  if (expired !== null) return ofExpired(sessionId, evidence, all, own, expired)
  if (closed !== null) return ofClosed(sessionId, evidence, own, closed)
  return unknown(sessionId, evidence, own)
}

/* ------------------------------------------------ not expired */

function alive(
  sessionId: SessionId,
  evidence: Evidence,
  own: readonly PlacedEvent[],
): SessionAnswer {
  const sessions = evidence.reports.flatMap(({ serverId, session }) =>
    session?.isLive === true ? [{ serverId, session }] : [],
  )
  const connected = sessions.find(({ session }) => session.remote !== null)
  const timeoutMs = sessions.find(({ session }) => session.timeoutMs !== null)?.session.timeoutMs
  const where =
    connected === undefined
      ? 'no server that was asked has a connection of its client'
      : `its client ${connected.session.remote} is connected to server ${connected.serverId}`
  const timeout =
    timeoutMs === undefined || timeoutMs === null ? '' : `, timeout ${span(timeoutMs)}`
  return {
    verdict: 'alive',
    sessionId,
    sentences: [
      `Session ${formatHex(sessionId)} is alive: ${where}${timeout}.`,
      ...missingText(evidence),
    ],
    timeline: own,
  }
}

function ofClosed(
  sessionId: SessionId,
  evidence: Evidence,
  own: readonly PlacedEvent[],
  { atMs, event }: Placed<'sessionClosed'>,
): SessionAnswer {
  const id = formatHex(sessionId)
  const connection = lastOf(own, 'connectionClosed')
  const who =
    connection === null ? '' : ` (${connection.event.remote}, server ${connection.serverId})`
  const went = event.ephemerals > 0 ? ` ${ephemeralsWent(event.ephemerals)}` : ''
  if (event.by === 'client') {
    return {
      verdict: 'closed',
      sessionId,
      sentences: [`Session ${id} was closed by its client${who} at ${moment(atMs)}.${went}`],
      timeline: own,
    }
  }
  return {
    verdict: 'expired',
    sessionId,
    sentences: [
      `Session ${id} expired at ${moment(atMs)}.${went}`,
      'The server that decided it has not told why: its history does not reach back so far, or it cannot be asked.',
      ...missingText(evidence),
      ...reachText(evidence.reports, atMs),
    ],
    timeline: own,
  }
}

function unknown(
  sessionId: SessionId,
  evidence: Evidence,
  own: readonly PlacedEvent[],
): SessionAnswer {
  const id = formatHex(sessionId)
  const refused = lastOf(own, 'sessionRefused')
  const tried =
    refused === null
      ? []
      : [
          `${refused.event.remote} wanted it at ${moment(refused.atMs)} and was told that it is over.`,
        ]
  return {
    verdict: 'unknown',
    sessionId,
    sentences: [
      `No server that was asked remembers how session ${id} ended, and it is not alive.`,
      ...tried,
      ...evidence.reports.map(({ serverId, oldestMs }) =>
        oldestMs === null
          ? `Server ${serverId} has no history yet.`
          : `The history of server ${serverId} begins at ${moment(oldestMs)}.`,
      ),
      ...missingText(evidence),
    ],
    timeline: own,
  }
}

/* ------------------------------------------------ expired */

/** What is known of the silence before an expiry. */
interface Silence {
  /** From the last request to the decision. */
  readonly window: Interval
  /** Who heard it. */
  readonly servedBy: number | null
  /** The end of the client's last connection, if it came before the decision. */
  readonly ended: Placed<'connectionClosed'> | null
}

function ofExpired(
  sessionId: SessionId,
  evidence: Evidence,
  all: readonly PlacedEvent[],
  own: readonly PlacedEvent[],
  expired: Placed<'sessionExpired'>,
): SessionAnswer {
  const { event, atMs, serverId: decider } = expired
  const id = formatHex(sessionId)
  if (event.isForced) {
    const text = `Session ${id} was ended on request at ${moment(atMs)}, on server ${decider}: its client was not silent.`
    return { verdict: 'forced', sessionId, sentences: [text], timeline: own }
  }
  const silence = silenceBefore(own, expired)
  const { window, servedBy } = silence
  const silentMs = atMs - window.fromMs
  const delays = delaysIn(all, window, [servedBy, decider])
  const { verdict, reason } = judge(all, silence, expired, delays)
  const through = servedBy === null ? '' : ` through server ${servedBy}`
  return {
    verdict,
    sessionId,
    sentences: [
      `Session ${id} expired at ${moment(atMs)}, decided by ${decidedBy(evidence, decider)}: nothing heard for ` +
        `${span(silentMs)} (timeout ${span(event.timeoutMs)}).`,
      `Its client was last heard of at ${timeOfDay(window.fromMs)}${through}.`,
      reason,
      ...delaysText(delays, verdict, servedBy),
      ...afterwards(own, expired),
      ...missingText(evidence),
    ],
    timeline: timelineOf(all, own, window, [servedBy, decider]),
  }
}

function decidedBy({ reports }: Evidence, decider: number): string {
  const members = reports.find(({ serverId }) => serverId === decider)?.members ?? []
  return members.length > 0 ? `leader ${decider}` : `server ${decider}`
}

/**
 * The server that the client is connected to knows best when it heard it last: it tells the leader twice a tick only.
 */
function silenceBefore(own: readonly PlacedEvent[], expired: Placed<'sessionExpired'>): Silence {
  const { event, atMs } = expired
  let heardMs = atMs - event.silentMs
  let { servedBy }: { servedBy: number | null } = event
  let ended: Placed<'connectionClosed'> | null = null
  for (const one of own) {
    if (isKind(one, 'sessionCreated') || isKind(one, 'sessionResumed')) {
      if (one.atMs > atMs) continue
      ended = null
      servedBy = one.serverId
      heardMs = Math.max(heardMs, one.atMs)
    } else if (isKind(one, 'connectionClosed')) {
      // The one that was cut because the session was over tells when it was heard, and not that it had ended.
      const lastMs = one.atMs - one.event.silentMs
      // What it heard just before the decision came too late, perhaps out of a buffer in which it had waited.
      if (lastMs <= atMs - event.timeoutMs * STALL_PART && lastMs > heardMs) {
        heardMs = lastMs
        servedBy = one.serverId
      }
      if (one.atMs < atMs && one.serverId === servedBy) ended = one
    }
  }
  return { window: { fromMs: heardMs, toMs: atMs }, servedBy, ended }
}

function judge(
  all: readonly PlacedEvent[],
  { window, servedBy, ended }: Silence,
  { event, serverId: decider }: Placed<'sessionExpired'>,
  delays: readonly Delay[],
): { readonly verdict: SessionVerdict; readonly reason: string } {
  const stall = delays.find(({ kind, serverId }) => kind === 'stall' && serverId === servedBy)
  if (stall !== undefined && stall.overlapMs >= event.timeoutMs * STALL_PART) {
    return {
      verdict: 'server-stalled',
      reason:
        `Server ${stall.serverId}, which it was connected to, stood still for ${span(stall.tookMs)} from ` +
        `${timeOfDay(stall.fromMs)} on: the client was probably alive.`,
    }
  }
  const lost = lossOf(all, window, servedBy)
  if (lost !== null && servedBy !== decider) {
    return {
      verdict: 'server-lost',
      reason: `${lost}: the client was probably alive, and did not find another server in time.`,
    }
  }
  if (ended !== null) {
    return {
      verdict: 'disconnected',
      reason:
        `Its connection (${ended.event.remote}) to server ${ended.serverId} had ended at ${timeOfDay(ended.atMs)}: ` +
        `${ended.event.reason}. It did not come back: the client ended without closing its session, or could not ` +
        'reach any server.',
    }
  }
  if (servedBy === null) {
    return { verdict: 'expired', reason: 'Which server it was connected to is not known.' }
  }
  return {
    verdict: 'silent',
    reason:
      `Its connection to server ${servedBy} stood, and nothing came over it: the client stood still (a long garbage ` +
      'collection, a suspended machine), its machine was gone, or the network lost its packets.',
  }
}

/** How the server that served the client was lost in the window; null if it was not. */
function lossOf(
  all: readonly PlacedEvent[],
  window: Interval,
  servedBy: number | null,
): string | null {
  if (servedBy === null) return null
  const wide = { fromMs: window.fromMs - MARGIN_MS, toMs: window.toMs }
  for (const { serverId, atMs, event } of all) {
    if (!isIn(atMs, wide)) continue
    const when = timeOfDay(atMs)
    if (serverId === servedBy) {
      if (event.kind === 'stopping')
        return `Server ${servedBy}, which it was connected to, was stopped at ${when}`
      if (event.kind === 'failed') {
        return `Server ${servedBy}, which it was connected to, ended by itself at ${when} (${event.reason})`
      }
      if (event.kind === 'looking' && event.wasServing) {
        return `Server ${servedBy}, which it was connected to, lost its leader at ${when} (${event.reason})`
      }
    } else if (
      (event.kind === 'linkLost' || event.kind === 'learnerDropped') &&
      event.peer === servedBy
    ) {
      return `Server ${servedBy}, which it was connected to, was lost by server ${serverId} at ${when} (${event.reason})`
    }
  }
  return null
}

/** Delays that were not told as the reason. */
function delaysText(
  delays: readonly Delay[],
  verdict: SessionVerdict,
  servedBy: number | null,
): readonly string[] {
  const others = delays.filter(
    ({ kind, serverId }) =>
      !(verdict === 'server-stalled' && kind === 'stall' && serverId === servedBy),
  )
  return others
    .slice(0, 3)
    .map(({ kind, serverId, tookMs, fromMs }) =>
      kind === 'stall'
        ? `Server ${serverId} stood still for ${span(tookMs)} from ${timeOfDay(fromMs)} on` +
          `${serverId === servedBy ? '' : '; sessions were given that time'}.`
        : `The disk of server ${serverId} took ${span(tookMs)} for one write, from ${timeOfDay(fromMs)} on.`,
    )
}

function afterwards(
  own: readonly PlacedEvent[],
  { atMs, event }: Placed<'sessionExpired'>,
): readonly string[] {
  const sentences: string[] = []
  const late = own.find(
    (one) => one.event.kind === 'sessionLate' && one.atMs > atMs - event.timeoutMs * STALL_PART,
  )
  if (late !== undefined) {
    sentences.push(
      `Server ${late.serverId} heard its client again at ${timeOfDay(late.atMs)}, too late: it is alive.`,
    )
  }
  const closed = lastOf(own, 'sessionClosed')
  if (closed !== null && closed.event.ephemerals > 0) {
    sentences.push(ephemeralsWent(closed.event.ephemerals))
  }
  const refused = own.find((one) => one.atMs >= atMs && one.event.kind === 'sessionRefused')
  if (refused !== undefined && isKind(refused, 'sessionRefused')) {
    sentences.push(
      `The client came back ${span(refused.atMs - atMs)} later (${refused.event.remote}, ` +
        `${place(refused.serverId)}): it is alive, and was told that its session is over.`,
    )
  }
  return sentences
}

/** The session's own events, and what happened meanwhile to the servers that count. */
function timelineOf(
  all: readonly PlacedEvent[],
  own: readonly PlacedEvent[],
  window: Interval,
  serverIds: readonly (number | null)[],
): readonly PlacedEvent[] {
  const wide = { fromMs: window.fromMs - MARGIN_MS, toMs: window.toMs + MARGIN_MS }
  const ownSet = new Set(own)
  return all.filter((one) => {
    if (ownSet.has(one)) return true
    if ('sessionId' in one.event || one.event.kind === 'connectionRefused') return false
    if (!isIn(one.atMs, wide)) return false
    return serverIds.includes(one.serverId) || one.event.kind === 'looking'
  })
}

function ephemeralsWent(count: number): string {
  return count === 1
    ? 'Its one ephemeral znode went with it.'
    : `Its ${count} ephemeral znodes went with it.`
}

function isKind<Kind extends ServerEvent['kind']>(
  one: PlacedEvent,
  kind: Kind,
): one is Placed<Kind> {
  return one.event.kind === kind
}

function lastOf<Kind extends ServerEvent['kind']>(
  events: readonly PlacedEvent[],
  kind: Kind,
): Placed<Kind> | null {
  for (let i = events.length - 1; i >= 0; i -= 1) {
    const one = events[i]!
    if (isKind(one, kind)) return one
  }
  return null
}
