import type { ServerId } from '../../base/index.ts'
import type { Address, Random } from '../../env/index.ts'
import { below } from './draw.ts'

/** A server as clients know it. */
export interface ServerTarget extends Address {
  readonly server: ServerId
}

const FIRST_BACKOFF_MS = 20

/** The servers of a client, in a random order; the wait between attempts doubles until one of them serves. */
export class ServerList {
  readonly #servers: ServerTarget[]
  readonly #random: Random
  readonly #backoffMsMax: number
  #next = 0
  #backoffMs = FIRST_BACKOFF_MS

  constructor(servers: readonly ServerTarget[], random: Random, backoffMsMax: number) {
    this.#servers = [...servers]
    this.#random = random
    this.#backoffMsMax = backoffMsMax
    for (let i = servers.length - 1; i > 0; i -= 1) {
      const j = below(random, i + 1)
      const swapped = this.#servers[i]!
      this.#servers[i] = this.#servers[j]!
      this.#servers[j] = swapped
    }
  }

  next(): ServerTarget {
    const server = this.#servers[this.#next]!
    this.#next = (this.#next + 1) % this.#servers.length
    return server
  }

  /** How long to wait before the next attempt. */
  backoffMs(): number {
    const limitMs = this.#backoffMs
    this.#backoffMs = Math.min(2 * limitMs, this.#backoffMsMax)
    return below(this.#random, limitMs + 1)
  }

  onServed(): void {
    this.#backoffMs = FIRST_BACKOFF_MS
  }
}
