import { counterOf, Fifo, type Zxid } from '../base/index.ts'
import type { Entry } from '../zab/index.ts'

/** For the objects around a transaction's bytes. */
const ENTRY_OVERHEAD_BYTES = 64

/** In the place of an entry that is not kept any more. */
const DROPPED: Entry = { zxid: -1n as Zxid, txn: new Uint8Array(0) }

/** The last of what was committed, as it is in the log, and what is logged behind that. */
export class CommittedWindow {
  readonly #bytesMax: number
  /** Logged, not committed. */
  readonly #logged: Fifo<Entry> = new Fifo()
  /** Committed after {@link #base}, oldest first, without gaps. */
  #entries: Entry[] = []
  /** Entries at the front that are dropped already. */
  #dropped = 0
  #bytes = 0
  #base: Zxid

  constructor(committed: Zxid, bytesMax: number) {
    this.#base = committed
    this.#bytesMax = bytesMax
  }

  onLogged(entry: Entry): void {
    this.#logged.push(entry)
  }

  /** The log was cut off behind `zxid`: nothing that is committed. */
  onTruncated(zxid: Zxid): void {
    for (let last = this.#logged.last(); last !== null; last = this.#logged.last()) {
      if (last.zxid <= zxid) return
      this.#logged.pop()
    }
  }

  onCommitted(zxid: Zxid): void {
    for (let next = this.#logged.peek(); next !== null; next = this.#logged.peek()) {
      if (next.zxid > zxid) break
      this.#logged.shift()
      this.#entries.push(next)
      this.#bytes += next.txn.length + ENTRY_OVERHEAD_BYTES
    }
  }

  /** Keeps no more than it may. */
  trim(): void {
    while (this.#bytes > this.#bytesMax && this.#dropped < this.#entries.length) this.#drop()
    if (this.#dropped > 1024 && this.#dropped * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#dropped)
      this.#dropped = 0
    }
  }

  #drop(): void {
    const { zxid, txn } = this.#entries[this.#dropped]!
    this.#base = zxid
    this.#bytes -= txn.length + ENTRY_OVERHEAD_BYTES
    this.#entries[this.#dropped] = DROPPED
    this.#dropped += 1
  }

  /** A state after `zxid` replaces everything. */
  reset(zxid: Zxid): void {
    this.#logged.clear()
    this.#entries = []
    this.#dropped = 0
    this.#bytes = 0
    this.#base = zxid
  }

  /** Whether everything after `zxid` is here, and `zxid` itself is a position of this log. */
  holds(zxid: Zxid): boolean {
    if (zxid === this.#base) return true
    if (zxid < this.#base) return false
    // epoch:0 is in no log, and stands for everything before that epoch.
    if (counterOf(zxid) === 0) return true
    return this.#entries[this.#indexAfter(zxid) - 1]?.zxid === zxid
  }

  /** What was committed after a position that it {@link holds}. */
  after(zxid: Zxid): readonly Entry[] {
    return this.#entries.slice(this.#indexAfter(zxid))
  }

  /** Index of the first kept entry after `zxid`. */
  #indexAfter(zxid: Zxid): number {
    let low = this.#dropped
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.zxid <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }
}
