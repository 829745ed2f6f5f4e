import type { IoError, LogFile, LogFolder, TimerHandle } from '../env/index.ts'
import { alignToSector, preparedName, RESERVE_NAME, SECTOR_BYTES } from './format.ts'
import { describeIoError, isDiskFull } from './io-errors.ts'
import type { StorageOptions } from './options.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import type { StorageError } from './storage-error.ts'

/** A file of zeros that becomes the next segment. */
export interface PreparedSegment {
  readonly file: LogFile
  readonly number: number
  readonly bytes: number
}

export interface SupplyHandlers {
  /** The disk has become full, or is no longer. */
  onFullChange(isFull: boolean): void
  /** The log needs a segment and the disk has no room for even a small one. It is looked at again and again. */
  onStalled(): void
  onFatal(error: StorageError): void
}

/** Free space is looked at after this many logged bytes. */
const CHECK_EVERY_BYTES = 16 * 1024 * 1024

/** The next segment is prepared when less than this part of one is left: a server with little to log needs no second. */
const PREPARE_BELOW = 0.75

/**
 * Keeps the next segment ready, so that the log never waits for one to be filled with zeros, and watches the free
 * space: while it is short, writes are refused (`isFull`), and a reserve file is given up so that the log can end
 * what it has begun, a checkpoint can be written and old segments can be purged. When space is back, the reserve
 * comes first, then the next segment, then writes.
 */
export class SegmentSupply {
  readonly #env: StorageEnvironment
  readonly #folder: LogFolder
  readonly #options: StorageOptions
  readonly #handlers: SupplyHandlers
  #ready: PreparedSegment | null = null
  #wantsNext = false
  /** A create, remove or look at the free space is under way. */
  #isBusy = false
  #waiter: { bytesMin: number; done: (segment: PreparedSegment) => void } | null = null
  #nextNumber: number
  #hasReserve: boolean
  #isFull = false
  #retryTimer: TimerHandle | null = null
  #bytesUnchecked = 0
  #onIdle: (() => void) | null = null
  #isClosed = false

  constructor(
    env: StorageEnvironment,
    folder: LogFolder,
    options: StorageOptions,
    nextNumber: number,
    hasReserve: boolean,
    handlers: SupplyHandlers,
  ) {
    this.#env = env
    this.#folder = folder
    this.#options = options
    this.#handlers = handlers
    this.#nextNumber = nextNumber
    this.#hasReserve = hasReserve
  }

