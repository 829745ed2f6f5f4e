import type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  TimerHandle,
} from '../env/index.ts'
import type { ClientEnvironment } from './environment.ts'

const ISRO = Uint8Array.of(0x69, 0x73, 0x72, 0x6f)
const WRITABLE = 'rw'

/** Asks one server with the word `isro` whether it takes writes, and ends. */
export class Probe implements ConnectHandler, ConnectionHandler {
  readonly #onWritable: () => void
  readonly #abort: AbortController = new AbortController()
  readonly #timer: TimerHandle
  #connection: Connection | null = null
  #answer = ''

  /** @param onWritable not called when there is no such answer within `limitMs` */
  constructor(env: ClientEnvironment, address: Address, limitMs: number, onWritable: () => void) {
    this.#onWritable = onWritable
    this.#timer = env.timers.at(env.clock.monotonicMs() + limitMs, () => this.end())
    env.network.connect(address, this, this.#abort.signal)
  }

  end(): void {
    if (this.#abort.signal.aborted) return
    this.#timer.cancel()
    this.#abort.abort()
    this.#connection?.destroy()
  }

  onOpen(connection: Connection): ConnectionHandler {
    this.#connection = connection
    if (this.#abort.signal.aborted) connection.destroy()
    else connection.write(ISRO)
    return this
  }

  onError(): void {
    this.end()
  }

  onBytes(chunk: Uint8Array): void {
    if (this.#abort.signal.aborted) return
    this.#answer += String.fromCharCode(...chunk.subarray(0, WRITABLE.length))
    if (this.#answer.length < WRITABLE.length) return
    this.end()
    if (this.#answer.startsWith(WRITABLE)) this.#onWritable()
  }

  onDrain(): void {}

  onEnd(): void {
    this.end()
  }

  onClose(): void {
    this.end()
  }
}
