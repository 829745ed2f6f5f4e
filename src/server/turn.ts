import type { Timers } from '../env/index.ts'
import type { ClientConnection } from './client-connection.ts'

/** What is gathered during a turn and leaves at its end, beside the replies: log records, packets to peers. */
export interface Flushable {
  flush(): void
}

/**
 * One run of the server loop. Socket chunks, timers and disk completions do their work as they come; what leaves the
 * process leaves here, once per turn: packets to peers, one group to the log, then one write per connection.
 */
export class Turn {
  readonly #timers: Timers
  readonly #log: Flushable
  #connections: ClientConnection[] = []
  #settling: ClientConnection[] = []
  #isScheduled = false

  constructor(timers: Timers, log: Flushable) {
    this.#timers = timers
    this.#log = log
  }

  /** The connection has output, or its flow control changed. */
  add(connection: ClientConnection): void {
    if (connection.isInTurn) return
    connection.isInTurn = true
    this.#connections.push(connection)
    this.schedule()
  }

  /** Something was appended to the log. */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#timers.endOfTurn(this.#run)
  }

  readonly #run = (): void => {
    this.#isScheduled = false
    // The disk starts first: it works while the replies are written.
    this.#log.flush()
    const connections = this.#connections
    this.#connections = this.#settling
    this.#settling = connections
    for (let i = 0; i < connections.length; i += 1) {
      const connection = connections[i]!
      connection.isInTurn = false
      connection.settle()
    }
    connections.length = 0
    // Settling may have read more requests; their log records go out without waiting for another turn.
    this.#log.flush()
  }
}