  /** Writes should be refused: there is no room for many more. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Brings reserve, free space and next segment up to date in the background. */
  refill(): void {
    if (this.#isBusy || this.#isClosed) return
    this.#isBusy = true
    this.#folder.freeBytes((error, free) => {
      this.#bytesUnchecked = 0
      if (error !== null) return this.#fail('The free space cannot be read', error)
      this.#refillWith(free!)
    })
  }

  /** Hands over the next segment as soon as there is one of at least `bytesMin`. One call at a time. */
  take(bytesMin: number, done: (segment: PreparedSegment) => void): void {
    this.#waiter = { bytesMin, done }
    this.#wantsNext = true
    if (this.#isFull && this.#ready === null) this.refill()
    else this.#serve()
  }

  /** `bytes` were logged, and the segment in use has room for `leftBytes` more. */
  noteWritten(bytes: number, leftBytes: number): void {
    this.#bytesUnchecked += bytes
    const isNextNear = !this.#wantsNext && leftBytes < this.#options.segmentBytes * PREPARE_BELOW
    if (isNextNear) this.#wantsNext = true
    if (isNextNear || this.#bytesUnchecked >= CHECK_EVERY_BYTES) this.refill()
  }

  /** Deletes the reserve, so that what must be written on a full disk can be. */
  releaseReserve(done: () => void): void {
    if (!this.#hasReserve || this.#isClosed) {
      done()
      return
    }
    this.#hasReserve = false
    this.#folder.remove(RESERVE_NAME, (error) => {
      if (error !== null && error.code !== 'ENOENT') {
        return this.#fail('The reserve file cannot be deleted', error)
      }
      this.#env.logger.warn('gave up the reserve file because the disk is full', {
        bytes: this.#options.reserveBytes,
      })
      done()
    })
  }

  /** Starts nothing more. For use after a failed write. */
  halt(): void {
    this.#isClosed = true
    this.#retryTimer?.cancel()
  }

  /** Closes the prepared segment, which stays for nobody: a start deletes it. */
  close(done: () => void): void {
    this.halt()
    const closeReady = (): void => {
      const ready = this.#ready
      this.#ready = null
      if (ready === null) {
        done()
        return
      }
      ready.file.close(() => done())
    }
    if (this.#isBusy) this.#onIdle = closeReady
    else closeReady()
  }

  #refillWith(free: number): void {
    const { reserveBytes, segmentBytes, freeBytesMin } = this.#options
    const wantsReserve = reserveBytes > 0 && !this.#hasReserve
    const wantsSegment = this.#wantsNext && this.#ready === null
    const need =
      freeBytesMin + (wantsReserve ? reserveBytes : 0) + (wantsSegment ? segmentBytes : 0)
    if (free < need) this.#becomeFull()
    else if (wantsReserve) this.#createReserve()
    else if (wantsSegment) this.#create(segmentBytes)
    else this.#becomeIdle(false)
  }

  #createReserve(): void {
    this.#folder.create(RESERVE_NAME, this.#options.reserveBytes, (error, file) => {
      if (error !== null) {
        if (isDiskFull(error)) return this.#becomeFull()
        return this.#fail('The reserve file cannot be created', error)
      }
      this.#hasReserve = true
      file!.close(() => this.#again())
    })
  }

  #create(bytes: number): void {
    const number = this.#nextNumber
    this.#folder.create(preparedName(number), bytes, (error, file) => {
      if (error !== null) {
        if (isDiskFull(error)) return this.#becomeFull()
        return this.#fail('The next log segment cannot be created', error)
      }
      this.#ready = { file: file!, number, bytes }
      if (this.#waiter === null) return this.#again()
      this.#isBusy = false
      this.#serve()
      // Nothing else would look again whether there is room: (1) the log waits for a segment on a full disk; (2) there is
      // room again, and it gets one; (3) writes are refused still, so no write asks for the next one.
      if (this.#isFull) this.refill()
    })
  }

  #again(): void {
    this.#isBusy = false
    if (this.#isClosed) this.#becomeIdle(this.#isFull)
    else this.refill()
  }

  /** No room for another full segment. Whoever waits gets a small one out of the reserve, if that is possible. */
  #becomeFull(): void {
    const waiter = this.#waiter
    if (waiter === null || this.#ready !== null || this.#isClosed) {
      this.#becomeIdle(true)
      return
    }
    this.releaseReserve(() => {
      const bytes = Math.max(waiter.bytesMin, alignToSector(this.#options.reserveBytes / 4))
      const small = Math.min(bytes, Math.max(waiter.bytesMin, this.#options.segmentBytes))
      const number = this.#nextNumber
      this.#folder.create(preparedName(number), small, (error, file) => {
        if (error !== null) {
          if (isDiskFull(error)) return this.#becomeIdle(true)
          return this.#fail('The next log segment cannot be created', error)
        }
        this.#ready = { file: file!, number, bytes: small }
        this.#becomeIdle(true)
      })
    })
  }

  #becomeIdle(isFull: boolean): void {
    this.#isBusy = false
    const onIdle = this.#onIdle
    if (onIdle !== null) {
      this.#onIdle = null
      onIdle()
      return
    }
    if (this.#isClosed) return
    if (isFull) this.#scheduleRetry()
    const changed = isFull !== this.#isFull
    this.#isFull = isFull
    if (changed) this.#handlers.onFullChange(isFull)
    if (this.#ready !== null || !this.#wantsNext) this.#serve()
    else if (!isFull) this.refill()
    else if (this.#waiter !== null) this.#handlers.onStalled()
  }

  #scheduleRetry(): void {
    this.#retryTimer?.cancel()
    const deadline = this.#env.clock.monotonicMs() + this.#options.fullRetryMs
    this.#retryTimer = this.#env.timers.at(deadline, () => {
      this.#retryTimer = null
      this.refill()
    })
  }

  #serve(): void {
    const waiter = this.#waiter
    if (waiter === null || this.#isBusy || this.#isClosed) return
    const ready = this.#ready
    if (ready === null) {
      this.#isBusy = true
      this.#create(alignToSector(Math.max(this.#options.segmentBytes, waiter.bytesMin)))
      return
    }
    this.#ready = null
    if (ready.bytes >= waiter.bytesMin) {
      this.#waiter = null
      this.#wantsNext = false
      this.#nextNumber = ready.number + 1
      waiter.done(ready)
      return
    }
    this.#discard(ready)
  }

  /** A prepared segment that is too small for the entry that waits. */
  #discard(ready: PreparedSegment): void {
    this.#isBusy = true
    ready.file.close(() => {
      this.#folder.remove(preparedName(ready.number), (error) => {
        if (error !== null) return this.#fail('A prepared log segment cannot be deleted', error)
        this.#isBusy = false
        this.#serve()
      })
    })
  }

  #fail(what: string, error: IoError): void {
    this.#isBusy = false
    if (!this.#isClosed) this.#handlers.onFatal(describeIoError(what, this.#folder.path, error))
    this.#onIdle?.()
    this.#onIdle = null
  }
}

/** Smallest segment that holds a group of `groupBytes` and the markers behind it. */
export function segmentBytesFor(groupBytes: number, markerSectors: number): number {
  return SECTOR_BYTES + alignToSector(groupBytes) + markerSectors * SECTOR_BYTES
}
