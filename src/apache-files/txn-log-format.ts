import type { Zxid } from '../base/index.ts'
import { Adler32, type OutputBuffer } from '../wire/index.ts'

/*
 * A file `log.<zxid>`: "ZKLG", int 2, long 0, then records; zeros or the end of the file follow the last one.
 * A record: long Adler-32 of the payload, int length of the payload, payload, byte 'B'.
 * The payload is a transaction entry (wire/txns.ts).
 */

export const LOG_HEAD_BYTES = 16
export const RECORD_HEAD_BYTES = 12
/** The head, and the `B` behind the payload. */
export const RECORD_FRAME_BYTES: number = RECORD_HEAD_BYTES + 1
/** long clientId, int cxid, long zxid, long time, int type: every payload has them. */
export const PAYLOAD_BYTES_MIN = 32
export const RECORD_END = 0x42

const LOG_MAGIC = 0x5a4b_4c47
const LOG_VERSION = 2

export function writeLogHead(out: OutputBuffer): void {
  out.int32(LOG_MAGIC)
  out.int32(LOG_VERSION)
  out.int64(0n)
}

export function writeLogRecord(out: OutputBuffer, txn: Uint8Array): void {
  out.int64Number(adler32(txn, 0, txn.length))
  out.int32(txn.length)
  out.append(txn, 0, txn.length)
  out.int8(RECORD_END)
}

/** What speaks against the first bytes of a log file, or null. The id of the database is never checked upstream. */
export function logHeadFault(bytes: Uint8Array): string | null {
  if (bytes.length < LOG_HEAD_BYTES) return `it has ${bytes.length} bytes`
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getInt32(0) !== LOG_MAGIC) return 'it does not begin with ZKLG'
  const version = view.getInt32(4)
  return version === LOG_VERSION ? null : `its version is ${version}, not ${LOG_VERSION}`
}

/** Whether `zxid` can be the transaction right after `last`: the next one, or the first of a later epoch. */
export function follows(last: Zxid, zxid: Zxid): boolean {
  if (zxid === last + 1n) return true
  return zxid >> 32n > last >> 32n && (zxid & 0xffff_ffffn) === 1n
}

export function adler32(bytes: Uint8Array, start: number, end: number): number {
  const adler = new Adler32()
  adler.update(bytes, start, end)
  return adler.value
}
