import { assert, counterOf, epochOf, formatHex, InvariantError, type Zxid } from '../base/index.ts'
import type { Entry } from './messages.ts'

/** Whether `next` may directly follow `last` in a log: no hole within an epoch, a new epoch starts at counter 1. */
export function isSuccessor(next: Zxid, last: Zxid): boolean {
  if (epochOf(next) === epochOf(last)) return counterOf(next) === counterOf(last) + 1
  return next > last && counterOf(next) === 1
}

/**
 * The recent end of the log in memory, without holes by construction (ZOOKEEPER-4925: a hole in it was once served
 * to others and lost data). Holds what learners are synchronized with and what is not committed yet.
 */
export class History {
  #base: Zxid
  #entries: Entry[] = []
  #start = 0
  #bytes = 0

  /** `base`: the last zxid before the window, itself part of the log. */
  constructor(base: Zxid) {
    this.#base = base
  }

  /** Zxid before the first entry. */
  get base(): Zxid {
    return this.#base
  }

  get last(): Zxid {
    return this.#entries.length === this.#start ? this.#base : this.#entries.at(-1)!.zxid
  }

  get length(): number {
    return this.#entries.length - this.#start
  }

  get bytes(): number {
    return this.#bytes
  }

  at(index: number): Entry {
    const entry = this.#entries[this.#start + index]
    assert(entry !== undefined, 'an entry outside the history')
    return entry
  }

  append(entry: Entry): void {
    const { last } = this
    if (!isSuccessor(entry.zxid, last)) {
      throw new InvariantError(`${formatHex(entry.zxid)} cannot follow ${formatHex(last)}`)
    }
    this.#entries.push(entry)
    this.#bytes += entry.txn.length
  }

  /** Index of the first entry after `zxid`; `length` if there is none. */
  indexAfter(zxid: Zxid): number {
    let low = this.#start
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.zxid > zxid) high = middle
      else low = middle + 1
    }
    return low - this.#start
  }

  /** Whether the log is known to hold `zxid`: as an entry, or as the one before the window. */
  holds(zxid: Zxid): boolean {
    if (zxid === this.#base) return true
    const index = this.indexAfter(zxid)
    return index > 0 && this.at(index - 1).zxid === zxid
  }

  /** Zxid of the last log position at or before `zxid`, which must not be before the window. */
  floor(zxid: Zxid): Zxid {
    const index = this.indexAfter(zxid)
    return index === 0 ? this.#base : this.at(index - 1).zxid
  }

  /** Forgets everything after `zxid`, which the log must hold. */
  truncate(zxid: Zxid): void {
    assert(this.holds(zxid), `truncation to ${formatHex(zxid)}, which is not in the history`)
    const keep = this.#start + this.indexAfter(zxid)
    for (let i = keep; i < this.#entries.length; i += 1) this.#bytes -= this.#entries[i]!.txn.length
    this.#entries.length = keep
  }

  /** Starts over after a snapshot. */
  reset(base: Zxid): void {
    this.#base = base
    this.#entries = []
    this.#start = 0
    this.#bytes = 0
  }

  /** Drops the oldest entries up to `limit` inclusive until the window is small enough. */
  trim(limit: Zxid, maxEntries: number, maxBytes: number): void {
    while (this.length > 0 && (this.length > maxEntries || this.#bytes > maxBytes)) {
      const first = this.#entries[this.#start]!
      if (first.zxid > limit) break
      this.#base = first.zxid
      this.#bytes -= first.txn.length
      this.#start += 1
    }
    if (this.#start >= 1024 && this.#start * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#start)
      this.#start = 0
    }
  }
}
