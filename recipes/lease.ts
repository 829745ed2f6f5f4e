import {
  type Acl,
  BadVersionError,
  InvalidArgumentError,
  NodeExistsError,
  NoNodeError,
  type OneShotWatch,
  parentOf,
  type Stat,
  ZkError,
  type ZooKeeper,
} from '../src/client/index.ts'
import {
  boundedWrite,
  Cancellation,
  cancellable,
  mayBeApplied,
  persist,
  uuid,
  type WaitOptions,
} from './base/index.ts'
import {
  type Claim,
  type FoundLease,
  formatLease,
  giveBackLease,
  HeldLease,
  type LeaseRecord,
  readLease,
} from './leases/index.ts'

export interface LeaseOptions {
  /** For so long after its last renewal nobody else takes the lease. */
  readonly durationMs: number
  /**
   * A name that this holder keeps over a restart: it gets the lease back at once, and whoever had it under the same name
   * loses it, without knowing it at once. Unless given it is one that no other claim has.
   */
  readonly holder?: string
  /** Of the znode, if this client creates it. */
  readonly acl?: readonly Acl[]
}

export interface LeaseInfo {
  readonly holder: string
  readonly durationMs: number
  /** Somebody has asked for it back. */
  readonly isRevoked: boolean
}

/**
 * A claim for a time: one holder has it, keeps it by renewing it, and may be asked for it back. Unlike a lock it does not
 * hang on the session: it outlives a restart that is shorter than its duration.
 *
 * - **Znodes**: `P`, persistent, JSON: holder, id of the claim, duration, renewals, whether it is revoked. Empty while
 *   nobody has it; it is never deleted, so that its version never comes again.
 * - **Guarantees**: at most one holder, as long as it stops when `signal` aborts, and no clock runs more than 10 % faster
 *   or slower than another. Wall clocks do not matter: who wants a lease counts its duration from the moment at which he
 *   has seen the last renewal, the holder from the moment at which it has sent it. Fencing tokens rise from holder to
 *   holder. A `Lease` that has just been made does not know how old a renewal is, and waits for a whole duration.
 * - **Failures**: lost connections and sessions do not matter as long as a renewal succeeds within nine tenths of the
 *   duration. What is claimed by a call that was given up is given back in the background.
 * - **Upstream**: etcd's leases. kazoo's NonBlockingLease has other znodes and compares wall clocks: `KazooLease`.
 */
export class Lease {
  readonly path: string
  readonly #zk: ZooKeeper
  readonly #options: LeaseOptions
  /** What this object has claimed last. */
  #own: { readonly id: string; readonly held: HeldLease } | null = null
  /** The last state of a foreign claim, and since when it is known to be the last. */
  #seen: { readonly version: number; readonly czxid: bigint; readonly sinceMs: number } | null =
    null

  /** Does nothing yet. @throws InvalidArgumentError */
  constructor(zk: ZooKeeper, path: string, options: LeaseOptions) {
    const { durationMs } = options
    if (!Number.isFinite(durationMs) || durationMs < 1) {
      const message = `durationMs is ${durationMs}, not a number from 1`
      throw new InvalidArgumentError('INVALID_ARGUMENT', message, { path })
    }
    this.path = path
    this.#zk = zk
    this.#options = options
  }

