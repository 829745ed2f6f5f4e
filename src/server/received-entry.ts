import { formatHex, type Zxid } from '../base/index.ts'
import { DecodeError, decodeTxnEntry, type TxnEntry } from '../wire/index.ts'
import type { Entry } from '../zab/index.ts'

/** What a leader has sent, decoded; or why it cannot be read. */
export function decodeReceived({ zxid, txn }: Entry): TxnEntry | string {
  try {
    const decoded = decodeTxnEntry(txn, 0, txn.length)
    if (decoded.header.zxid === zxid) return decoded
    return `it is ${formatHex(decoded.header.zxid)} in a packet that says ${formatHex(zxid)}`
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return error.message
  }
}

/** Entries received from a leader, by their bytes, until the core hands them to the disk or drops them. */
export class ReceivedEntries {
  readonly #entries: Map<Uint8Array, TxnEntry> = new Map()

  add({ txn }: Entry, entry: TxnEntry): void {
    this.#entries.set(txn, entry)
  }

  /** Undefined for one of this server's own making. */
  take({ txn }: Entry): TxnEntry | undefined {
    const entry = this.#entries.get(txn)
    if (entry !== undefined) this.#entries.delete(txn)
    return entry
  }

  /**
   * Those behind a snapshot of `zxid`, with which they become durable. What came before them, and the core has passed
   * over as the snapshot holds it already, is forgotten.
   */
  takeBehind(zxid: Zxid, staged: readonly Entry[]): readonly TxnEntry[] {
    const taken = staged.map((entry) => this.take(entry)!)
    for (const [txn, { header }] of this.#entries) {
      if (header.zxid <= zxid) this.#entries.delete(txn)
    }
    return taken
  }

  /** The role has ended: the rest was dropped with it. */
  clear(): void {
    this.#entries.clear()
  }
}
