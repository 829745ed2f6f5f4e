import {
  type Acl,
  type CallOptions,
  type Transaction,
  TransactionError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import {
  type Cancellation,
  Contest,
  isLoss,
  KAZOO_LOCK,
  Receipts,
  type ZnodeGrant,
} from '../base/index.ts'
import {
  type FoundKazooLease,
  formatKazooLease,
  holderPath,
  type KazooLeaseRecord,
  readKazooLease,
  wallMs,
} from './kazoo-record.ts'

export interface KazooLeaseOptions {
  /** For so long after its last renewal nobody else takes the lease. */
  readonly durationMs: number
  /**
   * A name that this holder keeps over a restart: it gets the lease back at once, and whoever had it under the same name
   * loses it. Unless given it is one that nobody else has; kazoo's is the host's name.
   */
  readonly holder?: string
  /** By so much two wall clocks may differ; 1000 unless given. */
  readonly skewMs?: number
  /** Of what it creates. */
  readonly acl?: readonly Acl[]
}

/** A claim, or its last renewal, as it was written. */
export interface KazooClaim {
  /** Of the transaction. */
  readonly zxid: bigint
  readonly endMs: number
  /** On the monotonic clock: until then nobody else takes it. */
  readonly sureUntilMs: number
}

type AnyTransaction = Transaction<readonly unknown[], CallOptions>
/** What to write. */
type Add = (transaction: AnyTransaction) => AnyTransaction

/** Where a lease of kazoo is: everything that is written there is written under kazoo's lock. */
export class KazooPlace {
  readonly zk: ZooKeeper
  readonly path: string
  readonly holder: string
  readonly durationMs: number
  readonly skewMs: number
  /** What this process has claimed last. */
  own: { readonly fencingToken: bigint; readonly isSure: boolean } | null = null
  readonly #lock: Contest
  readonly #receipts: Receipts
  readonly #withAcl: { readonly acl?: readonly Acl[] }

  constructor(zk: ZooKeeper, path: string, holder: string, options: KazooLeaseOptions) {
    const { durationMs, skewMs = 1000, acl } = options
    this.zk = zk
    this.path = path
    this.holder = holder
    this.durationMs = durationMs
    this.skewMs = skewMs
    this.#withAcl = acl === undefined ? {} : { acl }
    this.#lock = new Contest(zk, path, KAZOO_LOCK, { data: holder, ...this.#withAcl })
    this.#receipts = new Receipts(zk, path)
  }

  get nowMs(): number {
    return this.zk.environment.clock.monotonicMs()
  }

  /** By this clock and any that it may be compared with: how long the lease has to be left to others. */
  waitMs(found: FoundKazooLease | null): number {
    if (found === null) return 0
    const { record } = found
    if (record === null) return Number.POSITIVE_INFINITY
    // The same holder before a restart; not somebody else in this process.
    if (record.holder === this.holder && !this.isOwn(found)) return 0
    return record.endMs + this.skewMs - wallMs(this.zk)
  }

  /** It is the one that this process has now. */
  isOwn({ stat }: FoundKazooLease): boolean {
    return this.own?.isSure === true && this.own.fencingToken === stat.czxid
  }

  /** Null: somebody else has it. @param onWrite is told the end of every claim that may be applied */
  async claim(
    cancellation: Cancellation,
    onWrite: (endMs: number) => void,
  ): Promise<KazooClaim | null> {
    return await this.#extend(cancellation, (found, data, endMs) => {
      if (this.waitMs(found) > 0) return null
      onWrite(endMs)
      // As kazoo: the znode of another claim is another znode, so its czxid tells whose it is.
      return (transaction) => {
        const at = holderPath(this.path)
        if (found === null) return transaction.create(at, data, this.#withAcl)
        return transaction.delete(at, found.stat.version).create(at, data, this.#withAcl)
      }
    })
  }

  /** Null: it is somebody else's by now. */
  async renew(cancellation: Cancellation, czxid: bigint): Promise<KazooClaim | null> {
    return await this.#extend(cancellation, (found, data) => {
      if (found?.stat.czxid !== czxid) return null
      const { version } = found.stat
      return (transaction) => transaction.setData(holderPath(this.path), data, version)
    })
  }

  /** Makes it free if it is the one that `isOwn` knows. */
  async giveBack(
    cancellation: Cancellation,
    isOwn: (found: FoundKazooLease) => boolean,
  ): Promise<void> {
    await this.#underLock(cancellation, (found) => {
      if (found === null || !isOwn(found)) return null
      const { version } = found.stat
      return (transaction) => transaction.delete(holderPath(this.path), version)
    })
  }

  async #extend(
    cancellation: Cancellation,
    step: (found: FoundKazooLease | null, data: string, endMs: number) => Add | null,
  ): Promise<KazooClaim | null> {
    let written: Omit<KazooClaim, 'zxid'> = { endMs: 0, sureUntilMs: 0 }
    const zxid = await this.#underLock(cancellation, (found) => {
      const nowMs = wallMs(this.zk)
      // kazoo drops what is less than a second.
      const endMs = Math.floor((nowMs + this.durationMs) / 1000) * 1000
      written = { endMs, sureUntilMs: this.nowMs + endMs - nowMs - this.skewMs }
      const record: KazooLeaseRecord = { holder: this.holder, endMs }
      return step(found, formatKazooLease(record), endMs)
    })
    return zxid === null ? null : { zxid, ...written }
  }

  /** Resolves with the zxid of what was written; null when there was nothing to write. */
  async #underLock(
    cancellation: Cancellation,
    step: (found: FoundKazooLease | null) => Add | null,
  ): Promise<bigint | null> {
    for (;;) {
      const lock = await this.#lock.acquire('exclusive', cancellation)
      try {
        const add = step(await readKazooLease(this.zk, this.path, cancellation))
        if (add === null) return null
        return await this.#write(add, lock, cancellation)
      } catch (error) {
        if (cancellation.error !== null) throw error
        // The lock was lost, or somebody does not ask for it. What may have been written all the same is found again.
        if (!(error instanceof TransactionError || isLoss(error))) throw error
      } finally {
        // Others wait for it, not this caller. The janitor reports a failure.
        lock.release().catch(() => {})
      }
      await cancellation.pause()
    }
  }

  /** Only while the lock is there: whoever has it next finds this written, or never. */
  async #write(add: Add, lock: ZnodeGrant, cancellation: Cancellation): Promise<bigint> {
    const written = await this.#receipts.write<readonly unknown[]>(
      (transaction) => add(transaction.check(lock.path)),
      cancellation,
      { sessionId: lock.session.id },
    )
    return written.zxid
  }
}
