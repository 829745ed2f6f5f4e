import {
  ClosedError,
  type Session,
  SessionLostError,
  type ZooKeeper,
} from '../../src/client/index.ts'
import { RecipeError } from './errors.ts'
import type { OwnZnode } from './own-znode.ts'

/** Something that is held until `release`, or until it is lost. */
export interface Hold extends AsyncDisposable {
  /**
   * Aborts as soon as the grant is not sure any more: the session is over or may be, by the local clock too; the znode
   * is gone; it was revoked or released. The reason is a `RecipeError` or a `ZkError`.
   */
  readonly signal: AbortSignal
  /** The signal has not aborted, and the session has time left: right also in a process that stood still. */
  readonly isSure: boolean
  /** For so long nobody else is granted the same, whatever happens to the connection. A lower bound. */
  readonly remainingMs: number
  /**
   * Gives it back; `signal` aborts at once. Resolves when the server has confirmed it, or the session is over and the
   * znode goes with it: also over lost connections. Only the first call does something.
   */
  release(): Promise<void>
}

export interface GrantOptions {
  /**
   * The signal aborts as soon as the connection breaks, instead of when the session may be over. Until `release` the
   * znode stays.
   */
  readonly isStrict?: boolean
}

/** What a recipe hands out: a lock, a lease, leadership. */
export interface Grant extends Hold {
  /** Of the znode that stands for it. */
  readonly path: string
  /**
   * The zxid of the transaction that created the znode. Of two grants of the same exclusive thing the later one has the
   * greater token, in whatever process: a store that remembers the greatest it has seen can refuse a holder whose time
   * is over and who does not know it yet (B19).
   */
  readonly fencingToken: bigint
}

/** A grant that one znode stands for. */
export class ZnodeGrant implements Grant {
  readonly path: string
  readonly fencingToken: bigint
  readonly signal: AbortSignal
  readonly #znode: OwnZnode
  readonly #controller = new AbortController()
  #ignoreState: () => void = () => {}
  #released: Promise<void> | null = null

  /** @throws the znode's loss */
  constructor(zk: ZooKeeper, znode: OwnZnode, czxid: bigint, options: GrantOptions = {}) {
    znode.check()
    this.#znode = znode
    this.path = znode.path
    this.fencingToken = czxid
    this.signal = this.#controller.signal
    void znode.lost.then((error) => this.#end(error))
    if (options.isStrict !== true) return
    if (zk.state !== 'connected') throw this.#suspended()
    this.#ignoreState = zk.onState(({ state }) => {
      if (state !== 'connected') this.#end(this.#suspended())
    })
  }

  /** For recipes. */
  get session(): Session {
    return this.#znode.session
  }

  get isSure(): boolean {
    return this.remainingMs > 0
  }

  get remainingMs(): number {
    if (this.signal.aborted || this.#znode.loss !== null) return 0
    return this.#znode.session.remainingMs
  }

  /** For recipes: it is lost for another reason; the znode stays until `release`. */
  revoke(reason: Error): void {
    this.#end(reason)
  }

  release(): Promise<void> {
    if (this.#released === null) {
      const reason = new RecipeError('RELEASED', this.path, 'it was released')
      // Before the signal aborts: a listener of it may release, too.
      this.#released = this.#znode.remove(reason)
      this.#end(reason)
    }
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  #end(reason: Error): void {
    this.#ignoreState()
    this.#controller.abort(reason)
  }

  #suspended(): RecipeError {
    return new RecipeError('SUSPENDED', this.path, 'the connection broke')
  }
}

/** The place in a queue, or what was held, went with its session or was taken away: it may be tried again. */
export function isLoss(error: unknown): boolean {
  if (error instanceof ClosedError) return false
  return (
    error instanceof SessionLostError ||
    (error instanceof RecipeError && (error.code === 'GRANT_LOST' || error.code === 'SUSPENDED'))
  )
}
