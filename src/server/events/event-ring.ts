import { Fifo } from '../../base/index.ts'
import type { ServerEvent } from './event.ts'

/** What an event takes in memory beside its texts, about. */
const EVENT_BYTES = 200

/** The latest events of one sort, bounded by number and bytes: the oldest make room. */
export class EventRing {
  readonly #countMax: number
  readonly #bytesMax: number
  readonly #events: Fifo<ServerEvent> = new Fifo()
  #bytes = 0
  #dropped = 0

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax
    this.#bytesMax = bytesMax
  }

  get length(): number {
    return this.#events.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** How many have made room. */
  get dropped(): number {
    return this.#dropped
  }

  push(event: ServerEvent): void {
    this.#events.push(event)
    this.#bytes += bytesOf(event)
    while (this.#events.length > this.#countMax || this.#bytes > this.#bytesMax) {
      const oldest = this.#events.shift()
      if (oldest === null) return
      this.#bytes -= bytesOf(oldest)
      this.#dropped += 1
    }
  }

  forEach(visit: (event: ServerEvent) => void): void {
    this.#events.forEach(visit)
  }
}

function bytesOf(event: ServerEvent): number {
  let bytes = EVENT_BYTES
  if ('reason' in event) bytes += 2 * event.reason.length
  if ('remote' in event) bytes += 2 * event.remote.length
  if ('configuration' in event) bytes += 2 * event.configuration.length
  return bytes
}
