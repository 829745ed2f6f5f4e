import { BadVersionError, NoNodeError, ZkError, type ZooKeeper } from '../../src/client/index.ts'
import { Cancellation, type Grant, persist, RecipeError } from '../base/index.ts'
import { FREE, formatLease, type LeaseRecord, parseLease, readLease } from './record.ts'
import { TimedHold } from './timed-hold.ts'

/** Clocks may run so much faster or slower than each other. */
const DRIFT_MARGIN = 0.1
const RENEWALS_PER_DURATION = 3

/** A lease as it was claimed. */
export interface Claim {
  readonly record: LeaseRecord
  readonly version: number
  readonly zxid: bigint
  /** On the monotonic clock: when the claim was sent that was applied. */
  readonly sentAtMs: number
}

/** A lease that this process has, and keeps until `release` or until it is lost. */
export class HeldLease implements Grant {
  readonly path: string
  /** The zxid of the claim: rises from holder to holder. */
  readonly fencingToken: bigint
  readonly signal: AbortSignal
  readonly #zk: ZooKeeper
  readonly #hold: TimedHold
  #record: LeaseRecord
  #version: number
  #sureUntilMs: number

  constructor(zk: ZooKeeper, path: string, claim: Claim) {
    this.#zk = zk
    this.path = path
    this.fencingToken = claim.zxid
    this.#record = claim.record
    this.#version = claim.version
    this.#sureUntilMs = 0
    const { durationMs, id } = claim.record
    this.#hold = new TimedHold({
      ...{ zk, path, leasePath: path, durationMs },
      giveBack: async (cancellation) => await giveBackLease(zk, path, id, cancellation),
    })
    this.signal = this.#hold.signal
    this.#extend(claim.sentAtMs)
    void this.#keep()
  }

  get isSure(): boolean {
    return this.remainingMs > 0
  }

  /** Until then nobody else takes it, without another renewal. */
  get remainingMs(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.#sureUntilMs - this.#nowMs)
  }

  /** Resolves when others may have it. */
  release(): Promise<void> {
    return this.#hold.release()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  get #nowMs(): number {
    return this.#zk.environment.clock.monotonicMs()
  }

  /** A write that was sent then was applied, so others count from no earlier moment. */
  #extend(sentAtMs: number): void {
    const { durationMs } = this.#record
    this.#sureUntilMs = Math.max(this.#sureUntilMs, sentAtMs + durationMs * (1 - DRIFT_MARGIN))
    this.#hold.sureUntil(this.#sureUntilMs)
  }

  async #keep(): Promise<void> {
    const { keeping } = this.#hold
    try {
      for (;;) {
        await this.#untilChangedOrDue()
        const { durationMs } = this.#record
        const dueMs =
          this.#sureUntilMs - durationMs * (1 - DRIFT_MARGIN - 1 / RENEWALS_PER_DURATION)
        if (this.#nowMs >= dueMs) await this.#renew()
      }
    } catch (error) {
      this.#hold.end(error as Error)
    } finally {
      keeping.end()
    }
  }

  /** @throws when somebody has changed it */
  async #untilChangedOrDue(): Promise<void> {
    const { keeping } = this.#hold
    const { signal } = keeping
    const { data, stat, watch } = await persist(keeping, () =>
      this.#zk.getData(this.path, { watch: true, signal }),
    ).catch((error: unknown) => {
      throw error instanceof NoNodeError ? this.#lost('the znode is gone', error) : error
    })
    try {
      this.#recognize(parseLease(this.path, data), stat.version)
      const ms = this.#record.durationMs / RENEWALS_PER_DURATION
      const idle = new Cancellation(this.#zk, 'keep', this.path, { signal })
      try {
        await idle.wait(Promise.race([watch.fired, idle.sleep(ms)]))
      } finally {
        idle.cancel(this.#lost('it was woken up'))
        idle.end()
      }
    } finally {
      void watch.close()
    }
  }

  #recognize(record: LeaseRecord | null, version: number): void {
    if (record?.id !== this.#record.id) throw this.#lost('somebody else has it')
    if (record.isRevoked) throw new RecipeError('REVOKED', this.path, 'somebody wants it back')
    this.#version = version
  }

  async #renew(): Promise<void> {
    const renewals = this.#record.renewals + 1
    this.#record = { ...this.#record, renewals }
    const { keeping } = this.#hold
    const { signal } = keeping
    const sentAtMs = this.#nowMs
    try {
      const data = formatLease(this.#record)
      this.#version = (await this.#zk.setData(this.path, data, this.#version, { signal })).version
    } catch (error) {
      keeping.check()
      const isPassing =
        error instanceof BadVersionError ||
        (error instanceof ZkError && (error.retryable || error.outcome === 'unknown'))
      if (!isPassing) throw error
      const found = await readLease(this.#zk, this.path, keeping)
      if (found === null) throw this.#lost('the znode is gone', error)
      this.#recognize(found.record, found.stat.version)
      if (found.record?.renewals !== renewals) return await keeping.pause()
    }
    this.#extend(sentAtMs)
  }

  #lost(why: string, cause?: unknown): RecipeError {
    return new RecipeError('GRANT_LOST', this.path, why, cause)
  }
}

/** Makes the lease free unless somebody else has it by now. */
export async function giveBackLease(
  zk: ZooKeeper,
  path: string,
  id: string,
  cancellation: Cancellation,
): Promise<void> {
  const { signal } = cancellation
  for (;;) {
    const found = await readLease(zk, path, cancellation)
    if (found?.record?.id !== id) return
    const { version } = found.stat
    try {
      await persist(cancellation, () => zk.setData(path, FREE, version, { signal }), 'idempotent')
      return
    } catch (error) {
      if (error instanceof NoNodeError) return
      // Written by somebody, or by this one with a lost answer.
      if (!(error instanceof BadVersionError)) throw error
    }
  }
}
