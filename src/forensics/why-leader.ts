import type { ServerEvent } from '../server/index.ts'
import { delaysIn, type Interval, isIn } from './intervals.ts'
import { missingText, reachText } from './reach.ts'
import { type Evidence, type PlacedEvent, placed } from './report.ts'
import { capital, moment, place, servers, span, timeOfDay } from './words.ts'

/**
 * Why the leadership before the present one ended:
 * - `stopped`: its server was told to stop. `failed`: it ended by itself. `crashed`: its process was gone without a word.
 * - `stalled`: it stood still. `disk`: its disk did. `quorum-lost`: it lost its followers. `zxid`: its epoch was used up.
 * - `unreachable`: its followers lost it, and what it did itself is not known.
 * - `first`: there was none before. `none`: nobody leads. `unknown`: no server remembers.
 */
export type LeaderVerdict =
  | 'crashed'
  | 'disk'
  | 'failed'
  | 'first'
  | 'none'
  | 'quorum-lost'
  | 'stalled'
  | 'stopped'
  | 'unknown'
  | 'unreachable'
  | 'zxid'

export interface LeaderAnswer {
  readonly verdict: LeaderVerdict
  readonly leader: number | null
  readonly epoch: number | null
  readonly sentences: readonly string[]
  readonly timeline: readonly PlacedEvent[]
}

type Placed<Kind extends ServerEvent['kind']> = PlacedEvent & {
  readonly event: Extract<ServerEvent, { readonly kind: Kind }>
}

interface Leadership {
  readonly serverId: number
  readonly epoch: number
  /** It served from then on. */
  readonly atMs: number
}

/** A stall of the leader this long before its followers gave it up belongs to the reason. */
const STALL_MS_MIN = 1000
const MARGIN_MS = 2000
/** A stopped or crashed leader is missed at the latest by then: syncLimit is seldom longer. */
const END_BEFORE_MS = 60_000

/** Why the leader changed last, by what all servers remember. */
export function whyLeader(evidence: Evidence): LeaderAnswer {
  const all = placed(evidence)
  const leaderships = leadershipsOf(all)
  const present = leaderships.at(-1)
  const isLooking = evidence.reports.every(({ leader }) => leader === null)
  if (isLooking) return nobody(evidence, all, present)
  if (present === undefined) return unknown(evidence)
  const before = leaderships.at(-2)
  const searching = all.filter(
    (one) =>
      one.event.kind === 'looking' &&
      one.atMs <= present.atMs &&
      (before === undefined || one.atMs >= before.atMs),
  ) as readonly Placed<'looking'>[]
  const first = searching.find(({ event }) => event.was !== null)
  const facts = { evidence, all, present, before, searching }
  if (before === undefined && first === undefined) return firstLeader(facts)
  return changed(facts, first)
}

interface Facts {
  readonly evidence: Evidence
  readonly all: readonly PlacedEvent[]
  readonly present: Leadership
  readonly before: Leadership | undefined
  /** From the leadership before to the present one: when servers began to look for a leader. */
  readonly searching: readonly Placed<'looking'>[]
}

/** By epoch; what a leader says itself counts more than what its followers say. */
function leadershipsOf(all: readonly PlacedEvent[]): readonly Leadership[] {
  const byEpoch = new Map<number, Leadership & { readonly isOwn: boolean }>()
  for (const { serverId, atMs, event } of all) {
    if (event.kind !== 'serving' || event.leader === null) continue
    const isOwn = event.role === 'leader' && event.leader === serverId
    const known = byEpoch.get(event.epoch)
    if (known !== undefined && (known.isOwn || !isOwn)) continue
    byEpoch.set(event.epoch, { serverId: event.leader, epoch: event.epoch, atMs, isOwn })
  }
  return [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch)
}

function changed(facts: Facts, first: Placed<'looking'> | undefined): LeaderAnswer {
  const { evidence, all, present, before, searching } = facts
  const earlier = before?.serverId ?? first?.event.leader ?? null
  const endMs = first?.atMs ?? present.atMs
  const cause = causeOf(facts, earlier, endMs)
  const window = { fromMs: cause.sinceMs - MARGIN_MS, toMs: present.atMs + MARGIN_MS }
  const again = before !== undefined && before.serverId === present.serverId ? ' again' : ''
  const reports = evidence.reports
  return {
    verdict: cause.verdict,
    leader: present.serverId,
    epoch: present.epoch,
    sentences: [
      `Server ${present.serverId} leads${again} since ${moment(present.atMs)} (epoch ${present.epoch})` +
        `${earlier === null ? '' : `, before it server ${earlier}${before === undefined ? '' : ` (epoch ${before.epoch})`}`}.`,
      cause.sentence,
      ...outage(endMs, present),
      ...lossesText(searching, earlier),
      ...missingText(evidence),
      ...reachText(reports, cause.sinceMs),
    ],
    timeline: all.filter((one) => isIn(one.atMs, window) && isOfEnsemble(one.event)),
  }
}

