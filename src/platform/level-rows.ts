import { join } from 'node:path'
import type { ClassicLevel, Iterator } from 'classic-level'
import { assert } from '../base/index.ts'
import type { Done, DoneVoid, IoError, Row, RowBatch, RowRange, Rows } from '../env/index.ts'
import { syncFolder } from './durable-fs.ts'
import { toIoError } from './errors.ts'
import { levelError } from './level-errors.ts'
import { readRedoFile, removeRedoFile, writeRedoFile } from './redo-file.ts'
import { RowSlab, SlabPool } from './row-slab.ts'
import { SerialQueue } from './serial-queue.ts'

export type Store = ClassicLevel<Uint8Array, Uint8Array>
type StoreBatch = ReturnType<Store['batch']>
type StoreIterator = Iterator<Store, Uint8Array, Uint8Array>

/** Lies in the store's folder while a big batch is being written (redo-file.ts). */
const REDO_FILE = 'pending-batch'

/** A chunk of a scan ends here even when it has few rows. */
const CHUNK_BYTES_MAX = 256 * 1024

/**
 * A LevelDB batch grows by copying itself to twice the room on the main thread: measured 15 ms at 8 MiB, 30 ms
 * at 16, 100 ms at 32, 200 to 900 ms at 128. So bigger batches are written in parts.
 */
const PART_BYTES_MAX = 4 * 1024 * 1024

/** After a part nothing is written for this many times as long as the part took: others need the disk and a processor. */
const PAUSE_PER_PART = 2

/** The longest such pause. */
const PAUSE_MS_MAX = 200

/** Changes given to LevelDB in one turn of the event loop; about 0.25 ms. */
const ROWS_PER_TURN = 256

export function redoFileOf(folder: string): string {
  return join(folder, REDO_FILE)
}

/**
 * Rows in an open LevelDB store. Writes and chunk reads go one at a time, so LevelDB never holds more than one
 * thread of libuv's pool.
 */
export class LevelRows implements Rows {
  readonly #folder: string
  readonly #store: Store
  readonly #queue = new SerialQueue()
  readonly #pool = new SlabPool()
  #failure: IoError | null = null

  constructor(folder: string, store: Store) {
    this.#folder = folder
    this.#store = store
  }

  /** Completes the batch that was being written when the process ended. To be called before anything else. */
  recover(done: DoneVoid): void {
    const path = redoFileOf(this.#folder)
    const end = (error: Error | null): void => {
      done(error === null ? null : toIoError(error, this.#action('recover')))
    }
    readRedoFile(path, (readError, slabs) => {
      if (readError !== null) end(readError)
      else if (slabs === null) removeRedoFile(path, end)
      else this.#applyParts(slabs, done)
    })
  }

  newBatch(): RowBatch {
    return new LevelBatch(this.#pool, (slabs, done) => this.#write(slabs, done))
  }

  scan(
    range: RowRange,
    rowsPerChunk: number,
    onChunk: (rows: readonly Row[]) => void,
    done: DoneVoid,
  ): void {
    assert(rowsPerChunk > 0, `a chunk of ${rowsPerChunk} rows`)
    const iterator = this.#store.iterator<Uint8Array, Uint8Array>({
      gte: range.from,
      lt: range.to,
      highWaterMarkBytes: CHUNK_BYTES_MAX,
      fillCache: false,
    })
    const end = (error: IoError | null): void => {
      iterator.close().then(
        () => done(error),
        (closeError: unknown) => done(error ?? levelError(closeError, this.#action('read'))),
      )
    }
    const nextChunk = (): void => {
      this.#readChunk(iterator, rowsPerChunk, (error, rows) => {
        if (rows === null || rows.length === 0) {
          end(error)
          return
        }
        // The pool reads on while the caller works: a quarter less for a long scan.
        nextChunk()
        onChunk(rows)
      })
    }
    nextChunk()
  }

  close(done: DoneVoid): void {
    this.#queue.push((finish) => {
      const end = (error: IoError | null): void => {
        finish()
        done(error)
      }
      this.#store.close().then(
        () => end(null),
        (error: unknown) => end(levelError(error, this.#action('close'))),
      )
    })
  }

  #readChunk(iterator: StoreIterator, size: number, done: Done<readonly Row[]>): void {
    this.#queue.push((finish) => {
      iterator.nextv(size).then(
        (entries) => {
          finish()
          done(
            null,
            entries.map(([key, value]) => ({ key, value })),
          )
        },
        (error: unknown) => {
          finish()
          done(levelError(error, this.#action('read')), null)
        },
      )
    })
  }

