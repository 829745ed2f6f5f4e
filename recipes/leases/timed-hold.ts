import { ClosedError, type ZooKeeper } from '../../src/client/index.ts'
import type { TimerHandle } from '../../src/env/index.ts'
import { Cancellation, RecipeError } from '../base/index.ts'

export interface TimedHoldOptions {
  readonly zk: ZooKeeper
  /** Of the znode that is held; errors name it. */
  readonly path: string
  /** Of the lease, which calls are made for. */
  readonly leasePath: string
  readonly durationMs: number
  /** Makes the lease free unless somebody else has it by now. */
  readonly giveBack: (cancellation: Cancellation) => Promise<void>
}

/** The life of a lease that is held, of whatever kind: sure until a moment that renewals move on, given back once. */
export class TimedHold {
  /** Ends with the lease; what keeps it goes on until then. */
  readonly keeping: Cancellation
  readonly signal: AbortSignal
  readonly #options: TimedHoldOptions
  readonly #controller = new AbortController()
  #timer: TimerHandle | null = null
  #released: Promise<void> | null = null

  constructor(options: TimedHoldOptions) {
    this.#options = options
    this.signal = this.#controller.signal
    this.keeping = new Cancellation(options.zk, 'keep', options.leasePath)
  }

  /** It is lost then, on the monotonic clock, unless that moment is moved on before. */
  sureUntil(untilMs: number): void {
    const { zk, path } = this.#options
    this.#timer?.cancel()
    this.#timer = zk.environment.timers.at(untilMs, () => {
      this.end(new RecipeError('GRANT_LOST', path, 'it could not be renewed in time'))
      // Others need not wait for it, if the connection comes back.
      this.#released ??= this.#giveBack()
      this.#released.catch(() => {})
    })
  }

  end(reason: Error): void {
    this.#timer?.cancel()
    this.#timer = null
    this.keeping.cancel(reason)
    this.#controller.abort(reason)
  }

  /** Resolves when others may have it. */
  release(): Promise<void> {
    if (this.#released === null) {
      // Before the signal aborts: a listener of it may release, too.
      this.#released = this.#giveBack()
      this.end(new RecipeError('RELEASED', this.#options.path, 'it was released'))
    }
    return this.#released
  }

  async #giveBack(): Promise<void> {
    const { zk, leasePath, durationMs, giveBack } = this.#options
    // After that it is everybody's.
    const cancellation = new Cancellation(zk, 'release', leasePath, { timeoutMs: durationMs })
    try {
      await giveBack(cancellation)
    } catch (error) {
      if (cancellation.error === null && !(error instanceof ClosedError)) throw error
    } finally {
      cancellation.end()
    }
  }
}
