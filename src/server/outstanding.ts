import type { Tuning } from '../config/index.ts'

/**
 * What all connections together have asked for and not been answered, and writes on their way whose client has gone:
 * both cost memory until the disk has caught up.
 */
export class Outstanding {
  /** Longer requests are large ones. */
  readonly #largeBytesMin: number
  readonly #largeBytesMax: number
  #largeBytes = 0
  requests = 0
  /** Lengths of their frames. */
  bytes = 0
  /** Requests among them in the queue of their connection, behind what was asked for before them. */
  waiting = 0
  /** Connections with such a queue, or with a write on its way. */
  queues = 0
  /** Requests that came out of a queue to be carried out, since the start. */
  released = 0

  constructor({ thresholdBytes, bytesMax }: Tuning['largeRequests']) {
    this.#largeBytesMin = thresholdBytes < 0 ? Infinity : thresholdBytes
    this.#largeBytesMax = bytesMax
  }

  /** Whether a request of that length is a large one, and as many large ones as there may be are under way. */
  isOneTooLarge(bytes: number): boolean {
    return bytes > this.#largeBytesMin && this.#largeBytes + bytes > this.#largeBytesMax
  }

  /** Whether clients who ask and go have piled up twice what may be outstanding. */
  isFlooded(limits: {
    readonly outstandingMax: number
    readonly outstandingBytesMax: number
  }): boolean {
    const { outstandingMax, outstandingBytesMax } = limits
    return this.requests >= 2 * outstandingMax || this.bytes >= 2 * outstandingBytesMax
  }

  /** A request waits its turn. */
  enqueue(bytes: number): void {
    this.waiting += 1
    this.add(bytes)
  }

  /** Its turn has come. */
  release(bytes: number): void {
    this.released += 1
    this.drop(bytes)
  }

  /** Its client has gone. */
  drop(bytes: number): void {
    this.waiting -= 1
    this.remove(bytes)
  }

  add(bytes: number): void {
    this.requests += 1
    this.bytes += bytes
    if (bytes > this.#largeBytesMin) this.#largeBytes += bytes
  }

  remove(bytes: number): void {
    this.requests -= 1
    this.bytes -= bytes
    if (bytes > this.#largeBytesMin) this.#largeBytes -= bytes
  }
}