  /**
   * After a failed write LevelDB may accept later ones and lose them at the next start (a full disk,
   * google/leveldb pull request 578), so the first failure is also the answer to every later write.
   */
  #write(slabs: readonly RowSlab[], done: DoneVoid): void {
    this.#queue.push((finish) => {
      const end = (error: IoError | null): void => {
        this.#failure ??= error
        this.#pool.give(slabs)
        finish()
        done(error)
      }
      if (this.#failure !== null) {
        const failure = this.#failure
        setImmediate(() => end(failure))
      } else if (sizeOf(slabs) <= PART_BYTES_MAX) {
        this.#writePart(slabs, end)
      } else {
        this.#writeParts(slabs, end)
      }
    })
  }

  #writeParts(slabs: readonly RowSlab[], done: DoneVoid): void {
    const path = redoFileOf(this.#folder)
    writeRedoFile(path, slabs, (error) => {
      if (error === null) this.#applyParts(slabs, done)
      else removeRedoFile(path, () => done(toIoError(error, this.#action('write'))))
    })
  }

  /** The redo file with these slabs is complete; it goes when all of them are in the store. */
  #applyParts(slabs: readonly RowSlab[], done: DoneVoid): void {
    let next = 0
    const applyNext = (error: IoError | null): void => {
      if (error !== null) {
        done(error)
        return
      }
      if (next === slabs.length) {
        removeRedoFile(redoFileOf(this.#folder), (removeError) => {
          done(removeError === null ? null : toIoError(removeError, this.#action('write')))
        })
        return
      }
      const part: RowSlab[] = []
      do {
        part.push(slabs[next]!)
        next += 1
      } while (next < slabs.length && sizeOf(part) + slabs[next]!.length <= PART_BYTES_MAX)
      const startMs = performance.now()
      this.#writePart(part, (partError) => {
        const pauseMs = Math.min(PAUSE_MS_MAX, (performance.now() - startMs) * PAUSE_PER_PART)
        setTimeout(() => applyNext(partError), pauseMs)
      })
    }
    applyNext(null)
  }

  #writePart(slabs: readonly RowSlab[], done: DoneVoid): void {
    const batch = this.#store.batch()
    fill(batch, slabs, () => {
      batch.write({ sync: true }).then(
        () => this.#syncNames(done),
        (error: unknown) => done(levelError(error, this.#action('write'))),
      )
    })
  }

  /** LevelDB starts new log files without making their names durable. */
  #syncNames(done: DoneVoid): void {
    syncFolder(this.#folder, (error) => {
      done(error === null ? null : toIoError(error, this.#action('write')))
    })
  }

  #action(verb: string): string {
    return `cannot ${verb} the store ${this.#folder}`
  }
}

/** Gives all changes to a LevelDB batch, a few in each turn. */
function fill(batch: StoreBatch, slabs: readonly RowSlab[], next: () => void): void {
  const sink = {
    put: (key: Uint8Array, value: Uint8Array) => void batch.put(key, value),
    delete: (key: Uint8Array) => void batch.del(key),
  }
  const fillFrom = (index: number, offset: number): void => {
    const slab = slabs[index]
    if (slab === undefined) {
      next()
      return
    }
    const end = slab.replay(offset, ROWS_PER_TURN, sink)
    setImmediate(() => (end < slab.length ? fillFrom(index, end) : fillFrom(index + 1, 0)))
  }
  fillFrom(0, 0)
}

function sizeOf(slabs: readonly RowSlab[]): number {
  return slabs.reduce((sum, slab) => sum + slab.length, 0)
}

/** Gathers changes in memory; LevelDB sees them when the batch is written. */
class LevelBatch implements RowBatch {
  readonly #pool: SlabPool
  readonly #writeTo: (slabs: readonly RowSlab[], done: DoneVoid) => void
  readonly #slabs: RowSlab[] = []
  #last: RowSlab | null = null
  #length = 0
  #isUsed = false

  constructor(pool: SlabPool, writeTo: (slabs: readonly RowSlab[], done: DoneVoid) => void) {
    this.#pool = pool
    this.#writeTo = writeTo
  }

  get length(): number {
    return this.#length
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#add(key, value)
  }

  delete(key: Uint8Array): void {
    this.#add(key, null)
  }

  write(done: DoneVoid): void {
    this.#use()
    this.#writeTo(this.#slabs, done)
  }

  discard(): void {
    this.#use()
  }

  #add(key: Uint8Array, value: Uint8Array | null): void {
    assert(!this.#isUsed, 'a batch is written or discarded once')
    assert(key.length > 0, 'a row has a key')
    this.#length += 1
    if (this.#last?.add(key, value)) return
    const slab = RowSlab.after(this.#last, key.length, value?.length ?? 0, this.#pool)
    slab.add(key, value)
    this.#slabs.push(slab)
    this.#last = slab
  }

  #use(): void {
    assert(!this.#isUsed, 'a batch is written or discarded once')
    this.#isUsed = true
    this.#last = null
  }
}
