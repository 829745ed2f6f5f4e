import type { Config } from '../config/index.ts'
import type { Clock, TimerHandle, Timers } from '../env/index.ts'
import { type DataTree, sweepCandidates } from '../znodes/index.ts'

export interface SweeperOptions {
  /** Time between two looks. */
  readonly intervalMs: number
  /** Containers that never had a child go after this time; 0 keeps them. */
  readonly neverUsedMs: number
  readonly deletesPerMinuteMax: number
}

/** The rest of the server, as its sweeper sees it. */
export interface SweeperHost {
  deleteContainer(path: string): void
  mayWrite(): boolean
}

export function sweeperOptionsOf({ containers, limits }: Config): SweeperOptions {
  return { ...containers, deletesPerMinuteMax: limits.containerDeletesPerMinuteMax }
}

/** Znodes looked at in one go: keeps a look short however many containers there are. */
const EXAMINE_MAX = 50_000
/** Deletions proposed in one turn. */
const DELETES_AT_ONCE_MAX = 1000
const MINUTE_MS = 60_000

/** Proposes the deletion of empty containers and outlived TTL nodes now and then (`ContainerManager`). */
export class ContainerSweeper {
  readonly #tree: DataTree
  readonly #options: SweeperOptions
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #host: SweeperHost
  #timer: TimerHandle | null = null
  #isStopped = false

  constructor(
    tree: DataTree,
    options: SweeperOptions,
    clock: Clock,
    timers: Timers,
    host: SweeperHost,
  ) {
    this.#tree = tree
    this.#options = options
    this.#clock = clock
    this.#timers = timers
    this.#host = host
  }

  start(): void {
    this.#isStopped = false
    this.#wait(this.#options.intervalMs)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = null
  }

  #wait(ms: number): void {
    if (this.#isStopped) return
    this.#timer = this.#timers.at(this.#clock.monotonicMs() + ms, this.#look)
  }

  /**
   * Deletes what one look found, then waits: the interval, or as long as the limit of deletions per minute asks for.
   * Whether a znode is still empty is checked again when its deletion is prepared.
   */
  readonly #look = (): void => {
    const { intervalMs, neverUsedMs, deletesPerMinuteMax } = this.#options
    if (!this.#host.mayWrite()) {
      this.#wait(intervalMs)
      return
    }
    const perInterval = Math.max(1, Math.floor((deletesPerMinuteMax * intervalMs) / MINUTE_MS))
    const max = Math.min(perInterval, DELETES_AT_ONCE_MAX)
    const paths = sweepCandidates(this.#tree, this.#clock.wallMs(), {
      neverUsedMaxMs: neverUsedMs,
      max,
      examineMax: EXAMINE_MAX,
    })
    for (const path of paths) this.#host.deleteContainer(path)
    // Once all have been looked at, an early next look would only find those again whose deletion is not durable yet,
    // and each would cost an error txn.
    const isRoundOver = paths.length < max && this.#tree.sweepables.isRoundOver
    const paceMs = Math.max(1, (paths.length * MINUTE_MS) / deletesPerMinuteMax)
    this.#wait(isRoundOver ? intervalMs : Math.min(intervalMs, paceMs))
  }
}
