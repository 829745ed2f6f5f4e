import type { Zxid } from '../base/index.ts'
import type { LogFolder } from '../env/index.ts'
import { segmentName } from './format.ts'
import { describeIoError } from './io-errors.ts'
import type { LogIndex, SegmentInfo } from './log-index.ts'
import type { StorageError } from './storage-error.ts'

interface Purge {
  readonly canDrop: (next: SegmentInfo) => boolean
  readonly done: () => void
}

/** Deletes old segments, oldest first and one at a time: a hole in the log would be damage. */
export class LogPurger {
  readonly #folder: LogFolder
  readonly #index: LogIndex
  readonly #onPurge: (base: Zxid) => void
  readonly #onFatal: (error: StorageError) => void
  readonly #purges: Purge[] = []
  #isHalted = false

  /** `onPurge` is told where the log will begin, before each deletion. */
  constructor(
    folder: LogFolder,
    index: LogIndex,
    onPurge: (base: Zxid) => void,
    onFatal: (error: StorageError) => void,
  ) {
    this.#folder = folder
    this.#index = index
    this.#onPurge = onPurge
    this.#onFatal = onFatal
  }

  /**
   * Deletes segments whose entries were replaced by a snapshot, then for as long as `canDrop` says so of the one that
   * becomes the oldest.
   */
  purge(canDrop: (next: SegmentInfo) => boolean, done: () => void): void {
    this.#purges.push({ canDrop, done })
    if (this.#purges.length === 1) this.#next()
  }

  /** Deletes nothing more. For use after a failure. */
  halt(): void {
    this.#isHalted = true
  }

  #next(): void {
    const purge = this.#purges[0]
    if (purge === undefined) return
    const oldest = this.#isHalted ? null : this.#index.droppable(purge.canDrop)
    if (oldest === null) {
      this.#purges.shift()
      purge.done()
      this.#next()
      return
    }
    this.#onPurge(this.#index.nextBase)
    this.#index.dropOldest()
    this.#folder.remove(segmentName(oldest.number), (error) => {
      if (error === null || error.code === 'ENOENT') {
        this.#next()
        return
      }
      const what = 'An old log segment cannot be deleted'
      this.#onFatal(describeIoError(what, this.#folder.path, error))
    })
  }
}
