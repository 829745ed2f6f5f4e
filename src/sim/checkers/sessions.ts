import { formatHex, type ServerId, type SessionId, type Zxid } from '../../base/index.ts'
import { ErrorCode, OpCode } from '../../wire/index.ts'
import { PAUSE_FAULT, type SessionTouchEvent, SUSPEND_FAULT } from '../history.ts'
import type { Checker, Run, Watching } from './checker.ts'
import { type Committed, isWrite } from './history-index.ts'

/* Sessions and ephemerals. */

/** E1: nobody is told that a session is over before that is committed. */
function watchEndsByCommit({ index }: Run): Watching {
  const { sessions } = index.model
  const closed = new Set<SessionId>()
  return {
    before: {
      apply: ({ txn, header }) => {
        if (txn.type === OpCode.closeSession) closed.add(header.clientId)
        return null
      },
      connect: ({ outcome, askedSessionId }) => {
        if (outcome !== 'expired' || !sessions.has(askedSessionId)) return null
        if (closed.has(askedSessionId)) return null
        return `session ${formatHex(askedSessionId)} is called expired, no closeSession is committed`
      },
      end: (event) => {
        for (const { server, zxid, sessions: found } of event.replicas) {
          const text = sessionsError(index.positionOf(zxid), found)
          if (text !== null) return `server ${server} ends ${text}`
        }
        return null
      },
    },
  }

  function sessionsError(position: number, found: readonly SessionId[]): string | null {
    const left = new Set(found)
    for (const [id, session] of sessions) {
      const isLive = session.createdAt <= position && session.closedAt > position
      if (isLive !== left.delete(id)) {
        return `${isLive ? 'without' : 'with'} session ${formatHex(id)}`
      }
    }
    const [unknown] = left
    return unknown === undefined ? null : `with session ${formatHex(unknown)}, which nobody created`
  }
}

/** When a leader began to serve, and decided to end sessions by itself. */
interface Expiry {
  readonly sessionId: SessionId
  readonly zxid: Zxid
  readonly leader: ServerId
  readonly timeoutMs: number
}

/** Expiries among the committed transactions: a closeSession without a request of the client (cxid 0). */
function expiriesOf({ index }: Run): Map<Zxid, Expiry> {
  const expiries = new Map<Zxid, Expiry>()
  for (const committed of index.sequence) {
    if (!isExpiry(committed)) continue
    const { zxid, header } = committed
    const broadcast = index.broadcasts.get(zxid)
    const session = index.model.sessions.get(header.clientId)
    if (broadcast === undefined || session === undefined) continue
    const { clientId: sessionId } = header
    const { timeoutMs } = session
    expiries.set(zxid, { sessionId, zxid, leader: broadcast.server, timeoutMs })
  }
  return expiries
}

function isExpiry({ header, txn }: Committed): boolean {
  return txn.type === OpCode.closeSession && header.cxid === 0
}

/**
 * E2, at the moment the leader decides (the broadcast): no sign of life within the timeout that the leader could know.
 * Touches at the leader count always; those at others once they had a tick to come over, if the server was up and
 * following without a break. A server that stood still in that tick comes to report only when it goes on; also if it does
 * so when a leader that stood still in that tick asks at last. And no fault of the network may have acted since, or so
 * shortly before that TCP may still have been waiting to send again: it waits as long again as it has already waited. What
 * was lost in one fault may be lost again in the next.
 */
