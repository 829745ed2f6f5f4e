import type { Address, Random } from '../env/index.ts'

const FIRST_DELAY_MS = 50

/** One server that a name stands for (RFC 2782): all of the lowest priority are tried before any of the next. */
export interface SrvRecord extends Address {
  readonly priority: number
  /** Its share of the clients among those of its priority. */
  readonly weight: number
}

type Chance = Pick<Random, 'uint32'>

/** The servers in a random order, and how long to wait before the next one is tried. */
export class ServerList {
  readonly #random: Chance
  readonly #delayMsMax: number
  /** What the servers are looked up by; null when the caller has named them. */
  readonly #name: string | null
  #servers: readonly Address[] = []
  #next = 0
  #mustLookUp = true
  /** Attempts since a server last answered a request. */
  #failures = 0

  /** @param servers addresses, or the name of SRV records that lead to them */
  constructor(servers: readonly Address[] | string, random: Chance, delayMsMax: number) {
    this.#random = random
    this.#delayMsMax = delayMsMax
    this.#name = typeof servers === 'string' ? servers : null
    if (typeof servers !== 'string') this.#servers = inOrder(servers.map(unweighted), random)
  }

  get length(): number {
    return this.#servers.length
  }

  /** What has to be looked up before {@link next}: at first, after each round, and when a server has gone. */
  get nameToLookUp(): string | null {
    return this.#mustLookUp ? this.#name : null
  }

  replace(records: readonly SrvRecord[]): void {
    this.#servers = inOrder(records, this.#random)
    this.#next = 0
    this.#mustLookUp = false
  }

  next(): Address {
    const address = this.#servers[this.#next]!
    this.#next = (this.#next + 1) % this.#servers.length
    this.#mustLookUp = this.#next === 0
    this.#failures += 1
    return address
  }

  /** Looking the name up has failed. */
  failed(): void {
    this.#failures += 1
  }

  /** A server answers. */
  succeeded(): void {
    this.#failures = 0
    this.#mustLookUp = true
  }

  /** One after the other, without {@link next} taking notice. Null when there is no other. */
  otherThan({ host, port }: Address, round: number): Address | null {
    const others = this.#servers.filter((one) => one.host !== host || one.port !== port)
    return others[round % others.length] ?? null
  }

  /** Makes it the next one. */
  prefer({ host, port }: Address): void {
    const index = this.#servers.findIndex((one) => one.host === host && one.port === port)
    if (index === -1) return
    this.#next = index
    this.#mustLookUp = false
  }

  /**
   * Clients of a server that died must not all come to the next one in the same moment; and when a whole round has
   * failed, servers need time.
   */
  delayMs(): number {
    const rounds = Math.floor(this.#failures / Math.max(1, this.#servers.length))
    const longestMs = Math.min(FIRST_DELAY_MS * 2 ** Math.min(rounds, 20), this.#delayMsMax)
    const shortestMs = rounds === 0 ? 0 : longestMs / 2
    return shortestMs + (this.#random.uint32() / 2 ** 32) * (longestMs - shortestMs)
  }
}

export function addressText({ host, port }: Address): string {
  if (port === 0) return host
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function unweighted({ host, port }: Address): SrvRecord {
  return { host, port, priority: 0, weight: 1 }
}

/** By priority; among equals by chance, each as likely first as its weight says. */
function inOrder(records: readonly SrvRecord[], random: Chance): Address[] {
  const left = [...records]
  const order: Address[] = []
  while (left.length > 0) {
    const priority = Math.min(...left.map((record) => record.priority))
    const best = left.filter((record) => record.priority === priority)
    const { host, port } = drawn(best, random)
    order.push({ host, port })
    left.splice(
      left.findIndex((record) => record.host === host && record.port === port),
      1,
    )
  }
  return order
}

/** A record of weight 0 has a small chance, too. */
function drawn(records: readonly SrvRecord[], random: Chance): SrvRecord {
  const shares = records.map(({ weight }) => Math.max(weight, 0.01))
  let rest = (random.uint32() / 2 ** 32) * shares.reduce((sum, share) => sum + share, 0)
  for (const [index, record] of records.entries()) {
    rest -= shares[index]!
    if (rest < 0) return record
  }
  return records.at(-1)!
}
