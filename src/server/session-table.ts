import type { SessionId } from '../base/index.ts'

/** Odd 64-bit constant (2^64 / golden ratio): spreads session ids over the digest. */
const MIX = 0x9e3779b97f4a7c15n

/**
 * The sessions of the replicated state: id and the timeout its createSession transaction gave it.
 * Who is connected, and when a session expires, is the business of `src/session`.
 */
export class SessionTable {
  readonly #timeouts: Map<SessionId, number> = new Map()
  /** Changed since the last checkpoint began; -1 marks a closed session. */
  #changed: Map<SessionId, number> = new Map()
  #digest = 0n

  get size(): number {
    return this.#timeouts.size
  }

  has(sessionId: SessionId): boolean {
    return this.#timeouts.has(sessionId)
  }

  create(sessionId: SessionId, timeoutMs: number): void {
    this.load(sessionId, timeoutMs)
    this.#changed.set(sessionId, timeoutMs)
  }

  /** Takes a session from a checkpoint row: not a change. */
  load(sessionId: SessionId, timeoutMs: number): void {
    const known = this.#timeouts.get(sessionId)
    if (known !== undefined) this.#digest -= mix(sessionId, known)
    this.#timeouts.set(sessionId, timeoutMs)
    this.#digest += mix(sessionId, timeoutMs)
  }

  close(sessionId: SessionId): void {
    const timeoutMs = this.#timeouts.get(sessionId)
    if (timeoutMs === undefined) return
    this.#timeouts.delete(sessionId)
    this.#digest -= mix(sessionId, timeoutMs)
    this.#changed.set(sessionId, -1)
  }

  forEach(visit: (sessionId: SessionId, timeoutMs: number) => void): void {
    for (const [sessionId, timeoutMs] of this.#timeouts) visit(sessionId, timeoutMs)
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
    this.#changed.clear()
    this.#digest = 0n
  }
}

function mix(sessionId: SessionId, timeoutMs: number): bigint {
  const product = BigInt.asUintN(64, (sessionId ^ (BigInt(timeoutMs) << 17n)) * MIX)
  return product ^ (product >> 32n)
}
