import type { Address, Random } from '../env/index.ts'

const FIRST_DELAY_MS = 50

/** The servers in a random order, and how long to wait before the next one is tried. */
export class ServerList {
  readonly #servers: readonly Address[]
  readonly #random: Pick<Random, 'uint32'>
  readonly #delayMsMax: number
  #next = 0
  /** Attempts since a server last answered a request. */
  #failures = 0

  constructor(servers: readonly Address[], random: Pick<Random, 'uint32'>, delayMsMax: number) {
    this.#random = random
    this.#delayMsMax = delayMsMax
    this.#servers = this.#shuffled(servers)
  }

  get length(): number {
    return this.#servers.length
  }

  next(): Address {
    const address = this.#servers[this.#next]!
    this.#next = (this.#next + 1) % this.#servers.length
    this.#failures += 1
    return address
  }

  /** A server answers. */
  succeeded(): void {
    this.#failures = 0
  }

  /**
   * Clients of a server that died must not all come to the next one in the same moment; and when a whole round has
   * failed, servers need time.
   */
  delayMs(): number {
    const rounds = Math.floor(this.#failures / this.#servers.length)
    const longestMs = Math.min(FIRST_DELAY_MS * 2 ** Math.min(rounds, 20), this.#delayMsMax)
    const shortestMs = rounds === 0 ? 0 : longestMs / 2
    return shortestMs + (this.#random.uint32() / 2 ** 32) * (longestMs - shortestMs)
  }

  #shuffled(servers: readonly Address[]): Address[] {
    const order = [...servers]
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.#random.uint32() % (last + 1)
      const moved = order[last]!
      order[last] = order[other]!
      order[other] = moved
    }
    return order
  }
}
