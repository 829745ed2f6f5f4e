import type { Evidence, ServerReport } from './report.ts'
import { capital, moment, servers } from './words.ts'

/** Who could not be asked, or was not: what it knows is missing in the answer. */
export function missingText({ reports, missing }: Evidence): readonly string[] {
  const sentences = missing.map(
    ({ address, reason }) =>
      `${address} could not be asked (${reason}): what it knows is missing here.`,
  )
  const unasked = unaskedOf(reports)
  if (unasked.length > missing.length) {
    sentences.push(
      `${capital(servers(unasked))} of the ensemble did not answer: name the admin ports of all servers with --servers.`,
    )
  }
  return sentences
}

/** Members of the ensemble from which there is no report. */
export function unaskedOf(reports: readonly ServerReport[]): readonly number[] {
  const ids = reports.map(({ serverId }) => serverId)
  const members = new Set(reports.flatMap((report) => report.members))
  return [...members].filter((id) => !ids.includes(id))
}

/** Whose history begins only after this moment. */
export function reachText(reports: readonly ServerReport[], atMs: number): readonly string[] {
  const late = reports.filter(({ oldestMs }) => oldestMs === null || oldestMs > atMs)
  if (late.length === 0) return []
  const ids = late.map(({ serverId }) => serverId)
  return [`The history of ${servers(ids)} begins after ${moment(atMs)}.`]
}
