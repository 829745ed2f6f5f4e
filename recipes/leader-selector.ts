import type { ZooKeeper } from '../src/client/index.ts'
import {
  Cancellation,
  Contest,
  type ContestOptions,
  CURATOR_MUTEX,
  cancellable,
  type Grant,
  isKazoo,
  isLoss,
  KAZOO_LOCK,
  type Layout,
  onAbort,
  type Participant,
  participants,
  RecipeError,
  thenRelease,
  type WaitOptions,
  type ZnodeGrant,
} from './base/index.ts'

export interface LeaderSelectorOptions extends Omit<ContestOptions, 'data'> {
  readonly layout?: Layout
  /** What the others see of this candidate. */
  readonly id?: string
}

/** What a leader does. It has to end soon after the grant's signal has aborted. */
export type Leading<T> = (grant: Grant) => Promise<T>

/**
 * Leadership in turns: whoever leads does something and gives it up; the next one follows.
 *
 * - **Znodes**: those of {@link Mutex}, with the candidate's id as data: in the curator layout a selector and a mutex
 *   at one path exclude each other.
 * - **Guarantees**: at most one leader, as long as what it does ends when the grant's `signal` aborts. A turn is over
 *   only when what was done has ended: nobody else of this process leads meanwhile.
 * - **Failures**: those of the mutex. Leadership that is lost ends the turn.
 * - **Upstream**: Curator's LeaderSelector (`leadAgain` is its `autoRequeue`), kazoo's `Election.run`.
 */
export class LeaderSelector {
  readonly path: string
  readonly id: string
  readonly #contest: Contest
  readonly #turns = new Set<ZnodeGrant>()

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, options: LeaderSelectorOptions = {}) {
    const { id = '', layout, ...rest } = options
    const family = isKazoo(layout, path) ? KAZOO_LOCK : CURATOR_MUTEX
    this.path = path
    this.id = id
    this.#contest = new Contest(zk, path, family, { ...rest, data: id })
  }

  get isLeader(): boolean {
    return [...this.#turns].some(({ isSure }) => isSure)
  }

  /**
   * Waits for leadership, runs `leading` once and gives leadership up. Settles as `leading` does.
   * @param options bound the wait, not the turn
   */
  async lead<T>(leading: Leading<T>, options: WaitOptions = {}): Promise<T> {
    const { zk } = this.#contest
    const grant = await cancellable(zk, 'lead', this.path, options, (cancellation) =>
      this.#contest.acquire('exclusive', cancellation),
    )
    return await this.#turn(grant, leading)
  }

  /**
   * The same again and again, until `signal` aborts: then it resolves, after the turn that is under way has ended. Its
   * grant's signal aborts, too. Rejects when `leading` does, unless that is how it ends a turn that was interrupted or
   * lost: with the reason of the grant's signal or an `AbortError`. Rejects when the candidate cannot go on.
   */
  async leadAgain(
    leading: Leading<unknown>,
    options: { signal?: AbortSignal } = {},
  ): Promise<void> {
    const life = new Cancellation(this.#contest.zk, 'lead', this.path, options)
    try {
      for (;;) {
        const grant = await this.#contest.acquire('exclusive', life)
        const ignore = onAbort(life.signal, () => grant.revoke(life.error!))
        await this.#turn(grant, (held) => untilOver(held, leading)).finally(ignore)
        life.check()
      }
    } catch (error) {
      // Whatever was under way has been cancelled.
      if (life.error === null || !isEndOf(life.error, error)) throw error
    } finally {
      life.end()
    }
  }

  /** Ends the turn that is under way: its signal aborts with a `RecipeError` of code `INTERRUPTED`. */
  interrupt(): void {
    for (const grant of this.#turns) {
      grant.revoke(new RecipeError('INTERRUPTED', grant.path, 'others are to lead'))
    }
  }

  /** All candidates, the leader first. Their data are their ids. */
  async candidates(options: WaitOptions = {}): Promise<Participant[]> {
    return await cancellable(this.#contest.zk, 'candidates', this.path, options, (cancellation) =>
      participants(this.#contest, cancellation),
    )
  }

  async #turn<T>(grant: ZnodeGrant, leading: Leading<T>): Promise<T> {
    this.#turns.add(grant)
    return await thenRelease(grant, async () => {
      try {
        return await leading(grant)
      } finally {
        this.#turns.delete(grant)
      }
    })
  }
}

/** A turn that was taken away has ended, however `leading` says so: the candidate stands again. */
async function untilOver(grant: Grant, leading: Leading<unknown>): Promise<void> {
  try {
    await leading(grant)
  } catch (error) {
    const { aborted, reason } = grant.signal
    if (!aborted || !(isLoss(error) || isEndOf(reason, error))) throw error
  }
}

/** What the client's calls and the turn may reject with because of it. */
function isEndOf(end: Error, error: unknown): boolean {
  return error === end || (error instanceof Error && (error.cause === end || isAbort(error)))
}

function isAbort(error: Error): boolean {
  return error.name === 'AbortError'
}