function outage(endMs: number, present: Leadership): readonly string[] {
  const gapMs = present.atMs - endMs
  return gapMs > 0
    ? [`From ${timeOfDay(endMs)} to then, ${span(gapMs)}, servers were without a leader.`]
    : []
}

interface Cause {
  readonly verdict: LeaderVerdict
  readonly sentence: string
  /** The story begins there. */
  readonly sinceMs: number
}

/** How the leadership of `earlier` ended; its followers had noticed at `endMs`. */
function causeOf(facts: Facts, earlier: number | null, endMs: number): Cause {
  const { all, searching, present, before } = facts
  if (earlier === null) {
    return { verdict: 'unknown', sentence: 'Who led before is not known.', sinceMs: endMs }
  }
  const window = { fromMs: endMs - END_BEFORE_MS, toMs: present.atMs }
  const end = ownEnd(all, earlier, window)
  if (end !== null) return end
  // It may notice later than the others that it does not lead any more.
  const own = all.find(
    ({ serverId, event }) =>
      serverId === earlier &&
      event.kind === 'looking' &&
      event.was === 'leader' &&
      event.epoch === before?.epoch,
  ) as Placed<'looking'> | undefined
  const stalled = stallOf(all, earlier, window)
  if (own?.event.reason.includes('own disk silent') === true) {
    return {
      verdict: 'disk',
      sentence: `The disk of server ${earlier} did not finish a write: it gave up its leadership at ${timeOfDay(own.atMs)} (${own.event.reason}).`,
      sinceMs: own.atMs,
    }
  }
  if (stalled !== null) return stalled
  if (own?.event.reason.includes('no zxid left') === true) {
    return {
      verdict: 'zxid',
      sentence: `The numbers of epoch ${own.event.epoch} were used up: server ${earlier} had a new one begun.`,
      sinceMs: own.atMs,
    }
  }
  if (own !== undefined) return quorumLost(all, earlier, own)
  const crash = crashOf(facts, earlier, endMs)
  if (crash !== null) return crash
  const losers = searching.filter(({ event }) => event.was !== null)
  const reasons = [...new Set(losers.map(({ event }) => event.reason))].join('; ')
  return {
    verdict: 'unreachable',
    sentence:
      `The other servers lost server ${earlier} at ${timeOfDay(endMs)}` +
      `${reasons === '' ? '' : ` (${reasons})`}: its process or machine had ended, or the network was cut.`,
    sinceMs: endMs,
  }
}

/** It has said so itself. */
function ownEnd(all: readonly PlacedEvent[], earlier: number, window: Interval): Cause | null {
  for (const { serverId, atMs, event } of all) {
    if (serverId !== earlier || !isIn(atMs, window)) continue
    if (event.kind === 'stopping') {
      const sentence = `Server ${earlier} was told to stop at ${timeOfDay(atMs)}.`
      return { verdict: 'stopped', sentence, sinceMs: atMs }
    }
    if (event.kind === 'failed') {
      const sentence = `Server ${earlier} ended by itself at ${timeOfDay(atMs)}: ${event.reason}.`
      return { verdict: 'failed', sentence, sinceMs: atMs }
    }
  }
  return null
}

function stallOf(all: readonly PlacedEvent[], earlier: number, window: Interval): Cause | null {
  const stall = delaysIn(all, window, [earlier]).find(
    ({ kind, tookMs }) => kind === 'stall' && tookMs >= STALL_MS_MIN,
  )
  if (stall === undefined) return null
  return {
    verdict: 'stalled',
    sentence:
      `Server ${earlier} stood still for ${span(stall.tookMs)} from ${timeOfDay(stall.fromMs)} on: it could neither ` +
      'hear nor answer its followers.',
    sinceMs: stall.fromMs,
  }
}

