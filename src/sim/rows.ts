import { assert } from '../base/index.ts'
import type { Done, DoneVoid, Row, RowBatch, RowRange, Rows, RowsPort } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { type ByteString, fromByteString, toByteString } from '../wire/index.ts'
import { type DiskContents, RowsStore } from './disk-contents.ts'
import type { OperationRunner } from './disk-operation.ts'

/** The stores of a {@link SimDisk} as one process sees them: a batch is there as a whole or not at all. */
export class SimRows implements RowsPort {
  readonly #disk: DiskContents
  readonly #user: OperationRunner

  constructor(disk: DiskContents, user: OperationRunner) {
    this.#disk = disk
    this.#user = user
  }

  open(path: string, options: { readonly createIfMissing: boolean }, done: Done<Rows>): void {
    const { stores, forbidden } = this.#disk
    this.#user.run({
      kind: 'rowsOpen',
      name: path,
      complete: () => {
        let store = stores.get(path)
        if (forbidden.has(path)) {
          done(new IoError('EACCES', `${path} may not be used`), null)
          return
        }
        if (store === undefined && !options.createIfMissing) {
          done(new IoError('ENOENT', `${path} is missing`), null)
          return
        }
        if (store?.isCorrupt === true) {
          done(new IoError('ECORRUPT', `${path} cannot be read`), null)
          return
        }
        if (store?.isOpen === true) {
          done(new IoError('ELOCKED', `${path} is in use`), null)
          return
        }
        store ??= new RowsStore()
        store.isOpen = true
        stores.set(path, store)
        done(null, new OpenRows(path, store, this.#disk, this.#user))
      },
      crash: (random) => {
        const isNew = options.createIfMissing && !stores.has(path)
        if (isNew && random.oneIn(2)) stores.set(path, new RowsStore())
      },
      fail: (error) => done(error, null),
    })
  }

  destroy(path: string, done: DoneVoid): void {
    const { stores } = this.#disk
    this.#user.run({
      kind: 'rowsDestroy',
      name: path,
      complete: () => {
        stores.delete(path)
        done(null)
      },
      crash: (random) => {
        if (random.oneIn(2)) stores.delete(path)
      },
      fail: done,
    })
  }
}

class OpenRows implements Rows {
  readonly #path: string
  readonly #store: RowsStore
  readonly #disk: DiskContents
  readonly #user: OperationRunner

  constructor(path: string, store: RowsStore, disk: DiskContents, user: OperationRunner) {
    this.#path = path
    this.#store = store
    this.#disk = disk
    this.#user = user
  }

  newBatch(): RowBatch {
    return new SimBatch(this.#path, this.#store, this.#disk, this.#user)
  }

  scan(
    range: RowRange,
    rowsPerChunk: number,
    onChunk: (rows: readonly Row[]) => void,
    done: DoneVoid,
  ): void {
    const from = toByteString(range.from)
    const to = toByteString(range.to)
    const keys = [...this.#store.rows.keys()].filter((key) => key >= from && key < to).sort()
    const next = (start: number): void => {
      this.#user.run({
        kind: 'rowsScan',
        name: this.#path,
        complete: () => {
          const chunk = keys.slice(start, start + rowsPerChunk)
          if (chunk.length === 0) {
            done(null)
            return
          }
          onChunk(
            chunk.map((key) => ({
              key: fromByteString(key),
              value: this.#store.rows.get(key)!.slice(),
            })),
          )
          next(start + rowsPerChunk)
        },
        crash: () => {},
        fail: done,
      })
    }
    next(0)
  }

  close(done: DoneVoid): void {
    this.#user.run({
      kind: 'rowsClose',
      name: this.#path,
      complete: () => {
        this.#store.isOpen = false
        done(null)
      },
      crash: () => {},
      fail: done,
    })
  }
}

class SimBatch implements RowBatch {
  readonly #path: string
  readonly #store: RowsStore
  readonly #disk: DiskContents
  readonly #user: OperationRunner
  readonly #changes: { readonly key: ByteString; readonly value: Uint8Array | null }[] = []
  #isUsed = false

  constructor(path: string, store: RowsStore, disk: DiskContents, user: OperationRunner) {
    this.#path = path
    this.#store = store
    this.#disk = disk
    this.#user = user
  }

  get length(): number {
    return this.#changes.length
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#changes.push({ key: toByteString(key), value: new Uint8Array(value) })
  }

  delete(key: Uint8Array): void {
    this.#changes.push({ key: toByteString(key), value: null })
  }

  write(done: DoneVoid): void {
    assert(!this.#isUsed, 'a batch is written once')
    this.#isUsed = true
    this.#user.run({
      kind: 'rowsWrite',
      name: this.#path,
      complete: () => {
        if (this.#disk.freeBytes < this.#bytes()) {
          done(new IoError('ENOSPC', `no room for the rows of ${this.#path}`))
          return
        }
        this.#apply()
        done(null)
      },
      crash: (random) => {
        if (random.oneIn(2)) this.#apply()
      },
      fail: done,
    })
  }

  discard(): void {
    this.#isUsed = true
  }

  #bytes(): number {
    let bytes = 0
    for (const { key, value } of this.#changes) bytes += key.length + (value?.length ?? 0)
    return bytes
  }

  #apply(): void {
    for (const { key, value } of this.#changes) {
      if (value === null) this.#store.rows.delete(key)
      else this.#store.rows.set(key, value)
    }
  }
}
