import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Iterator } from 'classic-level'
import { ClassicLevel } from 'classic-level'
import { assert } from '../base/index.ts'
import type { Done, DoneVoid, Row, RowBatch, RowRange, Rows, RowsPort } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { createFolder, syncFolder } from './durable-fs.ts'
import { toIoError } from './errors.ts'
import { levelError } from './level-errors.ts'
import { SerialQueue } from './serial-queue.ts'

type Store = ClassicLevel<Uint8Array, Uint8Array>
type StoreBatch = ReturnType<Store['batch']>
type StoreIterator = Iterator<Store, Uint8Array, Uint8Array>

/** A chunk of a scan ends here even when it has few rows. */
const CHUNK_BYTES_MAX = 256 * 1024

/** Files that only a store in use has. */
const STORE_FILE = /^(MANIFEST-\d+|\d+\.(ldb|sst|log))$/

/** Ordered rows in LevelDB stores (classic-level). */
export const levelRows: RowsPort = {
  open: (path, options, done) => {
    const folder = resolve(path)
    checkStore(folder, (error, isPresent) => {
      if (error !== null) done(error, null)
      else if (isPresent) openStore(folder, false, done)
      else if (options.createIfMissing) createStore(folder, done)
      else done(new IoError('ENOENT', `there is no store in ${folder}`), null)
    })
  },

  destroy: (path, done) => {
    const folder = resolve(path)
    const action = `cannot delete the store ${folder}`
    ClassicLevel.destroy(folder).then(
      () => {
        syncFolder(dirname(folder), (error) => {
          const isGone = error === null || error.code === 'ENOENT'
          done(isGone ? null : toIoError(error, action))
        })
      },
      (error: unknown) => done(levelError(error, action)),
    )
  },
}

/**
 * Says whether the folder has a store. LevelDB takes a folder without CURRENT for an empty one and deletes
 * every table in it, so that case is refused here.
 */
function checkStore(folder: string, done: Done<boolean>): void {
  fs.readdir(folder, (error, names) => {
    if (error !== null) {
      if (error.code === 'ENOENT') done(null, false)
      else done(toIoError(error, `cannot open the store ${folder}`), null)
    } else if (names.includes('CURRENT')) {
      done(null, true)
    } else if (names.some((name) => STORE_FILE.test(name))) {
      const reason = 'the file CURRENT is missing although there are tables'
      done(new IoError('ECORRUPT', `cannot open the store ${folder}: ${reason}`), null)
    } else {
      done(null, false)
    }
  })
}

function createStore(folder: string, done: Done<Rows>): void {
  createFolder(folder, (error) => {
    if (error === null) openStore(folder, true, done)
    else done(toIoError(error, `cannot create the store ${folder}`), null)
  })
}

function openStore(folder: string, createIfMissing: boolean, done: Done<Rows>): void {
  const store: Store = new ClassicLevel(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing,
    // Damage in a compressed block can abort the process inside LevelDB; in a plain one it is an error or
    // a wrong value, which the row's own checksum finds.
    compression: false,
  })
  store.open().then(
    () => {
      syncFolder(folder, (error) => {
        if (error === null) done(null, new LevelRows(folder, store))
        else store.close().then(() => done(toIoError(error, `cannot sync ${folder}`), null))
      })
    },
    (error: unknown) => done(levelError(error, `cannot open the store ${folder}`), null),
  )
}

/** Writes and chunk reads go one at a time, so LevelDB never holds more than one thread of libuv's pool. */
class LevelRows implements Rows {
  readonly #folder: string
  readonly #store: Store
  readonly #queue = new SerialQueue()
  #failure: IoError | null = null

  constructor(folder: string, store: Store) {
    this.#folder = folder
    this.#store = store
  }

  newBatch(): RowBatch {
    return new LevelBatch(this.#store.batch(), (batch, done) => this.#write(batch, done))
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
        onChunk(rows)
        nextChunk()
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
  #write(batch: StoreBatch, done: DoneVoid): void {
    this.#queue.push((finish) => {
      const end = (error: IoError | null): void => {
        this.#failure ??= error
        finish()
        done(error)
      }
      if (this.#failure !== null) {
        const failure = this.#failure
        batch.close().then(() => end(failure))
        return
      }
      batch.write({ sync: true }).then(
        () => this.#syncNames(end),
        (error: unknown) => end(levelError(error, this.#action('write'))),
      )
    })
  }

  /** LevelDB starts new log files without making their names durable. */
  #syncNames(end: DoneVoid): void {
    syncFolder(this.#folder, (error) => {
      end(error === null ? null : toIoError(error, this.#action('write')))
    })
  }

  #action(verb: string): string {
    return `cannot ${verb} the store ${this.#folder}`
  }
}

class LevelBatch implements RowBatch {
  readonly #batch: StoreBatch
  readonly #writeTo: (batch: StoreBatch, done: DoneVoid) => void

  constructor(batch: StoreBatch, writeTo: (batch: StoreBatch, done: DoneVoid) => void) {
    this.#batch = batch
    this.#writeTo = writeTo
  }

  get length(): number {
    return this.#batch.length
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#batch.put(key, value)
  }

  delete(key: Uint8Array): void {
    this.#batch.del(key)
  }

  write(done: DoneVoid): void {
    this.#writeTo(this.#batch, done)
  }

  discard(): void {
    void this.#batch.close()
  }
}
