import type { Zxid } from '../base/index.ts'
import type { EntrySink } from './log-scan.ts'
import type { LoggedEntry, LoggedTail } from './types.ts'

/** Copies entries out of the log: all after the checkpoint, and the last ones before it. */
export class TailCollector implements EntrySink {
  readonly #checkpoint: Zxid
  readonly #entriesMax: number
  readonly #bytesMax: number
  readonly #entries: LoggedEntry[] = []
  #base: Zxid
  /** Entries up to the checkpoint, and where they begin: what was dropped stays in the list for a while. */
  #start = 0
  #earlier = 0
  #earlierBytes = 0

  /** `base` is the zxid before the first entry that comes. */
  constructor(base: Zxid, checkpoint: Zxid, entriesMax: number, bytesMax: number) {
    this.#base = base
    this.#checkpoint = checkpoint
    this.#entriesMax = entriesMax
    this.#bytesMax = bytesMax
  }

  /** Entries after the checkpoint. */
  get afterCheckpoint(): number {
    return this.#entries.length - this.#start - this.#earlier
  }

  onEntry(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    this.#entries.push({ zxid, txn: new Uint8Array(bytes.subarray(start, end)) })
    if (zxid > this.#checkpoint) return
    this.#earlier++
    this.#earlierBytes += end - start
    while (this.#earlier > this.#entriesMax || this.#earlierBytes > this.#bytesMax) this.#drop()
  }

  result(): LoggedTail {
    return { base: this.#base, entries: this.#entries.slice(this.#start) }
  }

  #drop(): void {
    const { zxid, txn } = this.#entries[this.#start]!
    this.#base = zxid
    this.#start++
    this.#earlier--
    this.#earlierBytes -= txn.length
    if (this.#start < 1024 || this.#start * 2 < this.#entries.length) return
    this.#entries.splice(0, this.#start)
    this.#start = 0
  }
}
