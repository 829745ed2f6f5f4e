import type { Timers } from '../env/index.ts'
import type { Storage } from '../storage/index.ts'
import type { ClientConnection } from './client-connection.ts'

/**
 * One run of the server loop. Socket chunks, timers and disk completions do their work as they come; what leaves the
 * process leaves here, once per turn: one group to the log, then one write per connection.
 */
export class Turn {
  readonly #timers: Timers
  readonly #storage: Storage
  #connections: ClientConnection[] = []
  #settling: ClientConnection[] = []
  #isScheduled = false

  constructor(timers: Timers, storage: Storage) {
    this.#timers = timers
    this.#storage = storage
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
    this.#storage.flush()
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
    this.#storage.flush()
  }
}