function watchNotEarly(run: Run): Watching {
  const { servers, options } = run
  const expiries = expiriesOf(run)
  const touches = new Map<SessionId, Map<ServerId, SessionTouchEvent[]>>()
  const standstills = new Map<ServerId, Standstill[]>()
  let unsettledUntilMs = Number.NEGATIVE_INFINITY
  let faultySinceMs = 0
  const acting = new Map<string, number>()
  const end = (nowMs: number): void => {
    unsettledUntilMs = Math.max(unsettledUntilMs, nowMs + (nowMs - faultySinceMs))
  }
  const countsAt = (
    leader: ServerId,
    { server, incarnation, atMs }: SessionTouchEvent,
    nowMs: number,
  ): boolean => {
    const track = servers.of(server)
    if (!track.isUp || track.incarnation !== incarnation) return false
    if (server === leader) return true
    if (acting.size > 0 || unsettledUntilMs >= atMs) return false
    const isConnected = track.isServing && track.leader === leader && track.roleSinceMs <= atMs
    if (!isConnected) return false
    const [own, asking] = [standstills.get(server) ?? [], standstills.get(leader) ?? []]
    const { tickMs } = options
    const askedMs = reportedMs(atMs, asking, tickMs) - tickMs
    const lateMs = reportedMs(askedMs, own, tickMs)
    // A leader that stood still alone gets the report before it looks at its sessions.
    const isLate = lateMs > askedMs + tickMs
    return (isLate ? lateMs : reportedMs(atMs, own, tickMs)) <= nowMs
  }
  return {
    before: {
      sessionTouch: (event) => {
        let byServer = touches.get(event.sessionId)
        if (byServer === undefined) {
          byServer = new Map()
          touches.set(event.sessionId, byServer)
        }
        const own = byServer.get(event.server)
        if (own === undefined) byServer.set(event.server, [event])
        else own.push(event)
        return null
      },
      faultBegin: ({ atMs, name, server }) => {
        if (server !== null && STANDSTILLS.has(name)) {
          const standstill = { beginMs: atMs, endMs: Number.POSITIVE_INFINITY }
          const own = standstills.get(server)
          if (own === undefined) standstills.set(server, [standstill])
          else own.push(standstill)
        }
        if (!options.isNetworkFault(name)) return null
        if (acting.size === 0 && atMs > unsettledUntilMs) faultySinceMs = atMs
        acting.set(name, (acting.get(name) ?? 0) + 1)
        return null
      },
      faultEnd: ({ atMs, name, server }) => {
        if (server !== null && STANDSTILLS.has(name)) {
          const standstill = standstills.get(server)?.at(-1)
          if (standstill !== undefined) standstill.endMs = Math.min(standstill.endMs, atMs)
        }
        const count = acting.get(name)
        if (count === undefined) return null
        if (count === 1) acting.delete(name)
        else acting.set(name, count - 1)
        end(atMs)
        return null
      },
      heal: (event) => {
        if (acting.size > 0) end(event.atMs)
        acting.clear()
        return null
      },
      broadcast: (event) => {
        const expiry = expiries.get(event.zxid)
        if (expiry === undefined) return null
        const allowedMs = expiry.timeoutMs * (1 - options.clockDriftMax)
        for (const own of touches.get(expiry.sessionId)?.values() ?? []) {
          const touch = own.findLast((one) => countsAt(expiry.leader, one, event.atMs))
          if (touch === undefined || event.atMs - touch.atMs >= allowedMs) continue
          const ago = event.atMs - touch.atMs
          return `session ${formatHex(expiry.sessionId)} of ${expiry.timeoutMs} ms expires ${ago} ms after server ${touch.server} heard it`
        }
        return null
      },
    },
  }
}

interface Standstill {
  readonly beginMs: number
  endMs: number
}

const STANDSTILLS: ReadonlySet<string> = new Set([PAUSE_FAULT, SUSPEND_FAULT])

/** When a sign of life at `atMs` has been reported by a server that needs a tick for it, but stood still at these times. */
function reportedMs(atMs: number, standstills: readonly Standstill[], tickMs: number): number {
  let fromMs = atMs
  for (const { beginMs, endMs } of standstills) {
    if (endMs > fromMs && beginMs <= fromMs + tickMs) fromMs = endMs
  }
  return fromMs + tickMs
}

/** E3, from the healing on: then a quorum lives. Each new leader, as at the end of an epoch's zxids, grants a full timeout. */
function watchNotNever({ index, options }: Run): Watching {
  const lastSigns = new Map<SessionId, number>()
  /** Of the healing, then of each leader after it. */
  const begunMs: number[] = []
  return {
    before: {
      sessionTouch: (event) => {
        lastSigns.set(event.sessionId, event.atMs)
        return null
      },
      heal: (event) => {
        begunMs.push(event.atMs)
        return null
      },
      established: (event) => {
        if (begunMs.length > 0) begunMs.push(event.atMs)
        return null
      },
      end: (event) => {
        if (begunMs.length === 0) return null
        for (const [id, session] of index.model.sessions) {
          const allowedMs =
            session.timeoutMs * (1 + options.clockDriftMax) +
            2 * options.tickMs +
            options.electionMs
          const closed = index.sequence[session.closedAt - 1]
          const endMs = closed?.atMs ?? event.atMs
          const begun = begunMs.findLast((atMs) => atMs <= endMs) ?? endMs
          const sinceMs = Math.max(begun, lastSigns.get(id) ?? 0)
          if (endMs - sinceMs <= allowedMs) continue
          return `session ${formatHex(id)} of ${session.timeoutMs} ms was silent for ${endMs - sinceMs} ms and not closed`
        }
        return null
      },
    },
  }
}

