import { InvalidArgumentError, type OneShotWatch, type ZooKeeper } from '../src/client/index.ts'
import { Cancellation, cancellable, persist, uuid, type WaitOptions } from './base/index.ts'
import {
  HeldKazooLease,
  holderPath,
  type KazooLeaseOptions,
  type KazooLeaseRecord,
  KazooPlace,
  readKazooLease,
} from './leases/index.ts'

/** What is less than a second is no part of an end. */
const SECOND_MS = 1000

/**
 * A claim for a time beside kazoo's NonBlockingLease, whose rules it keeps: wall clocks are compared. Where nobody uses
 * kazoo take `Lease`, which compares none.
 *
 * - **Znodes**: `P/lease_holder`, persistent, JSON: holder, end in UTC, version 1. It is written under kazoo's lock,
 *   `P/HEX__lock__N`, only. While somebody writes: receipts, `P-receipt-HEX`, ephemeral.
 * - **Guarantees**: at most one holder, as long as it stops when `signal` aborts, everybody asks for the lock, no two have
 *   the same name, and no two wall clocks differ by more than `skewMs`: the holder counts that from the end, who waits
 *   adds it. kazoo's own do neither. Fencing tokens rise from holder to holder.
 * - **Failures**: lost connections and sessions do not matter as long as a renewal succeeds in time. What is claimed by a
 *   call that was given up is given back in the background.
 * - **Upstream**: kazoo's NonBlockingLease; it does not renew by itself, and cannot be given back. Its
 *   MultiNonBlockingLease is one of these at each of `P/0`, `P/1`, ….
 */
export class KazooLease {
  readonly path: string
  readonly holder: string
  readonly #zk: ZooKeeper
  readonly #place: KazooPlace

  /** Does nothing yet. @throws InvalidArgumentError */
  constructor(zk: ZooKeeper, path: string, options: KazooLeaseOptions) {
    const { durationMs, skewMs = SECOND_MS } = options
    if (!(skewMs >= 0) || !(durationMs >= 2 * (skewMs + SECOND_MS)) || durationMs > 2 ** 42) {
      const message = `durationMs is ${durationMs} and skewMs ${skewMs}: a lease lasts for twice a second and the skew at least`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path })
    }
    this.path = path
    this.holder = options.holder ?? uuid(zk.environment.random)
    this.#zk = zk
    this.#place = new KazooPlace(zk, path, this.holder, options)
  }

  /** Waits until it is free or has run out. */
  async acquire(options: WaitOptions = {}): Promise<HeldKazooLease> {
    return await cancellable(this.#zk, 'acquire', this.path, options, async (cancellation) => {
      for (;;) {
        const watch = await this.#watch(cancellation)
        try {
          const held = await this.#tryAcquire(cancellation)
          if (held !== null) return held
          await this.#untilChanged(watch, cancellation)
        } finally {
          void watch.close()
        }
      }
    })
  }

  /** Null when somebody has it. Whoever looks at the same moment is waited for. */
  async tryAcquire(options: WaitOptions = {}): Promise<HeldKazooLease | null> {
    return await cancellable(this.#zk, 'tryAcquire', this.path, options, (cancellation) =>
      this.#tryAcquire(cancellation),
    )
  }

  /** Who has it, or had it when it ran out; null when it is free. */
  async get(options: WaitOptions = {}): Promise<KazooLeaseRecord | null> {
    return await cancellable(this.#zk, 'get', this.path, options, async (cancellation) => {
      const found = await readKazooLease(this.#zk, this.path, cancellation)
      return found?.record ?? null
    })
  }

  async #tryAcquire(cancellation: Cancellation): Promise<HeldKazooLease | null> {
    const found = await readKazooLease(this.#zk, this.path, cancellation)
    // Before anything is created: the lock is for those who have a chance.
    if (this.#place.waitMs(found) > 0) return null
    const ends = new Set<number>()
    try {
      const claim = await this.#place.claim(cancellation, (endMs) => ends.add(endMs))
      if (claim === null) return null
      const held = new HeldKazooLease(this.#place, claim)
      this.#place.own = held
      return held
    } catch (error) {
      if (ends.size > 0) this.#giveBack(ends)
      throw error
    }
  }

  async #watch(cancellation: Cancellation): Promise<OneShotWatch> {
    const { signal } = cancellation
    const at = holderPath(this.path)
    const { watch } = await persist(cancellation, () =>
      this.#zk.exists(at, { watch: true, signal }),
    )
    return watch
  }

  /** Or until it has run out. */
  async #untilChanged(watch: OneShotWatch, cancellation: Cancellation): Promise<void> {
    const waitMs = this.#place.waitMs(await readKazooLease(this.#zk, this.path, cancellation))
    if (waitMs <= 0) return
    const { signal } = cancellation
    const waiting = new Cancellation(this.#zk, 'acquire', this.path, { signal })
    const overdue = Number.isFinite(waitMs) ? [waiting.sleep(waitMs)] : []
    try {
      await waiting.wait(Promise.race([watch.fired, ...overdue]))
    } finally {
      waiting.end()
    }
  }

  /** What may have been claimed and nobody wants any more. In the background. */
  #giveBack(ends: ReadonlySet<number>): void {
    const { durationMs } = this.#place
    const cancellation = new Cancellation(this.#zk, 'release', this.path, { timeoutMs: durationMs })
    const { signal } = cancellation
    const settled = async (): Promise<void> => {
      // The claim may have gone to a server that this one has to catch up with.
      await persist(cancellation, () => this.#zk.sync(this.path, { signal }))
      await this.#place.giveBack(cancellation, (found) => {
        const { record } = found
        return record?.holder === this.holder && ends.has(record.endMs) && !this.#place.isOwn(found)
      })
    }
    settled().then(
      () => cancellation.end(),
      () => cancellation.end(),
    )
  }
}
