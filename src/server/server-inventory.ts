import type { SessionId } from '../base/index.ts'
import {
  type NamespaceQuota,
  quotasByNamespace,
  type WatchSummary,
  type WatchTable,
} from '../znodes/index.ts'
import type { ClientConnection } from './client-connection.ts'
import type { ZxidDigest } from './digest-log.ts'
import type { EventHistory } from './events/index.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { SessionKeeper } from './session-keeper.ts'

/**
 * What takes time with the amount of it: gathered when it is asked for, and as it is at that moment. Watches are
 * those for data only, as upstream shows them.
 */
export interface ServerInventory {
  watchSummary(): WatchSummary
  watchesBySession(): ReadonlyMap<SessionId, ReadonlySet<string>>
  watchesByPath(): ReadonlyMap<string, readonly SessionId[]>
  ephemerals(): ReadonlyMap<SessionId, ReadonlySet<string>>
  /** Sessions of the ensemble by the monotonic time at which they expire; null for a server that does not decide it. */
  sessionExpiries(): ReadonlyMap<number, readonly SessionId[]> | null
  /** The same of sessions that are this server's own; null where there are none. */
  localSessionExpiries(): ReadonlyMap<number, readonly SessionId[]> | null
  /** Sessions of the ensemble with their timeouts, in milliseconds. */
  sessionTimeouts(): ReadonlyMap<SessionId, number>
  localSessionTimeouts(): ReadonlyMap<SessionId, number>
  /** By namespace, the first element of a path. */
  quotas(): ReadonlyMap<string, NamespaceQuota>
  /** Oldest first. */
  digests(): readonly ZxidDigest[]
  /** What has happened here lately. */
  readonly history: EventHistory
}

/** What an inventory is taken of. */
export interface InventorySource {
  /** What clients read. */
  readonly shownState: ReplicatedState
  readonly watches: WatchTable
  readonly connections: ReadonlySet<ClientConnection>
  readonly events: EventHistory
}

export function serverInventory(server: InventorySource, sessions: SessionKeeper): ServerInventory {
  const { watches } = server
  const watchesBySession = (): ReadonlyMap<SessionId, ReadonlySet<string>> => {
    const bySession = new Map<SessionId, ReadonlySet<string>>()
    for (const connection of server.connections) {
      const paths = watches.dataPathsOf(connection)
      if (paths.size > 0) bySession.set(connection.sessionId, paths)
    }
    return bySession
  }
  return {
    watchSummary: () => watches.summary(),
    watchesBySession,
    watchesByPath: () => inverted(watchesBySession()),
    ephemerals: () => server.shownState.tree.ephemerals(),
    sessionExpiries: () => sessions.expiries(),
    localSessionExpiries: () => sessions.local?.expiries() ?? null,
    sessionTimeouts: () => {
      const timeouts = new Map<SessionId, number>()
      server.shownState.sessions.forEach((id, timeoutMs) => {
        timeouts.set(id, timeoutMs)
      })
      return timeouts
    },
    localSessionTimeouts: () => sessions.local?.timeouts ?? new Map(),
    quotas: () => quotasByNamespace(server.shownState.tree),
    digests: () => server.shownState.digestLog.digests,
    history: server.events,
  }
}

function inverted(
  bySession: ReadonlyMap<SessionId, ReadonlySet<string>>,
): ReadonlyMap<string, readonly SessionId[]> {
  const byPath = new Map<string, SessionId[]>()
  for (const [sessionId, paths] of bySession) {
    for (const path of paths) {
      const ids = byPath.get(path)
      if (ids === undefined) byPath.set(path, [sessionId])
      else ids.push(sessionId)
    }
  }
  return byPath
}
