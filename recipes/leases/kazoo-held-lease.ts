import { NoNodeError } from '../../src/client/index.ts'
import { Cancellation, type Grant, persist, RecipeError } from '../base/index.ts'
import type { KazooClaim, KazooPlace } from './kazoo-place.ts'
import { holderPath, wallMs } from './kazoo-record.ts'
import { TimedHold } from './timed-hold.ts'

const RENEWALS_PER_DURATION = 3

/** A lease of kazoo's kind that this process has, and keeps until `release` or until it is lost. */
export class HeldKazooLease implements Grant {
  readonly path: string
  /** The zxid of the claim: rises from holder to holder. */
  readonly fencingToken: bigint
  readonly signal: AbortSignal
  readonly #place: KazooPlace
  readonly #hold: TimedHold
  #claim: KazooClaim

  constructor(place: KazooPlace, claim: KazooClaim) {
    this.#place = place
    this.path = holderPath(place.path)
    this.fencingToken = claim.zxid
    this.#hold = new TimedHold({
      zk: place.zk,
      path: this.path,
      leasePath: place.path,
      durationMs: place.durationMs,
      giveBack: async (cancellation) =>
        await place.giveBack(cancellation, ({ stat }) => stat.czxid === this.fencingToken),
    })
    this.signal = this.#hold.signal
    this.#claim = claim
    this.#hold.sureUntil(claim.sureUntilMs)
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
    return this.#hold.release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  async #keep(): Promise<void> {
    const { durationMs } = this.#place
    const { keeping } = this.#hold
    let dueMs = this.#place.nowMs + durationMs / RENEWALS_PER_DURATION
    try {
      for (;;) {
        await this.#untilChanged(dueMs)
        if (this.#place.nowMs < dueMs) continue
        dueMs = this.#place.nowMs + durationMs / RENEWALS_PER_DURATION
        const renewed = await this.#place.renew(keeping, this.fencingToken)
        if (renewed === null) throw this.#lost()
        keeping.check()
        this.#claim = renewed
        this.#hold.sureUntil(renewed.sureUntilMs)
      }
    } catch (error) {
      this.#hold.end(error as Error)
    } finally {
      keeping.end()
    }
  }

  /** Or until then. @throws when it is somebody else's */
  async #untilChanged(untilMs: number): Promise<void> {
    const { zk, nowMs } = this.#place
    const { keeping } = this.#hold
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

  #lost(): RecipeError {
    return new RecipeError('GRANT_LOST', this.path, 'somebody else has it')
  }
}
