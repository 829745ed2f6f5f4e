import { formatHex } from '../base/index.ts'
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
