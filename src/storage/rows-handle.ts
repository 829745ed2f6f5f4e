import { assert, type Zxid } from '../base/index.ts'
import type { DoneVoid, Rows, RowsPort } from '../env/index.ts'

/**
 * The rows in use. LevelDB is known to lose later batches after a failed one (google/leveldb 577), so a handle is given
 * up after the first failure, and the store opened anew for whoever comes next.
 */
export class RowsHandle {
  readonly path: string
  /** Zxid of the state they hold; null when they hold none yet. */
  zxid: Zxid | null
  /** Of that state, or of the one that is to come. */
  generation: number
  /** There are no rows of other generations. */
  isSwept: boolean
  readonly #port: RowsPort
  #rows: Rows | null

  constructor(port: RowsPort, path: string, rows: Rows, zxid: Zxid | null, generation: number) {
    this.#port = port
    this.path = path
    this.#rows = rows
    this.zxid = zxid
    this.generation = generation
    // A store without a state was made just now.
    this.isSwept = zxid === null
  }

  get isOpen(): boolean {
    return this.#rows !== null
  }

  get rows(): Rows {
    assert(this.#rows !== null, 'the rows are open')
    return this.#rows
  }

  /** Opens the store again. One that holds no state is made anew, as a part of one may be in it. */
  reopen(done: DoneVoid): void {
    assert(this.#rows === null, 'the rows are opened once')
    const open = (createIfMissing: boolean): void =>
      this.#port.open(this.path, { createIfMissing }, (error, rows) => {
        this.#rows = rows
        done(error)
      })
    if (this.zxid !== null) {
      open(false)
      return
    }
    this.#port.destroy(this.path, (error) => {
      if (error !== null) done(error)
      else open(true)
    })
  }

  /** After a failed write. */
  giveUp(done: () => void): void {
    const rows = this.#rows
    this.#rows = null
    if (rows === null) done()
    else rows.close(() => done())
  }

  close(done: DoneVoid): void {
    const rows = this.#rows
    this.#rows = null
    if (rows === null) done(null)
    else rows.close(done)
  }
}
