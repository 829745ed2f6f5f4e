import { ClosedError, type ZooKeeper } from '../src/client/index.ts'
import {
  Cancellation,
  Contest,
  type ContestOptions,
  CURATOR_LATCH,
  cancellable,
  type Entry,
  type Grant,
  isKazoo,
  isLoss,
  KAZOO_LOCK,
  type Layout,
  liveSession,
  onAbort,
  type Participant,
  participants,
  RecipeError,
  type WaitOptions,
} from './base/index.ts'

export interface LeaderLatchOptions extends Omit<ContestOptions, 'data'> {
  readonly layout?: Layout
  /** What the others see of this candidate. */
  readonly id?: string
}

/**
 * Leadership that is kept until the latch is closed or the session is lost; then the next candidate leads, and this
 * one stands again.
 *
 * - **Znodes**: `P/_c_UUID-latch-N` with the candidate's id as data (curator), `P/HEX__lock__N` (kazoo),
 *   ephemeral-sequential.
 * - **Guarantees**: at most one leader, as long as it stops when `signal` of its grant aborts. All steps of a latch are
 *   taken one after the other, so that a reconnect and a loss never delete or create each other's znodes (B4).
 * - **Failures**: those of the mutex. After a loss the latch stands again at the end of the queue, by itself.
 * - **Upstream**: Curator's LeaderLatch; its policy of errors is `isStrict` here (Curator's default is to be strict).
 *   kazoo's Election.
 */
export class LeaderLatch implements AsyncDisposable {
  readonly path: string
  readonly id: string
  readonly #contest: Contest
  readonly #life: Cancellation
  readonly #listeners = new Set<(grant: Grant | null) => void>()
  #grant: Grant | null = null
  #running: Promise<void> | null = null
  #closed: Promise<void> | null = null

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string, options: LeaderLatchOptions = {}) {
    const { id = '', layout, ...rest } = options
    const family = isKazoo(layout, path) ? KAZOO_LOCK : CURATOR_LATCH
    this.path = path
    this.id = id
    this.#contest = new Contest(zk, path, family, { ...rest, data: id })
    this.#life = new Cancellation(zk, 'stand', path)
  }

  /** The leadership while it is held, else null. */
  get grant(): Grant | null {
    return this.#grant?.isSure === true ? this.#grant : null
  }

  get isLeader(): boolean {
    return this.grant !== null
  }

  /** Becomes a candidate. Nothing happens when it is one, or closed. */
  start(): void {
    if (this.#life.error === null) this.#running ??= this.#run()
  }

  /** Calls `listener` when leadership begins, and with null when it ends. Returns what ends that. */
  onChange(listener: (grant: Grant | null) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /**
   * Resolves when this candidate leads. Rejects when the latch is closed or cannot go on: contenders of another layout,
   * no permission, a client that was closed.
   */
  async leadership(options: WaitOptions = {}): Promise<Grant> {
    const { zk } = this.#contest
    this.start()
    return await cancellable(zk, 'leadership', this.path, options, async (cancellation) => {
      for (;;) {
        this.#life.check()
        if (this.grant !== null) return this.grant
        await this.#untilChange(cancellation)
      }
    })
  }

  /** All candidates, the leader first. Their data are their ids. */
  async candidates(options: WaitOptions = {}): Promise<Participant[]> {
    return await cancellable(this.#contest.zk, 'candidates', this.path, options, (cancellation) =>
      participants(this.#contest, cancellation),
    )
  }

  /** Gives leadership up and stands no more. Resolves as `release` of a grant does. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#life.cancel(new RecipeError('RELEASED', this.path, 'the latch was closed'))
    await this.#running
    this.#life.end()
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const entry = await this.#lead()
        await entry.leave(this.#life.error ?? new RecipeError('RELEASED', this.path, 'once more'))
        if (this.#life.error !== null) return
      }
    } catch (error) {
      if (this.#life.error !== null) return
      const { logger } = this.#contest.zk.environment
      // Who closes the client knows what that means.
      if (!(error instanceof ClosedError)) {
        logger.error('a candidate cannot go on', { path: this.path, error: String(error) })
      }
      this.#life.cancel(error as Error)
    }
  }

  /** From the creation of a znode to the end of its leadership, or of the latch. */
  async #lead(): Promise<Entry> {
    const life = this.#life
    for (;;) {
      const session = await liveSession(this.#contest.zk, life)
      const entry = await this.#contest.enter('exclusive', session, life).catch(ignoreLoss)
      if (entry === null) {
        await life.pause()
        continue
      }
      try {
        const grant = await entry.grant(life)
        this.#tell(grant)
        await this.#untilOver(grant)
        return entry
      } catch (error) {
        if (life.error !== null) return entry
        if (!isLoss(error)) throw error
      }
      await life.pause()
    }
  }

  async #untilOver(grant: Grant): Promise<void> {
    let ignore = (): void => {}
    const over = new Promise<void>((resolve) => {
      ignore = onAbort(grant.signal, resolve)
    })
    try {
      await this.#life.wait(over)
    } finally {
      ignore()
      this.#tell(null)
    }
  }

  /** Until leadership begins or ends, or nothing will change any more. */
  async #untilChange(cancellation: Cancellation): Promise<void> {
    let ignore = (): void => {}
    const changed = new Promise<void>((resolve) => {
      const ignoreEnd = onAbort(this.#life.signal, resolve)
      const ignoreChange = this.onChange(() => resolve())
      ignore = () => {
        ignoreEnd()
        ignoreChange()
      }
    })
    try {
      await cancellation.wait(changed)
    } finally {
      ignore()
    }
  }

  #tell(grant: Grant | null): void {
    this.#grant = grant
    for (const listener of [...this.#listeners]) {
      try {
        listener(grant)
      } catch (error) {
        const { logger } = this.#contest.zk.environment
        logger.error('a listener of a latch failed', { path: this.path, error: String(error) })
      }
    }
  }
}

function ignoreLoss(error: unknown): null {
  if (!isLoss(error)) throw error
  return null
}