function quorumLost(all: readonly PlacedEvent[], earlier: number, own: Placed<'looking'>): Cause {
  const window = { fromMs: own.atMs - END_BEFORE_MS, toMs: own.atMs }
  const lost = all.flatMap(({ serverId, atMs, event }) => {
    if (serverId !== earlier || !isIn(atMs, window)) return []
    if (event.kind !== 'linkLost' && event.kind !== 'learnerDropped') return []
    return event.peer === null
      ? []
      : [`server ${event.peer} at ${timeOfDay(atMs)} (${event.reason})`]
  })
  const which = lost.length === 0 ? '' : ` It had lost ${lost.join(', ')}.`
  return {
    verdict: 'quorum-lost',
    sentence: `Server ${earlier} gave up its leadership at ${timeOfDay(own.atMs)}: ${own.event.reason}.${which}`,
    sinceMs: own.atMs,
  }
}

/** It was started again later, and its last run had not ended in order. */
function crashOf({ all }: Facts, earlier: number, endMs: number): Cause | null {
  const restart = all.find(
    ({ serverId, atMs, event }) =>
      serverId === earlier && event.kind === 'started' && atMs >= endMs - END_BEFORE_MS,
  )
  if (restart === undefined || restart.event.kind !== 'started') return null
  if (restart.event.wasCleanStop) return null
  return {
    verdict: 'crashed',
    sentence:
      `The process of server ${earlier} was gone by ${timeOfDay(endMs)} without having been told to stop (killed, ` +
      `crashed, or its machine lost power); it was started again at ${timeOfDay(restart.atMs)}.`,
    sinceMs: endMs,
  }
}

/** What each of the others said when it began to look. */
function lossesText(
  searching: readonly Placed<'looking'>[],
  earlier: number | null,
): readonly string[] {
  return searching
    .filter(({ serverId, event }) => serverId !== earlier && event.was !== null)
    .map(
      ({ serverId, atMs, event }) =>
        `Server ${serverId} began to look at ${timeOfDay(atMs)}: ${event.reason}.`,
    )
}

function firstLeader({ evidence, all, present }: Facts): LeaderAnswer {
  const { serverId, epoch, atMs } = present
  return {
    verdict: 'first',
    leader: serverId,
    epoch,
    sentences: [
      `Server ${serverId} leads since ${moment(atMs)} (epoch ${epoch}). No change since then, and no leader before it, ` +
        'is remembered.',
      ...missingText(evidence),
    ],
    timeline: all.filter((one) => one.atMs <= atMs + MARGIN_MS && isOfEnsemble(one.event)),
  }
}

function nobody(
  evidence: Evidence,
  all: readonly PlacedEvent[],
  last: Leadership | undefined,
): LeaderAnswer {
  const { reports } = evidence
  const standalone = reports.find(({ mode }) => mode === 'standalone')
  if (standalone !== undefined) {
    const text = `Server ${standalone.serverId} stands alone: it has no leader.`
    return { verdict: 'none', leader: null, epoch: null, sentences: [text], timeline: [] }
  }
  const ids = reports.map(({ serverId }) => serverId)
  const looking = all.filter(({ event }) => event.kind === 'looking') as Placed<'looking'>[]
  const since = looking.filter(({ atMs }) => last === undefined || atMs >= last.atMs)
  const sentences = [
    reports.length === 0
      ? 'No server could be asked.'
      : `No leader: ${servers(ids)} ${ids.length === 1 ? 'looks' : 'look'} for one.`,
    ...(last === undefined
      ? []
      : [
          `${capital(place(last.serverId))} led last, from ${moment(last.atMs)} on (epoch ${last.epoch}).`,
        ]),
    ...lossesText(since, null),
    ...missingText(evidence),
  ]
  const fromMs = (since[0]?.atMs ?? 0) - MARGIN_MS
  return {
    verdict: 'none',
    leader: null,
    epoch: null,
    sentences,
    timeline: all.filter((one) => one.atMs >= fromMs && isOfEnsemble(one.event)),
  }
}

function unknown(evidence: Evidence): LeaderAnswer {
  const leader = evidence.reports.find((report) => report.leader !== null)?.leader ?? null
  return {
    verdict: 'unknown',
    leader,
    epoch: null,
    sentences: [
      `${leader === null ? 'Somebody' : `Server ${leader}`} leads. No server that was asked remembers since when.`,
      ...missingText(evidence),
    ],
    timeline: [],
  }
}

function isOfEnsemble(event: ServerEvent): boolean {
  return !('sessionId' in event) && event.kind !== 'connectionRefused' && event.kind !== 'memory'
}
