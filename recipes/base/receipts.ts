import {
  nameOf,
  parentOf,
  type Session,
  SessionLostError,
  ZkError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import type { TimerHandle } from '../../src/env/index.ts'
import { type Cancellation, cancellable, type WaitOptions } from './cancellation.ts'
import { hexId } from './ids.ts'
import { Janitor } from './janitor.ts'
import { liveSession, sessionOfId } from './perseverance.ts'
import { type AddOperations, Receipt, type Written } from './receipt.ts'

/** How long a receipt that nobody needs is kept for the next write. */
const IDLE_MS = 2000
const IDLE_RECEIPTS_MAX = 8
/** Of a write whose caller sets no limit. */
const WRITE_TIMEOUT_MS = 30_000

/**
 * Looks whether a write was applied when the session has ended that it was sent in, by other means than the receipt.
 * False: not, and it never will be. Null: nobody knows.
 */
export type Evidence = (cancellation: Cancellation) => Promise<false | null>

export interface WriteOptions {
  readonly evidence?: Evidence
  /** The write fails with `SESSION_LOST` rather than go out in another session. */
  readonly sessionId?: bigint
}

/**
 * Writes that have their effect once, and of which is told whether they had it, also when the answer is lost.
 *
 * A write goes out as a transaction that also writes a receipt: an ephemeral znode `P-receipt-HEX` of this client. When
 * the answer is lost the receipt tells, after it was made sure that the transaction is not still on its way. What
 * remains unknown is a write whose answer is lost and whose session ends before it was found out.
 */
export class Receipts {
  readonly #zk: ZooKeeper
  readonly #prefix: string
  readonly #idle: { readonly receipt: Receipt; readonly timer: TimerHandle }[] = []
  #ignoreState: (() => void) | null = null

  /** @param path beside which the receipts are */
  constructor(zk: ZooKeeper, path: string) {
    this.#zk = zk
    this.#prefix = path === '/' ? '/receipt-' : `${path}-receipt-`
  }

  /**
   * Applies a transaction.
   * @throws TransactionError when the server refuses one of its operations
   * @throws ZkError with the outcome `unknown`: nobody knows whether it was applied. With any other error it was not,
   *   and will not be.
   */
  async write<R extends readonly unknown[]>(
    add: AddOperations<R>,
    cancellation: Cancellation,
    { evidence = nobodyKnows, sessionId }: WriteOptions = {},
  ): Promise<Written<R>> {
    for (;;) {
      const session = await this.#session(sessionId, cancellation)
      const receipt = this.#take(session.id)
      try {
        const written = await receipt.write(add, session, cancellation)
        if (written !== null) return written
      } catch (error) {
        if (receipt.isDoubtful) await this.#consult(evidence, error, cancellation)
        // The next session may do it.
        else if (!(error instanceof SessionLostError)) throw error
      } finally {
        this.#put(receipt)
      }
      await cancellation.pause()
    }
  }

  async #session(id: bigint | undefined, cancellation: Cancellation): Promise<Session> {
    if (id === undefined) return await liveSession(this.#zk, cancellation)
    const session = await sessionOfId(this.#zk, id, cancellation)
    if (session !== null) return session
    throw new SessionLostError('SESSION_LOST', 'the session that the write belongs to is over')
  }

  /** Returns when the write was not applied after all, and may be tried again. */
  async #consult(evidence: Evidence, error: unknown, cancellation: Cancellation): Promise<void> {
    if (cancellation.error === null && error instanceof SessionLostError) {
      const found = await evidence(cancellation).catch(() => null)
      if (found === false) return
    }
    throw inDoubt(cancellation.error ?? error)
  }

  #take(sessionId: bigint): Receipt {
    for (;;) {
      const entry = this.#idle.pop()
      if (entry === undefined) break
      entry.timer.cancel()
      if (entry.receipt.sessionId === sessionId) return entry.receipt
    }
    const { random } = this.#zk.environment
    return new Receipt(this.#zk, this.#prefix + hexId(random), sessionId)
  }

  #put(receipt: Receipt): void {
    if (this.#zk.state === 'closed' || receipt.isNothing) return
    if (receipt.isDoubtful || this.#idle.length >= IDLE_RECEIPTS_MAX) {
      this.#remove(receipt)
      return
    }
    const { clock, timers } = this.#zk.environment
    const timer = timers.at(clock.monotonicMs() + IDLE_MS, () => {
      this.#idle.splice(this.#idle.indexOf(entry), 1)
      this.#remove(receipt)
      this.#listen()
    })
    const entry = { receipt, timer }
    this.#idle.push(entry)
    this.#listen()
  }

  /** A client that closes takes its receipts with it; timers must not outlive it. */
  #listen(): void {
    if (this.#idle.length === 0) {
      this.#ignoreState?.()
      this.#ignoreState = null
      return
    }
    this.#ignoreState ??= this.#zk.onState(({ state }) => {
      if (state !== 'closed') return
      for (const { timer } of this.#idle.splice(0)) timer.cancel()
      this.#listen()
    })
  }

  #remove({ path, sessionId, isDoubtful }: Receipt): void {
    const janitor = Janitor.of(this.#zk)
    const removed = isDoubtful
      ? janitor.removeCreated(parentOf(path), nameOf(path), sessionId)
      : janitor.remove(path, sessionId)
    // The janitor reports it.
    removed.catch(() => {})
  }
}

/** Runs an operation that writes and that its caller may cancel. The error says what became of the write. */
export async function cancellableWrite<T>(
  zk: ZooKeeper,
  op: string,
  path: string,
  options: WaitOptions,
  body: (cancellation: Cancellation) => Promise<T>,
): Promise<T> {
  return await cancellable(zk, op, path, options, body, (error) => {
    return error instanceof ZkError && error.outcome !== 'not-applied'
  })
}

/** The same for what waits for nobody: without a limit of the caller it has one of 30 seconds. */
export async function boundedWrite<T>(
  zk: ZooKeeper,
  op: string,
  path: string,
  options: WaitOptions,
  body: (cancellation: Cancellation) => Promise<T>,
): Promise<T> {
  const { timeoutMs = WRITE_TIMEOUT_MS, ...rest } = options
  return await cancellableWrite(zk, op, path, { ...rest, timeoutMs }, body)
}

/** The same error, which says that the write may have been applied. */
function inDoubt(error: unknown): unknown {
  if (!(error instanceof ZkError) || error.outcome === 'unknown') return error
  const { op, path, cause } = error
  const make = error.constructor as new (...args: ConstructorParameters<typeof ZkError>) => ZkError
  return new make(error.code, error.message, { op, path, cause, outcome: 'unknown' })
}

async function nobodyKnows(): Promise<null> {
  return null
}
