import { formatHex } from '../base/index.ts'
import type { Environment, TimerHandle } from '../env/index.ts'
import type { DataTreeOptions } from '../znodes/index.ts'
import { ReadOnlyView } from './read-only-view.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { LoggedEntry } from './write-pipeline.ts'

/** How long a server looks for a leader before it takes itself for cut off, at least (`QuorumPeer.run`). */
const GRACE_MS_MIN = 2000

/** The server whose clients are served reads. */
export interface ReadOnlyHost {
  /** What the log holds behind the state that is applied, oldest first. */
  loggedEntries(): readonly LoggedEntry[]
  /** Clients are served reads of `state`, until `onReadOnlyEnded`. */
  onReadOnlyBegun(state: ReplicatedState): void
  onReadOnlyEnded(): void
}

/**
 * When a member without a leader begins to serve reads, and what of (`ReadOnlyZooKeeperServer`).
 *
 * What the log holds beyond the applied state may never have been committed, so the tree must not have it. A server that
 * has been part of its ensemble since it started knows about what is committed but the last few entries, and shows
 * what it has applied. One that has just started knows its last checkpoint only: it shows a copy of that with the whole
 * log, as the original does, and drops the copy when there is a leader.
 */
export class ReadOnlyMode {
  readonly #host: ReadOnlyHost
  readonly #env: Environment
  readonly #graceMs: number
  readonly #state: ReplicatedState
  readonly #treeOptions: DataTreeOptions
  #timer: TimerHandle | null = null
  #copying: ReadOnlyView | null = null
  #isServing = false
  #hasServed = false

  constructor(
    host: ReadOnlyHost,
    env: Environment,
    tickMs: number,
    state: ReplicatedState,
    treeOptions: DataTreeOptions,
  ) {
    this.#host = host
    this.#env = env
    this.#graceMs = Math.max(GRACE_MS_MIN, tickMs)
    this.#state = state
    this.#treeOptions = treeOptions
  }

  get isServing(): boolean {
    return this.#isServing
  }

  /** The server looks for a leader from now on. */
  onLooking(): void {
    this.end()
    const deadlineMs = this.#env.clock.monotonicMs() + this.#graceMs
    this.#timer = this.#env.timers.at(deadlineMs, this.#onGraceOver)
  }

  /** The server has a role in its ensemble: what is committed is known from now on. */
  onServing(): void {
    this.#hasServed = true
  }

  /** Clients of this mode are not served any more. */
  end(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#copying?.cancel()
    this.#copying = null
    if (!this.#isServing) return
    this.#isServing = false
    this.#env.logger.info('read-only mode has ended')
    this.#host.onReadOnlyEnded()
  }

  readonly #onGraceOver = (): void => {
    this.#timer = null
    const entries = this.#hasServed ? [] : this.#host.loggedEntries()
    if (entries.length === 0) {
      this.#begin(this.#state)
      return
    }
    const { timers } = this.#env
    this.#copying = new ReadOnlyView(this.#state, entries, this.#treeOptions, timers, (state) => {
      this.#copying = null
      this.#begin(state)
    })
  }

  #begin(state: ReplicatedState): void {
    this.#isServing = true
    this.#env.logger.warn('no leader: read-only mode, for clients that ask for it', {
      lastApplied: formatHex(state.lastApplied),
    })
    this.#host.onReadOnlyBegun(state)
  }
}