  /** Waits until it is free or has run out. */
  async acquire(options: WaitOptions = {}): Promise<HeldLease> {
    return await cancellable(this.#zk, 'acquire', this.path, options, async (cancellation) => {
      for (;;) {
        const { found, watch } = await this.#look(cancellation)
        try {
          const waitMs = this.#waitMs(found)
          if (waitMs > 0) await this.#untilChanged(watch, waitMs, cancellation)
          else {
            const held = await this.#claim(found, cancellation)
            if (held !== null) return held
          }
        } finally {
          void watch.close()
        }
      }
    })
  }

  /** Null when somebody has it, or it is not known long enough that he has not renewed it. */
  async tryAcquire(options: WaitOptions = {}): Promise<HeldLease | null> {
    return await boundedWrite(this.#zk, 'tryAcquire', this.path, options, async (cancellation) => {
      const found = await readLease(this.#zk, this.path, cancellation)
      return this.#waitMs(found) > 0 ? null : await this.#claim(found, cancellation)
    })
  }

  /** Who has it, or had it when it ran out; null when it is free. */
  async get(options: WaitOptions = {}): Promise<LeaseInfo | null> {
    return await boundedWrite(this.#zk, 'get', this.path, options, async (cancellation) => {
      const record = (await readLease(this.#zk, this.path, cancellation))?.record
      if (record === undefined || record === null) return null
      const { holder, durationMs, isRevoked } = record
      return { holder, durationMs, isRevoked }
    })
  }

  /**
   * Asks whoever has it to give it back: its signal aborts with `REVOKED`, and it is not renewed any more. Until it is
   * released or has run out, nobody else gets it. False when it is free.
   */
  async revoke(options: WaitOptions = {}): Promise<boolean> {
    return await boundedWrite(this.#zk, 'revoke', this.path, options, async (cancellation) => {
      const { signal } = cancellation
      let id: string | null = null
      for (;;) {
        const found = await readLease(this.#zk, this.path, cancellation)
        const record = found?.record ?? null
        // Not the next holder.
        if (record === null || (id !== null && record.id !== id)) return id !== null
        if (record.isRevoked) return true
        id = record.id
        const data = formatLease({ ...record, isRevoked: true })
        const { version } = found!.stat
        try {
          await persist(
            cancellation,
            () => this.#zk.setData(this.path, data, version, { signal }),
            'idempotent',
          )
          return true
        } catch (error) {
          if (!(error instanceof BadVersionError || error instanceof NoNodeError)) throw error
        }
      }
    })
  }

  /** With a watch that was set before. */
  async #look(
    cancellation: Cancellation,
  ): Promise<{ readonly found: FoundLease | null; readonly watch: OneShotWatch }> {
    const { signal } = cancellation
    const { watch } = await persist(cancellation, () =>
      this.#zk.exists(this.path, { watch: true, signal }),
    )
    try {
      return { found: await readLease(this.#zk, this.path, cancellation), watch }
    } catch (error) {
      void watch.close()
      throw error
    }
  }

  /** How long it has to be left to its holder, as far as this client knows. */
  #waitMs(found: FoundLease | null): number {
    if (found === null || found.record === null || this.#isNamesake(found.record)) return 0
    const { version, czxid } = found.stat
    const nowMs = this.#zk.environment.clock.monotonicMs()
    if (this.#seen?.version !== version || this.#seen.czxid !== czxid) {
      this.#seen = { version, czxid, sinceMs: nowMs }
    }
    return this.#seen.sinceMs + found.record.durationMs - nowMs
  }

  /** The same holder before a restart; not somebody else in this process. */
  #isNamesake({ holder, id }: LeaseRecord): boolean {
    if (holder !== this.#options.holder) return false
    return this.#own?.id !== id || !this.#own.held.isSure
  }

  async #untilChanged(
    watch: OneShotWatch,
    waitMs: number,
    { signal }: Cancellation,
  ): Promise<void> {
    const waiting = new Cancellation(this.#zk, 'acquire', this.path, { signal })
    try {
      await waiting.wait(Promise.race([watch.fired, waiting.sleep(waitMs)]))
    } finally {
      waiting.end()
    }
  }

  /** Null: somebody was faster. */
  async #claim(found: FoundLease | null, cancellation: Cancellation): Promise<HeldLease | null> {
    const id = uuid(this.#zk.environment.random)
    const record: LeaseRecord = {
      holder: this.#options.holder ?? id,
      id,
      durationMs: this.#options.durationMs,
      renewals: 0,
      isRevoked: false,
    }
    const stat = found?.stat ?? null
    try {
      const claim = await this.#write(record, stat, cancellation)
      if (claim === null) return null
      const held = new HeldLease(this.#zk, this.path, claim)
      this.#own = { id, held }
      return held
    } catch (error) {
      this.#giveBack(record)
      throw error
    }
  }

  async #write(
    record: LeaseRecord,
    old: Stat | null,
    cancellation: Cancellation,
  ): Promise<Claim | null> {
    const { signal } = cancellation
    const data = formatLease(record)
    const { acl } = this.#options
    const withAcl = acl === undefined ? {} : { acl }
    for (let sentAtMs = 0; ; ) {
      cancellation.check()
      // The earliest: any of the tries may be the one that was applied.
      if (sentAtMs === 0) sentAtMs = this.#zk.environment.clock.monotonicMs()
      try {
        if (old !== null) {
          const { version, mzxid } = await this.#zk.setData(this.path, data, old.version, {
            signal,
          })
          return { record, version, zxid: mzxid, sentAtMs }
        }
        const { stat } = await this.#zk.create(this.path, data, { signal, ...withAcl })
        return { record, version: stat.version, zxid: stat.mzxid, sentAtMs }
      } catch (error) {
        if (error instanceof BadVersionError || error instanceof NodeExistsError) {
          return await this.#recognize(record, sentAtMs, cancellation)
        }
        if (error instanceof NoNodeError) {
          if (old !== null) return null
          const options = { signal, ...withAcl }
          const parent = parentOf(this.path)
          await persist(cancellation, () => this.#zk.ensurePath(parent, options), 'idempotent')
        } else if (!mayBeApplied(error) && !(error instanceof ZkError && error.retryable))
          throw error
        else await cancellation.pause()
      }
    }
  }

  /** It has changed: by this claim, whose answer was lost? */
  async #recognize(
    record: LeaseRecord,
    sentAtMs: number,
    cancellation: Cancellation,
  ): Promise<Claim | null> {
    const found = await readLease(this.#zk, this.path, cancellation)
    if (found?.record?.id !== record.id) return null
    const { version, mzxid } = found.stat
    return { record: found.record, version, zxid: mzxid, sentAtMs }
  }

  /** What may have been claimed and nobody wants any more. In the background. */
  #giveBack({ id, durationMs }: LeaseRecord): void {
    const cancellation = new Cancellation(this.#zk, 'release', this.path, { timeoutMs: durationMs })
    const { signal } = cancellation
    const settled = async (): Promise<void> => {
      // The claim may have gone to a server that this one has to catch up with.
      await persist(cancellation, () => this.#zk.sync(this.path, { signal }))
      await giveBackLease(this.#zk, this.path, id, cancellation)
    }
    settled().then(
      () => cancellation.end(),
      () => cancellation.end(),
    )
  }
}
