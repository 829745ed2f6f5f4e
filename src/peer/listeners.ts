import type { Address, Connection, ConnectionHandler, IoError, Listener } from '../env/index.ts'
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
  #failed = 0
  #isClosed = false

  /** Begins to listen; nothing is called from inside of this. */
  constructor(env: PeerEnvironment, addresses: readonly Address[], handler: ListenersHandler) {
    this.#env = env
    this.#handler = handler
    for (const address of addresses) this.#listen(address, addresses.length)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Nothing is called from now on. */
  close(): void {
    this.#isClosed = true
    for (const listener of this.#listeners) listener.close(() => {})
    this.#listeners.length = 0
  }

  #listen(address: Address, count: number): void {
    this.#env.network.listen(
      address,
      {},
      {
        onListening: (listener) => {
          if (this.#isClosed) {
            listener.close(() => {})
            return
          }
          this.#listeners.push(listener)
          this.#handler.onListening(listener.address)
        },
        onConnection: (socket) => this.#handler.onConnection(socket),
        onError: (error) => this.#onError(address, error, count),
      },
    )
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
