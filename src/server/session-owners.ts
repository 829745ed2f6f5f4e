import type { ServerId, SessionId } from '../base/index.ts'
import { ErrorCode } from '../wire/index.ts'
import type { LinkId } from '../zab/index.ts'
import type { EventHistory } from './events/index.ts'
import type { SessionKeeper } from './session-keeper.ts'

/** Where a session's client is connected: at a learner, by its link, or at the leader itself. */
export type SessionOwner = LinkId | typeof OWN
export const OWN = 0

/**
 * The leader's knowledge of where each session's client is (`SessionTrackerImpl.checkSession`, `setOwner`). A request
 * that comes from elsewhere is refused: its client has moved on, and must not be overtaken by itself.
 */
export class SessionOwners {
  readonly #sessions: SessionKeeper
  readonly #events: EventHistory
  readonly #peerOf: (link: LinkId) => ServerId | null
  readonly #owners: Map<SessionId, SessionOwner> = new Map()

  constructor(
    sessions: SessionKeeper,
    events: EventHistory,
    peerOf: (link: LinkId) => ServerId | null,
  ) {
    this.#sessions = sessions
    this.#events = events
    this.#peerOf = peerOf
  }

  /** Why the session may not write by way of `owner`; ok if it may. Who comes first after an election owns it. */
  check(sessionId: SessionId, owner: SessionOwner): ErrorCode {
    const session = this.#sessions.find(sessionId)
    if (session === undefined || session.isClosing) return ErrorCode.sessionExpired
    const known = this.#owners.get(sessionId)
    if (known === undefined) this.#owners.set(sessionId, owner)
    else if (known !== owner) return ErrorCode.sessionMoved
    return ErrorCode.ok
  }

  set(sessionId: SessionId, owner: SessionOwner): void {
    const before = this.#owners.get(sessionId)
    this.#owners.set(sessionId, owner)
    if (before === undefined || before === owner) return
    const [from, to] = [this.#serverOf(before), this.#serverOf(owner)]
    if (from !== to) this.#events.record({ kind: 'sessionMoved', sessionId, from, to })
  }

  /** Where the client of the session is connected, or was last; null when that is not known. */
  whoServes(sessionId: SessionId): ServerId | null {
    const owner = this.#owners.get(sessionId)
    return owner === undefined ? null : this.#serverOf(owner)
  }

  #serverOf(owner: SessionOwner): ServerId | null {
    return owner === OWN ? this.#events.serverId : this.#peerOf(owner)
  }

  remove(sessionId: SessionId): void {
    this.#owners.delete(sessionId)
  }
}
