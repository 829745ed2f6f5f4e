import type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  TimerHandle,
} from '../env/index.ts'
import { refuse } from './ignore.ts'
import type { PeerEnvironment } from './peer-environment.ts'

/**
 * Where a server is found. With several addresses (`multiAddress.enabled`) each is tried in turn, without giving up those
 * before it, and the one that answers first is tried first the next time, unless it was of no use: behind an address that
 * accepts connections may be somebody else, or a machine that answers for those it does not reach.
 */
export class PeerAddresses {
  readonly all: readonly Address[]
  /** How long an address may keep silent before the next one is tried too. */
  readonly #waitMs: number
  /** Index of the one to begin with. */
  #best = 0

  constructor(all: readonly Address[], waitMs: number) {
    this.all = all
    this.#waitMs = waitMs
  }

  /** The longest time until the last address is tried. */
  get spreadMs(): number {
    return (this.all.length - 1) * this.#waitMs
  }

  /** Index of the address that answered last. */
  get best(): number {
    return this.#best
  }

  /** The address that answered last led to nothing: the next dial begins with the one after it. */
  onUseless(): void {
    this.#best = (this.#best + 1) % this.all.length
  }

  /** As {@link Network.connect}: the error is that of the address which was the last to fail. */
  connect(env: PeerEnvironment, handler: ConnectHandler): void {
    const { length } = this.all
    if (length === 1) {
      env.network.connect(this.all[0]!, handler)
      return
    }
    let tried = 0
    let failed = 0
    let timer: TimerHandle | null = null
    let isOver = false
    const tryNext = (): void => {
      timer?.cancel()
      timer = null
      if (isOver || tried === length) return
      const index = (this.#best + tried) % length
      tried += 1
      if (tried < length) timer = env.timers.at(env.clock.monotonicMs() + this.#waitMs, tryNext)
      env.network.connect(this.all[index]!, {
        onOpen: (socket: Connection): ConnectionHandler => {
          if (isOver) return refuse(socket)
          isOver = true
          timer?.cancel()
          this.#best = index
          return handler.onOpen(socket)
        },
        onError: (error) => {
          failed += 1
          if (isOver) return
          if (failed === length) {
            isOver = true
            handler.onError(error)
          } else tryNext()
        },
      })
    }
    tryNext()
  }
}
