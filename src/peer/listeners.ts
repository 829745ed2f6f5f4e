import type {
  Address,
  Connection,
  ConnectionHandler,
  IoError,
  Listener,
  TimerHandle,
} from '../env/index.ts'
import type { PeerEnvironment } from './peer-environment.ts'

/** Whom {@link Listeners} tell. */
export interface ListenersHandler {
  /** Bound; once for each address. */
  onListening(address: Address): void
  onConnection(socket: Connection): ConnectionHandler
  /** No address is listened on, or none any more. */
  onError(error: IoError): void
}

/** One port on all addresses of a server. It is of use as long as one of them can be listened on. */
export class Listeners {
  readonly #env: PeerEnvironment
  readonly #handler: ListenersHandler
  readonly #listeners: Listener[] = []
  readonly #triesMax: number
  readonly #retryMs: number
  readonly #mayPass: (error: IoError) => boolean
  readonly #timers: Set<TimerHandle> = new Set()
  #failed = 0
  #isClosed = false

  /**
   * Begins to listen, each address up to `triesMax` times as long as `mayPass` says so of the error; nothing is called from
   * inside of this.
   */
  constructor(
    env: PeerEnvironment,
    addresses: readonly Address[],
    handler: ListenersHandler,
    triesMax = 1,
    retryMs = 0,
    mayPass: (error: IoError) => boolean = () => true,
  ) {
    this.#mayPass = mayPass
    this.#env = env
    this.#handler = handler
    this.#triesMax = triesMax
    this.#retryMs = retryMs
    for (const address of addresses) this.#listen(address, addresses.length, 1)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Nothing is called from now on. */
  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    for (const listener of this.#listeners) listener.close(() => {})
    this.#listeners.length = 0
  }

  #listen(address: Address, count: number, tries: number): void {
    let isBound = false
    this.#env.network.listen(
      address,
      {},
      {
        onListening: (listener) => {
          if (this.#isClosed) {
            listener.close(() => {})
            return
          }
          isBound = true
          this.#listeners.push(listener)
          this.#handler.onListening(listener.address)
        },
        onConnection: (socket) => this.#handler.onConnection(socket),
        onError: (error) => {
          const isLast = tries >= this.#triesMax || !this.#mayPass(error)
          if (isBound || isLast) this.#onError(address, error, count)
          else this.#listenLater(address, error, count, tries)
        },
      },
    )
  }

  /** Whoever has the port may be a server that ends just now. */
  #listenLater(address: Address, error: IoError, count: number, tries: number): void {
    if (this.#isClosed) return
    const { host, port } = address
    const fields = { host, port, reason: error.message, tries }
    // Ever more seldom: it may be for long.
    if (Number.isInteger(Math.log2(tries))) {
      this.#env.logger.warn('the port cannot be listened on; tried again', fields)
    }
    const timer = this.#env.timers.at(this.#env.clock.monotonicMs() + this.#retryMs, () => {
      this.#timers.delete(timer)
      this.#listen(address, count, tries + 1)
    })
    this.#timers.add(timer)
  }

  #onError({ host, port }: Address, error: IoError, count: number): void {
    if (this.#isClosed) return
    this.#failed += 1
    if (this.#failed === count) this.#handler.onError(error)
    else {
      const fields = { host, port, reason: error.message }
      this.#env.logger.error('one of the addresses cannot be listened on', fields)
    }
  }
}