/** E4: every replica ends with the ephemerals of the model, all of them of live sessions. */
function watchEphemeralsGo({ index }: Run): Watching {
  return {
    before: {
      end: (event) => {
        for (const { server, zxid, ephemerals } of event.replicas) {
          const expected = index.model.ephemeralsAt(index.positionOf(zxid))
          for (const { path, owner } of ephemerals) {
            if (expected.get(path) !== owner) {
              return `server ${server} ends with ephemeral ${path} of session ${formatHex(owner)}`
            }
            expected.delete(path)
          }
          for (const path of expected.keys())
            return `server ${server} ends without ephemeral ${path}`
        }
        return null
      },
    },
  }
}

/** E5. */
function watchNoLateEphemerals({ index }: Run): Watching {
  return {
    atEnd: () => {
      for (const [i, { zxid, header, txn }] of index.sequence.entries()) {
        const session = index.model.sessions.get(header.clientId)
        if (session === undefined || session.closedAt >= i + 1) continue
        const txns = txn.type === OpCode.multi ? txn.txns : [txn]
        if (txns.some((part) => part.type === OpCode.error)) continue
        const late = txns.find((part) => 'ephemeral' in part && part.ephemeral)
        if (late === undefined || !('path' in late)) continue
        return `${late.path} is made at ${formatHex(zxid)} for session ${formatHex(header.clientId)}, which is closed`
      }
      return null
    },
  }
}

/** E6, where the server knows. */
function watchClosedStaysClosed({ index, servers }: Run): Watching {
  return {
    before: {
      sessionTouch: (event) => {
        const closedAt = index.model.sessions.get(event.sessionId)?.closedAt ?? Infinity
        if (closedAt > index.sequence.length) return null
        const { applied } = servers.of(event.server)
        if (applied < index.sequence[closedAt - 1]!.zxid) return null
        return `server ${event.server} accepts session ${formatHex(event.sessionId)}, whose end it has applied`
      },
    },
  }
}

/** E7. */
function watchOneOwner({ index }: Run): Watching {
  /** By session: its newest connection and where in the history it was accepted. */
  const owners = new Map<SessionId, { readonly connection: number; readonly at: number }>()
  return {
    before: {
      connect: ({ outcome, sessionId, connection }, at) => {
        if (outcome === 'accepted') owners.set(sessionId, { connection, at })
        return null
      },
      return: (event, at) => {
        const owner = owners.get(event.sessionId)
        const operation = index.operationAt(at)
        if (owner === undefined || operation === undefined) return null
        if (event.connection === owner.connection || operation.invokedAt < owner.at) return null
        if (event.err !== ErrorCode.ok || !isWrite(operation.request)) return null
        return `xid ${event.xid} took effect on connection ${event.connection}, the session has moved to ${owner.connection}`
      },
    },
  }
}

/** E8. */
function watchUniqueSessions({ index }: Run): Watching {
  return {
    atEnd: () => {
      const created = new Map<SessionId, Zxid>()
      for (const { zxid, header, txn } of index.sequence) {
        if (txn.type !== OpCode.createSession) continue
        const before = created.get(header.clientId)
        if (before !== undefined) {
          return `session ${formatHex(header.clientId)} is created at ${formatHex(before)} and at ${formatHex(zxid)}`
        }
        created.set(header.clientId, zxid)
      }
      return null
    },
  }
}

/** E10: an expiry comes no earlier than a timeout after its leader was established. */
function watchFullTimeout(run: Run): Watching {
  const expiries = expiriesOf(run)
  const establishedMs = new Map<ServerId, number>()
  return {
    before: {
      established: (event) => {
        establishedMs.set(event.server, event.atMs)
        return null
      },
      broadcast: (event) => {
        const expiry = expiries.get(event.zxid)
        const sinceMs = establishedMs.get(event.server)
        if (expiry === undefined || sinceMs === undefined) return null
        const ledMs = event.atMs - sinceMs
        if (ledMs >= expiry.timeoutMs * (1 - run.options.clockDriftMax)) return null
        return `session ${formatHex(expiry.sessionId)} of ${expiry.timeoutMs} ms expires ${ledMs} ms after its leader was established`
      },
    },
  }
}

export const SESSION_CHECKERS: readonly Checker[] = [
  { id: 'E1', title: 'a session ends by a commit', watch: watchEndsByCommit },
  { id: 'E2', title: 'not early', watch: watchNotEarly },
  { id: 'E3', title: 'not never', watch: watchNotNever },
  { id: 'E4', title: 'ephemerals go with their session', watch: watchEphemeralsGo },
  { id: 'E5', title: 'no ephemeral after the end', watch: watchNoLateEphemerals },
  { id: 'E6', title: 'closed stays closed', watch: watchClosedStaysClosed },
  { id: 'E7', title: 'one owner', watch: watchOneOwner },
  { id: 'E8', title: 'session ids are unique', watch: watchUniqueSessions },
  { id: 'E10', title: 'full timeout after an election', watch: watchFullTimeout },
]
