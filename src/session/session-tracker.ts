import { assert, type SessionId } from '../base/index.ts'
import { pauseExtension } from './self-pause.ts'

/** A session as its tracker sees it. The connection keeps it, so that a touch needs no look-up. */
export interface TrackedSession {
  readonly id: SessionId
  /** What was negotiated at the last connect, ms. */
  readonly timeoutMs: number
  /** A closeSession is on its way: nothing may be done in the session any more. */
  readonly isClosing: boolean
  /** When it was touched last, monotonic. */
  readonly touchedMs: number
}

/**
 * Decides when sessions expire (`SessionTrackerImpl`, `ExpiryQueue`). A deadline is the time of the last touch plus
 * the timeout, rounded up to the next multiple of the tick, so that a touch seldom has more to do than to compare.
 *
 * Every method that takes `nowMs` (monotonic, never less than before) also watches for pauses of the process, which
 * move all deadlines (see self-pause.ts). A turn touches for all its input before it asks for {@link expired}.
 */
export class SessionTracker {
  readonly #tickMs: number
  readonly #sessions = new Map<SessionId, Entry>()
  /** Live sessions by deadline, counted in ticks of the clock that stands still during pauses. */
  readonly #buckets = new Map<number, Set<Entry>>()
  /** Every bucket up to this one has been emptied. */
  #lastExpired = 0
  /** How far the clock of the buckets is behind: the sum of all pauses. */
  #pausedMs = 0
  #lastSeenMs = 0

  constructor(options: { readonly tickMs: number }) {
    assert(options.tickMs >= 1, `tick of ${options.tickMs} ms`)
    this.#tickMs = options.tickMs
  }

  /** Number of sessions, those that are closing included. */
  get size(): number {
    return this.#sessions.size
  }

  /** The sum of all pauses that were noticed, ms. */
  get pausedMs(): number {
    return this.#pausedMs
  }

  /** Begins to track a session, or takes up one that is tracked with a new timeout; a closing one stays closing. */
  add(id: SessionId, timeoutMs: number, nowMs: number): TrackedSession {
    let entry = this.#sessions.get(id)
    if (entry === undefined) {
      entry = new Entry(id)
      this.#sessions.set(id, entry)
    }
    // Snapshots of others may hold anything; a deadline must lie ahead.
    entry.timeoutMs = Math.max(timeoutMs, 1)
    this.touch(entry, nowMs)
    return entry
  }

  get(id: SessionId): TrackedSession | undefined {
    return this.#sessions.get(id)
  }

  has(id: SessionId): boolean {
    return this.#sessions.has(id)
  }

  /** Something came from the client. False when the session is closing or removed: too late. */
  touch(session: TrackedSession, nowMs: number): boolean {
    const entry = session as Entry
    if (entry.isClosing) return false
    this.#observe(nowMs)
    entry.touchedMs = nowMs
    const bucket = this.#ticksAt(nowMs + entry.timeoutMs) + 1
    if (bucket !== entry.bucket) this.#move(entry, bucket)
    return true
  }

  /** A closeSession is on its way; the session can neither be touched nor expire any more. */
  markClosing(id: SessionId): void {
    const entry = this.#sessions.get(id)
    if (entry === undefined || entry.isClosing) return
    entry.isClosing = true
    this.#move(entry, NO_BUCKET)
  }

  /** The closeSession has been applied. */
  remove(id: SessionId): void {
    this.markClosing(id)
    this.#sessions.delete(id)
  }

  /**
   * When to call {@link expired} next: at the next tick that can have a session in it, `Infinity` when no session can
   * expire. Never more than a tick away once called, so that pauses are noticed.
   */
  nextDeadlineMs(): number {
    if (this.#buckets.size === 0) return Number.POSITIVE_INFINITY
    return (this.#lastExpired + 1) * this.#tickMs + this.#pausedMs
  }

  /** The sessions whose time is over, each told once: they are closing from now on. Earlier deadlines come first. */
  expired(nowMs: number): readonly SessionId[] {
    this.#observe(nowMs)
    const current = this.#ticksAt(nowMs)
    if (current <= this.#lastExpired) return NOBODY
    const ids: SessionId[] = []
    for (let bucket = this.#lastExpired + 1; bucket <= current; bucket++) {
      if (this.#buckets.size === 0) break
      for (const entry of this.#buckets.get(bucket) ?? []) {
        ids.push(entry.id)
        this.markClosing(entry.id)
      }
    }
    this.#lastExpired = current
    return ids
  }

  /** When the session expires unless it is touched; `Infinity` for a closing one. */
  deadlineMs(session: TrackedSession): number {
    const { bucket } = session as Entry
    return bucket === NO_BUCKET ? Number.POSITIVE_INFINITY : bucket * this.#tickMs + this.#pausedMs
  }

  /** All sessions, oldest first. */
  sessions(): Iterable<TrackedSession> {
    return this.#sessions.values()
  }

  /** Live sessions by the time at which they expire unless they are touched, earliest first; not those that are closing. */
  expiries(): ReadonlyMap<number, readonly SessionId[]> {
    const ticks = [...this.#buckets.keys()].sort((a, b) => a - b)
    return new Map(
      ticks.map((tick) => [
        tick * this.#tickMs + this.#pausedMs,
        [...this.#buckets.get(tick)!].map(({ id }) => id),
      ]),
    )
  }

  #observe(nowMs: number): void {
    if (this.#buckets.size === 0) {
      // Nobody can have expired, and nobody had to look at the clock.
      this.#lastExpired = this.#ticksAt(nowMs)
    } else {
      // Whole ms keep the deadlines exact multiples of a tick after the pauses.
      this.#pausedMs += Math.ceil(pauseExtension(this.#lastSeenMs, nowMs, this.#tickMs))
    }
    this.#lastSeenMs = nowMs
  }

  #ticksAt(timeMs: number): number {
    return Math.floor((timeMs - this.#pausedMs) / this.#tickMs)
  }

  #move(entry: Entry, bucket: number): void {
    const previous = this.#buckets.get(entry.bucket)
    if (previous !== undefined) {
      previous.delete(entry)
      if (previous.size === 0) this.#buckets.delete(entry.bucket)
    }
    entry.bucket = bucket
    if (bucket === NO_BUCKET) return
    const entries = this.#buckets.get(bucket)
    if (entries === undefined) this.#buckets.set(bucket, new Set([entry]))
    else entries.add(entry)
  }
}

const NO_BUCKET = -0x4000_0000
const NOBODY: readonly SessionId[] = []

class Entry implements TrackedSession {
  readonly id: SessionId
  timeoutMs = 1
  isClosing = false
  touchedMs = 0
  /** Number of the tick at which the session expires, or {@link NO_BUCKET}. */
  bucket: number = NO_BUCKET

  constructor(id: SessionId) {
    this.id = id
  }
}
