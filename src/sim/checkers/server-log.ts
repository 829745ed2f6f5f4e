import type { Zxid } from '../../base/index.ts'
import type { LoggedEntry } from '../history.ts'
import { chainOf } from './zxid.ts'

/** A server's log, rebuilt from what was handed to its disk: each entry with the hash of everything up to it. */
export class ServerLog {
  /** State before the first entry: the zxid of an installed snapshot, or 0. */
  #baseZxid: Zxid = 0n as Zxid
  #baseChain = 0
  readonly #zxids: Zxid[] = []
  readonly #chains: number[] = []

  get last(): Zxid {
    return this.#zxids[this.#zxids.length - 1] ?? this.#baseZxid
  }

  append({ zxid, hash }: LoggedEntry): void {
    const chain = this.#chains[this.#chains.length - 1] ?? this.#baseChain
    this.#zxids.push(zxid)
    this.#chains.push(chainOf(chain, zxid, hash))
  }

  /** Drops everything after `zxid`. */
  truncate(zxid: Zxid): void {
    while (this.#zxids.length > 0 && this.#zxids.at(-1)! > zxid) {
      this.#zxids.pop()
      this.#chains.pop()
    }
  }

  /** Becomes a log that begins after `zxid`; `chain` stands for everything up to it. */
  install(zxid: Zxid, chain: number): void {
    this.#baseZxid = zxid
    this.#baseChain = chain
    this.#zxids.length = 0
    this.#chains.length = 0
  }

  /** Hash of everything up to `zxid`; null if the log does not hold it, or only somewhere inside its base. */
  chainAt(zxid: Zxid): number | null {
    if (zxid === this.#baseZxid) return this.#baseChain
    let low = 0
    let high = this.#zxids.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#zxids[middle]! < zxid) low = middle + 1
      else high = middle
    }
    return this.#zxids[low] === zxid ? this.#chains[low]! : null
  }

  /** Whether `zxid` is an entry of the log or inside its base. */
  holds(zxid: Zxid): boolean {
    return zxid <= this.#baseZxid || (zxid <= this.last && this.chainAt(zxid) !== null)
  }

  /** The same for a whole history: everything up to `zxid` is there, and hashes to `chain`. */
  holdsHistory(zxid: Zxid, chain: number): boolean {
    if (zxid < this.#baseZxid) return true
    return zxid <= this.last && this.chainAt(zxid) === chain
  }

  copyFrom(other: ServerLog): void {
    this.install(other.#baseZxid, other.#baseChain)
    for (const zxid of other.#zxids) this.#zxids.push(zxid)
    for (const chain of other.#chains) this.#chains.push(chain)
  }
}
