import type { ClientNetwork } from '../client-node/index.ts'
import type { Address, Connection, ConnectionHandler, IoError } from '../env/index.ts'

/** How servers are reached. */
export interface Reach {
  readonly network: ClientNetwork
  /** For one question, connecting included, ms. */
  readonly timeoutMs: number
}

/** What came back for a word, or why nothing did. */
export type Answer =
  | {
      readonly text: string
      /** Until the connection stood, ms: one round trip, and the name's lookup. */
      readonly connectMs: number
      /** Until the whole answer was there, ms. */
      readonly tookMs: number
    }
  | { readonly failure: string }

/** More than any server says: the words of a whole ensemble are a few thousand lines. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** Sends a four-letter word on a connection of its own and resolves with everything up to its end; never rejects. */
export function askWord(address: Address, word: string, reach: Reach): Promise<Answer> {
  return new Promise((resolve) => new Question(word, resolve).ask(address, reach))
}

class Question implements ConnectionHandler {
  readonly #word: string
  readonly #resolve: (answer: Answer) => void
  readonly #abort = new AbortController()
  readonly #startedMs = performance.now()
  readonly #chunks: Uint8Array[] = []
  #length = 0
  #connectMs = 0
  #connection: Connection | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(word: string, resolve: (answer: Answer) => void) {
    this.#word = word
    this.#resolve = resolve
  }

  ask(address: Address, { network, timeoutMs }: Reach): void {
    this.#timer = setTimeout(
      () => this.#end({ failure: `no answer within ${timeoutMs} ms` }),
      timeoutMs,
    )
    const onOpen = (connection: Connection): ConnectionHandler => this.#begin(connection)
    const onError = (error: IoError): void => this.#end({ failure: describeFailure(error) })
    network.connect(address, { onOpen, onError }, this.#abort.signal)
  }

  #begin(connection: Connection): ConnectionHandler {
    this.#connection = connection
    this.#connectMs = this.#elapsedMs
    if (this.#abort.signal.aborted) connection.destroy()
    else connection.write(Buffer.from(this.#word, 'latin1'))
    return this
  }

  onBytes(chunk: Uint8Array): void {
    this.#length += chunk.length
    if (this.#length > ANSWER_BYTES_MAX) {
      this.#end({ failure: `its answer to ${this.#word} does not end` })
      return
    }
    // The chunk is the connection's again after this call.
    this.#chunks.push(chunk.slice())
  }

  onDrain(): void {}

  onEnd(): void {
    this.#complete()
  }

  onClose(error: IoError | null): void {
    if (error === null || this.#length > 0) this.#complete()
    else this.#end({ failure: describeFailure(error) })
  }

  #complete(): void {
    const text = Buffer.concat(this.#chunks).toString('utf8')
    this.#end({ text, connectMs: this.#connectMs, tookMs: this.#elapsedMs })
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedMs
  }

  #end(answer: Answer): void {
    if (this.#abort.signal.aborted) return
    clearTimeout(this.#timer)
    this.#abort.abort()
    this.#connection?.destroy()
    this.#resolve(answer)
  }
}

const FAILURES: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused: nothing listens there'],
  ['ECONNRESET', 'the connection was cut'],
  ['EHOSTUNREACH', 'no route to this host'],
  ['ENETUNREACH', 'no route to its network'],
  ['ENOTFOUND', 'there is no host of this name'],
  ['EAI_AGAIN', 'the name could not be looked up'],
  ['ETIMEDOUT', 'no answer from this host'],
])

/** In one clause, for a table's line. */
export function describeFailure(error: IoError): string {
  return FAILURES.get(error.code) ?? error.message
}
