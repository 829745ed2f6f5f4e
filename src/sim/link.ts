import type { SimRandom } from './random.ts'

/** What an end of a connection does when the way to the other end is open again. */
export interface Waiter {
  onLinkOpen(): void
}

/** What is unusual about one direction between two machines. */
export interface LinkOptions {
  /** One-way delay of each piece, drawn evenly from this range. */
  readonly latencyMsMin?: number
  readonly latencyMsMax?: number
  /** Bandwidth in bytes per ms, shared by all connections of this direction; unlimited unless given. */
  readonly bytesPerMs?: number
}

const LOOPBACK_MS = 0.01

/**
 * The way from one machine to another. The way back is another link: each may be slow, clogged or cut alone.
 * A packet that meets a closed link is lost; TCP sends it again later (see `SimConnection`).
 */
export class Link {
  /** Addresses of the machines. */
  readonly from: string
  readonly to: string
  readonly #random: SimRandom
  readonly #isLoopback: boolean
  #latencyUsMin: number
  #latencyUsMax: number
  #bytesPerMs = Number.POSITIVE_INFINITY
  /** No packet leaves before. */
  #clogUntilMs = 0
  /** The last packet has left. */
  #freeAtMs = 0
  #isCut = false
  /** One of the machines is without power. */
  #isDark = false
  readonly #waiting: Waiter[] = []

  constructor(
    from: string,
    to: string,
    random: SimRandom,
    latencyUsMin: number,
    latencyUsMax: number,
  ) {
    this.from = from
    this.to = to
    this.#random = random
    this.#isLoopback = from === to
    this.#latencyUsMin = latencyUsMin
    this.#latencyUsMax = latencyUsMax
  }

  /** Nothing gets through. */
  get isClosed(): boolean {
    return this.#isCut || this.#isDark
  }

  get isCut(): boolean {
    return this.#isCut
  }

  /** When something that leaves at `nowMs` arrives. */
  arrivalMs(nowMs: number, bytes: number): number {
    if (this.#isLoopback) return nowMs + LOOPBACK_MS
    const latencyMs = this.#random.between(this.#latencyUsMin, this.#latencyUsMax) / 1000
    if (this.#clogUntilMs <= nowMs && this.#bytesPerMs === Number.POSITIVE_INFINITY) {
      return nowMs + latencyMs
    }
    const startMs = Math.max(nowMs, this.#clogUntilMs, this.#freeAtMs)
    this.#freeAtMs = startMs + bytes / this.#bytesPerMs
    return this.#freeAtMs + latencyMs
  }

  shape(options: LinkOptions): void {
    const { latencyMsMin, latencyMsMax, bytesPerMs } = options
    if (latencyMsMin !== undefined) this.#latencyUsMin = Math.round(latencyMsMin * 1000)
    if (latencyMsMax !== undefined) this.#latencyUsMax = Math.round(latencyMsMax * 1000)
    this.#latencyUsMax = Math.max(this.#latencyUsMin, this.#latencyUsMax)
    if (bytesPerMs !== undefined) this.#bytesPerMs = bytesPerMs
  }

  /** What is sent until then leaves only then. */
  clog(untilMs: number): void {
    this.#clogUntilMs = Math.max(this.#clogUntilMs, untilMs)
  }

  unclog(): void {
    this.#clogUntilMs = 0
    this.#freeAtMs = 0
  }

  /** Cuts or mends the way; the machine itself always reaches itself. */
  setCut(isCut: boolean): void {
    this.#isCut = isCut && !this.#isLoopback
    this.#wake()
  }

  setDark(isDark: boolean): void {
    this.#isDark = isDark
    this.#wake()
  }

  /** Asks for one call of `onLinkOpen` when the link is no longer closed. */
  whenOpen(waiter: Waiter): void {
    this.#waiting.push(waiter)
  }

  #wake(): void {
    if (this.isClosed || this.#waiting.length === 0) return
    for (const waiter of this.#waiting.splice(0)) waiter.onLinkOpen()
  }
}
