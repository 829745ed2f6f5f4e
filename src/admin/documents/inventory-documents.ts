import type { SessionId } from '../../base/index.ts'
import type { AdminAnswer, AdminContext } from './admin-document.ts'
import { jsonObject } from './json.ts'

/** `DIGEST_VERSION` of upstream: the only one there is. */
const DIGEST_VERSION = 2

/** A learner does not know when sessions expire: that map is empty there. */
export function dumpAnswer({ status: { inventory } }: AdminContext): AdminAnswer {
  const expiries = [...(inventory.sessionExpiries() ?? [])]
  const ephemerals = [...inventory.ephemerals()]
  return {
    data: [
      [
        'expiry_time_to_session_ids',
        jsonObject(expiries.map(([atMs, ids]) => [String(Math.floor(atMs)), ids])),
      ],
      ['session_id_to_ephemeral_paths', pathsBySession(ephemerals)],
    ],
  }
}

export function hashAnswer({ status: { inventory } }: AdminContext): AdminAnswer {
  const digests = inventory.digests().map(({ zxid, digest }) =>
    jsonObject([
      ['zxid', zxid],
      ['digest', digest],
      ['digest_version', DIGEST_VERSION],
    ]),
  )
  return { data: [['digests', digests]] }
}

export function watchesAnswer({ status: { inventory } }: AdminContext): AdminAnswer {
  return { data: [['session_id_to_watched_paths', pathsBySession(inventory.watchesBySession())]] }
}

export function watchesByPathAnswer({ status: { inventory } }: AdminContext): AdminAnswer {
  return { data: [['path_to_session_ids', jsonObject(inventory.watchesByPath())]] }
}

export function watchSummaryAnswer({ status: { inventory } }: AdminContext): AdminAnswer {
  const { connections, paths, watches } = inventory.watchSummary()
  return {
    data: [
      ['num_connections', connections],
      ['num_paths', paths],
      ['num_total_watches', watches],
    ],
  }
}

function pathsBySession(
  paths: Iterable<readonly [SessionId, ReadonlySet<string>]>,
): ReturnType<typeof jsonObject> {
  return jsonObject([...paths].map(([sessionId, set]) => [String(sessionId), [...set]]))
}
