import type { Done, DoneVoid } from './io-error.ts'

/** Opens an ordered key-value store: a rebuildable checkpoint, never an authority. */
export interface RowsPort {
  /** Code `ENOENT` when it is missing and `createIfMissing` is false, `ECORRUPT` when it cannot be read. */
  open(path: string, options: { readonly createIfMissing: boolean }, done: Done<Rows>): void
  /** Deletes the whole store. */
  destroy(path: string, done: DoneVoid): void
}

export interface Row {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Keys in `from <= key < to`, compared as unsigned bytes. */
export interface RowRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

export interface Rows {
  /** A batch is gathered piece by piece and written at once. */
  newBatch(): RowBatch
  /**
   * Walks a range in key order, up to `rowsPerChunk` rows at a time; the rows are valid during the call only.
   * One further chunk may be fetched while `onChunk` runs.
   */
  scan(
    range: RowRange,
    rowsPerChunk: number,
    onChunk: (rows: readonly Row[]) => void,
    done: DoneVoid,
  ): void
  close(done: DoneVoid): void
}

export interface RowBatch {
  readonly length: number
  /** The bytes may be reused after the call. */
  put(key: Uint8Array, value: Uint8Array): void
  delete(key: Uint8Array): void
  /** Atomic, and durable when done. The batch cannot be used again. */
  write(done: DoneVoid): void
  /** Drops the batch without writing. */
  discard(): void
}
