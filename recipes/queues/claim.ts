import {
  ClosedError,
  NoNodeError,
  type Session,
  SessionLostError,
  TransactionError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import {
  boundedWrite,
  Cancellation,
  type Evidence,
  type Grant,
  mayBeApplied,
  onAbort,
  persist,
  type Receipts,
  RecipeError,
  sessionOfId,
  type WaitOptions,
} from '../base/index.ts'

/** Where a claim is and what it claims. */
export interface ClaimPlace {
  /** The entry. */
  readonly entry: string
  /** The ephemeral znode that says that somebody has it. */
  readonly taken: string
  /** What it contains, which no other claim does. */
  readonly id: string
  readonly sessionId: bigint
}

/** An entry of a locking queue that this client works on: nobody else gets it until `complete` or `release`. */
export class ClaimedEntry implements Grant {
  /** Of the znode that says that it is taken. */
  readonly path: string
  readonly data: Uint8Array
  readonly fencingToken: bigint
  readonly signal: AbortSignal
  readonly #zk: ZooKeeper
  readonly #receipts: Receipts
  readonly #place: ClaimPlace
  readonly #session: Session
  readonly #controller = new AbortController()
  #ignoreSession: () => void = () => {}
  #released: Promise<void> | null = null
  /** It may be completed. */
  #isDoubtful = false

  constructor(
    zk: ZooKeeper,
    receipts: Receipts,
    place: ClaimPlace,
    session: Session,
    data: Uint8Array,
    zxid: bigint,
  ) {
    this.#zk = zk
    this.#receipts = receipts
    this.#place = place
    this.#session = session
    this.path = place.taken
    this.data = data
    this.fencingToken = zxid
    this.signal = this.#controller.signal
    this.#ignoreSession = onAbort(session.signal, () => this.#lose())
  }

  get isSure(): boolean {
    return this.remainingMs > 0
  }

  get remainingMs(): number {
    return this.signal.aborted ? 0 : this.#session.remainingMs
  }

  /**
   * The work is done: takes the entry out of the queue. Resolves once that is sure.
   * @throws the reason of `signal` when the entry may be somebody else's by now; with the outcome `unknown` when it may
   *   have been taken out all the same
   */
  async complete(options: WaitOptions = {}): Promise<void> {
    this.#check()
    const { entry } = this.#place
    await boundedWrite(this.#zk, 'complete', entry, options, (cancellation) =>
      this.#complete(cancellation),
    )
    this.#end(new RecipeError('RELEASED', this.path, 'it was completed'))
    this.#released = Promise.resolve()
  }

  async #complete(cancellation: Cancellation): Promise<void> {
    const { entry, taken, sessionId } = this.#place
    try {
      await this.#receipts.write<readonly unknown[]>(
        (transaction) => transaction.delete(entry).delete(taken),
        cancellation,
        { sessionId, evidence: this.#evidence },
      )
    } catch (error) {
      if (mayBeApplied(error)) this.#isDoubtful = true
      if (!(error instanceof TransactionError && error.cause instanceof NoNodeError)) throw error
      // Nobody else takes it out while this client has it: the try before was applied.
      if (this.#isDoubtful) return
      const message = 'somebody has taken it away'
      throw new RecipeError('GRANT_LOST', error.path ?? entry, message, error)
    }
  }

  /** Gives it back undone: it is the next entry again. */
  release(): Promise<void> {
    if (this.#released === null) {
      // Before the signal aborts: a listener of it may release once more, and somebody else's claim may be there by then.
      this.#released = giveBack(this.#zk, this.#receipts, this.#place)
      this.#end(new RecipeError('RELEASED', this.path, 'it was released'))
    }
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  #check(): void {
    if (this.signal.aborted) throw this.signal.reason
    if (this.#session.remainingMs > 0) return
    throw new SessionLostError('SESSION_LOST', `${this.path}: the session has run out`)
  }

  #end(reason: Error): void {
    this.#ignoreSession()
    this.#controller.abort(reason)
  }

  #lose(): void {
    const reason = this.#session.signal.reason as Error
    this.#end(reason)
    if (reason instanceof ClosedError || this.#released !== null) return
    // The session may be taken up again, and then the entry would be nobody's for as long.
    this.#released = giveBack(this.#zk, this.#receipts, this.#place)
    this.#released.catch(() => {})
  }

  /** When the session has ended: as long as the entry is there it was not completed. */
  readonly #evidence: Evidence = async (cancellation) => {
    const { entry } = this.#place
    const { signal } = cancellation
    await persist(cancellation, () => this.#zk.sync(entry, { signal }))
    const stat = await persist(cancellation, () => this.#zk.exists(entry, { signal }))
    return stat === null ? null : false
  }
}

/**
 * Takes away a claim that was made, or may have been; however long it takes, unless it goes with its session. Never one
 * of somebody else: names of claims come again.
 */
export async function giveBack(
  zk: ZooKeeper,
  receipts: Receipts,
  { taken, id, sessionId }: ClaimPlace,
): Promise<void> {
  const cancellation = new Cancellation(zk, 'release', taken)
  try {
    const session = await sessionOfId(zk, sessionId, cancellation)
    if (session === null) return
    // The claim may have gone to a server that this one has to catch up with.
    await persist(cancellation, () => zk.sync(taken))
    const { data } = await persist(cancellation, () => zk.getData(taken))
    if (new TextDecoder().decode(data) !== id) return
    await receipts.write<readonly unknown[]>(
      (transaction) => transaction.delete(taken),
      cancellation,
      { sessionId },
    )
  } catch (error) {
    const cause = error instanceof TransactionError ? error.cause : error
    const isGone = [NoNodeError, SessionLostError, ClosedError].some(
      (kind) => cause instanceof kind,
    )
    if (!isGone) throw cause
  } finally {
    cancellation.end()
  }
}
