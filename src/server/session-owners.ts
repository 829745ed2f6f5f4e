import type { SessionId } from '../base/index.ts'
import { ErrorCode } from '../wire/index.ts'
import type { LinkId } from '../zab/index.ts'
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
  readonly #owners: Map<SessionId, SessionOwner> = new Map()

  constructor(sessions: SessionKeeper) {
    this.#sessions = sessions
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
    this.#owners.set(sessionId, owner)
  }

  remove(sessionId: SessionId): void {
    this.#owners.delete(sessionId)
  }
}
