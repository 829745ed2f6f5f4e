import { Fifo } from '../../src/base/index.ts'

/**
 * What is to be read again of a znode, each including the one before: nothing, its data, both data and children with
 * all that is held below it.
 */
export type Extent = 'none' | 'data' | 'all'

const EXTENTS: readonly Extent[] = ['none', 'data', 'all']

/** A znode that has to be read. */
export interface ReadJob {
  readonly path: string
  extent: Extent
  /** Its children are to be listed even if nothing says that they have changed. */
  mustList: boolean
  /** Somebody waits until the whole tree has been gone through. */
  isOfWalk: boolean
}

/**
 * The reads of a cache, in the order in which they became necessary and not more than `readsMax` at a time. A znode
 * waits once, however often it changes meanwhile.
 */
export class ReadQueue {
  readonly #readsMax: number
  readonly #run: (job: ReadJob) => Promise<void>
  #waiting = new Fifo<ReadJob>()
  readonly #byPath = new Map<string, ReadJob>()
  readonly #running = new Set<ReadJob>()
  /** Jobs of the walk that are waiting or running. */
  #walkLeft = 0
  #onWalked: (() => void) | null = null

  /** @param run never rejects */
  constructor(readsMax: number, run: (job: ReadJob) => Promise<void>) {
    this.#readsMax = readsMax
    this.#run = run
  }

  add(path: string, extent: Extent, mustList: boolean, isOfWalk: boolean): void {
    const waiting = this.#byPath.get(path)
    if (waiting === undefined) {
      const job: ReadJob = { path, extent, mustList, isOfWalk }
      if (isOfWalk) this.#walkLeft += 1
      this.#byPath.set(path, job)
      this.#waiting.push(job)
      this.#pump()
      return
    }
    if (EXTENTS.indexOf(extent) > EXTENTS.indexOf(waiting.extent)) waiting.extent = extent
    waiting.mustList ||= mustList
    if (isOfWalk && !waiting.isOfWalk) {
      waiting.isOfWalk = true
      this.#walkLeft += 1
    }
  }

  /** A read of this znode waits or is under way. */
  has(path: string): boolean {
    if (this.#byPath.has(path)) return true
    for (const job of this.#running) if (job.path === path) return true
    return false
  }

  /** What was asked for before the last `reset` counts no longer. */
  isVain(job: ReadJob): boolean {
    return !this.#running.has(job)
  }

  /** Resolves when no job of the walk is left, also because of a `reset`. */
  walked(): Promise<void> {
    return new Promise((resolve) => {
      this.#onWalked = resolve
      this.#tellIfWalked()
    })
  }

  reset(): void {
    this.#waiting = new Fifo()
    this.#byPath.clear()
    this.#running.clear()
    this.#walkLeft = 0
    this.#tellIfWalked()
  }

  #pump(): void {
    while (this.#running.size < this.#readsMax) {
      const job = this.#waiting.shift()
      if (job === null) return
      this.#byPath.delete(job.path)
      this.#running.add(job)
      void this.#run(job).then(() => this.#done(job))
    }
  }

  #done(job: ReadJob): void {
    if (!this.#running.delete(job)) return
    if (job.isOfWalk) {
      this.#walkLeft -= 1
      this.#tellIfWalked()
    }
    this.#pump()
  }

  #tellIfWalked(): void {
    if (this.#walkLeft > 0) return
    this.#onWalked?.()
    this.#onWalked = null
  }
}
