import type { Zxid } from '../base/index.ts'
import {
  alignToSector,
  countZeroSectors,
  encodeGroupHeader,
  GROUP_HEADER_BYTES,
  GroupKind,
  RECORD_HEADER_BYTES,
  type RecordKind,
  sealRecord,
} from './format.ts'

const START_BYTES = 64 * 1024

/** A control record on its way to the disk. */
export interface PendingControl {
  readonly kind: RecordKind
  readonly payload: Uint8Array
  /** Called when the record is durable. */
  readonly done: () => void
}

/** Records that will be written at once. The buffer is used again for later groups. */
export class Group {
  #bytes = new Uint8Array(START_BYTES)
  #view = new DataView(this.#bytes.buffer)
  /** Used part of the buffer. */
  length: number = GROUP_HEADER_BYTES
  records = 0
  entries = 0
  /** When its first entry was handed over, monotonic; -1 while it has none of the running server. */
  sinceMs = -1
  chainBefore = 0
  chainAfter = 0
  lastZxid: Zxid
  controls: PendingControl[] = []
  /** Called when the group is durable, after everything else; null for none. */
  waiters: (() => void)[] | null = null
  /** What its first record takes back. */
  cut: { readonly zxid: Zxid; readonly isInstall: boolean } | null = null
  /** It must not be written yet, and nothing behind it. */
  isHeld = false

  constructor(lastZxid: Zxid) {
    this.lastZxid = lastZxid
  }

  /** Bytes of buffer it holds on to. */
  get capacity(): number {
    return this.#bytes.length
  }

  get isEmpty(): boolean {
    return this.records === 0
  }

  /** Empties it; the first record will continue `chain`. */
  restart(chain: number, lastZxid: Zxid): void {
    this.length = GROUP_HEADER_BYTES
    this.records = 0
    this.entries = 0
    this.sinceMs = -1
    this.chainBefore = chain
    this.chainAfter = chain
    this.lastZxid = lastZxid
    // Never the same list again: whoever wrote the group may still be going through it.
    this.controls = []
    this.waiters = null
    this.cut = null
    this.isHeld = false
  }

  /** Copies a record in. Its checksum is made here, once. */
  add(kind: RecordKind, zxid: Zxid, payload: Uint8Array, start: number, end: number): void {
    const at = this.length
    const after = at + RECORD_HEADER_BYTES + end - start
    if (after > this.#bytes.length) this.#grow(after)
    this.#bytes.set(payload.subarray(start, end), at + RECORD_HEADER_BYTES)
    this.chainAfter = sealRecord(
      this.#bytes,
      this.#view,
      at,
      kind,
      zxid,
      end - start,
      this.chainAfter,
    )
    this.length = after
    this.records++
  }

  /** The bytes to write, whole sectors. Nothing may be added any more. */
  finish(sequence: number, segment: number, salt: number): Uint8Array {
    const aligned = alignToSector(this.length)
    if (aligned > this.#bytes.length) this.#grow(aligned)
    this.#bytes.fill(0, this.length, aligned)
    this.#bytes.fill(0, 0, GROUP_HEADER_BYTES)
    const header = {
      kind: GroupKind.data,
      sequence,
      length: this.length,
      records: this.records,
      chainBefore: this.chainBefore,
      chainAfter: this.chainAfter,
      zeroSectors: countZeroSectors(this.#bytes, alignToSector(1), aligned),
      segment,
      lastZxid: this.lastZxid,
    }
    encodeGroupHeader(this.#view, header, salt)
    return this.#bytes.subarray(0, aligned)
  }

  #grow(atLeast: number): void {
    let size = this.#bytes.length
    while (size < atLeast) size *= 2
    const bytes = new Uint8Array(size)
    bytes.set(this.#bytes.subarray(0, this.length))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}
