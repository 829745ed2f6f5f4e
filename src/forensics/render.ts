import { formatHex } from '../base/index.ts'
import { eventToJson } from '../server/index.ts'
import type { MissingServer, PlacedEvent, ServerReport } from './report.ts'
import type { LeaderAnswer } from './why-leader.ts'
import type { SessionAnswer } from './why-session.ts'
import { describe, moment, span } from './words.ts'

/** The longest timeline that is printed; what is left out is in the middle. */
const LINES_MAX = 60

/** The answer in plain English, then what it rests on. */
export function renderAnswer(
  answer: LeaderAnswer | SessionAnswer,
  reports: readonly ServerReport[],
): string {
  const { sentences, timeline } = answer
  const lines = [...sentences, ...clockWarnings(reports)]
  if (timeline.length > 0)
    lines.push('', 'What the servers remember (UTC):', ...timelineText(timeline))
  return `${lines.join('\n')}\n`
}

/** The same for programs. */
export function answerDocument(
  answer: LeaderAnswer | SessionAnswer,
  reports: readonly ServerReport[],
  missing: readonly MissingServer[],
): object {
  const about =
    'sessionId' in answer
      ? { sessionId: formatHex(answer.sessionId) }
      : { leader: answer.leader, epoch: answer.epoch }
  return {
    verdict: answer.verdict,
    ...about,
    sentences: answer.sentences,
    servers: reports.map(({ address, serverId, mode, aheadMs, oldestMs }) => ({
      address,
      serverId,
      mode,
      clockAheadMs: aheadMs,
      oldestMs,
    })),
    missing,
    timeline: answer.timeline.map(({ serverId, atMs, event }) => ({
      serverId,
      atMs,
      ...eventToJson(event),
    })),
  }
}

function timelineText(timeline: readonly PlacedEvent[]): readonly string[] {
  const lines = timeline.map(
    ({ serverId, atMs, event }) => `  ${moment(atMs)}  server ${serverId}  ${describe(event)}`,
  )
  if (lines.length <= LINES_MAX) return lines
  const half = LINES_MAX / 2
  const left = lines.length - LINES_MAX
  return [...lines.slice(0, half), `  … ${left} more (--json has all)`, ...lines.slice(-half)]
}

function clockWarnings(reports: readonly ServerReport[]): readonly string[] {
  return reports
    .filter(({ aheadMs }) => aheadMs !== 0)
    .map(
      ({ serverId, aheadMs }) =>
        `The clock of server ${serverId} is ${span(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this ` +
        "machine's; its times are corrected by that.",
    )
}
