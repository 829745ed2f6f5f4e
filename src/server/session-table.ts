import type { ServerId, SessionId } from '../base/index.ts'
import { serverIdOf } from '../session/index.ts'

/** Odd 64-bit constant (2^64 / golden ratio): spreads session ids over the digest. */
const MIX = 0x9e3779b97f4a7c15n

/** In place of a timeout: a closed session, kept because no id above its own was given out. */
export const ENDED = 0
/** In place of a timeout, in the list of changes: forgotten altogether. */
export const FORGOTTEN = -1

/**
 * The sessions of the replicated state: id and the timeout its createSession transaction gave it. Of each server
 * the highest id ever given out is remembered, also when its session is closed, so that no id is given out twice:
 * a client that comes late must not take up the session of another, nor own its ephemerals.
 * Who is connected, and when a session expires, is the business of `src/session`.
 */
export class SessionTable {
  readonly #timeouts: Map<SessionId, number> = new Map()
  readonly #highest: Map<ServerId, SessionId> = new Map()
  /** Changed since the last checkpoint began: the timeout, {@link ENDED} or {@link FORGOTTEN}. */
  #changed: Map<SessionId, number> = new Map()
  #digest = 0n

  /** Number of live sessions. */
  get size(): number {
    return this.#timeouts.size
  }

  has(sessionId: SessionId): boolean {
    return this.#timeouts.has(sessionId)
  }

  /** The highest id that a server ever gave out; null for none. */
  highestIdOf(serverId: ServerId): SessionId | null {
    return this.#highest.get(serverId) ?? null
  }

  create(sessionId: SessionId, timeoutMs: number): void {
    const highest = this.#highest.get(serverIdOf(sessionId))
    if (highest !== undefined && sessionId > highest && !this.has(highest)) {
      this.#digest -= mix(highest, ENDED)
      this.#changed.set(highest, FORGOTTEN)
    }
    // A log of others may hold anything; a live session has a timeout.
    const kept = Math.max(timeoutMs, 1)
    this.load(sessionId, kept)
    this.#changed.set(sessionId, kept)
  }

  /** Takes a session, or an id to remember, from a checkpoint row: not a change. */
  load(sessionId: SessionId, timeoutMs: number): void {
    const serverId = serverIdOf(sessionId)
    const highest = this.#highest.get(serverId)
    if (highest === undefined || sessionId > highest) this.#highest.set(serverId, sessionId)
    const known = this.#timeouts.get(sessionId) ?? (highest === sessionId ? ENDED : null)
    if (known !== null) this.#digest -= mix(sessionId, known)
    if (timeoutMs !== ENDED) this.#timeouts.set(sessionId, timeoutMs)
    this.#digest += mix(sessionId, timeoutMs)
  }

  close(sessionId: SessionId): void {
    const timeoutMs = this.#timeouts.get(sessionId)
    if (timeoutMs === undefined) return
    this.#timeouts.delete(sessionId)
    this.#digest -= mix(sessionId, timeoutMs)
    const isHighest = this.#highest.get(serverIdOf(sessionId)) === sessionId
    if (isHighest) this.#digest += mix(sessionId, ENDED)
    this.#changed.set(sessionId, isHighest ? ENDED : FORGOTTEN)
  }

  forEach(visit: (sessionId: SessionId, timeoutMs: number) => void): void {
    for (const [sessionId, timeoutMs] of this.#timeouts) visit(sessionId, timeoutMs)
  }

  /** Closed sessions that are remembered; {@link load} takes them with timeout 0. */
  forEachEnded(visit: (sessionId: SessionId) => void): void {
    for (const sessionId of this.#highest.values()) if (!this.has(sessionId)) visit(sessionId)
  }

  /** Independent of order: the sum of a mix of every (id, timeout), as a signed 64-bit number. */
  digest(): bigint {
    return BigInt.asIntN(64, this.#digest)
  }

  /** Hands over what changed since the last call. */
  takeChanged(): ReadonlyMap<SessionId, number> {
    const changed = this.#changed
    this.#changed = new Map()
    return changed
  }

  /** Takes back what was handed over: it was not made durable. Changes made since then win. */
  restoreChanged(changed: ReadonlyMap<SessionId, number>): void {
    for (const [sessionId, timeoutMs] of changed) {
      if (!this.#changed.has(sessionId)) this.#changed.set(sessionId, timeoutMs)
    }
  }

  clear(): void {
    this.#timeouts.clear()
    this.#highest.clear()
    this.#changed.clear()
    this.#digest = 0n
  }
}

function mix(sessionId: SessionId, timeoutMs: number): bigint {
  const product = BigInt.asUintN(64, (sessionId ^ (BigInt(timeoutMs) << 17n)) * MIX)
  return product ^ (product >> 32n)
}
