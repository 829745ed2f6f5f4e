import type { Grant } from '../../../recipes/index.ts'

/** Who holds what, as an outside observer sees it: everybody in the world reports to it. */
export class Ledger {
  /** Grants so far. */
  grants = 0
  readonly #limit: number
  readonly #holders = new Set<Holder>()
  #lastExclusive = 0n
  #lastAny = 0n

  /** @param limit how much may be held at a time of what is not exclusive */
  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit
  }

  /** How many hold something and have not been told that it is over. */
  get holders(): number {
    return this.#sure().length
  }

  /**
   * Somebody has been granted something. Throws when somebody else is still sure of what excludes it, or when a store
   * that checks fencing tokens would refuse it.
   */
  granted(who: string, kind: 'exclusive' | 'shared', grant: Grant, count: number = 1): void {
    this.grants += 1
    if (!grant.isSure) return
    const { fencingToken } = grant
    const others = this.#sure()
    const inTheWay = others.filter((other) => kind === 'exclusive' || other.kind === 'exclusive')
    const held = others.reduce((sum, other) => sum + other.count, 0)
    if (inTheWay.length > 0 || held + count > this.#limit) {
      const names = others.map((other) => `${other.who} (${other.kind}, ${other.grant.path})`)
      throw new Error(`${who} is granted ${grant.path} while ${names.join(', ')} hold`)
    }
    // A reader that was a writer keeps the writer's token.
    const least = kind === 'exclusive' ? this.#lastAny + 1n : this.#lastExclusive
    if (fencingToken < least) {
      throw new Error(`${who} is granted ${grant.path} with token ${fencingToken}, not ${least}`)
    }
    if (kind === 'exclusive') this.#lastExclusive = fencingToken
    if (fencingToken > this.#lastAny) this.#lastAny = fencingToken
    this.#holders.add({ who, kind, grant, count })
  }

  #sure(): Holder[] {
    for (const holder of this.#holders) if (!holder.grant.isSure) this.#holders.delete(holder)
    return [...this.#holders]
  }
}

interface Holder {
  readonly who: string
  readonly kind: 'exclusive' | 'shared'
  readonly grant: Grant
  /** How much of it. */
  readonly count: number
}
