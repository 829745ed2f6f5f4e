import { ClosedError, NoNodeError } from '../../src/client/index.ts'
import type { TimerHandle } from '../../src/env/index.ts'
import { Cancellation, type Grant, persist, RecipeError } from '../base/index.ts'
import type { KazooClaim, KazooPlace } from './kazoo-place.ts'
import { holderPath, wallMs } from './kazoo-record.ts'

const RENEWALS_PER_DURATION = 3

/** A lease of kazoo's kind that this process has, and keeps until `release` or until it is lost. */
export class HeldKazooLease implements Grant {
  readonly path: string
  /** The zxid of the claim: rises from holder to holder. */
  readonly fencingToken: bigint
  readonly signal: AbortSignal
  readonly #place: KazooPlace
  readonly #controller = new AbortController()
  readonly #keeping: Cancellation
  #claim: KazooClaim
  #timer: TimerHandle | null = null
  #released: Promise<void> | null = null

  constructor(place: KazooPlace, claim: KazooClaim) {
    this.#place = place
    this.path = holderPath(place.path)
    this.fencingToken = claim.zxid
    this.signal = this.#controller.signal
    this.#claim = claim
    this.#keeping = new Cancellation(place.zk, 'keep', place.path)
    this.#extend(claim)
    void this.#keep()
  }

  get isSure(): boolean {
    return this.remainingMs > 0
  }

  /** Until then nobody else takes it, without another renewal; by both clocks of this machine. */
  get remainingMs(): number {
    if (this.signal.aborted) return 0
    const { zk, nowMs, skewMs } = this.#place
    const { endMs, sureUntilMs } = this.#claim
    return Math.max(0, Math.min(sureUntilMs - nowMs, endMs - skewMs - wallMs(zk)))
  }

  /** Resolves when others may have it. */
  release(): Promise<void> {
    if (this.#released === null) {
      // Before the signal aborts: a listener of it may release, too.
      this.#released = this.#giveBack()
      this.#end(new RecipeError('RELEASED', this.path, 'it was released'))
    }
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  #extend(claim: KazooClaim): void {
    this.#claim = claim
    this.#timer?.cancel()
    this.#timer = this.#place.zk.environment.timers.at(claim.sureUntilMs, () => {
      this.#end(new RecipeError('GRANT_LOST', this.path, 'it could not be renewed in time'))
      // Others need not wait for it, if the connection comes back.
      this.#released ??= this.#giveBack()
      this.#released.catch(() => {})
    })
  }

  #end(reason: Error): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#keeping.cancel(reason)
    this.#controller.abort(reason)
  }

  async #keep(): Promise<void> {
    const { durationMs } = this.#place
    let dueMs = this.#place.nowMs + durationMs / RENEWALS_PER_DURATION
    try {
      for (;;) {
        await this.#untilChanged(dueMs)
        if (this.#place.nowMs < dueMs) continue
        dueMs = this.#place.nowMs + durationMs / RENEWALS_PER_DURATION
        const renewed = await this.#place.renew(this.#keeping, this.fencingToken)
        if (renewed === null) throw this.#lost()
        this.#keeping.check()
        this.#extend(renewed)
      }
    } catch (error) {
      this.#end(error as Error)
    } finally {
      this.#keeping.end()
    }
  }

  /** Or until then. @throws when it is somebody else's */
  async #untilChanged(untilMs: number): Promise<void> {
    const { zk, nowMs } = this.#place
    const keeping = this.#keeping
    const { signal } = keeping
    const { stat, watch } = await persist(keeping, () =>
      zk.getData(this.path, { watch: true, signal }),
    ).catch((error: unknown) => {
      throw error instanceof NoNodeError ? this.#lost() : error
    })
    const idle = new Cancellation(zk, 'keep', this.path, { signal })
    try {
      if (stat.czxid !== this.fencingToken) throw this.#lost()
      if (untilMs <= nowMs) return
      await idle.wait(Promise.race([watch.fired, idle.sleep(untilMs - nowMs)]))
    } finally {
      idle.end()
      void watch.close()
    }
  }

  async #giveBack(): Promise<void> {
    const { zk, path, durationMs } = this.#place
    // After that it is everybody's.
    const cancellation = new Cancellation(zk, 'release', path, { timeoutMs: durationMs })
    try {
      await this.#place.giveBack(cancellation, ({ stat }) => stat.czxid === this.fencingToken)
    } catch (error) {
      if (cancellation.error === null && !(error instanceof ClosedError)) throw error
    } finally {
      cancellation.end()
    }
  }

  #lost(): RecipeError {
    return new RecipeError('GRANT_LOST', this.path, 'somebody else has it')
  }
}
